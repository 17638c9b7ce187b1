"""Failed sign-ins: guessing is slowed down, and nobody is locked out for good.

After OWASP's device cookies: a browser that has signed in as a user before is counted by itself, so that a
guesser elsewhere does not keep that user out. Others are counted by address, and by name all together.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from codex.errors import TooMany

FREE = 5
"""Failures after which a wait begins,"""
FIRST, LONGEST = 10.0, 15 * 60.0
"""of so many seconds, twice as long after each further failure, up to the longest."""
FREE_BY_NAME, LONGEST_BY_NAME = 50, 30.0
"""Of a name from everywhere; its waits stay short, since they also meet the user on a new browser."""
MOST = 100_000
"""Names and addresses that are counted; beyond them the oldest are forgotten."""
FORGOTTEN = 3600.0
"""Seconds without a failure after which a count begins at 0."""


@dataclass(frozen=True, slots=True)
class _Count:
    of: str
    free: int
    longest: float


class Attempts:
    """Counts failures. Thread-safe; in memory, since a restart is not in a guesser's hands."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()
        """How many, and when the last one was."""

    def begin(self, name: str, address: str, *, known: bool) -> None:
        """Count an attempt as failed until it is `succeeded`, so that several at once gain nothing.

        known: the browser has signed in as this user before. Raises TooMany while a wait lasts.
        """
        counts = _counts(name, address, known)
        with self._lock:
            now = self._clock()
            wait = max(self._ends(each, now) for each in counts)
            if wait > now:
                seconds = max(1, round(wait - now))
                raise TooMany(f"Too many failed sign-ins. Try again in {seconds} s.", seconds)
            for each in counts:
                failures, last = self._failures.pop(each.of, (0, now))
                self._failures[each.of] = (failures + 1 if now - last < FORGOTTEN else 1, now)
            while len(self._failures) > MOST:
                self._failures.popitem(last=False)

    def succeeded(self, name: str, address: str, *, known: bool) -> None:
        """Take an attempt out of the count; earlier failures stay in it, or signing in would clear them."""
        with self._lock:
            for each in _counts(name, address, known):
                failures, last = self._failures.get(each.of, (0, 0.0))
                if failures > 1 and not known:
                    self._failures[each.of] = (failures - 1, last)
                else:
                    self._failures.pop(each.of, None)

    def _ends(self, count: _Count, now: float) -> float:
        failures, last = self._failures.get(count.of, (0, 0.0))
        if failures < count.free or now - last >= FORGOTTEN:
            return 0.0
        return last + min(count.longest, FIRST * 2.0 ** min(failures - count.free, 20))


def _counts(name: str, address: str, known: bool) -> list[_Count]:
    """What an attempt counts towards."""
    name = name.casefold()[:64]
    if known:
        return [_Count(f"known {name}", FREE, LONGEST)]
    return [
        _Count(f"address {address}", FREE, LONGEST),
        _Count(f"name {name}", FREE_BY_NAME, LONGEST_BY_NAME),
    ]
