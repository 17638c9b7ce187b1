"""Additions with their sums: questions that are generated, of which a small model knows some."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

from codex import prompts
from codex.errors import InvalidInput
from codex.items import Item
from codex.prompts.stating import Shown
from codex.text import sha256
from codex.training.examples import Example

MOST = 8200
"""Additions of two numbers of one digit each, or of two digits each."""
EXAMPLES: tuple[Shown, ...] = (("What is 46 + 17?", "46 + 17 = 63", 50),)
"""What shows the format; its question is never drawn."""


class Additions:
    """A source of additions of one- and two-digit numbers, half of each while there are so many."""

    def __init__(self, n: int, seed: int = 0) -> None:
        """Raises InvalidInput where n is not in [1, MOST - 2]."""
        if not 1 <= n <= MOST - len(EXAMPLES):
            raise InvalidInput(f"There are 1 to {MOST - len(EXAMPLES):,} additions, not {n}.", ["arithmetic"])
        self._n, self._seed = n, seed

    @property
    def name(self) -> str:
        return f"{self._n} additions"

    def sha256(self) -> str:
        return sha256(repr(self._pairs()))

    def examples(self, counts: Counter[str]) -> Iterator[Example]:
        for a, b in self._pairs():
            question, answer = _question(a, b), str(a + b)
            item = Item(f"{a}+{b}", question, (answer,), "additions", grader="numeric")
            yield Example(tuple(prompts.ask(question)), answer, question, item)

    def _pairs(self) -> list[tuple[int, int]]:
        rng = random.Random(self._seed)
        shown = {question for question, *_ in EXAMPLES}
        small, large = (
            [(a, b) for a in numbers for b in numbers if _question(a, b) not in shown]
            for numbers in (range(10), range(10, 100))
        )
        rng.shuffle(small)
        rng.shuffle(large)
        n_small = max(min(self._n // 2, len(small)), self._n - len(large))
        chosen = small[:n_small] + large[: self._n - n_small]
        rng.shuffle(chosen)
        return chosen


def _question(a: int, b: int) -> str:
    return f"What is {a} + {b}?"
