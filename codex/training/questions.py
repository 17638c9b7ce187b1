"""The questions that a model learns from by rewards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from codex.errors import InvalidInput
from codex.items import Item
from codex.training.config import TrainConfig


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that is learned from, or measured with."""

    text: str
    """Its prompt, rendered."""
    prompt: list[int]
    """The tokens of it, up to where the answer begins."""
    item: Item
    """What is accepted."""


class Questions:
    """Questions in the order of a seed; each is answered several times in an update."""

    def __init__(self, asked: Sequence[Asked], config: TrainConfig, generations: int) -> None:
        """generations: answers to a question. Raises InvalidInput where an update does not have room for
        whole groups of answers.
        """
        self._asked, self._generations, self._seed = asked, generations, config.seed
        self._accumulate = config.accumulate
        answers = config.batch_size * config.accumulate
        if answers % generations:
            raise InvalidInput(
                f"train.batch_size × train.accumulate = {answers} answers of an update have to be a "
                f"multiple of --generations {generations}.",
                ["train.batch_size", "train.accumulate", "generations"],
            )
        self.per_update = answers // generations
        """Questions of an update."""

    @property
    def units(self) -> int:
        """Answers of an epoch."""
        return len(self._asked) * self._generations

    def of(self, update: int) -> list[Asked]:
        """The questions of an update, counted from 0; the same ones at each call."""
        found: list[Asked] = []
        epoch, order = -1, np.empty(0, np.int64)
        for place in range(update * self.per_update, (update + 1) * self.per_update):
            if place // len(self._asked) != epoch:
                epoch = place // len(self._asked)
                order = np.random.default_rng([self._seed, epoch]).permutation(len(self._asked))
            found.append(self._asked[int(order[place % len(self._asked)])])
        return found

    def stream(self, position: int = 0) -> Iterator[list[Asked]]:
        """See Batches: the questions of an update, once for each batch that it accumulates."""
        update = position // self._accumulate
        while True:
            some = self.of(update)
            for _ in range(self._accumulate):
                yield some
            update += 1
