"""How many requests each client may make in a minute."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
import time_machine

from codex.server import request_limits
from codex.server.request_limits import RequestLimits


def test_each_client_has_so_many_requests_in_any_minute() -> None:
    now = 1000.0
    limits = RequestLimits(lambda: now)
    assert [limits.wait("ada", 3) for _ in range(3)] == [0, 0, 0]
    now += 20
    assert limits.wait("ada", 3) == 40
    assert limits.wait("bob", 3) == 0
    now += 39.5
    assert limits.wait("ada", 3) == 0.5
    now += 0.5
    assert [limits.wait("ada", 3) for _ in range(4)] == [0, 0, 0, 60]


@pytest.mark.parametrize("days", [-1, 1])
def test_a_clock_that_is_set_keeps_nobody_out_and_lets_nobody_in(days: int) -> None:
    limits = RequestLimits()
    with time_machine.travel(time.time()) as clock:
        assert [limits.wait("ada", 3) for _ in range(3)] == [0, 0, 0]
        clock.shift(timedelta(days=days))
        assert 0 < limits.wait("ada", 3) <= 60


def test_those_that_were_quiet_the_longest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_limits, "MOST", 2)
    limits = RequestLimits()
    assert [limits.wait(who, 1) for who in ("ada", "bob")] == [0, 0]
    assert limits.wait("ada", 1) > 0
    assert limits.wait("eve", 1) == 0
    assert limits.wait("ada", 1) > 0
    assert limits.wait("bob", 1) == 0
