"""What Codex rests on goes away and comes back under a running workbench: clear errors, nothing lost."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import httpx
import psycopg

from codex.engines.models import DEFAULT_MODEL, Models, default_home
from codex.store.postgres.event_copy import EVENTS
from tests.soak.line import Line
from tests.soak.openai_server import Server as OpenAIServer
from tests.soak.serve import INDEXING
from tests.soak.workbench import Process
from tests.support import postgres
from tests.support.chroma_server import Server as Chroma

BOUND = 120.0
"""Seconds in which it has to work again."""
DOCUMENTS = 5


def openai_server(home: Path, times: int) -> Iterator[Line]:
    """The server that answers."""
    part = "OpenAI-compatible server"
    server = OpenAIServer()
    server.start()
    process = Process(
        home,
        *("ask.n_samples=1", "engine.model_path=m", f"engine.base_url={server.url}", "engine.retries=1"),
        engine="engine=openai_api",
    )
    try:
        process.start()
        server.stop()
        with process.http as client:
            yield from _comes_and_goes(part, times, server, _ask(client))
    finally:
        process.stop()
        server.stop()


def model_file(home: Path, times: int) -> Iterator[Line]:
    """The file of the model: replaced by another one, which is no model, and put back."""
    part = "model file"
    original, path = Models(default_home()).resolve(DEFAULT_MODEL), home.parent / "model.gguf"
    shutil.copy(original, path)
    settings = ("ask.n_samples=1", "ask.retrieve=false", f"engine.model_path={path}")
    process = Process(home, *settings, engine="engine=llama_cpp")
    process.start()
    failed, refused, back = 0, 0, 0
    try:
        with process.http as client:
            ask = _ask(client)
            said = ask().json()["model_answer"]
            for _ in range(times):
                _replace(path, b"no model" * 1000)
                under_way = ask()
                failed += under_way.status_code != 200 or under_way.json()["model_answer"] != said
                assert client.delete("/models/active").status_code == 200
                refused += _is_clear(ask())
                _replace(path, original.read_bytes())
                answered = _until_200(ask)
                back += answered is not None and answered.json()["model_answer"] == said
    finally:
        process.stop()
    yield Line.at_most(part, f"of {times} answers other than before while it is loaded", 0, failed)
    yield Line.at_least(part, "clear errors where it has to be loaded", times, refused)
    yield Line.at_least(part, "the same answer when it is back", times, back)


def chroma(home: Path, times: int) -> Iterator[Line]:
    """The server that holds the vectors."""
    part = "Chroma server"
    server = Chroma(home.parent / "chroma")
    server.start()
    process = Process(
        home, "ask.n_samples=1", f"retrieval.chroma_url={server.url}", environment={INDEXING: "1"}
    )
    try:
        process.start()
        with process.http as client:
            for number in range(DOCUMENTS):
                text = f"The colour of thing {number} is green."
                assert client.put(f"/documents/{number}.txt", content=text.encode()).status_code == 201

            def search() -> httpx.Response:
                response = client.get("/passages", params={"query": "The colour of thing 3", "k": 5})
                response.raise_for_status() if response.status_code not in (200, 503) else None
                if response.status_code == 200 and len(response.json()) < DOCUMENTS:
                    response.status_code = 404
                return response

            assert _until_200(search) is not None
            server.stop()
            yield from _comes_and_goes(part, times, server, search, _ask(client))
    finally:
        process.stop()
        server.stop()


def postgresql(home: Path, times: int) -> Iterator[Line]:
    """The server to which events are copied: questions go on without it, and their events arrive later."""
    part = "PostgreSQL"
    with postgres.running() as server:
        address = server.address
        process = Process(home, "ask.n_samples=1", f"store.events='{address}'")
        process.start()
        traces: list[str] = []
        failed = 0
        try:
            with process.http as client:
                ask = _ask(client)
                for _ in range(times):
                    server.stop()
                    for _ in range(5):
                        response = ask()
                        failed += response.status_code != 200
                        traces.append(response.json().get("trace_id", ""))
                    server.start()
                until = time.monotonic() + BOUND
                while (events := client.get("/healthz").json()["events"])["state"] != "up to date":
                    assert time.monotonic() < until, events
                    time.sleep(0.1)
            with psycopg.connect(address) as there:
                rows = there.execute(f"SELECT DISTINCT trace_id FROM codex.{EVENTS}").fetchall()
        finally:
            process.stop()
    yield Line.at_most(part, f"of {len(traces)} questions without it not answered", 0, failed)
    yield Line.at_most(part, "events that did not arrive", 0, len(set(traces) - {trace for (trace,) in rows}))


class _Server(Protocol):
    def start(self) -> None: ...
    def stop(self) -> None: ...


def _comes_and_goes(
    part: str,
    times: int,
    server: _Server,
    use: Callable[[], httpx.Response],
    *others: Callable[[], httpx.Response],
) -> Iterator[Line]:
    """Gone at the beginning and after each time. others: what works all the while."""
    clear, back = 0, 0
    for _ in range(times):
        clear += _is_clear(use())
        for other in others:
            other().raise_for_status()
        server.start()
        back += _until_200(use) is not None
        server.stop()
    yield Line.at_least(part, f"clear errors of {times} without it", times, clear)
    yield Line.at_least(part, f"works again, of {times}", times, back)


def _ask(client: httpx.Client) -> Callable[[], httpx.Response]:
    return lambda: client.post("/infer", json={"query": "Say 7."})


def _is_clear(response: httpx.Response) -> bool:
    """503 that says why, and when to come back."""
    if response.status_code == 503 and "Retry-After" in response.headers and "error" in response.json():
        return True
    print(f"not clear: {response.status_code} {response.text[:300]}")
    return False


def _until_200(use: Callable[[], httpx.Response]) -> httpx.Response | None:
    until = time.monotonic() + BOUND
    while time.monotonic() < until:
        response = use()
        if response.status_code == 200:
            return response
        time.sleep(0.1)
    return None


def _replace(path: Path, data: bytes) -> None:
    """Put another file in its place, as an update does: whole, at once."""
    other = path.with_suffix(".new")
    other.write_bytes(data)
    os.replace(other, path)
