"""Traces that a second home of events does not have yet, or not as they are now.

A row says that a trace was saved, changed or deleted; whoever copies makes the copy like the store. Rows are
written in the transaction of the change itself, from the first time on that a second home was set.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import duckdb

from codex.store.database.file import Database


class Outbox:
    """The changed traces of one database, in the order of their changes. Thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database
        with database.read() as db:
            found = db.execute("SELECT id FROM event_source").fetchall()
        self._source: str | None = found[0][0] if found else None

    def open(self) -> str:
        """Take changes in from now on; returns the id under which this database is known to others."""
        if self._source is None:
            source = uuid.uuid4().hex
            with self._database.write() as db:
                db.execute("INSERT INTO event_source VALUES (?, 0)", [source])
            self._source = source
        return self._source

    def add(self, db: duckdb.DuckDBPyConnection, traces: Sequence[str]) -> None:
        """Note in a transaction that these traces change with it."""
        if self._source is not None:
            db.execute("INSERT INTO event_outbox SELECT nextval('outbox_numbers'), unnest(?)", [list(traces)])

    def restart(self) -> int:
        """Note every trace in the place of what waits, the oldest first; returns the number before them."""
        with self._database.write() as db:
            db.execute("DELETE FROM event_outbox")
            ((number,),) = db.execute("SELECT nextval('outbox_numbers')").fetchall()
            db.execute("UPDATE event_source SET copied_to = ?", [number])
            db.execute(
                "INSERT INTO event_outbox SELECT nextval('outbox_numbers'), trace_id FROM"
                " (SELECT trace_id FROM model_inference_events GROUP BY trace_id ORDER BY min(event_id))"
            )
        return int(number)

    def confirms(self, number: int, trace: str) -> bool:
        """Whether a copy up to this change of this trace is one of this database, and misses nothing."""
        with self._database.read() as db:
            found = db.execute(
                "SELECT 1 FROM event_source WHERE copied_to = ?"
                " UNION ALL SELECT 1 FROM event_outbox WHERE number = ? AND trace_id = ?",
                [number, number, trace],
            ).fetchall()
        return bool(found)

    def first(self, limit: int) -> list[tuple[int, str]]:
        """The oldest changes that wait: number and trace."""
        with self._database.read() as db:
            return db.execute(
                "SELECT number, trace_id FROM event_outbox ORDER BY number LIMIT ?", [limit]
            ).fetchall()

    def waiting(self) -> int:
        """How many changes wait."""
        with self._database.read() as db:
            ((count,),) = db.execute("SELECT count(*) FROM event_outbox").fetchall()
        return int(count)

    def remove(self, number: int) -> None:
        """Forget the changes up to a number: they are copied."""
        with self._database.write() as db:
            db.execute("DELETE FROM event_outbox WHERE number <= ?", [number])
            db.execute("UPDATE event_source SET copied_to = ?", [number])
