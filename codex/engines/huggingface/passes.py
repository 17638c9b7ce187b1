"""Passes of the model over tokens that are given."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers.cache_utils import Cache

from codex.engines.huggingface.cells import cells_of, new_cache
from codex.engines.huggingface.internals import Plan, Seen, Watch, hidden_states, with_internals
from codex.engines.huggingface.kept import KeptPrompts, Prompt
from codex.engines.huggingface.loading import LoadedModel
from codex.engines.huggingface.statistics import measure, unpack
from codex.errors import Cancelled
from codex.types import Generation, HiddenStates, Token

SCORED_AT_ONCE = 32
"""Positions of a given text whose distributions are held at the same time."""


@dataclass(frozen=True, slots=True)
class Read:
    """A prompt that was read."""

    cache: Cache
    """Of one row."""
    logits: Tensor
    """[1, vocabulary] of the token after it."""
    seen: tuple[Seen, ...] = ()
    """What a plan says of its last positions."""


class Reading:
    """A prompt on its way through the model."""

    def __init__(
        self,
        loaded: LoadedModel,
        ids: Sequence[int],
        piece: int,
        known: Prompt | None,
        plan: Plan | None = None,
        watched: int = 0,
    ) -> None:
        """piece: tokens read in one pass. known: of its beginning, which is not read again.

        plan: what is taken of the last `watched` positions, all of them to be read.
        """
        self._loaded = loaded
        self.cache = new_cache(loaded.model.config)
        """What is read so far."""
        begun, exact = (len(known.ids), known.exact) if known else (0, 0)
        self.exact = len(ids) if begun == exact // piece * piece else exact
        """See Prompt."""
        for cells, (keys, values) in zip(cells_of(self.cache), known.states if known else (), strict=False):
            cells.begin(keys, values)
        left = torch.tensor([ids[begun:]], device=loaded.model.device)
        self._pieces = list(left.split(piece, dim=1))[::-1]
        self._plan = plan
        self._watched = watched
        self._seen: list[Seen] = []

    def advance(self) -> Read | None:
        """Read one piece more; None: there are others."""
        piece = self._pieces.pop()
        last = min(piece.shape[1], self._watched - sum(it.shape[1] for it in self._pieces))
        plans = [self._plan] if self._plan and last > 0 else []
        with Watch(self._loaded.model, plans, [0], last) as watch:
            logits = forward(self._loaded, piece, self.cache)
        self._seen += watch.seen()
        return None if self._pieces else Read(self.cache, logits, tuple(self._seen))


def forward(loaded: LoadedModel, ids: Tensor, cache: Cache, lengths: Sequence[int] | None = None) -> Tensor:
    """ids [rows, n] -> logits [rows, vocabulary] of the token after the last.

    lengths: tokens in each row's cells, where n is 1; the cells before them are empty. None: all are full.
    """
    width = cache.get_seq_length()
    mask = positions = None
    if lengths is not None and min(lengths) < width:
        positions = torch.tensor(lengths, device=ids.device)[:, None]
        mask = (torch.arange(width + 1, device=ids.device) >= width - positions).long()
    out = loaded.model(
        input_ids=ids,
        past_key_values=cache,
        attention_mask=mask,
        position_ids=positions,
        use_cache=True,
        logits_to_keep=1,
    )
    logits: Tensor = out.logits
    return logits[:, -1]


@torch.inference_mode()
def score(
    loaded: LoadedModel,
    ids: Sequence[int],
    given: Sequence[int],
    piece: int,
    cancel: threading.Event,
    plan: Plan | None = None,
) -> Generation:
    """Teacher forcing: after the prompt `ids` the tokens `given` are read, never drawn. Raises Cancelled."""
    started = time.perf_counter()
    reading = Reading(loaded, ids, piece, None, plan, 1)
    while (read := reading.advance()) is None:
        _check(cancel)
    logits = read.logits
    tokens: list[Token] = []
    seen = list(read.seen)
    for some in torch.tensor(given, device=logits.device).split(SCORED_AT_ONCE):
        _check(cancel)
        with Watch(loaded.model, [plan] if plan else [], [0], len(some)) as watch:
            out = loaded.model(input_ids=some[None], past_key_values=read.cache, use_cache=True).logits[0]
        seen += watch.seen()
        before, logits = torch.cat([logits, out[:-1]]), out[-1:]
        rows = measure(before.float(), some).tolist()
        tokens += [unpack(values, loaded.spelled, loaded.ends) for values in rows]
    after = logits[-1].float().log_softmax(-1)
    generation = Generation(
        text=b"".join(token.bytes for token in tokens).decode("utf-8", "replace"),
        tokens=tuple(tokens),
        finish_reason="stop",
        prompt_tokens=len(ids),
        seconds=time.perf_counter() - started,
        end_logprob=max((float(after[end]) for end in loaded.ends), default=None),
    )
    return with_internals(generation, plan, seen) if plan else generation


@torch.inference_mode()
def read_states(
    loaded: LoadedModel,
    kept: KeptPrompts,
    ids: Sequence[int],
    given: Sequence[int],
    piece: int,
    plan: Plan,
    cancel: threading.Event,
) -> HiddenStates:
    """What the layers of a plan put out at the prompt's last token and at those given.

    What is kept of the prompt's beginning is not read again. Raises Cancelled.
    """
    whole = [*ids, *given]
    reading = Reading(loaded, whole, piece, kept.beginning(ids), plan, 1 + len(given))
    while (read := reading.advance()) is None:
        _check(cancel)
    kept.keep(whole, read.cache, reading.exact)
    return hidden_states(plan, read.seen, len(given))


@torch.inference_mode()
def embed(loaded: LoadedModel, ids: Sequence[int]) -> NDArray[np.float32]:
    """The mean of the last hidden states, [hidden size], of Euclidean length 1."""
    whole = torch.tensor([list(ids)], device=loaded.model.device)
    states: Tensor = loaded.model.base_model(input_ids=whole, use_cache=False).last_hidden_state
    mean = states[0].float().mean(0)
    vector: NDArray[np.float32] = (mean / mean.norm()).cpu().numpy()
    return vector


def _check(cancel: threading.Event) -> None:
    if cancel.is_set():
        raise Cancelled("The question was cancelled.")
