"""Questions under way for the Ask page, so that a button or a closed tab can stop them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

EARLY = 100
"""Runs that are remembered as cancelled before they began; the oldest are forgotten."""


class Runs:
    """Which questions run, by the id that the page gave them. Thread-safe."""

    def __init__(self) -> None:
        self._runs: dict[str, threading.Event] = {}
        self._early: deque[str] = deque(maxlen=EARLY)
        self._lock = threading.Lock()

    @contextmanager
    def running(self, run: str) -> Iterator[threading.Event]:
        """The event that stops the run; it is set when the block is left, however it is left."""
        cancel = threading.Event()
        with self._lock:
            self._runs[run] = cancel
            if run in self._early:
                cancel.set()
        try:
            yield cancel
        finally:
            cancel.set()
            with self._lock:
                del self._runs[run]

    def known(self, run: str) -> bool:
        """Whether a run has begun and not ended."""
        with self._lock:
            return run in self._runs

    def cancel(self, run: str) -> None:
        """Stop a run, also one that has yet to begin; does nothing when it has ended."""
        with self._lock:
            if run in self._runs:
                self._runs[run].set()
            else:
                self._early.append(run)
