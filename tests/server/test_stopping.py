"""The server ends while it answers: those who wait are told, and nothing of it is kept."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import httpx
import pytest
from fastapi import FastAPI

from codex.errors import Stopping
from codex.server import create_app
from codex.server.serving import Server
from tests.support.scripted import Script
from tests.support.serving import SURE, Serve, Served, assert_error, eventually, parsed

LONG = Script([" word"] * 2000)
"""With 10 ms before each token it would take twenty seconds."""


def test_a_question_under_way_ends_with_503_or_an_error_event_and_is_not_stored(serve: Serve) -> None:
    served = serve(LONG, "engine.params.max_tokens=2000", delay=0.01)
    plain: list[object] = []
    body = {"query": "Tell me a long story."}

    def ask() -> None:
        plain.append(served.http.post("/infer", json=body))

    thread = threading.Thread(target=ask)
    thread.start()
    with served.http.stream("POST", "/infer/stream", json=body) as streamed:
        assert eventually(lambda: served.scripted.running == 2, 20)
        served.workbench.stop()
        name, last = list(parsed(streamed))[-1]
    thread.join(20)
    (response,) = plain
    assert (name, last["error"]["type"]) == ("error", "Stopping")
    assert response.status_code == 503  # type: ignore[attr-defined]
    assert response.json()["error"]["type"] == "Stopping"  # type: ignore[attr-defined]
    assert int(response.headers["Retry-After"]) > 0  # type: ignore[attr-defined]
    assert served.workbench.store.sessions.list() == []
    assert served.http.post("/infer", json=body).json()["error"]["type"] == "Stopping"


def test_a_question_in_this_process_ends_the_same_way(serve: Serve) -> None:
    workbench = serve(LONG, "engine.params.max_tokens=2000").workbench
    events = workbench.ask("Tell me a long story.")
    next(events)
    workbench.stop()
    with pytest.raises(Stopping):
        list(events)


def test_a_request_that_the_end_cuts_off_is_no_traceback_in_the_log(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("codex.server.serving.STOP_SECONDS", 0)
    app, begun, go_on = FastAPI(), threading.Event(), threading.Event()

    @app.get("/")
    def slow() -> None:
        begun.set()
        go_on.wait(60)

    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(app, lambda: None)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()

    def ask() -> None:
        with suppress(httpx.HTTPError):
            httpx.get("http://{}:{}/".format(*listener.getsockname()), timeout=60)

    asking = threading.Thread(target=ask)
    asking.start()
    assert begun.wait(60)
    server.should_exit = True
    # Its thread cannot be stopped; the server ends around it.
    asking.join(60)
    go_on.set()
    thread.join(60)
    assert not thread.is_alive()
    assert capfd.readouterr().err == ""


@contextmanager
def ending(served: Served, grace_seconds: float) -> Iterator[tuple[Server, str]]:
    """The same workbench behind a second server, which gives a grace."""
    workbench = served.workbench
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(create_app(workbench), workbench.stop, drain=workbench.drain, grace_seconds=grace_seconds)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield server, "http://{}:{}".format(*listener.getsockname())
    finally:
        server.should_exit = True
        thread.join(60)
    assert not thread.is_alive()


def test_within_the_grace_a_question_under_way_is_answered_and_no_other_is_taken(serve: Serve) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def say(prompt: str) -> Script:
        begun.set()
        assert go_on.wait(60)
        return SURE

    body = {"query": "What is the capital of Australia?"}
    with ending(serve(say), 60) as (server, url), ThreadPoolExecutor() as pool:
        answer = pool.submit(httpx.post, f"{url}/infer", json=body, timeout=60)
        assert begun.wait(20)
        server.should_exit = True
        assert eventually(lambda: httpx.get(f"{url}/healthz").json()["status"] == "stopping", 20)
        assert httpx.get(f"{url}/healthz").status_code == 503
        assert_error(httpx.post(f"{url}/infer", json=body), 503)
        go_on.set()
        assert answer.result(60).status_code == 200


def test_what_is_under_way_when_the_grace_is_over_ends_with_503(serve: Serve) -> None:
    served = serve(LONG, "engine.params.max_tokens=2000", delay=0.01)
    body = {"query": "Tell me a long story."}
    with ending(served, 0.1) as (server, url), ThreadPoolExecutor() as pool:
        answer = pool.submit(httpx.post, f"{url}/infer", json=body, timeout=60)
        assert eventually(lambda: served.scripted.running == 1, 20)
        server.should_exit = True
        assert_error(answer.result(60), 503)
