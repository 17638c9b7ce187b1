"""Traces between `save` and their tables."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from codex.errors import Conflict, InvalidInput
from codex.store import Store
from codex.store.traces import inbox
from tests.support.traces import make_trace

ROOT = Path(__file__).parents[3]


def test_a_trace_is_read_as_soon_as_it_is_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store(tmp_path / "codex.duckdb", "full") as store:
        monkeypatch.setattr(store._inbox, "_settled", lambda: None)  # Nobody but the reader spreads it.
        for number in range(3):
            store.save(make_trace(number))
            assert store.load(f"trace-{number}") == make_trace(number)
        store.save(make_trace(3))
        assert store.history.page().traces[0].id == "trace-3"
        store.save(make_trace(4))
        store.delete_session("s")
        assert store.sessions.list() == []


def test_what_a_killed_process_had_saved_is_there_at_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "codex.duckdb"
    script = (
        "import os, sys; from pathlib import Path; from codex.store import Store; "
        "from codex.store.traces import inbox; "
        "from tests.support.traces import make_trace; "
        "inbox.Inbox._settled = lambda self: None; "
        "store = Store(Path(sys.argv[1]), 'full'); store.save(make_trace(1)); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=True, cwd=ROOT)
    with Store(path, "full") as store:
        assert store.load("trace-1") == make_trace(1)


def test_many_threads_save_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    with Store(tmp_path / "codex.duckdb", "full") as store:

        def save(first: int) -> None:
            for number in range(first, first + 10):
                store.save(make_trace(number, tokens=3))

        threads = [threading.Thread(target=save, args=(first,)) for first in (0, 10, 20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert store.history.page().total == 30
        for number in range(30):
            assert store.load(f"trace-{number}") == make_trace(number, tokens=3)


@pytest.mark.parametrize("settled", [True, False])
def test_an_id_is_taken_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settled: bool) -> None:
    with Store(tmp_path / "codex.duckdb", "full") as store:
        monkeypatch.setattr(store._inbox, "_settled", lambda: None)
        store.save(make_trace(1))
        if settled:
            store.load("trace-1")
        with pytest.raises(Conflict, match="trace-1"):
            store.save(make_trace(1, session="other"))
        assert [session.id for session in store.sessions.list()] == ["s"]


def test_half_a_character_is_refused_and_keeps_nothing(tmp_path: Path) -> None:
    with Store(tmp_path / "codex.duckdb", "full") as store:
        with pytest.raises(InvalidInput, match="cannot be stored"):
            store.save(replace(make_trace(1), answer="half \ud83d"))
        assert store.sessions.list() == []


def test_a_trace_that_cannot_be_spread_is_read_from_where_it_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = make_trace(1)
    two = replace(two, steps=(two.last, replace(two.last, kind="reflect")))
    with Store(tmp_path / "codex.duckdb", "full") as store:
        with monkeypatch.context() as patched:
            patched.setattr(inbox, "_insert", _fails)
            store.save(two)
            assert store.load("trace-1") == two
            assert store.sessions.list() == []
        assert store.load("trace-1") == two
        assert [session.id for session in store.sessions.list()] == ["s"]


def _fails(db: object, *row: object) -> None:
    db.execute("SELECT error('the disk is full')")  # type: ignore[attr-defined]
