"""Thousands of questions, four at a time: does anything grow?"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np

from tests.soak.line import Line
from tests.soak.workbench import ENGINE, Process

PART = "requests"
CALLERS = 4
READINGS = 50
WARM = 0.4
"""The share of the requests before the slope is measured: caches fill, DuckDB's up to its memory limit."""
MOST_SLOPE = 1.0
"""MB for 1,000 requests."""
REAL = "engine=llama_cpp"


def run(home: Path, requests: int, engine: str = ENGINE, part: str = PART) -> Iterator[Line]:
    """Memory, descriptors and threads over so many requests; how long they take."""
    process = Process(home, "ask.n_samples=1", engine=engine)
    process.start()
    try:
        clients = _Clients(process)
        seconds: list[float] = []
        readings: list[tuple[int, dict[str, float]]] = []
        lock = threading.Lock()

        def ask(number: int) -> bool:
            client = clients.mine()
            began = time.monotonic()
            response = client.post("/infer", json={"query": f"Say {number} now, please."})
            took = time.monotonic() - began
            with lock:
                seconds.append(took)
                if len(seconds) % max(1, requests // READINGS) == 0:
                    readings.append((len(seconds), process.usage()))
            if response.status_code != 200:
                return False
            return engine != ENGINE or f" {number}." in response.json()["model_answer"]

        with ThreadPoolExecutor(CALLERS) as pool:
            answered = sum(pool.map(ask, range(requests)))
        yield Line.at_most(part, f"of {requests:,} questions not answered", 0, requests - answered)
        yield from _growth(part, requests, readings)
        yield Line.told(part, "median", float(np.median(seconds)) * 1000, "ms")
        yield Line.told(part, "99th percentile", float(np.quantile(seconds, 0.99)) * 1000, "ms")
    finally:
        process.stop()


def run_real(home: Path, requests: int) -> Iterator[Line]:
    """The same with SmolLM2."""
    return run(home, requests, REAL, "real model")


def _growth(part: str, requests: int, readings: list[tuple[int, dict[str, float]]]) -> Iterator[Line]:
    steady = [(at, usage) for at, usage in readings if at >= WARM * requests]
    at = np.array([at for at, _ in steady]) / 1000
    megabytes = np.array([usage["bytes"] for _, usage in steady]) / 2**20
    slope = float(np.polyfit(at, megabytes, 1)[0])
    # A few hundred requests say nothing of a slope: a single arena of the allocator is larger.
    if requests >= 5000:
        yield Line.at_most(part, "memory for 1,000 questions", MOST_SLOPE, slope, "MB")
    else:
        yield Line.told(part, "memory for 1,000 questions", slope, "MB")
    yield Line.told(part, "memory at the end", float(megabytes[-1]), "MB")
    for name in ("descriptors", "threads"):
        half = len(steady) // 2
        earlier, later = ([usage[name] for _, usage in part] for part in (steady[:half], steady[half:]))
        yield Line.at_most(part, f"growth of {name}", 0, max(0.0, min(later) - max(earlier)))


class _Clients:
    """A client for each thread."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._local = threading.local()

    def mine(self) -> httpx.Client:
        if not hasattr(self._local, "client"):
            self._local.client = self._process.http
        client: httpx.Client = self._local.client
        return client
