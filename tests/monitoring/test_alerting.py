"""The states of an alert, and what is told of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from codex.monitoring.alerting import Reading, advance, paused, resumed
from codex.store.monitoring.alerts import AlertState

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RENOTIFY = timedelta(hours=24)
NONE, FEW, FINE, BAD = "none", "few", "fine", "bad"


def reading(kind: str, about: str = "") -> Reading:
    """minimum 10 answers, threshold 0.5."""
    value, count = {NONE: (None, 0), FEW: (0.9, 9), FINE: (0.5, 10), BAD: (0.6, 10)}[kind]
    return Reading("share", value, 0.5, count, 10, value is not None and value > 0.5, f"it is {kind}", about)


class Alert:
    """An alert that is looked at every minute."""

    def __init__(self) -> None:
        self.state: AlertState | None = None
        self.now = START

    def look(self, kind: str, after: timedelta = MINUTE, about: str = "") -> tuple[str, list[str]]:
        self.now += after
        self.state, notices = advance(self.state, reading(kind, about), self.now, RENOTIFY)
        return self.state.state, [notice.kind for notice in notices]


@pytest.mark.parametrize(
    ("looks", "state"),
    [
        ([NONE], "cold_start"),
        ([FEW], "cold_start"),
        ([FINE], "ok"),
        ([BAD], "alert"),
        ([FINE, FEW], "no_data"),
        ([BAD, NONE], "no_data"),
        ([FEW, NONE], "cold_start"),
        ([FINE, NONE, FEW, FINE], "ok"),
        ([BAD, FEW, BAD], "alert"),
    ],
    ids=",".join,
)
def test_the_state_follows_from_what_is_there_now_and_whether_there_ever_was_enough(
    looks: list[str], state: str
) -> None:
    alert = Alert()
    assert [alert.look(kind)[0] for kind in looks][-1] == state


def test_an_alert_is_told_once_again_after_a_day_and_when_it_is_over() -> None:
    alert = Alert()
    assert alert.look(FINE) == ("ok", [])
    assert alert.look(BAD) == ("alert", ["alert"])
    assert alert.look(BAD) == ("alert", [])
    assert alert.look(BAD, RENOTIFY - 2 * MINUTE) == ("alert", [])
    assert alert.look(BAD) == ("alert", ["again"])
    assert alert.look(BAD) == ("alert", [])
    assert alert.look(FINE) == ("ok", ["recovered"])
    assert alert.look(FINE) == ("ok", [])
    assert alert.look(BAD) == ("alert", ["alert"])


def test_too_little_data_does_not_end_an_alert() -> None:
    alert = Alert()
    alert.look(BAD)
    assert alert.look(FEW) == ("no_data", [])
    assert alert.look(BAD) == ("alert", [])
    assert alert.look(NONE) == ("no_data", [])
    assert alert.look(FINE) == ("ok", ["recovered"])


def test_nothing_is_told_of_a_paused_alert() -> None:
    alert = Alert()
    alert.look(FINE)
    assert alert.state is not None
    alert.state, notices = paused(alert.state, alert.now)
    assert [notice.kind for notice in notices] == ["paused"]
    assert paused(alert.state, alert.now)[1] == []
    assert alert.look(BAD) == ("paused", [])
    assert alert.state.value == 0.6  # what it measures is still shown
    alert.state, notices = resumed(alert.state, alert.now)
    assert [notice.kind for notice in notices] == ["resumed"]
    assert resumed(alert.state, alert.now)[1] == []
    assert alert.look(BAD) == ("alert", ["alert"])


def test_an_alert_that_is_over_while_it_is_paused_is_told_to_be_over_afterwards() -> None:
    alert = Alert()
    alert.look(BAD)
    assert alert.state is not None
    alert.state, _ = paused(alert.state, alert.now)
    assert alert.look(FINE, 2 * RENOTIFY) == ("paused", [])
    alert.state, _ = resumed(alert.state, alert.now)
    assert alert.look(FINE) == ("ok", ["recovered"])


def test_a_clock_that_goes_back_neither_repeats_nor_silences_an_alert() -> None:
    alert = Alert()
    alert.look(BAD)
    assert alert.look(BAD, -1000 * RENOTIFY) == ("alert", [])
    assert alert.look(BAD, RENOTIFY - MINUTE) == ("alert", [])
    assert alert.look(BAD, MINUTE) == ("alert", ["again"])


def test_with_another_policy_an_alert_begins_anew_and_the_old_one_has_ended() -> None:
    alert = Alert()
    alert.look(BAD, about="a")
    assert alert.look(NONE, about="b") == ("cold_start", ["ended"])
    assert alert.look(FINE, about="b") == ("ok", [])
    assert alert.look(FINE, about="c") == ("ok", [])
    assert alert.look(BAD, about="d") == ("alert", ["alert"])


def test_a_paused_alert_stays_paused_with_another_policy() -> None:
    alert = Alert()
    alert.look(BAD, about="a")
    assert alert.state is not None
    alert.state, _ = paused(alert.state, alert.now)
    assert alert.look(BAD, about="b") == ("paused", [])


def test_since_is_when_the_state_began() -> None:
    alert = Alert()
    alert.look(FINE)
    begun = alert.now
    alert.look(FINE)
    assert alert.state is not None
    assert alert.state.since == begun
    alert.look(BAD)
    assert alert.state.since == alert.now
