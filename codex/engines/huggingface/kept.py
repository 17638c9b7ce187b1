"""The states of the last prompts, which a prompt that begins alike continues."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor
from transformers.cache_utils import Cache

from codex.engines.huggingface.cells import cells_of

PROMPTS = 8
"""How many are kept: those of a question's steps and of a conversation's last turns."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt and its keys and values, layer by layer, [1, heads, tokens, head size] each."""

    ids: list[int]
    states: list[tuple[Tensor, Tensor]]
    exact: int
    """How many of its tokens were read in whole pieces from the first on, and the last piece."""

    def beginning(self, n: int) -> Prompt:
        """Its first n tokens."""
        states = [(keys[:, :, :n], values[:, :, :n]) for keys, values in self.states]
        return Prompt(self.ids[:n], states, min(n, self.exact))


class KeptPrompts:
    """The last prompts, the latest last, of so many tokens together. Not thread-safe."""

    def __init__(self, tokens: int) -> None:
        self._tokens = tokens
        self._prompts: list[Prompt] = []

    def keep(self, ids: Sequence[int], cache: Cache, exact: int) -> None:
        """Keep a prompt that was read, in place of those that it continues; nothing where layers forget."""
        cells = cells_of(cache)
        if not cells or len(ids) > self._tokens:
            return
        whole = list(ids)
        self._prompts = [it for it in self._prompts if it.ids != whole[: len(it.ids)]]
        self._prompts.append(Prompt(whole, [(it.keys, it.values) for it in cells], exact))
        while len(self._prompts) > PROMPTS or sum(len(it.ids) for it in self._prompts) > self._tokens:
            del self._prompts[0]

    def beginning(self, ids: Sequence[int], piece: int | None = None) -> Prompt | None:
        """What is known of a prompt's beginning, never its last token; None: nothing.

        piece: only whole pieces of so many tokens, read one after another: the states are the same to the
        last bit then, whatever was read before.
        """
        best, found = 0, None
        for prompt in self._prompts:
            pairs = zip(prompt.ids, ids[:-1], strict=False)
            same = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
            if piece:
                same = min(same, prompt.exact) // piece * piece
            if same > best:
                best, found = same, prompt
        return found.beginning(best) if found else None

    def clear(self) -> None:
        """Forget them all."""
        self._prompts = []
