"""Who may ask now: so many questions under way, of which no client has more than its share."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from codex.errors import Busy, Cancelled, Stopping, TooMany

LONG_ANSWER = 1024
"""Answers of more tokens may hold only half of a client's share, so that its short questions still go in."""

FEWEST_SHARED = 4
"""A share of fewer places would be one question, and the next one of the same client often overlaps it."""


@dataclass(frozen=True, slots=True)
class Client:
    """Somebody who asks from outside this process."""

    secret: str
    """Known to the client alone: who may read what is kept of its questions in memory."""
    share: str
    """Whose share of the places its questions take."""


def share_of(client: Client | None) -> str | None:
    """Whose share a decode takes; None: this process's own."""
    return client.share if client else None


class Places:
    """The questions under way. Thread-safe.

    A client has at most half of the places, and a quarter with long answers: one that asks without end
    leaves the others served. Fewer than FEWEST_SHARED places are not shared, and this process itself, which
    asks as nobody, may take all.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._share = total // 2 if total >= FEWEST_SHARED else total
        self._long_share = total // 4 if total >= FEWEST_SHARED else total
        self._lock = threading.Condition()
        self._taken = 0
        self._by_client: Counter[str] = Counter()
        self._long_by_client: Counter[str] = Counter()
        self._running: set[threading.Event] = set()
        self._draining = self._stopped = False
        self._disturbed = threading.Event()

    def quiet(self) -> threading.Event:
        """Wait until no question is under way; the event is set when one begins. Raises Stopping."""
        with self._lock:
            self._lock.wait_for(lambda: self._draining or not self._taken)
            if self._draining:
                raise _stopping()
            if self._disturbed.is_set():
                self._disturbed = threading.Event()
            return self._disturbed

    def disturb(self) -> None:
        """Stop whoever waited for `quiet`, as a question would."""
        with self._lock:
            self._disturbed.set()

    @contextmanager
    def taken(self, client: Client | None, max_tokens: int, cancel: threading.Event) -> Iterator[None]:
        """Hold a place inside. Raises Busy, TooMany; Stopping, also where the block is cancelled by `stop`.

        max_tokens: of the answer. cancel: stops the question.
        """
        share = share_of(client)
        is_long = max_tokens > LONG_ANSWER
        with self._lock:
            self._check(share, is_long)
            self._count(share, is_long, 1)
            self._running.add(cancel)
            self._disturbed.set()
        try:
            yield
        except Cancelled as error:
            if self._stopped:
                raise _stopping() from error
            raise
        finally:
            with self._lock:
                self._count(share, is_long, -1)
                self._running.discard(cancel)
                self._lock.notify_all()

    @property
    def draining(self) -> bool:
        """Whether no more questions are taken."""
        return self._draining

    def drain(self) -> bool:
        """Take no more questions, and let those under way finish; whether all of them have."""
        with self._lock:
            self._draining = True
            self._disturbed.set()
            self._lock.notify_all()
            return not self._taken

    def stop(self) -> None:
        """Cancel every question under way, and take no more."""
        with self._lock:
            self._draining = self._stopped = True
            for cancel in (*self._running, self._disturbed):
                cancel.set()
            self._lock.notify_all()

    def _check(self, share: str | None, is_long: bool) -> None:
        if self._draining:
            raise _stopping()
        if self._taken >= self._total:
            raise Busy(f"{self._total} questions are already under way; try again shortly.")
        if share is None:
            return
        if self._by_client[share] >= self._share:
            raise TooMany(
                f"{self._share} of your questions are already under way, and the other places are kept for "
                "others; wait for one to end."
            )
        if is_long and self._long_by_client[share] >= self._long_share:
            raise TooMany(
                f"{self._long_share} of your questions with answers of more than {LONG_ANSWER:,} tokens are "
                "already under way; wait for one to end, or set max_tokens lower."
            )

    def _count(self, share: str | None, is_long: bool, change: int) -> None:
        self._taken += change
        if share is None:
            return
        self._by_client[share] += change
        self._long_by_client[share] += change * is_long
        if not self._by_client[share]:
            del self._by_client[share], self._long_by_client[share]


def _stopping() -> Stopping:
    return Stopping("Codex is shutting down and takes no more questions. Ask again when it is back.")
