"""Live questions before background ones: a run pauses while somebody waits for an answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from codex.errors import Cancelled

_LOOK = 0.05
"""Seconds between two looks at whether background work that waits is still wanted."""


class Priority:
    """Which live questions there are, and the background questions that make way for them. Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._live = 0
        self._background: set[threading.Event] = set()

    @contextmanager
    def live(self) -> Iterator[None]:
        """A live question is under way inside: every background question that makes way is stopped."""
        with self._changed:
            self._live += 1
            for stop in self._background:
                stop.set()
        try:
            yield
        finally:
            with self._changed:
                self._live -= 1
                self._changed.notify_all()

    @contextmanager
    def background(self, stop: threading.Event, unwanted: threading.Event) -> Iterator[None]:
        """Begin a background question when no live one is under way, and make way for the next one.

        stop: set when a live question comes; whoever stopped for it may ask again. unwanted: set when the
        question is not wanted any more. Raises Cancelled where that is so before it began.
        """
        with self._changed:
            while self._live and not unwanted.is_set():
                self._changed.wait(_LOOK)
            if unwanted.is_set():
                raise Cancelled("The question was cancelled before it was asked.")
            self._background.add(stop)
        try:
            yield
        finally:
            with self._changed:
                self._background.discard(stop)
