"""Deleting for good: out of every table and the copy of the events, and then out of the file itself."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import duckdb

from codex.errors import StoreError
from codex.store.database.file import FRESH, Database, rows
from codex.store.postgres.outbox import Outbox

DUE = "due_erasures"

log = logging.getLogger(__name__)

ErasureState = Literal["none", "due", "running", "failed"]


@dataclass(frozen=True, slots=True)
class ErasureStatus:
    """Whether the file may still hold what was deleted."""

    state: ErasureState
    """none: it holds nothing that was deleted by session; due: it waits to be started."""
    share: float = 0.0
    """Of the file that is rewritten; an estimate."""
    error: str = ""
    """Why it failed, and what to do."""


class Erasure:
    """The rewriting of one database file. Thread-safe; what was deleted stays due until it has succeeded."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._running = False
        self._again = False
        self._cursor: duckdb.DuckDBPyConnection | None = None
        self._closed = False
        self._error = ""

    def want(self, db: duckdb.DuckDBPyConnection) -> None:
        """Have the file rewritten for what is deleted in this transaction."""
        db.execute(f"INSERT INTO {DUE} VALUES (now() AT TIME ZONE 'UTC')")

    @property
    def status(self) -> ErasureStatus:
        """How far it is. Raises StoreError."""
        if self._running:
            return ErasureStatus("running", self._share)
        with self._database.read() as db:
            due = bool(rows(db, f"SELECT 1 FROM {DUE}"))
        if not due:
            return ErasureStatus("none")
        return ErasureStatus("failed", 0.0, self._error) if self._error else ErasureStatus("due")

    def run(self) -> None:
        """Rewrite the file now, where that is due. Raises StoreError, with the old file in its place."""
        with self._lock:
            self._error = ""
            while not self._closed and self._due():
                try:
                    self._database.rewrite(self._begun, DUE)
                except StoreError as error:
                    self._error = str(error)
                    raise
                finally:
                    self._cursor = None

    def start(self) -> None:
        """Rewrite the file in a thread, where that is due."""
        with self._starting:
            self._again = True
            if self._running:
                return
            self._running = True
            self._thread = threading.Thread(target=self._run, name="codex-erasure", daemon=True)
            self._thread.start()

    def wait(self) -> ErasureStatus:
        """How it ended, at its end. Raises StoreError."""
        if self._thread is not None:
            self._thread.join()
        return self.status

    def close(self) -> None:
        """Stop, and wait for that; the file that was there stays."""
        self._closed = True
        cursor = self._cursor
        if cursor is not None:
            with suppress(duckdb.Error):
                cursor.interrupt()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while self._is_wanted_again():
            try:
                self.run()
            except StoreError as error:
                if not self._closed:
                    log.warning("What was deleted is not erased from the file yet: %s", error)

    def _is_wanted_again(self) -> bool:
        with self._starting:
            self._running, self._again = self._again, False
            return self._running

    def _begun(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor
        if self._closed:
            cursor.interrupt()

    def _due(self) -> bool:
        with self._database.read() as db:
            return bool(rows(db, f"SELECT 1 FROM {DUE} LIMIT 1"))

    @property
    def _share(self) -> float:
        path = self._database.path
        try:
            size, written = path.stat().st_size, path.with_name(path.name + FRESH).stat().st_size
        except OSError:
            return 0.0
        return min(1.0, written / size) if size else 0.0


class Deletion:
    """The one way to delete traces. Stateless, but for whom it tells."""

    def __init__(self, outbox: Outbox, erasure: Erasure) -> None:
        self._outbox = outbox
        self._erasure = erasure

    def delete(self, db: duckdb.DuckDBPyConnection, traces: Sequence[str]) -> None:
        """Delete traces in a transaction, with their labels and links; what people answered to them stays.

        Their bytes stay in the file until the erasure has rewritten it.
        """
        chosen = [list(traces)]
        these = "IN (SELECT unnest(?))"
        # An answer that a person wrote is theirs; the question was not, unless they typed it.
        db.execute(
            f"UPDATE people_answers SET question = NULL, vector = NULL WHERE NOT typed AND trace_id {these}",
            chosen,
        )
        for table in ("labels", "label_queue_items"):
            db.execute(f"DELETE FROM {table} WHERE run_id = '' AND question_id {these}", chosen)
        db.execute(f"DELETE FROM shares WHERE trace_id {these}", chosen)
        db.execute(
            "DELETE FROM model_inference_token_stats WHERE event_id IN"
            f" (SELECT event_id FROM model_inference_events WHERE trace_id {these})",
            chosen,
        )
        db.execute(f"DELETE FROM model_inference_events WHERE trace_id {these}", chosen)
        db.execute(f"DELETE FROM traces WHERE id {these}", chosen)
        self._outbox.add(db, traces)
        self._erasure.want(db)
