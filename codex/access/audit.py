"""The audit log: who did what, when, from where, and what came of it. Entries are only ever added."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from codex.access.database import Database

BATCH = 1000
_START = "0" * 64


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that somebody did or tried to do."""

    id: int
    at: datetime
    who: str
    """A principal's id, or "nobody"."""
    address: str
    action: str
    """A route, such as "POST /infer"; a function of a page, such as "label.put"; or "sign in"."""
    target: str
    """What it was done to: a route's path, or a name."""
    outcome: int
    """The HTTP status: 403 is an attempt that was refused."""
    hash: str
    """SHA-256 of the entry before it and this one, so that a changed or missing entry shows."""


class Audit:
    """The entries, oldest first. Raises StoreError.

    The file refuses to change or delete an entry, and the chain of hashes shows where somebody who owns the
    file did so all the same; it does not show that the newest entries were cut off. Export them elsewhere.
    """

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database, self._now = database, now

    def add(self, who: str, address: str, action: str, target: str, outcome: int) -> None:
        """Add an entry; it is on disk when this returns."""
        with self._database.transaction() as db:
            last = db.execute("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1").fetchone()
            id_, before = (last["id"] + 1, last["hash"]) if last else (1, _START)
            told = (id_, self._now().isoformat(), who, address, action[:200], target[:500], outcome)
            db.execute("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*told, _chained(before, told)))

    def page(self, before: int | None = None, limit: int = 100) -> Sequence[Entry]:
        """The newest first. before: only entries older than the one of this id."""
        rows = self._database.rows(
            "SELECT * FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?",
            (2**62 if before is None else before, limit),
        )
        return [_entry(row) for row in rows]

    def entries(self) -> Iterator[Entry]:
        """All of them."""
        last = 0
        while rows := self._database.rows(
            "SELECT * FROM audit WHERE id > ? ORDER BY id LIMIT ?", (last, BATCH)
        ):
            yield from map(_entry, rows)
            last = rows[-1]["id"]

    def lines(self) -> Iterator[str]:
        """All of them, each a line of JSON."""
        for entry in self.entries():
            yield json.dumps({**asdict(entry), "at": entry.at.isoformat()}, ensure_ascii=False) + "\n"

    def broken(self) -> int | None:
        """The first entry that does not follow from those before it; None: the chain is whole."""
        before, expected = _START, 1
        for entry in self.entries():
            told = (
                *(entry.id, entry.at.isoformat(), entry.who, entry.address),
                *(entry.action, entry.target, entry.outcome),
            )
            if entry.id != expected or entry.hash != _chained(before, told):
                return entry.id
            before, expected = entry.hash, expected + 1
        return None


def _chained(before: str, told: tuple[object, ...]) -> str:
    return hashlib.sha256(json.dumps([before, *told]).encode()).hexdigest()


def _entry(row: sqlite3.Row) -> Entry:
    return Entry(
        *(row["id"], datetime.fromisoformat(row["at"]), row["who"], row["address"]),
        *(row["action"], row["target"], row["outcome"], row["hash"]),
    )
