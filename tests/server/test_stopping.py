"""The server ends while it answers: those who wait are told, and nothing of it is kept."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

import httpx
import pytest
from fastapi import FastAPI

from codex.errors import Stopping
from codex.server.serving import Server
from tests.support.scripted import Script
from tests.support.serving import Serve, eventually, parsed

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
