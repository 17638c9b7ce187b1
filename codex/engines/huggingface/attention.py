"""Attention: of half-precision models on a CPU, and what it says of single positions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "codex_sdpa"


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    **options: Any,
) -> tuple[Tensor, None]:
    """PyTorch's attention, on a CPU in float32 where one token a row is continued.

    PyTorch's kernel for bfloat16 is four times as slow at that, conversion included: 416 µs for 11 rows of 64
    tokens of SmolLM2 on two cores, against 100 µs.
    """
    if queries := _queries.get():
        queries.take(module, query, key, attention_mask, options.get("scaling"))
    if query.shape[2] > 1 or query.dtype is torch.float32 or not query.is_cpu:
        return _sdpa(module, query, key, value, attention_mask, **options)
    if attention_mask is not None and attention_mask.is_floating_point():
        attention_mask = attention_mask.float()
    out, none = _sdpa(module, query.float(), key.float(), value.float(), attention_mask, **options)
    return out.to(query.dtype), none


class Queries:
    """Some positions' attention to themselves, computed beside PyTorch's, which does not tell its weights.

    The pass that chooses a token is at the position of the token before: that is the one it was given.
    """

    def __init__(self, layers: Set[int], rows: Sequence[int], last: int) -> None:
        """layers: counted from 0; rows: of the batch; last: how many of the last positions."""
        self.layers = layers
        self._rows = list(rows)
        self._last = last
        self._scores: dict[int, Tensor] = {}
        """Layer -> [rows, heads, last, keys], masked."""

    def take(
        self, module: nn.Module, query: Tensor, key: Tensor, mask: Tensor | None, scaling: float | None
    ) -> None:
        """query [rows, heads, positions, head size], key [rows, key heads, keys, head size]"""
        layer: int = getattr(module, "layer_idx", -1)
        if layer not in self.layers:
            return
        rows: slice | list[int] = self._rows
        if len(self._rows) == 1:  # without a copy
            rows = slice(self._rows[0], self._rows[0] + 1)
        queries, keys = query[rows, :, -self._last :].float(), key[rows].float()
        n, heads, last, size = queries.shape
        grouped = queries.reshape(n, keys.shape[1], -1, size)
        scores = (grouped @ keys.transpose(2, 3)).view(n, heads, last, -1) * (scaling or size**-0.5)
        if mask is None:
            if last > 1:
                ones = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device)
                scores = scores.masked_fill(ones.triu(1 + scores.shape[-1] - last), -torch.inf)
        else:
            mask = mask.expand(query.shape[0], -1, -1, -1)[rows, :, -self._last :]
            scores = scores + mask if mask.is_floating_point() else scores.masked_fill(~mask, -torch.inf)
        self._scores[layer] = scores

    def weights(self) -> dict[int, Tensor]:
        """Layer -> [rows, heads, last]."""
        return {
            layer: scores.softmax(-1).diagonal(scores.shape[-1] - self._last, -2, -1).clone()
            for layer, scores in self._scores.items()
        }


@contextmanager
def watched(queries: Queries) -> Iterator[None]:
    """Let `queries` see the passes that this thread makes inside."""
    token = _queries.set(queries)
    try:
        yield
    finally:
        _queries.reset(token)


def use_own_attention(model: PreTrainedModel) -> None:
    """Let a model that uses PyTorch's attention use `attend`."""
    if model.config._attn_implementation == "sdpa":
        model.set_attn_implementation(NAME)


_queries: ContextVar[Queries | None] = ContextVar("queries", default=None)
_sdpa: Callable[..., tuple[Tensor, None]] = sdpa_attention_forward
AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, sdpa_mask)
