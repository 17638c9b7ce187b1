"""How many tokens the model may generate for one client in a day."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator
from typing import TypeVar

from codex.ask.passing import passed_on
from codex.ask.places import Client
from codex.errors import TooMany
from codex.types import Event, SamplesEvent, TokenEvent

DAY = 24 * 3600.0
MOST = 100_000
"""Clients that are counted; beyond them those that began first are forgotten."""

T = TypeVar("T")


class Budget:
    """Counts what each client's questions generate, from its first one for a day. Thread-safe, in memory.

    Tokens of answers and of their samples count, also of a question that is cancelled; what the model reads,
    judges and verifies does not. This process itself, which asks as nobody, has no limit.
    """

    def __init__(self, most: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        """most: tokens in a day; None: no limit."""
        self._most, self._clock, self._lock = most, clock, threading.Lock()
        self._spent: dict[str, tuple[float, int]] = {}
        """When the day ends, and how many so far."""

    def check(self, client: Client | None) -> None:
        """Raises TooMany where the client has generated as many as it may."""
        if client is None or self._most is None:
            return
        now = self._clock()
        with self._lock:
            until, spent = self._today(client, now)
        if spent >= self._most:
            raise TooMany(
                f"Your questions have generated {spent:,} tokens, and {self._most:,} are allowed in a day "
                f"(server.tokens_per_day). Try again in {(until - now) / 3600:.1f} h.",
                max(1, round(until - now)),
            )

    def spend(self, client: Client | None, tokens: int) -> None:
        """Count tokens; negative ones correct an estimate."""
        if client is None or self._most is None:
            return
        with self._lock:
            until, spent = self._today(client, self._clock())
            self._spent[client.share] = (until, spent + tokens)
            if len(self._spent) > MOST:
                del self._spent[next(iter(self._spent))]

    def counted(
        self, client: Client | None, n_samples: int, events: Generator[Event, None, T]
    ) -> Generator[Event, None, T]:
        """The events of a question, counted as they come.

        n_samples: decoded beside the answer, each about as long; they are counted with it, and corrected when
        they are complete, so that a cancelled question counts for what it took.
        """
        estimated = 0

        def counted(event: Event) -> Iterator[Event]:
            nonlocal estimated
            if isinstance(event, TokenEvent):
                estimated += n_samples
                self.spend(client, 1 + n_samples)
            elif isinstance(event, SamplesEvent):
                drawn = sum(len(sample.tokens) for sample in event.samples)
                self.spend(client, drawn - estimated)
                estimated = 0
            yield event

        return passed_on(events, counted)

    def _today(self, client: Client, now: float) -> tuple[float, int]:
        until, spent = self._spent.get(client.share, (0.0, 0))
        return (until, spent) if now < until else (now + DAY, 0)
