"""One DuckDB file, shared by the threads of one process, with its errors in words."""

from __future__ import annotations

import logging
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import duckdb

from codex import swap
from codex.errors import StoreError, StoreInUse
from codex.private import make_folder, tighten
from codex.store.database.migrations import migrate

log = logging.getLogger(__name__)

CHECKPOINT_BYTES = 16 * 2**20
"""The write-ahead log is folded into the database file when it has grown by this much."""

COPIED = 4 * 2**20
"""Bytes of the database copied at a time."""
FRESH = ".fresh"
"""What a file is called while it is written to take the database's place."""
SPILLED = ".tmp"
"""DuckDB's folder for what does not fit into memory."""

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
        self.settle: Callable[[], None] = lambda: None
        """Called before anything is read or written, but for `append`. Raises StoreError."""
        self._writing = threading.Lock()
        self._appending = threading.Lock()
        self._changed = threading.Condition()
        self._cursors = 0
        self._failed = False
        self._replacing = False
        self._within = threading.local()
        """Of a thread: how many cursors it holds."""
        self._checkpoint_at = CHECKPOINT_BYTES
        self._reader: int | None = None
        """The file as it is copied. A process that closes a file once loses DuckDB's lock on it, and another
        one could open it: so this is closed after the connection, never before."""
        self._connection: duckdb.DuckDBPyConnection | None = self._open()

    @contextmanager
    def read(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor of one's own. Raises StoreError."""
        try:
            self._settled()
        except StoreError as error:
            # A full disk, for example, is no reason to refuse what can be read.
            log.warning("What was saved last is not in its tables yet: %s", error)
        with self._cursor() as cursor:
            yield cursor

    @contextmanager
    def write(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor in a transaction, which commits at the end of the block; an error undoes all of it."""
        self._settled()
        with self.transaction() as cursor:
            yield cursor

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """`write`, without settling before."""
        with self._writing:
            with self._cursor() as cursor:
                cursor.begin()
                yield cursor
                cursor.commit()
            self._checkpoint_when_due()

    @contextmanager
    def append(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor beside that of `write`, for new rows of a table that nobody else adds to.

        Each statement is a transaction of its own, which is quicker than to begin and commit one.
        """
        with self._appending, self._cursor() as cursor:
            yield cursor

    def rewrite(self, begun: Callable[[duckdb.DuckDBPyConnection], None], forget: str) -> None:
        """Put a new file in the place of this one: what its tables hold, and nothing of what was deleted.

        DuckDB reuses the space of deleted rows but never overwrites it. Writes wait until the end; reads only
        while the files change places. A process that is killed leaves the one or the other, whole.

        begun: is given the cursor that copies, which may be interrupted. forget: a table that is left empty.
        Raises StoreError, with the old file in its place.
        """
        fresh = self.path.with_name(self.path.name + FRESH)
        self._settled()
        with self._writing, self._appending:
            try:
                with self._cursor() as cursor:
                    fresh.unlink(missing_ok=True)
                    cursor.execute(f"ATTACH {quoted(str(fresh))} AS fresh")
                    try:
                        tighten(fresh)
                        begun(cursor)
                        cursor.execute("SELECT current_database()")
                        ((name,),) = cursor.fetchall()
                        cursor.execute(f'COPY FROM DATABASE "{name}" TO fresh')
                        cursor.execute(f"DELETE FROM fresh.{forget}")
                        cursor.execute("CHECKPOINT fresh")
                    finally:
                        with suppress(duckdb.Error):  # The first error tells more.
                            cursor.execute("DETACH fresh")
                self._replace_by(fresh)
            except OSError as error:
                raise StoreError(_explain(self.path, error)) from error
            finally:
                _remove(fresh)

    def _replace_by(self, fresh: Path) -> None:
        """Let a file that holds the same take this one's place. Raises OSError, StoreError."""
        synchronise(fresh)
        with self._changed:
            self._replacing = True
            try:
                self._changed.wait_for(lambda: self._cursors == 0)
                if self._connection is None:
                    raise StoreError(f"The database {self.path} is closed; open it again to continue.")
                try:
                    self._connection.checkpoint()
                except duckdb.Error as error:
                    raise StoreError(_explain(self.path, error)) from error
                self._disconnect()
                # From here on the next use opens a file again, whichever stands there.
                self._failed = True
                if self._log.exists():
                    raise StoreError(f"The write-ahead log of {self.path} could not be folded in; try again.")
                os.replace(fresh, self.path)
                synchronise(self.path.parent)
                self._connection = self._open()
                self._failed = False
            finally:
                self._replacing = False
                self._changed.notify_all()

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        cursor = self._take_cursor()
        self._within.depth = self._depth + 1
        try:
            yield cursor
        except duckdb.Error as error:
            # After a fatal error DuckDB refuses everything until the file is opened again.
            self._failed = self._failed or isinstance(error, duckdb.FatalException)
            raise StoreError(_explain(self.path, error)) from error
        finally:
            cursor.close()
            self._within.depth -= 1
            with self._changed:
                self._cursors -= 1
                self._changed.notify_all()

    @property
    def _depth(self) -> int:
        depth: int = getattr(self._within, "depth", 0)
        return depth

    def _settled(self) -> None:
        # Who reads within a transaction of its own would wait for itself.
        if not self._depth:
            self.settle()

    def state(self) -> object:
        """Equal to an earlier one where nothing was written since."""
        return tuple(
            (it.stat().st_mtime_ns, it.stat().st_size) for it in (self.path, self._log) if it.exists()
        )

    def copy_to(self, file: IO[bytes]) -> object:
        """Write the database as it is now into a file; returns its `state`. Raises StoreError, OSError.

        Writers wait meanwhile, readers do not.
        """
        self._settled()
        with self._writing, self._appending:
            with self._cursor() as cursor:
                cursor.checkpoint()
            state = self.state()
            if self._reader is None:
                self._reader = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            at = 0
            while piece := os.pread(self._reader, COPIED, at):
                file.write(piece)
                at += len(piece)
            file.flush()
        return state

    def close(self) -> None:
        """Wait for the cursors in use, then close the file."""
        with suppress(StoreError):  # What is not settled is when the file is opened again.
            if self._connection is not None:
                self.settle()
        with self._changed:
            self._changed.wait_for(lambda: self._cursors == 0)
            self._disconnect()
            self._connection = None
            self._failed = False

    def _take_cursor(self) -> duckdb.DuckDBPyConnection:
        with self._changed:
            # Who holds a cursor already is what the replacing waits for.
            self._changed.wait_for(lambda: self._depth > 0 or not self._replacing)
            while self._failed:
                self._changed.wait_for(lambda: self._cursors == 0)
                if self._failed and self._connection is not None:
                    self._disconnect()
                    self._connection = self._open()
                self._failed = False
            if self._connection is None:
                raise StoreError(f"The database {self.path} is closed; open it again to continue.")
            self._cursors += 1
            return self._connection.cursor()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._reader is not None:
            os.close(self._reader)
        self._reader = None

    def _open(self) -> duckdb.DuckDBPyConnection:
        if half_restored := swap.refusal(self.path.parent):
            raise StoreError(half_restored)
        try:
            make_folder(self.path.parent)
            if self.path.is_file() and self.path.stat().st_size == 0:
                # Left by a start that ended before the first byte was written, e.g. on a full disk.
                self.path.unlink()
            connection = duckdb.connect(self.path, config=SETTINGS)
            for left in (FRESH, SPILLED):  # by a process that was killed
                _remove(self.path.with_name(self.path.name + left))
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
            with self._appending, self._cursor() as cursor:
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


def synchronise(path: Path) -> None:
    """See to it that a file, or what a folder lists, outlives a power cut. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    """Take away a file or a folder, and the write-ahead log beside it."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
        return
    for left in (path, path.with_name(path.name + ".wal")):
        left.unlink(missing_ok=True)


def quoted(text: str) -> str:
    """A text as SQL writes it, where no parameter may stand."""
    return "'" + text.replace("'", "''") + "'"


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
