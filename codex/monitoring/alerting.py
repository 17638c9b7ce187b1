"""How an alert goes from one state to another, and what is told of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from codex.store.monitoring.alerts import AlertState, Notice, NoticeKind, State

WORDS: dict[State, str] = {
    "ok": "OK",
    "alert": "Alert",
    "no_data": "No data",
    "cold_start": "Cold start",
    "paused": "Paused",
}
"""What people call the states."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one look at an alert found."""

    name: str
    value: float | None
    threshold: float | None
    count: int
    """What the value rests on."""
    minimum: int
    """Fewer say nothing."""
    exceeded: bool
    """Whether the value is beyond the threshold."""
    message: str
    about: str = ""
    """What it is measured on: with another one the alert starts again."""

    @property
    def enough(self) -> bool:
        """Whether it says anything."""
        return self.value is not None and self.count >= self.minimum


def advance(
    before: AlertState | None, reading: Reading, now: datetime, renotify: timedelta
) -> tuple[AlertState, list[Notice]]:
    """The state after a look, and what people are told.

    cold_start: there never was enough to go by; no_data: there was, and now there is not. An alert is told
    once, again after `renotify` as long as it lasts, and when it is over; too little data ends none. A paused
    alert stays paused, and nothing is told of it. A clock that went back only delays what is told again.
    """
    fresh = before is None or before.about != reading.about
    begun = _begun(reading, now) if before is None or fresh else before
    notices: list[Notice] = []
    if before is not None and fresh:
        begun = replace(begun, state="paused" if before.state == "paused" else begun.state)
        if before.notified_at is not None and before.state != "paused":
            why = f"Starts again, since another policy or calibrator is active. {reading.message}"
            notices.append(replace(_notice("ended", reading, now), message=why))
    warm = begun.warm or reading.enough
    state = _state(reading, warm) if begun.state != "paused" else "paused"
    told, notified = _told(begun, state, now, renotify)
    if told is not None:
        notices.append(_notice(told, reading, now))
    after = AlertState(
        name=reading.name,
        about=reading.about,
        state=state,
        since=begun.since if begun.state == state and not fresh else now,
        notified_at=notified,
        warm=warm,
        value=reading.value,
        threshold=reading.threshold,
        count=reading.count,
        message=reading.message,
    )
    return after, notices


def paused(before: AlertState, now: datetime) -> tuple[AlertState, list[Notice]]:
    """An alert of which nothing is told until it is resumed."""
    if before.state == "paused":
        return before, []
    return replace(before, state="paused", since=now), [_by_hand("paused", before, now)]


def resumed(before: AlertState, now: datetime) -> tuple[AlertState, list[Notice]]:
    """A paused alert as it is before the next look."""
    if before.state != "paused":
        return before, []
    state: State = "no_data" if before.warm else "cold_start"
    return replace(before, state=state, since=now), [_by_hand("resumed", before, now)]


def _begun(reading: Reading, now: datetime) -> AlertState:
    return AlertState(reading.name, reading.about, "cold_start", now, None, False, None, None, 0, "")


def _state(reading: Reading, warm: bool) -> State:
    if not reading.enough:
        return "no_data" if warm else "cold_start"
    return "alert" if reading.exceeded else "ok"


def _told(
    before: AlertState, state: State, now: datetime, renotify: timedelta
) -> tuple[NoticeKind | None, datetime | None]:
    """What is told at this look, and when people were last told of an alert that is not over."""
    last = before.notified_at
    if state == "alert":
        if last is None:
            return "alert", now
        if last > now:
            return None, now
        return ("again", now) if now - last >= renotify else (None, last)
    if state == "ok" and last is not None:
        return "recovered", None
    return None, last


def _notice(kind: NoticeKind, reading: Reading, now: datetime) -> Notice:
    return Notice(reading.name, kind, now, reading.message, reading.value, reading.threshold)


def _by_hand(kind: NoticeKind, state: AlertState, now: datetime) -> Notice:
    return Notice(state.name, kind, now, state.message, state.value, state.threshold)
