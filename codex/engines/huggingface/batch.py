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
from codex.engines.huggingface.internals import Watch, Watched
from codex.engines.huggingface.loading import LoadedModel
from codex.engines.huggingface.passes import Read, forward
from codex.engines.huggingface.sampling import Draw
from codex.engines.huggingface.statistics import measure, unpack


@dataclass(eq=False, slots=True)
class Seat:
    """A row's place in the batch."""

    call: Call
    row: Continuation
    length: int
    """Tokens in its cells."""


@dataclass(slots=True)
class _Going:
    """What the seats hold together; row by row in their order."""

    cache: Cache
    draw: Draw
    ids: Tensor
    """[rows]: the last token of each, which is in no cell yet."""


class Batch:
    """Rows of several calls, each of its own length. Not thread-safe.

    A row's numbers depend on its own tokens only, but for the order in which sums are taken: cells before
    a shorter row's first token are empty and masked.
    """

    def __init__(self, loaded: LoadedModel) -> None:
        self._loaded = loaded
        self.seats: list[Seat] = []
        self._going: _Going | None = None
        """None: there are no seats."""

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
        ids = draw(logits.expand(len(rows), -1))
        self._push(rows, logits, ids)
        going = [at for at, row in enumerate(rows) if row.reason is None]
        if not going:
            return
        index = torch.tensor(going, device=logits.device)
        draw.keep(index, going)
        if self._going is None:
            cache = copy.deepcopy(read.cache)
            cache.batch_repeat_interleave(len(going))
            self._going = _Going(cache, draw, ids[index])
        else:
            for own, other in zip(cells_of(self._going.cache), cells_of(read.cache), strict=True):
                own.join(other, len(going))
            self._going.draw.join(draw)
            self._going.ids = torch.cat([self._going.ids, ids[index]])
        self.seats += [Seat(call, rows[at], length) for at in going]

    def step(self) -> None:
        """One more token for every row, of which there is one at least."""
        assert self._going
        cache, lengths = self._going.cache, [seat.length for seat in self.seats]
        watched = {at: it.row for at, it in enumerate(self.seats) if isinstance(it.row, Watched)}
        with Watch(self._loaded.model, [row.plan for row in watched.values()], [*watched], 1) as watch:
            distribution = forward(self._loaded, self._going.ids[:, None], cache, lengths).float()
        for row, seen in zip(watched.values(), watch.seen(), strict=True):
            row.see(seen)
        self._going.ids = self._going.draw(distribution)
        self._push([seat.row for seat in self.seats], distribution, self._going.ids)
        for seat in self.seats:
            seat.length += 1

    def leave(self) -> None:
        """Let go of the rows that are complete."""
        kept = [at for at, seat in enumerate(self.seats) if seat.row.reason is None]
        if len(kept) == len(self.seats):
            return
        self.seats = [self.seats[at] for at in kept]
        if self._going is None or not kept:
            self._going = None
            return
        cache, index = self._going.cache, torch.tensor(kept, device=self._going.ids.device)
        cache.batch_select_indices(index)
        self._going.draw.keep(index, kept)
        self._going.ids = self._going.ids[index]
        if empty := cache.get_seq_length() - max(seat.length for seat in self.seats):
            for cells in cells_of(cache):
                cells.trim(empty)

    def _push(self, rows: Sequence[Continuation], distribution: Tensor, ids: Tensor) -> None:
        """Give each row the token drawn for it, with its statistics: the step's one transfer from the device.

        Of the distributions, [rows, vocabulary] or [1, vocabulary], only the statistics stay.
        """
        for row, values in zip(rows, measure(distribution, ids).tolist(), strict=True):
            row.push(unpack(values, self._loaded.spelled, self._loaded.ends))
