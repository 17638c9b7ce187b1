"""A real server on a free port, over whatever engine a test wants, and clients of it."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import openai

from codex.ask.workbench import Workbench
from codex.engines.base import Engine
from codex.server import create_app
from codex.server.serving import Server
from codex.settings import load_settings
from codex.store import Store
from tests.support.scripted import Script, ScriptedEngine

SURE = Script(["The", " capital", " is", " Canberra", "."])


class Served:
    """A workbench behind HTTP."""

    def __init__(self, workbench: Workbench, port: int) -> None:
        self.workbench = workbench
        self.port = port
        self.http = plain_http(base_url=f"http://127.0.0.1:{port}", timeout=60)

    @property
    def scripted(self) -> ScriptedEngine:
        """The engine, where it is the scripted one."""
        assert isinstance(self.workbench.model.engine, ScriptedEngine)
        return self.workbench.model.engine


def plain_http(**options: Any) -> httpx.Client:
    """A client of servers without TLS: to read the certificates takes longer than most of the tests."""
    return httpx.Client(verify=False, **options)


def openai_client(served: Served) -> openai.OpenAI:
    """OpenAI's own client, which asks once."""
    address = f"http://127.0.0.1:{served.port}/v1"
    return openai.OpenAI(base_url=address, api_key="none", max_retries=0, http_client=plain_http())


@contextmanager
def running(workbench: Workbench) -> Iterator[Served]:
    """Serve until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(create_app(workbench), workbench.stop)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    served = Served(workbench, listener.getsockname()[1])
    try:
        yield served
    finally:
        served.http.close()
        server.should_exit = True
        thread.join(10)
        workbench.close()
        assert not thread.is_alive()


Serve = Callable[..., Served]


def workbench(home: Path, engine: Engine, *overrides: str) -> Workbench:
    """A workbench with a database of its own."""
    settings = load_settings([f"home={home}", *overrides])
    kept = settings.store
    store = Store(
        settings.database,
        kept.privacy,
        hidden_states=kept.hidden_states,
        mask_secrets=kept.mask_secrets,
        redact=kept.redact,
    )
    return Workbench(settings, engine, store, overrides)


def eventually(holds: Callable[[], bool], seconds: float) -> bool:
    """Whether it comes to hold within the time."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def assert_error(response: Any, status: int, fields: list[str] | None = None) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert set(response.json()) == {"error"}
    error: dict[str, Any] = response.json()["error"]
    assert set(error) == {"type", "message", "fields"}
    assert "Traceback" not in response.text
    if status == 503:
        assert int(response.headers["Retry-After"]) > 0
    if fields is not None:
        assert error["fields"] == fields
    return error


@contextmanager
def open_request(served: Served, path: str, **body: object) -> Iterator[socket.socket]:
    """A client that has asked; it goes away at the end of the block."""
    text = json.dumps({"query": "Tell me a long story.", **body}).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(text)}\r\n\r\n"
    )
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", served.port))
        client.sendall(head.encode() + text)
        yield client


def read_until(client: socket.socket, word: bytes) -> None:
    seen = b""
    while word not in seen:
        read = client.recv(4096)
        assert read, seen
        seen += read


def events_of(http: httpx.Client, query: str, **options: object) -> list[tuple[str, Any]]:
    """The events' names and bodies, read as a browser reads them."""
    with http.stream("POST", "/infer/stream", json={"query": query, **options}) as response:
        assert response.status_code == 200, response.read()
        assert response.headers["content-type"].startswith("text/event-stream")
        return list(parsed(response))


def parsed(response: httpx.Response) -> Iterator[tuple[str, Any]]:
    name, data = "", ""
    # Only CR and LF end a line of an event stream, so not httpx's iter_lines, which splits at U+2028 too.
    for line in b"".join(response.iter_bytes()).decode().split("\r\n"):
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            data += line.removeprefix("data: ")
        elif not line and data:
            yield name, json.loads(data)
            name, data = "", ""
