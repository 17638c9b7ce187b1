"""A real server on a free port, over whatever engine a test wants."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

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
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30)

    @property
    def scripted(self) -> ScriptedEngine:
        """The engine, where it is the scripted one."""
        assert isinstance(self.workbench.engine, ScriptedEngine)
        return self.workbench.engine


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


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start servers over scripted engines, each with a database of its own."""
    started = []

    def start(
        script: Script | Callable[[str], Script] = SURE,
        *overrides: str,
        kind: type[ScriptedEngine] = ScriptedEngine,
        **engine: object,
    ) -> Served:
        say = script if callable(script) else lambda prompt: script
        scripted = kind(say, **engine)  # type: ignore[arg-type]
        started.append(running(workbench(tmp_path / f"{len(started)}", scripted, *overrides)))
        return started[-1].__enter__()

    yield start
    for server in started:
        server.__exit__(None, None, None)


@pytest.fixture(scope="module")
def sure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server that a module's tests share, for requests that leave nothing behind that matters."""
    engine = ScriptedEngine(lambda prompt: SURE)
    with running(workbench(tmp_path_factory.mktemp("sure"), engine)) as served:
        yield served


def workbench(home: Path, engine: Engine, *overrides: str) -> Workbench:
    """A workbench with a database of its own."""
    settings = load_settings([f"home={home}", *overrides])
    return Workbench(settings, engine, Store(settings.database, settings.store.privacy))


def eventually(holds: Callable[[], bool], seconds: float) -> bool:
    """Whether it comes to hold within the time."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True
