"""What classifying took: requests, tokens, money. Thread-safe."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from codex.types import Generation


@dataclass(frozen=True, slots=True)
class Usage:
    """Sums so far. Rows from the cache take nothing."""

    rows: int = 0
    """Rows that the model classified."""
    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    """In the currency of the prices."""


class Spent:
    """Counts of one estimator, to which many threads add."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows = self._requests = self._prompt = self._completion = 0

    def add(self, generation: Generation) -> None:
        """One request, with what it read and wrote."""
        with self._lock:
            self._requests += 1
            self._prompt += generation.prompt_tokens
            self._completion += len(generation.tokens) - generation.prefix_tokens

    def add_row(self) -> None:
        """A row is done."""
        with self._lock:
            self._rows += 1

    def usage(self, prompt_price: float = 0.0, completion_price: float = 0.0) -> Usage:
        """The sums at this moment, at these prices of a million tokens."""
        with self._lock:
            cost = (self._prompt * prompt_price + self._completion * completion_price) / 1e6
            return Usage(self._rows, self._requests, self._prompt, self._completion, cost)
