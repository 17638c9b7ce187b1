"""The process that serves everything: how it starts and ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx

from codex.store import Store
from tests.support.serving import eventually

APP = Path(__file__).parents[1] / "app.py"


SLOW = {"query": "Tell me a very long story.", "n_samples": 20, "params": {"max_tokens": 1500}}


@contextmanager
def started(home: Path) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    """The program on a free port with the default model loaded, and a client of it."""
    program = subprocess.Popen(
        [sys.executable, str(APP), f"home={home}", "server.port=0", "engine=llama_cpp"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert program.stdout is not None
    address = program.stdout.readline().removeprefix("Codex is on ").strip()
    try:
        transport = httpx.HTTPTransport(retries=5)
        with httpx.Client(base_url=address, transport=transport, timeout=120) as http:
            assert eventually(lambda: http.get("/healthz").status_code == 200, 120)
            yield program, http
    finally:
        program.kill()


def test_a_termination_ends_what_is_under_way_with_an_error_of_its_own(own_home: Path) -> None:
    with started(own_home) as (program, http), ThreadPoolExecutor() as pool:
        plain = pool.submit(http.post, "/infer", json=SLOW)
        with http.stream("POST", "/infer/stream", json=SLOW) as streamed:
            lines = streamed.iter_lines()
            assert next(lines) == "event: token"
            program.send_signal(signal.SIGTERM)
            events = [line for line in lines if line.startswith(("event: ", "data: "))]
        response = plain.result(60)
        said, _ = program.communicate(timeout=60)
    assert (said.strip(), program.returncode) == ("", 0)
    assert events[-2] == "event: error"
    assert "shutting down" in events[-1]
    assert response.status_code == 503
    assert response.json()["error"]["type"] == "Stopping"
    with Store(own_home / "codex.duckdb") as store:
        assert store.sessions.list() == []


def test_ctrl_c_ends_it_without_a_word(tmp_path: Path) -> None:
    program = subprocess.Popen(
        [sys.executable, str(APP), f"home={tmp_path}", "server.port=0", "engine=llama_cpp"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert program.stdout is not None
    address = program.stdout.readline().removeprefix("Codex is on ").strip()
    httpx.Client(transport=httpx.HTTPTransport(retries=5)).get(f"{address}/healthz", timeout=60)
    program.send_signal(signal.SIGINT)
    said, _ = program.communicate(timeout=60)
    assert said.strip() == ""
    assert program.returncode == 0
