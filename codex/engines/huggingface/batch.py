"""The rows that the model continues together, of whichever calls: they join, step and leave."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers.cache_utils import Cache

from codex.engines.continuation import Call, Continuation
from codex.engines.huggingface.cells import cells_of
from codex.engines.huggingface.loading import LoadedModel
from codex.engines.huggingface.sampling import Draw
from codex.engines.huggingface.statistics import measure, unpack


@dataclass(frozen=True, slots=True)
class Read:
    """A prompt that was read."""

    cache: Cache
    """Of one row."""
    logits: Tensor
    """[1, vocabulary] of the token after it."""


@dataclass(eq=False, slots=True)
class Seat:
    """A row's place in the batch."""

    call: Call
    row: Continuation
    length: int
    """Tokens in its cells."""


class Batch:
    """Rows of several calls, each of its own length. Not thread-safe.

    A row's numbers depend on its own tokens only, but for the order in which sums are taken: cells before
    a shorter row's first token are empty and masked.
    """

    def __init__(self, loaded: LoadedModel) -> None:
        self._loaded = loaded
        self.seats: list[Seat] = []
        self._cache: Cache | None = None
        self._ids: Tensor | None = None
        """[rows]: the last token of each, which is in no cell yet."""
        self._draw: Draw | None = None

    def takes(self, read: Read) -> bool:
        """Whether rows that continue this prompt can join those that are there."""
        return not self.seats or bool(cells_of(read.cache))

    def join(self, call: Call, rows: Sequence[Continuation], read: Read) -> None:
        """Draw the first token of each row; those that are not complete then are continued with the others.

        read: stays as it is, for rows that join later.
        """
        context, first = rows[0].context, len(call.prefix)
        logits = read.logits.float()  # one distribution, which all rows share
        draw = Draw([row.params for row in rows], context, first, logits.shape[-1], logits.device)
        length = len(context)
        ids = self._push(rows, logits, draw(logits.expand(len(rows), -1)))
        going = [at for at, row in enumerate(rows) if row.reason is None]
        if not going:
            return
        index = torch.tensor(going, device=logits.device)
        draw.keep(index, going)
        if self._cache is None or self._draw is None or self._ids is None:
            self._cache = copy.deepcopy(read.cache)
            self._cache.batch_repeat_interleave(len(going))
            self._draw, self._ids = draw, ids[index]
        else:
            for own, other in zip(cells_of(self._cache), cells_of(read.cache), strict=True):
                own.join(other, len(going))
            self._draw.join(draw)
            self._ids = torch.cat([self._ids, ids[index]])
        self.seats += [Seat(call, rows[at], length) for at in going]

    def step(self) -> None:
        """One more token for every row."""
        assert self._cache is not None and self._draw is not None and self._ids is not None
        lengths = [seat.length for seat in self.seats]
        logits = self._loaded.forward(self._ids[:, None], self._cache, lengths)
        distribution = logits.float()
        self._ids = self._push(
            [seat.row for seat in self.seats], distribution, self._draw(distribution)
        )
        for seat in self.seats:
            seat.length += 1

    def leave(self) -> None:
        """Let go of the rows that are complete."""
        kept = [at for at, seat in enumerate(self.seats) if seat.row.reason is None]
        if len(kept) == len(self.seats):
            return
        self.seats = [self.seats[at] for at in kept]
        if not kept:
            self._cache = self._draw = self._ids = None
            return
        assert self._cache is not None and self._draw is not None and self._ids is not None
        index = torch.tensor(kept, device=self._ids.device)
        self._cache.batch_select_indices(index)
        self._draw.keep(index, kept)
        self._ids = self._ids[index]
        empty = self._cache.get_seq_length() - max(seat.length for seat in self.seats)
        for cells in cells_of(self._cache) if empty else []:
            cells.trim(empty)

    def _push(self, rows: Sequence[Continuation], distribution: Tensor, ids: Tensor) -> Tensor:
        """Give each row the token drawn for it, with its statistics: the step's one transfer from the device.

        Of the distributions, [rows, vocabulary] or [1, vocabulary], only the statistics stay.
        """
        for row, values in zip(rows, measure(distribution, ids).tolist(), strict=True):
            row.push(unpack(values, self._loaded.spelled, self._loaded.ends))
        return ids
