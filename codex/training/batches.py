"""Batches that a training takes, from any place on: the same ones after every interruption."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

IGNORED = -100
"""The target of a position that the loss does not count."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that pass the model at once."""

    inputs: dict[str, Tensor]
    """What the loss takes, by name; a row is a row of each."""
    weight: float
    """How many terms the loss is a mean of: target tokens, or rows. Accumulated batches count by it."""
    tokens: int
    """Of its rows, without padding."""

    def to(self, device: torch.device) -> Batch:
        """The same on that device."""
        moved = {name: value.to(device, non_blocking=True) for name, value in self.inputs.items()}
        return replace(self, inputs=moved)


class Batches(Protocol):
    """An endless stream of batches that can be entered at any place."""

    def stream(self, position: int = 0) -> Iterator[Batch]:
        """The batches from that one on, counted from 0; the same ones at each call."""
        ...


class TokenRows(Protocol):
    """Rows as tokens."""

    @property
    def lengths(self) -> NDArray[np.int64]:
        """[rows]: tokens of each."""
        ...

    def ids(self, row: int) -> NDArray[np.int32]:
        """[tokens]: of a row."""
        ...

    def start(self, row: int) -> int:
        """The first token of a row that is a target; what stands before it is only read."""
        ...


class TokenLists:
    """Rows of tokens in memory; see TokenRows."""

    def __init__(self, rows: Sequence[tuple[Sequence[int], Sequence[int]]]) -> None:
        """rows: a prompt and an answer each."""
        self._rows = rows
        self.lengths: NDArray[np.int64] = np.array([len(one) + len(two) for one, two in rows], np.int64)

    def ids(self, row: int) -> NDArray[np.int32]:
        return np.array([*self._rows[row][0], *self._rows[row][1]], np.int32)

    def start(self, row: int) -> int:
        return len(self._rows[row][0])


class RowBatches:
    """Batches of rows, shuffled by seed and epoch.

    Rows are padded at the end, where a causal model never looks at padding, so no mask is needed.
    """

    def __init__(
        self, rows: TokenRows, batch_size: int, seed: int, *, pad: int = 0, packed: int | None = None
    ) -> None:
        """packed: tokens that short rows share, so that a unit is several rows; None: a unit is one row."""
        self._rows = rows
        self._size = batch_size
        self._seed = seed
        self._pad = pad
        self._packed = packed
        n = len(rows.lengths)
        self._units: Sequence[Sequence[int]] = packs(rows.lengths, packed) if packed else _Singles(n)

    @property
    def units(self) -> int:
        """Rows, or packs of rows, of an epoch."""
        return len(self._units)

    def stream(self, position: int = 0) -> Iterator[Batch]:
        """See Batches. An epoch ends within a batch where its units are no multiple of the batch size."""
        at = position * self._size
        epoch, order = -1, np.empty(0, np.int64)
        while True:
            chosen = []
            for place in range(at, at + self._size):
                if place // self.units != epoch:
                    epoch = place // self.units
                    order = np.random.default_rng([self._seed, epoch]).permutation(self.units)
                chosen.append(self._units[int(order[place % self.units])])
            yield self._batch(chosen)
            at += self._size

    def once(self) -> Iterator[Batch]:
        """All units once, in their order; the last batch may be smaller."""
        for at in range(0, self.units, self._size):
            yield self._batch([self._units[each] for each in range(at, min(at + self._size, self.units))])

    def _batch(self, units: Sequence[Sequence[int]]) -> Batch:
        longest = max(sum(int(self._rows.lengths[row]) for row in unit) for unit in units)
        shape = (len(units), longest)
        ids = np.full(shape, self._pad, np.int64)
        targets = np.full(shape, IGNORED, np.int64)
        positions = np.zeros(shape, np.int64)
        tokens = 0
        for at, unit in enumerate(units):
            end = 0
            for row in unit:
                of_row = self._rows.ids(row)
                begin, end = end, end + len(of_row)
                ids[at, begin:end] = of_row
                positions[at, begin:end] = np.arange(len(of_row))
                # The target of a position is the token after it.
                start = max(self._rows.start(row), 1)
                targets[at, begin + start - 1 : end - 1] = of_row[start:]
                tokens += len(of_row)
            positions[at, end:] = np.arange(longest - end)
        inputs = {"input_ids": torch.from_numpy(ids), "targets": torch.from_numpy(targets)}
        if self._packed:
            inputs["position_ids"] = torch.from_numpy(positions)
        return Batch(inputs, float((targets != IGNORED).sum()), tokens)


def packs(lengths: NDArray[np.int64], room: int, open_packs: int = 64) -> list[list[int]]:
    """Rows in packs of at most `room` tokens: longest first, each into the first pack that has room.

    open_packs: how many are looked at; those that are fullest are closed.
    """
    done: list[list[int]] = []
    held: list[tuple[int, list[int]]] = []
    for row in np.argsort(-lengths, kind="stable"):
        needed = int(lengths[row])
        for at, (free, pack) in enumerate(held):
            if needed <= free:
                pack.append(int(row))
                held[at] = (free - needed, pack)
                break
        else:
            held.append((room - needed, [int(row)]))
            if len(held) > open_packs:
                fullest = min(range(len(held)), key=lambda each: held[each][0])
                done.append(held.pop(fullest)[1])
    return done + [pack for _, pack in held]


class _Singles(Sequence[Sequence[int]]):
    """Each row by itself, without a list of them all."""

    def __init__(self, n: int) -> None:
        self._n = n

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, at):  # type: ignore[no-untyped-def]
        return (at,)
