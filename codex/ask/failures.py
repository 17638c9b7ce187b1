"""Questions that failed: counted by the hour, and put into the store now and then."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from codex.errors import Cancelled, CodexError, InvalidInput, Stopping
from codex.store import Store
from codex.store.monitoring.rollups import Failed

NO_FAILURES = (Cancelled, Stopping, InvalidInput)
"""Errors that say nothing of the service: whoever asked went away, or sent what cannot be used."""
FAULT = "InternalError"
"""What an error is called that nobody foresaw."""


class Failures:
    """Counts in memory, so that a failure costs nothing and a full disk loses none. Thread-safe."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._counts: Counter[tuple[datetime, str, str, str]] = Counter()

    @contextmanager
    def counted(self, model: str, policy: str) -> Iterator[None]:
        """Count the question that is answered inside, where it fails."""
        try:
            yield
        except NO_FAILURES:
            raise
        except Exception as error:
            hour = self._now().replace(minute=0, second=0, microsecond=0)
            name = type(error).__name__ if isinstance(error, CodexError) else FAULT
            with self._lock:
                self._counts[hour, model, policy, name] += 1
            raise

    def keep(self, store: Store) -> None:
        """Put what was counted into the store. Raises StoreError; the counts stay for the next time."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        try:
            store.monitoring.add_failures(Failed(*key, count) for key, count in counts.items())
        except BaseException:
            with self._lock:
                self._counts += counts
            raise
