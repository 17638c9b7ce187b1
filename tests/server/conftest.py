"""A real server on a free port, over whatever engine a test wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import openai
import pytest

from tests.support.reliable import trust
from tests.support.scripted import Script, ScriptedEngine
from tests.support.serving import SURE, Serve, Served, openai_client, running, workbench


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
        started.append(running(workbench(trust(tmp_path / f"{len(started)}"), scripted, *overrides)))
        return started[-1].__enter__()

    yield start
    for server in started:
        server.__exit__(None, None, None)


@pytest.fixture(scope="module")
def sure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server that a module's tests share, for requests that leave nothing behind that matters."""
    engine = ScriptedEngine(lambda prompt: SURE)
    with running(workbench(trust(tmp_path_factory.mktemp("sure")), engine)) as served:
        yield served


@pytest.fixture
def client(sure: Served) -> Iterator[openai.OpenAI]:
    """OpenAI's own client of the shared server."""
    with openai_client(sure) as made:
        yield made
