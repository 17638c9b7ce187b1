"""New databases as copies of one that was made by all the steps, which takes 0.1 s and twenty fsyncs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
import pytest

from codex.private import make_folder
from codex.store import Store
from codex.store.database.file import Database

OPEN = Database._open


@contextmanager
def copied(folder: Path) -> Iterator[None]:
    """Within the block a database that is missing is copied from one that is made in the folder now."""
    made = folder / "made.duckdb"
    Store(made).close()

    def copy_and_open(database: Database) -> duckdb.DuckDBPyConnection:
        if not database.path.exists():
            try:
                make_folder(database.path.parent)
                shutil.copyfile(made, database.path)
            except OSError:  # It is to be told by who makes the database.
                with suppress(OSError):
                    database.path.unlink(missing_ok=True)
        return OPEN(database)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "_open", copy_and_open)
        yield


@contextmanager
def made_by_steps() -> Iterator[None]:
    """Within the block a database is made as it is for a user, for tests of how it comes to be."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "_open", OPEN)
        yield
