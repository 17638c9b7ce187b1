"""Deleted for good: what was deleted is not in the bytes of the file or of its log."""

from __future__ import annotations

import secrets
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from codex.store import Store
from codex.store.database import file as database
from codex.store.labelling.labels import Label
from codex.text import sha256
from tests.support.full_disk import file_size_limit
from tests.support.traces import make_trace

QUESTION = "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(60))
NOTE = "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(60))
"""Nothing compresses them, so that they stand in the file as they are."""
TELLING = [QUESTION.encode(), sha256(QUESTION).encode(), NOTE.encode()]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "codex.duckdb", "full") as opened:
        for number in range(3):
            opened.save(make_trace(number, session="stays"))
        secret = make_trace(9, session="gone", question=QUESTION)
        opened.save(replace(secret, question_sha256=sha256(QUESTION), answer=QUESTION))
        opened.labels.put(Label("", "trace-9", "correct", note=NOTE))
        yield opened


def told(folder: Path) -> list[bytes]:
    """What the files of a folder still tell."""
    everything = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    return [each for each in TELLING if each in everything]


def checkpoint(store: Store) -> None:
    with store._database.read() as db:
        db.checkpoint()


def test_a_deleted_session_is_gone_from_the_bytes_of_the_file(store: Store, tmp_path: Path) -> None:
    assert told(tmp_path) == TELLING
    checkpoint(store)
    assert told(tmp_path) == TELLING
    store.delete_session("gone")
    checkpoint(store)
    # Deleting rows alone leaves their bytes: this is why the file is rewritten.
    assert told(tmp_path) == TELLING
    assert store.erasure.status.state == "due"
    store.erasure.start()
    assert store.erasure.wait().state == "none"
    assert told(tmp_path) == []
    assert [store.load(f"trace-{number}") for number in range(3)] == [
        make_trace(number, session="stays") for number in range(3)
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["codex.duckdb"]
    assert (tmp_path / "codex.duckdb").stat().st_mode & 0o077 == 0


def test_what_was_there_before_is_there_after_and_numbers_are_not_given_twice(
    store: Store, tmp_path: Path
) -> None:
    def everything() -> dict[str, object]:
        with store._database.read() as db:
            names = [name for (name,) in db.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
            return {
                name: db.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall()
                for name in [*names, "counted_labels"]
                if name != "due_erasures"
            }

    store.delete_session("gone")
    before = everything()
    store.erasure.run()
    assert everything() == before
    store.save(make_trace(20))
    assert store.history.page().traces[0].id == "trace-20"
    store.save(make_trace(9, session="gone"))
    assert store.load("trace-9") == make_trace(9, session="gone")


def test_nothing_is_rewritten_where_nothing_was_deleted(store: Store, tmp_path: Path) -> None:
    before = (tmp_path / "codex.duckdb").stat().st_ino
    store.erasure.run()
    assert (tmp_path / "codex.duckdb").stat().st_ino == before
    assert store.erasure.status.state == "none"


def test_a_full_disk_leaves_the_file_and_says_so_and_the_next_try_succeeds(
    store: Store, tmp_path: Path
) -> None:
    store.delete_session("gone")
    with file_size_limit(100_000):
        store.erasure.start()
        status = store.erasure.wait()
    assert status.state == "failed"
    assert "is full" in status.error
    assert store.load("trace-1") == make_trace(1, session="stays")
    store.erasure.start()
    assert store.erasure.wait().state == "none"
    assert told(tmp_path) == []


def test_a_process_that_dies_in_between_leaves_a_whole_file_and_the_erasure_due(tmp_path: Path) -> None:
    path = tmp_path / "codex.duckdb"
    with Store(path, "full") as store:
        store.save(make_trace(1, session="stays"))
        store.save(make_trace(2, session="gone", question=QUESTION))
    script = (
        "import os, sys; from pathlib import Path; from codex.store import Store; "
        "from codex.store.database import file as database; "
        "database.synchronise = lambda path: os._exit(9); "
        "store = Store(Path(sys.argv[1]), 'full'); store.delete_session('gone'); store.erasure.run()"
    )
    died = subprocess.run([sys.executable, "-c", script, str(path)], cwd=Path(__file__).parents[3])
    assert died.returncode == 9
    assert (tmp_path / "codex.duckdb.fresh").exists()
    with Store(path, "full") as store:
        assert not (tmp_path / "codex.duckdb.fresh").exists()
        assert store.load("trace-1") == make_trace(1, session="stays")
        assert store.erasure.status.state == "due"
        store.erasure.run()
        assert told(tmp_path) == []


def test_what_is_saved_and_read_meanwhile_is_neither_lost_nor_refused(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied, carry_on = threading.Event(), threading.Event()
    synchronise: Callable[[Path], None] = database.synchronise

    def paused(path: Path) -> None:
        copied.set()
        assert carry_on.wait(10)
        synchronise(path)

    monkeypatch.setattr(database, "synchronise", paused)
    store.delete_session("gone")
    store.erasure.start()
    assert copied.wait(10)
    assert store.erasure.status.state == "running"
    assert store.load("trace-1") == make_trace(1, session="stays")
    saving = threading.Thread(target=lambda: store.save(make_trace(30)), daemon=True)
    saving.start()
    carry_on.set()
    saving.join(10)
    assert store.erasure.wait().state == "none"
    assert store.load("trace-30") == make_trace(30)


def test_what_is_deleted_while_the_file_is_rewritten_goes_too(store: Store, tmp_path: Path) -> None:
    store.save(make_trace(40, session="first"))
    store.delete_session("first")
    store.erasure.start()
    store.delete_session("gone")
    store.erasure.start()
    assert store.erasure.wait().state == "none"
    assert told(tmp_path) == []


def test_closing_stops_it_and_it_stays_due(store: Store, tmp_path: Path) -> None:
    store.delete_session("gone")
    store.erasure._closed = True
    store.erasure.run()
    assert store.erasure.status.state == "due"


def test_a_queue_forgets_the_answers_of_a_deleted_session(store: Store) -> None:
    with store._database.write() as db:
        db.execute("INSERT INTO label_queue_items VALUES ('q', '', 'trace-9', 0.5, NULL, NULL)")
    store.delete_session("gone")
    with store._database.read() as db:
        assert db.execute("SELECT * FROM label_queue_items").fetchall() == []
        assert db.execute("SELECT * FROM traces WHERE id = 'trace-9'").fetchall() == []
