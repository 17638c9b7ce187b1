"""How many requests each client makes in a minute."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable

MINUTE = 60.0
MOST = 100_000
"""Clients that are counted; beyond them those that were quiet the longest are forgotten."""


class RequestLimits:
    """Counts requests over the last minute, by a clock that nobody sets. Thread-safe, in memory."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._requests: OrderedDict[str, deque[float]] = OrderedDict()
        """When each was made, the oldest first."""

    def wait(self, who: str, most: int) -> float:
        """Count a request and return 0; or the seconds until it may be made, where `most` were counted."""
        with self._lock:
            now = self._clock()
            made = self._requests.setdefault(who, deque())
            self._requests.move_to_end(who)
            while len(self._requests) > MOST:
                self._requests.popitem(last=False)
            while made and made[0] <= now - MINUTE:
                made.popleft()
            if len(made) >= most:
                return made[-most] + MINUTE - now
            made.append(now)
            return 0.0
