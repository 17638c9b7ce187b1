"""Keys and values of rows, written in place, and the rows that may share one cache."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from transformers import DynamicCache, PreTrainedConfig
from transformers.cache_utils import Cache, DynamicLayer

SPARE = 64
"""Tokens for which room is made ahead."""


class Cells(DynamicLayer):
    """One layer's keys and values, [rows, heads, tokens, head size] each, with room for more tokens.

    A DynamicLayer makes a new tensor of them all at each token; here a token is written behind the others.
    What was handed out earlier stays as it was.
    """

    keys: Tensor
    values: Tensor

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._room: tuple[Tensor, Tensor] | None = None

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """See DynamicLayer.update."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        used = self.get_seq_length()
        filled = used + key_states.shape[-2]
        if self._room is None or filled > self._room[0].shape[-2]:
            self._room = (
                _roomy(self.keys, key_states, used, filled),
                _roomy(self.values, value_states, used, filled),
            )
        keys, values = self._room
        keys[:, :, used:filled], values[:, :, used:filled] = key_states, value_states
        self.keys, self.values = keys[:, :, :filled], values[:, :, :filled]
        return self.keys, self.values

    def begin(self, keys: Tensor, values: Tensor) -> None:
        """Start from states that stay the giver's."""
        if not self.is_initialized:
            self.lazy_initialization(keys, values)
        self.keys, self.values, self._room = keys, values, None

    def batch_repeat_interleave(self, repeats: int) -> None:
        """See DynamicLayer."""
        super().batch_repeat_interleave(repeats)
        self._room = None

    def batch_select_indices(self, indices: Tensor) -> None:
        """See DynamicLayer."""
        super().batch_select_indices(indices)
        self._room = None

    def join(self, other: Cells, rows: int) -> None:
        """Put `rows` copies of another's one row behind its own; the shorter ones begin with empty cells."""
        self.begin(_joined(self.keys, other.keys, rows), _joined(self.values, other.values, rows))

    def trim(self, tokens: int) -> None:
        """Let go of the first cells, which are empty in every row."""
        self.begin(self.keys[:, :, tokens:], self.values[:, :, tokens:])


def new_cache(config: PreTrainedConfig) -> Cache:
    """An empty cache. Layers that forget (sliding windows, recurrent states) are as Transformers has them."""
    cache = DynamicCache(config=config)
    cache.layers = [Cells() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache


def cells_of(cache: Cache) -> list[Cells]:
    """Every layer's cells; none where a layer forgets, so that it cannot go back or take in other rows."""
    cells = [layer for layer in cache.layers if isinstance(layer, Cells)]
    return cells if len(cells) == len(cache.layers) else []


def _roomy(old: Tensor, new: Tensor, used: int, filled: int) -> Tensor:
    rows, heads, _, size = new.shape
    room = new.new_empty((rows, heads, filled + SPARE, size))
    if used:
        room[:, :, :used] = old
    return room


def _joined(own: Tensor, other: Tensor, rows: int) -> Tensor:
    """own [n, heads, tokens, size], other [1, heads, tokens, size] -> [n + rows, heads, most tokens, size]

    of the two, the shorter one's first cells being empty.
    """
    n, heads, tokens, size = own.shape
    width = max(tokens, other.shape[-2])
    joined = own.new_zeros((n + rows, heads, width, size))
    joined[:n, :, width - tokens :] = own
    joined[n:, :, width - other.shape[-2] :] = other
    return joined
