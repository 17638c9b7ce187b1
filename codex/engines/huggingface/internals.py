"""Hidden states and attention to the previous token, taken from the passes that are made anyway."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from codex.engines.base import Finished, Internals
from codex.engines.continuation import Call, Continuation
from codex.engines.huggingface.attention import Queries, watched
from codex.errors import CapabilityError
from codex.types import Attention, FinishReason, Generation, HiddenStates, Token

_LARGEST = torch.finfo(torch.float16).max
_DIGITS = 5
"""Of an attention weight."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is taken from each pass, as numbers of layers from 1."""

    states: tuple[int, ...]
    attention: tuple[int, ...]

    @classmethod
    def of(cls, internals: Internals, model: PreTrainedModel) -> Plan | None:
        """None: nothing. Raises InvalidInput, CapabilityError."""
        depth = len(decoder_layers(model))
        states = internals.numbered(depth)
        attention = middle_third(depth) if internals.attention else ()
        return cls(states, attention) if states or attention else None


def decoder_layers(model: PreTrainedModel) -> nn.ModuleList:
    """Raises CapabilityError."""
    depth = model.config.get_text_config().num_hidden_layers
    for module in model.base_model.modules():
        if isinstance(module, nn.ModuleList) and len(module) == depth:
            return module
    raise CapabilityError(f"The layers of {type(model).__name__} are not known; leave out `internals`.")


def middle_third(depth: int) -> tuple[int, ...]:
    """The layers that RAUQ reads, counted from 1 (Vazhentsev et al. 2025, arXiv:2505.20045)."""
    return tuple(range(depth // 3 + 1, min(depth, math.ceil(2 * depth / 3) + 1) + 1))


@dataclass(frozen=True, slots=True)
class Seen:
    """What was taken of one row at some positions."""

    states: Tensor
    """[layers, positions, hidden size], float16."""
    weights: dict[int, Tensor]
    """Layer -> [heads, positions]: of a position on itself. Layers whose attention is not PyTorch's lack."""
    positions: int


class Watch:
    """Takes what the plans of some rows say from the pass that is made inside, at its last positions."""

    def __init__(self, model: PreTrainedModel, plans: Sequence[Plan], rows: Sequence[int], last: int) -> None:
        """rows: of the batch, one for each plan; without any nothing is done."""
        self._model = model
        self._plans = plans
        self._rows = list(rows)
        self._last = last
        self._states: dict[int, Tensor] = {}
        """Layer -> [rows, last, hidden size]."""
        self._queries = Queries(
            frozenset(layer - 1 for plan in plans for layer in plan.attention), self._rows, last
        )
        self._open = ExitStack()

    def __enter__(self) -> Self:
        if not self._plans:
            return self
        layers = decoder_layers(self._model)
        with ExitStack() as opening:
            for number in {layer for plan in self._plans for layer in plan.states}:
                module = layers[number - 1] if number < len(layers) else self._model.base_model
                hook = module.register_forward_hook(self._taking(number))
                opening.callback(hook.remove)
            if self._queries.layers:
                opening.enter_context(watched(self._queries))
            self._open = opening.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def seen(self) -> Iterator[Seen]:
        """Of each row."""
        weights = self._queries.weights()
        for at, plan in enumerate(self._plans):
            states = [self._states[layer][at] for layer in plan.states]
            looked = {layer: weights[layer - 1][at] for layer in plan.attention if layer - 1 in weights}
            yield Seen(torch.stack(states) if states else torch.empty(0), looked, self._last)

    def _taking(self, number: int) -> Any:
        def take(module: nn.Module, inputs: object, output: Any) -> None:
            if not isinstance(output, Tensor):
                output = output[0]
            states = output[self._rows, -self._last :]
            self._states[number] = states.float().clamp(-_LARGEST, _LARGEST).half()

        return take


def with_internals(generation: Generation, plan: Plan, seen: Sequence[Seen]) -> Generation:
    """seen: from the prompt's last token on, one behind another."""
    tokens = len(generation.tokens)
    states = hidden_states(plan, seen, tokens) if plan.states else None
    attention: Attention | None = None
    if layers := tuple(seen[0].weights):
        shown = [torch.cat([it.weights[layer] for it in seen], 1)[:, 1:tokens] for layer in layers]
        attention = _attention(layers, torch.stack(shown).cpu())
    return replace(generation, hidden_states=states, attention=attention)


def hidden_states(plan: Plan, seen: Sequence[Seen], tokens: int) -> HiddenStates:
    """seen: from the prompt's last token on, of at most so many tokens behind it."""
    found = torch.cat([it.states for it in seen], 1)[:, : 1 + tokens].cpu().numpy()
    return HiddenStates(plan.states, found[:, 0], found[:, 1:])


def _attention(layers: tuple[int, ...], weights: Tensor) -> Attention:
    """weights: [layers, heads, tokens - 1]"""
    heads = weights.mean(-1).nan_to_num().argmax(-1)
    chosen = weights[torch.arange(len(layers)), heads].double().numpy().round(_DIGITS)
    return Attention(layers, tuple(heads.tolist()), tuple(map(tuple, chosen.tolist())))


class Watched(Continuation):
    """The first row of a call, which brings its internals along.

    One that was cut by its length, or by a stop string, is continued for a step more where its last token
    is to be read too, for its hidden states.
    """

    def __init__(self, call: Call, ends: frozenset[int], plan: Plan, seen: Sequence[Seen]) -> None:
        """seen: of the prompt's last token, and of the prefix."""
        super().__init__(0, call.rows[0], call.prompt, call.prefix, ends)
        self.plan = plan
        self._seen = list(seen)
        self._due: FinishReason | None = None
        """Why it ended, as long as its last token is not read."""

    def see(self, seen: Seen) -> None:
        """What the pass that reads its last token shows there."""
        self._seen.append(seen)

    def push(self, token: Token) -> None:
        """See Continuation.push. The token drawn in the step more is none of the row's."""
        if self._due is not None:
            self.reason = self._due
            return
        super().push(token)
        if self.reason is not None:
            self._filter.finish()
            read = sum(seen.positions for seen in self._seen) - 1
            if self.plan.states and read < len(self._filter.tokens):
                self._due, self.reason = self.reason, None

    def news(self, cancelled: bool = False) -> Iterator[Token | Finished]:
        """See Continuation.news."""
        if cancelled and self._due is not None:
            self.reason = self._due
        yield from super().news(cancelled)

    def _generation(self, reason: FinishReason) -> Generation:
        return with_internals(super()._generation(reason), self.plan, self._seen)
