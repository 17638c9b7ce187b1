"""Two processes behind a proxy restart in turn, and no question is lost or answered twice."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import httpx

from tests.deploy.rolling import Process, proxy
from tests.support.reliable import trust

AT_ONCE = 4


def asked(home: Path) -> int:
    with duckdb.connect(str(home / "codex.duckdb"), read_only=True) as db:
        (count,) = db.execute("SELECT count(DISTINCT trace_id) FROM model_inference_events").fetchone() or (
            0,
        )
    return int(count)


def test_a_rolling_restart_loses_no_question(tmp_path: Path) -> None:
    numbers, restarted = itertools.count(1000), threading.Event()
    processes = [Process(trust(tmp_path / name)) for name in "ab"]

    def ask_on(url: str) -> list[bool]:
        found = []
        while not restarted.is_set():
            number = next(numbers)
            said = httpx.post(f"{url}/infer", json={"query": f"Say {number} now."}, timeout=120)
            found.append(said.status_code == 200 and f"{number}" in said.json()["model_answer"])
        return found

    with proxy(processes) as url, ThreadPoolExecutor(AT_ONCE) as pool:
        askers = [pool.submit(ask_on, url) for _ in range(AT_ONCE)]
        try:
            for process in processes:
                assert process.end() == 0
                process.start()
        finally:
            restarted.set()
        answers = [each for asker in askers for each in asker.result(120)]
    assert [process.end() for process in processes] == [0, 0]
    counts = [asked(process.home) for process in processes]
    assert all(answers)
    assert all(counts)
    assert sum(counts) == len(answers)
