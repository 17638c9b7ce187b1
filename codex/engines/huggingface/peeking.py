"""One token after a prompt, with an adapter on or without one."""

from __future__ import annotations

import torch
from torch import Tensor

from codex.engines.base import check_invoked
from codex.engines.continuation import Call
from codex.engines.huggingface.activated import Activated
from codex.engines.huggingface.kept import KeptPrompts
from codex.engines.huggingface.loading import LoadedModel
from codex.engines.huggingface.passes import Reading, forward
from codex.engines.huggingface.statistics import measure, unpack
from codex.types import Token


def peek(
    loaded: LoadedModel, kept: KeptPrompts, call: Call, piece: int, adapter: Activated | None = None
) -> Token | None:
    """The likeliest next token; None: the call was cancelled on the way.

    piece: tokens read in one pass. What is kept of the prompt was read without the adapter. Raises
    AdapterError where the prompt does not end with the tokens that invoke it.
    """
    ids = call.context
    own = len(adapter.invocation) if adapter else 0
    if adapter:
        check_invoked(ids, adapter.invocation)
    before = ids[: len(ids) - own]
    known = kept.beginning([*before, ids[-1]] if own else ids)
    logits: Tensor | None = None
    reading = Reading(loaded, before, piece, known)
    if len(before) > (len(known.ids) if known else 0):
        while (read := reading.advance()) is None:
            if call.cancelled:
                return None
        logits = read.logits
        kept.keep(before, read.cache, reading.exact)
    if adapter:
        with adapter.switched.on():
            invoking = torch.tensor([adapter.invocation], device=loaded.model.device)
            for some in invoking.split(piece, dim=1):
                if call.cancelled:
                    return None
                logits = forward(loaded, some, reading.cache)
    assert logits is not None
    distribution = logits.float()
    values = measure(distribution, distribution.argmax(-1)).tolist()
    return unpack(values[0], loaded.spelled, loaded.ends)
