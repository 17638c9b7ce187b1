"""The SQL page's calls."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from codex.ask.workbench import Workbench
from codex.errors import Cancelled
from codex.pages.sql.page import EXAMPLES, SqlPage
from codex.store import Store
from codex.store.sandbox.queries import Sandbox
from tests.support.traces import make_trace


@pytest.fixture
def page(tmp_path: Path) -> Iterator[SqlPage]:
    with Store(tmp_path / "codex.duckdb", "full") as store:
        store.save(make_trace(1, question="=cmd|' /c calc'!A0"))
        yield SqlPage(cast("Workbench", SimpleNamespace(store=store)))


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_example_runs(page: SqlPage, name: str) -> None:
    found = page.run({"query": EXAMPLES[name], "key": "a"})
    assert found["columns"]
    assert found["truncated"] is None


def test_csv_holds_no_formula(page: SqlPage) -> None:
    written = page.csv({"query": "SELECT question, NULL, -1 FROM model_inference_events", "key": "a"})
    assert written.splitlines()[1] == "'=cmd|' /c calc'!A0,,-1"


def test_a_running_query_is_stopped(page: SqlPage, monkeypatch: pytest.MonkeyPatch) -> None:
    running = threading.Event()
    ask = Sandbox._ask

    def told(self: Sandbox, *given: Any) -> Any:
        running.set()
        return ask(self, *given)

    monkeypatch.setattr(Sandbox, "_ask", told)
    stopping = threading.Thread(target=lambda: (running.wait(), page.stop({"key": "a"})))
    stopping.start()
    with pytest.raises(Cancelled):
        page.run({"query": "SELECT count(*) FROM range(10000000) a, range(10000000) b", "key": "a"})
    stopping.join()
    page.stop({"key": "a"})  # It has ended: nothing happens.
