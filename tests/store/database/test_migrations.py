"""Databases of other versions."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from codex.errors import StoreError
from codex.store import Store
from codex.store.database.migrations import MIGRATIONS, migrate
from tests.support.records import make_record, make_run
from tests.support.traces import as_first_kept, make_trace
from tests.support.undone import UNDO


def tables(db: duckdb.DuckDBPyConnection) -> set[str]:
    return {name for (name,) in db.execute("SELECT table_name FROM duckdb_tables()").fetchall()}


def make_old(path: Path, version: int) -> None:
    """A database as it was at a version, with trace 1 in it."""
    with Store(path, "full") as store:
        store.save(as_first_kept(make_trace(1)))
    with duckdb.connect(path) as db:
        for number, statements in UNDO.items():
            for statement in statements if number > version else []:
                db.execute(statement)
        db.execute("DELETE FROM schema_migrations WHERE version > ?", [version])


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_an_older_database_is_brought_up_to_date_with_all_it_holds(tmp_path: Path, version: int) -> None:
    path = tmp_path / "codex.duckdb"
    make_old(path, version)
    with Store(path, "full") as store:
        assert store.load("trace-1") == as_first_kept(make_trace(1))
        store.save(make_trace(2))
        assert store.load("trace-2") == make_trace(2)
        store.label("trace-1", True)
        store.policies.save("p@1", "p", "{}")
        store.policies.activate("p@1")
        assert store.runs.list() == []
    with duckdb.connect(path) as db:
        done = db.execute("SELECT version, name FROM schema_migrations ORDER BY version").fetchall()
    assert done == [(number, step.__name__) for number, step in enumerate(MIGRATIONS, start=1)]


def test_records_of_before_have_the_grader_that_was_named_for_their_run(tmp_path: Path) -> None:
    path = tmp_path / "codex.duckdb"
    with Store(path, "full") as store:
        for number, named in ((1, "exact"), (2, None)):
            run = make_run(number)
            store.runs.create(replace(run, params=replace(run.params, grader=named)))
            store.runs.add(run.id, [make_record(2), make_record(3, error="too long")])
    with duckdb.connect(path) as db:
        for statement in [step for version in range(len(MIGRATIONS), 6, -1) for step in UNDO[version]]:
            db.execute(statement)
        db.execute("DELETE FROM schema_migrations WHERE version > 6")
    with Store(path, "full") as store:
        assert [store.runs.get(f"run-{number}").graders for number in (1, 2)] == [{"exact": 1}, {"": 1}]
        assert store.runs.record("run-1", "q2") == replace(
            make_record(2), grader="exact", choices=(), labels=()
        )


def test_a_kill_right_after_the_steps_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "codex.duckdb"
    make_old(path, version=1)
    # Without a close, all of it stands in the write-ahead log alone.
    script = (
        "import os, sys; from pathlib import Path; from codex.store import Store; "
        "from tests.support.traces import make_trace; "
        "store = Store(Path(sys.argv[1]), 'full'); store.save(make_trace(2)); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=True, cwd=Path(__file__).parents[3])
    with Store(path, "full") as store:
        assert store.load("trace-1") == as_first_kept(make_trace(1))
        assert store.load("trace-2") == make_trace(2)


@pytest.mark.usefixtures("database_by_steps")
def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "codex.duckdb"
    seen = []
    for _ in range(2):
        Store(path).close()
        with duckdb.connect(path) as db:
            seen.append(db.execute("SELECT * FROM schema_migrations ORDER BY version").fetchall())
    assert seen[0] == seen[1]


@pytest.mark.usefixtures("database_by_steps")
def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "codex.duckdb"
    Store(path).close()
    newer = len(MIGRATIONS) + 1
    with duckdb.connect(path) as db:
        db.execute("INSERT INTO schema_migrations VALUES (?, 'from_the_future', now())", [newer])
    with pytest.raises(StoreError, match=f"version {newer}.*up to {len(MIGRATIONS)}"):
        Store(path)
    with duckdb.connect(path) as db:
        db.execute("DELETE FROM schema_migrations WHERE version = ?", [newer])
    Store(path).close()


def test_a_step_that_fails_leaves_nothing_half_done(tmp_path: Path) -> None:
    def breaks(db: duckdb.DuckDBPyConnection) -> None:
        db.execute("CREATE TABLE half (a INTEGER)")
        db.execute("SELECT * FROM nowhere")

    path = tmp_path / "codex.duckdb"
    db = duckdb.connect(path)
    with pytest.raises(duckdb.CatalogException):
        migrate(db, [*MIGRATIONS, breaks])
    db.close()
    with duckdb.connect(path) as db:
        assert "half" not in tables(db)
        assert db.execute("SELECT max(version) FROM schema_migrations").fetchall() == [(len(MIGRATIONS),)]
    with Store(path) as store:
        assert store.sessions.list() == []
