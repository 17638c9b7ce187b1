"""One DuckDB file, shared by the threads of one process, with its errors in words."""

from __future__ import annotations

import logging
import re
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import duckdb

from codex.errors import StoreError, StoreInUse
from codex.private import make_folder, tighten
from codex.store.migrations import migrate

log = logging.getLogger(__name__)

CHECKPOINT_BYTES = 16 * 2**20
"""The write-ahead log is folded into the database file when it has grown by this much."""

COPIED = 4 * 2**20
"""Bytes of the database copied at a time."""

SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": "256MB",
    "threads": 2,
    # A checkpoint that fails inside a commit makes the commit look failed although it is durable, so
    # the checkpoints are made here, between transactions.
    "checkpoint_threshold": "1TB",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}


Row = Mapping[str, Any]


class Database:
    """A database file that this process alone may write. Thread-safe: one cursor for each use."""

    def __init__(self, path: Path) -> None:
        """Open the file, making it and its folder when they are missing. Raises StoreError."""
        self.path = path
        self._writing = threading.Lock()
        self._changed = threading.Condition()
        self._cursors = 0
        self._failed = False
        self._checkpoint_at = CHECKPOINT_BYTES
        self._connection: duckdb.DuckDBPyConnection | None = self._open()

    @contextmanager
    def read(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor of one's own. Raises StoreError."""
        cursor = self._take_cursor()
        try:
            yield cursor
        except duckdb.Error as error:
            # After a fatal error DuckDB refuses everything until the file is opened again.
            self._failed = self._failed or isinstance(error, duckdb.FatalException)
            raise StoreError(_explain(self.path, error)) from error
        finally:
            cursor.close()
            with self._changed:
                self._cursors -= 1
                self._changed.notify_all()

    @contextmanager
    def write(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor in a transaction, which commits at the end of the block; an error undoes all of it."""
        with self._writing:
            with self.read() as cursor:
                cursor.begin()
                yield cursor
                cursor.commit()
            self._checkpoint_when_due()

    def state(self) -> object:
        """Equal to an earlier one where nothing was written since."""
        return tuple(
            (it.stat().st_mtime_ns, it.stat().st_size) for it in (self.path, self._log) if it.exists()
        )

    def copy_to(self, file: IO[bytes]) -> object:
        """Write the database as it is now into a file; returns its `state`. Raises StoreError, OSError.

        Writers wait meanwhile, readers do not.
        """
        with self._writing:
            with self.read() as cursor:
                cursor.checkpoint()
            state = self.state()
            with self.path.open("rb") as source:
                shutil.copyfileobj(source, file, COPIED)
            file.flush()
        return state

    def close(self) -> None:
        """Wait for the cursors in use, then close the file."""
        with self._changed:
            self._changed.wait_for(lambda: self._cursors == 0)
            if self._connection is not None:
                self._connection.close()
            self._connection = None
            self._failed = False

    def _take_cursor(self) -> duckdb.DuckDBPyConnection:
        with self._changed:
            while self._failed:
                self._changed.wait_for(lambda: self._cursors == 0)
                if self._failed and self._connection is not None:
                    self._connection.close()
                    self._connection = self._open()
                self._failed = False
            if self._connection is None:
                raise StoreError(f"The database {self.path} is closed; open it again to continue.")
            self._cursors += 1
            return self._connection.cursor()

    def _open(self) -> duckdb.DuckDBPyConnection:
        try:
            make_folder(self.path.parent)
            if self.path.is_file() and self.path.stat().st_size == 0:
                # Left by a start that ended before the first byte was written, e.g. on a full disk.
                self.path.unlink()
            connection = duckdb.connect(self.path, config=SETTINGS)
        except (OSError, duckdb.Error) as error:
            raise _unopened(self.path, error) from error
        try:
            migrate(connection)
        except duckdb.Error as error:
            connection.close()
            raise StoreError(_explain(self.path, error)) from error
        except StoreError:
            connection.close()
            raise
        tighten(self.path)
        tighten(self._log)
        return connection

    @property
    def _log(self) -> Path:
        """The write-ahead log, which DuckDB makes and removes as it needs it."""
        return self.path.with_name(self.path.name + ".wal")

    def _checkpoint_when_due(self) -> None:
        wal = self._log
        tighten(wal)
        size = wal.stat().st_size if wal.exists() else 0
        if size < self._checkpoint_at:
            return
        try:
            with self.read() as cursor:
                cursor.checkpoint()
            self._checkpoint_at = CHECKPOINT_BYTES
        except StoreError as error:
            # Nothing is lost: what was committed stands in the log, which is read at the next start.
            log.warning("The write-ahead log of the database was not folded in: %s", error)
            self._checkpoint_at = size + CHECKPOINT_BYTES


def rows(
    db: duckdb.DuckDBPyConnection, query: str, values: Sequence[object] | Mapping[str, object] = ()
) -> list[Row]:
    """All rows of a query, by column name."""
    db.execute(query, values)
    names = [column[0] for column in db.description]
    return [dict(zip(names, row, strict=True)) for row in db.fetchall()]


def _unopened(path: Path, error: Exception) -> StoreError:
    said = _explain(path, error)
    if "Conflicting lock" not in str(error):
        return StoreError(said)
    holder = re.search(r"\(PID (\d+)\)", str(error))
    return StoreInUse(said, int(holder[1]) if holder else None)


def _explain(path: Path, error: Exception) -> str:
    """What went wrong with the file, and what to do about it."""
    text = str(error).splitlines()[0]
    elsewhere = "set another CODEX_HOME or store.path"
    if "Conflicting lock" in text:
        holder = re.search(r"held in (.*?) \(PID (\d+)\)", text)
        who = f"process {holder[2]} ({holder[1]})" if holder else "another process"
        return f"The database {path} is in use by {who}. Stop that process, ask it over HTTP, or {elsewhere}."
    if "No space left" in text or "File too large" in text:
        return (
            f"The disk of the database {path} is full: {text}. "
            f"What was saved before is safe. Free some space, or {elsewhere}."
        )
    if "not a valid DuckDB database" in text:
        return f"The file {path} is not a Codex database. Move it away, or {elsewhere}."
    if isinstance(error, PermissionError) or "Permission denied" in text:
        return f"The database {path} may not be written: {text}. Change its permissions, or {elsewhere}."
    return f"The database {path} cannot be used: {text}. Restore it from a copy, or {elsewhere}."
