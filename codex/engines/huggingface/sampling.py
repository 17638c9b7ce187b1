"""Drawing the next token of each row, by the row's own parameters and its own random numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from codex.engines.base import COLDEST, GenerationParams

ALL = 2**31
"""A top-k that keeps every token."""
_FIRST_CANDIDATES = 256
"""How many of the likeliest tokens are sorted first to find a nucleus; a full sort takes 20 times as long."""


class Draw:
    """Chooses a token for each row of a batch.

    A row's choices depend on its own logits, parameters and seed only, never on the other rows: each
    position of an answer has one uniform number, drawn in advance from the row's seed, which is looked
    up in the cumulative distribution (inverse transform sampling). Order of the filters: repeat penalty,
    temperature, top-k, top-p, as in Transformers; a tie at the edge of top-k or top-p is kept whole.

    context: the ids of the prompt and of the answer so far, for the repeat penalty.
    first: the position in the answer of the first token to be drawn.
    """

    def __init__(
        self,
        rows: Sequence[GenerationParams],
        context: Sequence[int],
        first: int,
        vocabulary: int,
        device: torch.device,
    ) -> None:
        self._rows = list(rows)
        self._device = device
        self._vocabulary = vocabulary
        longest = 1 + max(row.max_tokens for row in rows)  # one more: see Watched
        drawn = np.stack([np.random.default_rng(row.seed).random(first + longest)[first:] for row in rows])
        self._uniform = torch.from_numpy(drawn).to(device)
        self._next = torch.zeros((len(rows), 1), dtype=torch.long, device=device)
        """[rows, 1]: the column of each row's next number."""
        self._seen: Tensor | None = None
        if any(row.repeat_penalty != 1 for row in rows):
            self._seen = torch.zeros((len(rows), vocabulary), dtype=torch.bool, device=device)
            self._seen[:, torch.tensor(context, device=device)] = True
        self._settle()

    def __call__(self, logits: Tensor) -> Tensor:
        """The next id of each row: logits [rows, vocabulary] in float32 -> [rows]."""
        scores = logits if self._seen is None else self._penalised(logits, self._seen)
        ids = scores.argmax(-1)
        if self._sampled is not None:
            uniform = self._uniform.gather(1, self._next)[:, 0]
            ids[self._sampled] = self._sample(scores[self._sampled], uniform[self._sampled])
        self._next += 1
        if self._seen is not None:
            self._seen.scatter_(1, ids[:, None], True)
        return ids

    def keep(self, kept: Tensor, rows: Sequence[int]) -> None:
        """Continue some of the rows only; both arguments are their indices."""
        self._rows = [self._rows[at] for at in rows]
        self._uniform, self._next = self._uniform[kept], self._next[kept]
        self._seen = None if self._seen is None else self._seen[kept]
        self._settle()

    def join(self, other: Draw) -> None:
        """Draw for another's rows too, behind these."""
        width = max(self._uniform.shape[1], other._uniform.shape[1])
        if self._seen is not None or other._seen is not None:
            self._seen = torch.cat([it._tokens_seen() for it in (self, other)])
        self._rows += other._rows
        self._uniform = torch.cat(
            [pad(it._uniform, (0, width - it._uniform.shape[1])) for it in (self, other)]
        )
        self._next = torch.cat([self._next, other._next])
        self._settle()

    def _tokens_seen(self) -> Tensor:
        """[rows, vocabulary]; of rows without a penalty it does not matter."""
        if self._seen is not None:
            return self._seen
        return torch.zeros((len(self._next), self._vocabulary), dtype=torch.bool, device=self._device)

    def _settle(self) -> None:
        """Move to the device what stays the same until a row is dropped."""
        at = [it for it, row in enumerate(self._rows) if row.temperature >= COLDEST]
        sampled = [self._rows[it] for it in at]
        narrowed = [it for it, row in enumerate(sampled) if row.top_k > 0 or row.top_p < 1]
        self._sampled = self._tensor(at) if at else None
        self._narrowed = self._tensor(narrowed) if narrowed else None
        self._penalty = self._tensor([row.repeat_penalty for row in self._rows])[:, None]
        self._temperature = self._tensor([row.temperature for row in sampled])[:, None]
        self._top_p = self._tensor([sampled[it].top_p for it in narrowed])[:, None]
        self._top_k = self._tensor([sampled[it].top_k or ALL for it in narrowed])[:, None]
        self._candidates = max([_FIRST_CANDIDATES, *(sampled[it].top_k for it in narrowed)])

    def _tensor(self, values: list[float] | list[int]) -> Tensor:
        return torch.tensor(values, device=self._device)

    def _penalised(self, logits: Tensor, seen: Tensor) -> Tensor:
        """Tokens already in the context made less likely (Keskar et al. 2019, arXiv:1909.05858)."""
        return torch.where(
            seen, torch.where(logits > 0, logits / self._penalty, logits * self._penalty), logits
        )

    def _sample(self, scores: Tensor, uniform: Tensor) -> Tensor:
        """scores [sampled rows, vocabulary], uniform [sampled rows] -> ids [sampled rows]."""
        weights = ((scores - scores.amax(-1, keepdim=True)) / self._temperature).exp()
        if self._narrowed is not None:
            floor = torch.zeros_like(weights[:, :1])
            floor[self._narrowed] = self._floor(weights[self._narrowed])
            weights = torch.where(weights >= floor, weights, 0)
        cumulative = weights.cumsum(-1, dtype=torch.float64)
        # The first token whose cumulative weight exceeds the aim: one of weight zero is never it.
        found = torch.searchsorted(cumulative, uniform[:, None] * cumulative[:, -1:], right=True)
        return found[:, 0].clamp_max(weights.shape[-1] - 1)

    def _floor(self, weights: Tensor) -> Tensor:
        """The weight of the last token that top-k and top-p keep, [narrowed rows, 1]."""
        vocabulary = weights.shape[-1]
        whole = weights.sum(-1, keepdim=True)
        width = self._candidates
        while True:
            width = min(width, vocabulary)
            likeliest = weights.topk(width).values
            in_k = torch.arange(width, device=self._device) < self._top_k
            mass = likeliest.where(in_k, 0).cumsum(-1)
            aim = self._top_p * torch.where(self._top_k <= width, mass[:, -1:], whole)
            kept = in_k & ((mass - likeliest < aim) | (self._top_p >= 1))
            # Waits for the device, but only where a nucleus is asked for.
            if width == vocabulary or not bool((kept[:, -1:] & (self._top_k > width)).any()):
                return likeliest.gather(-1, kept.sum(-1, keepdim=True) - 1)
            width *= 16
