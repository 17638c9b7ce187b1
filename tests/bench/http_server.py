"""llama.cpp's HTTP server with so many slots, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

from codex.threads import spin_briefly

MOST = 64
"""Tokens of a response whose request sets no limit, such as scikit-llm's: a small model may never end."""
THREADS = "CODEX_BENCH_THREADS"
"""The environment variable that sets its threads; 1 on a busy machine, where threads wait for one another."""


class HttpServer:
    """The server with a model. Use it as a context manager, which ends its process."""

    def __init__(self, model: Path, slots: int, context: int = 8192) -> None:
        self.model = str(model)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.http_server", self.model, str(slots), str(context)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.base_url = self._process.stdout.readline().strip() + "/v1"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def seconds(self, bodies: Sequence[dict[str, Any]], at_once: int) -> float:
        """What these chat completions take with so many under way, by a client that does nothing else."""

        def send(body: dict[str, Any]) -> None:
            request = urllib.request.Request(
                f"{self.base_url}/chat/completions",
                json.dumps(body).encode(),
                {"Content-Type": "application/json"},
            )
            with urllib.request.urlopen(request) as response:
                response.read()

        started = time.perf_counter()
        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(send, bodies))
        return time.perf_counter() - started


def main(path: str, slots: int, context: int) -> None:
    """Print the address and serve until standard input ends."""
    spin_briefly()
    import xllamacpp

    params: Any = xllamacpp.CommonParams()
    params.model.path = path
    threads = int(os.environ.get(THREADS) or min(4, len(os.sched_getaffinity(0))))
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.n_ctx, params.n_parallel, params.kv_unified = context, slots, True
    params.warmup = params.fit_params = False
    params.n_predict = MOST
    # Each slot keeps the beginning that all prompts share.
    params.cache_idle_slots = False
    params.cache_ram_mib = params.n_ctx_checkpoints = 0
    params.verbosity = -1
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    sys.stdin.read()
    del server


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
