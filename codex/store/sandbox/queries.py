"""SQL of an analyst over the store: read-only, in a process of its own that can touch nothing else.

The process sees a copy of the database, which is made when the store has changed and has no name in any
folder. It has no environment, no files, no extensions and no settings to change; what takes too long or too
much memory ends with it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Literal

from codex.errors import Busy, Cancelled, InvalidInput, StoreError
from codex.store.database.file import Database

SECONDS = 10.0
"""A query that takes longer is stopped."""
ROWS = 10_000
BYTES = 16 * 2**20
"""A result ends after so many rows, or with so many bytes as JSON."""
MEMORY = "384MB"
THREADS = 2
LONGEST = 20_000
"""Characters of a query."""
AT_ONCE = 2
"""Queries that run at the same time."""
POLL = 0.1
"""Seconds between two looks at whether the query is still wanted."""
SCRIPT = Path(__file__).with_name("process.py")

Cell = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a result."""

    name: str
    type: str
    """As DuckDB names it."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a query found."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    """Numbers and booleans as they are; other values as text, lists and structs as JSON."""
    truncated: Literal["rows", "bytes"] | None
    """The limit that left out the rest; None: it is all here."""
    as_of: datetime
    """When the store was copied."""
    seconds: float
    """Until the result was here, without waiting for the copy."""


class Sandbox:
    """Queries over one database. Thread-safe."""

    def __init__(self, database: Database, seconds: float = SECONDS) -> None:
        """seconds: the limit of a query."""
        self._database = database
        self._seconds = seconds
        self._lock = threading.Lock()
        self._copy: _Copy | None = None
        self._places = threading.BoundedSemaphore(AT_ONCE)

    def run(self, query: str, cancel: threading.Event | None = None) -> Result:
        """The result of one SELECT, or EXPLAIN.

        Raises InvalidInput where the query is refused, fails, or exceeds a limit; Busy where others run
        already; Cancelled; StoreError.
        """
        if len(query) > LONGEST:
            raise InvalidInput(
                f"The query has {len(query):,} characters; {LONGEST:,} are allowed.", ["query"]
            )
        if not self._places.acquire(blocking=False):
            raise Busy(f"{AT_ONCE} queries are running already; try again when one has ended.")
        try:
            file, as_of = self._current()
            with file:
                started = time.monotonic()
                found = self._ask(file, query, cancel or threading.Event())
                seconds = time.monotonic() - started
        finally:
            self._places.release()
        if "error" in found:
            raise InvalidInput(_without_advice(found["error"]), ["query"])
        return Result(
            tuple(Column(**column) for column in found["columns"]),
            tuple(tuple(row) for row in found["rows"]),
            found["truncated"],
            as_of,
            seconds,
        )

    def forget(self) -> None:
        """Give the copy of the database back, with everything that was deleted since it was made."""
        with self._lock:
            if self._copy is not None:
                self._copy.close()
            self._copy = None

    def _current(self) -> tuple[IO[bytes], datetime]:
        """The copy under a descriptor of the caller's own, and when it was made."""
        with self._lock:
            if self._copy is None or self._copy.state != self._database.state():
                if self._copy is not None:
                    self._copy.close()
                self._copy = None
                self._copy = _Copy(self._database)
            return self._copy.file(), self._copy.made_at

    def _ask(self, database: IO[bytes], query: str, cancel: threading.Event) -> dict[str, Any]:
        descriptor = database.fileno()
        asked = {
            "query": query,
            "database": f"/dev/fd/{descriptor}",
            "rows": ROWS,
            "bytes": BYTES,
            "memory": MEMORY,
            "threads": THREADS,
        }
        process = subprocess.Popen(
            [sys.executable, "-I", str(SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=[descriptor],
            cwd="/",
            env={},
        )
        ends = time.monotonic() + self._seconds
        sent: bytes | None = json.dumps(asked).encode()
        try:
            while True:
                with suppress(subprocess.TimeoutExpired):
                    written, _ = process.communicate(sent, timeout=POLL)
                    break
                sent = None
                if cancel.is_set():
                    raise Cancelled("The query was cancelled.")
                if time.monotonic() > ends:
                    raise InvalidInput(
                        f"The query took longer than {self._seconds:g} seconds and was stopped. Let it read "
                        "fewer rows or columns.",
                        ["query"],
                    )
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()
        if process.returncode:
            raise InvalidInput(
                f"The query needed more than the {MEMORY} of memory that it may use. Let it read fewer rows "
                "or columns.",
                ["query"],
            )
        found: dict[str, Any] = json.loads(written)
        return found


class _Copy:
    """The database as it was at a moment, in a file without a name."""

    def __init__(self, database: Database) -> None:
        folder = database.path.parent
        try:
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # `close` closes it.
            self.state = database.copy_to(self._file)
        except OSError as error:
            raise StoreError(
                f"The database cannot be copied for the query: {error.strerror or error}. Free some space in "
                f"{folder}."
            ) from error
        self.made_at = datetime.now(UTC)

    def file(self) -> IO[bytes]:
        return os.fdopen(os.dup(self._file.fileno()), "rb")

    def close(self) -> None:
        """Give the space back when the last query over it has ended."""
        self._file.close()


def _without_advice(error: str) -> str:
    """The database's message without the query and without advice on settings, which cannot be changed."""
    for begin in ("\n\nLINE ", "\n\nPossible solutions", "\nDatabase is launched in in-memory"):
        error = error.partition(begin)[0]
    return error.strip()
