"""Which version of a kind is active, and which were before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import duckdb

from codex.errors import Conflict
from codex.store.codec.columns import in_utc
from codex.store.database.file import Database, rows

FittedKind = Literal["calibrator", "probe", "verifier"]
Kind = Literal["policy"] | FittedKind


@dataclass(frozen=True, slots=True)
class Activation:
    """One change of what is active."""

    version: str | None
    """None: nothing of the kind was active from then on."""
    activated_at: datetime
    undone: bool
    """It was rolled back."""


class Activations:
    """The changes of one kind. Thread-safe."""

    def __init__(self, database: Database, kind: Kind) -> None:
        self._database = database
        self._kind = kind

    def add(self, db: duckdb.DuckDBPyConnection, version: str | None) -> None:
        """Make a version active, in the transaction of `db`; one that is active already stays so."""
        if self._last(db) != version:
            db.execute(
                "INSERT INTO activations VALUES"
                " (nextval('activation_numbers'), ?, ?, now() AT TIME ZONE 'UTC', false)",
                [self._kind, version],
            )

    def active(self) -> str | None:
        """The active version."""
        with self._database.read() as db:
            return self._last(db)

    def undo(self) -> str | None:
        """Take the last change back; returns what is active now. Raises Conflict when there was none."""
        with self._database.write() as db:
            changed = rows(
                db,
                "UPDATE activations SET undone = true WHERE number = (SELECT max(number) FROM activations"
                " WHERE kind = ? AND NOT undone) RETURNING number",
                [self._kind],
            )
            if not changed:
                raise Conflict(f"No {self._kind} was activated, so there is nothing to undo.")
            return self._last(db)

    def forget(self, db: duckdb.DuckDBPyConnection, version: str) -> None:
        """Let nothing go back to a version, in the transaction of `db`; it must not be active."""
        db.execute(
            "UPDATE activations SET undone = true WHERE kind = ? AND version = ?", [self._kind, version]
        )
        # What came before it and after it may be the same now: one step back, not two.
        db.execute(
            "UPDATE activations SET undone = true WHERE number IN (SELECT number FROM activations"
            " WHERE kind = ? AND NOT undone"
            " QUALIFY version IS NOT DISTINCT FROM lag(version) OVER (ORDER BY number))",
            [self._kind],
        )

    def history(self) -> list[Activation]:
        """Every change, the newest first."""
        with self._database.read() as db:
            found = rows(
                db,
                "SELECT version, activated_at, undone FROM activations WHERE kind = ? ORDER BY number DESC",
                [self._kind],
            )
        return [Activation(row["version"], in_utc(row["activated_at"]), row["undone"]) for row in found]

    def _last(self, db: duckdb.DuckDBPyConnection) -> str | None:
        found = rows(
            db,
            "SELECT version FROM activations WHERE kind = ? AND NOT undone ORDER BY number DESC LIMIT 1",
            [self._kind],
        )
        return found[0]["version"] if found else None
