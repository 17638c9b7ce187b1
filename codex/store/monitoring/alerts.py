"""How each alert stands, and every notice of one: what was said, and whether it was delivered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from codex.store.codec.columns import in_utc, naive_utc
from codex.store.database.file import Database, Row, rows

State = Literal["cold_start", "no_data", "ok", "alert", "paused"]
NoticeKind = Literal["alert", "again", "recovered", "ended", "paused", "resumed"]
Delivery = Literal["none", "waiting", "delivered", "failed"]
KEPT_NOTICES = 1000
"""Older ones are deleted."""


@dataclass(frozen=True, slots=True)
class AlertState:
    """How an alert stands."""

    name: str
    about: str
    """What it is measured on, e.g. the policy's version: with another one it starts again."""
    state: State
    since: datetime
    """In UTC."""
    notified_at: datetime | None
    """When people were last told of it; None: there is nothing to recover from."""
    warm: bool
    """Whether there ever was enough to go by."""
    value: float | None
    """None: there is nothing to measure it on."""
    threshold: float | None
    count: int
    """What the value rests on."""
    message: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What people are told of an alert."""

    alert: str
    kind: NoticeKind
    made_at: datetime
    """In UTC."""
    message: str
    value: float | None
    threshold: float | None
    delivery: Delivery = "none"
    """Through the webhook."""
    attempts: int = 0
    next_at: datetime | None = None
    """Of the next attempt; None: there is none."""
    error: str = ""
    """Of the last attempt."""
    number: int = 0
    """In the order they were made; 0: not kept yet."""


class Alerts:
    """The alerts of a store. Thread-safe; every method raises StoreError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def states(self) -> dict[str, AlertState]:
        """How every alert stood when it was last looked at, by name."""
        with self._database.read() as db:
            found = rows(db, "SELECT * FROM alerts ORDER BY name")
        return {row["name"]: _state(row) for row in found}

    def put(self, states: Iterable[AlertState], notices: Iterable[Notice] = ()) -> None:
        """Keep how alerts stand, and what is told of them: both, or neither."""
        with self._database.write() as db:
            for each in states:
                notified = each.notified_at and naive_utc(each.notified_at)
                db.execute(
                    "INSERT OR REPLACE INTO alerts (name, about, state, since, notified_at, warm, value,"
                    " threshold, count, message) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    [
                        *(each.name, each.about, each.state, naive_utc(each.since), notified, each.warm),
                        *(each.value, each.threshold, each.count, each.message),
                    ],
                )
            for notice in notices:
                db.execute(
                    "INSERT INTO notices (number, alert, kind, made_at, message, value, threshold,"
                    " delivery, attempts, next_at, error)"
                    " VALUES (nextval('notice_numbers'), ?, ?, ?, ?, ?, ?, ?, 0, ?, '')",
                    [
                        *(notice.alert, notice.kind, naive_utc(notice.made_at), notice.message),
                        *(notice.value, notice.threshold, notice.delivery),
                        notice.next_at and naive_utc(notice.next_at),
                    ],
                )
            db.execute(
                "DELETE FROM notices WHERE number <= (SELECT max(number) FROM notices) - ?", [KEPT_NOTICES]
            )

    def notices(self, limit: int = 50) -> list[Notice]:
        """The newest notices, the newest first."""
        with self._database.read() as db:
            found = rows(db, "SELECT * FROM notices ORDER BY number DESC LIMIT ?", [limit])
        return [_notice(row) for row in found]

    def waiting(self) -> list[Notice]:
        """What is still to be delivered, the oldest first."""
        with self._database.read() as db:
            found = rows(db, "SELECT * FROM notices WHERE delivery = 'waiting' ORDER BY number")
        return [_notice(row) for row in found]

    def attempted(self, notice: Notice) -> None:
        """Keep how an attempt to deliver a notice ended."""
        with self._database.write() as db:
            db.execute(
                "UPDATE notices SET delivery = ?, attempts = ?, next_at = ?, error = ? WHERE number = ?",
                [
                    *(notice.delivery, notice.attempts, notice.next_at and naive_utc(notice.next_at)),
                    *(notice.error, notice.number),
                ],
            )


def _state(row: Row) -> AlertState:
    told: Any = dict(row)
    return AlertState(
        **told | {"since": in_utc(row["since"]), "notified_at": _moment(row["notified_at"])},
    )


def _notice(row: Row) -> Notice:
    told: Any = dict(row)
    return Notice(**told | {"made_at": in_utc(row["made_at"]), "next_at": _moment(row["next_at"])})


def _moment(at: datetime | None) -> datetime | None:
    return None if at is None else in_utc(at)
