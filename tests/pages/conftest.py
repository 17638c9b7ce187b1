"""A workbench over the scripted engine, and the page's calls on top of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from codex.ask.workbench import Workbench
from codex.pages.ask.page import AskPage
from codex.pages.ask.runs import Runs
from codex.settings import load_settings
from codex.store import Store
from tests.support.scripted import Script, ScriptedEngine

CANBERRA = Script(
    ["The", " capital", " is", " Can", "berra", "."],
    [0.95, 0.97, 0.99, 0.6, 0.97, 0.9],
    samples=["The capital is Canberra.", "It is Sydney.", "Canberra, of course."],
    others=[" Sydney", " Perth"],
)

Pages = Callable[..., AskPage]


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    """Pages over a scripted engine; all share one database, as after a restart."""
    opened: list[Workbench] = []

    def make(script: Script = CANBERRA, **engine: object) -> AskPage:
        for workbench in opened:
            workbench.store.close()
        settings = load_settings([f"home={tmp_path}"])
        scripted = ScriptedEngine(lambda prompt: script, **engine)  # type: ignore[arg-type]
        opened.append(Workbench(settings, scripted, Store(tmp_path / "codex.duckdb")))
        return AskPage(opened[-1], Runs())

    yield make
    opened[-1].close()
