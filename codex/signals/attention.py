"""Attention signals: whether the model looked at its own last word while it chose the next."""

from __future__ import annotations

import numpy as np

from codex.signals.registry import signal
from codex.signals.view import View

OWN = 0.5
"""What a token's own probability counts beside the confidence before it: the authors' value for models that
follow instructions."""


@signal(
    "rauq",
    label="Attention-based uncertainty",
    meaning="How unlikely its words were, each also by the words before that it rested on (RAUQ).",
    unit="nats per token",
    needs={"logprobs", "attention"},
    source="Vazhentsev et al. 2025, arXiv:2505.20045",
    higher_is_confident=False,
    scale=(0.0, 3.0),
)
def rauq(view: View) -> float | None:
    """The highest over the layers of -mean ln c, at least 0.

    c of the first token is its probability p, of each later one OWN p + (1 - OWN) a c', with a the weight
    of attention to the token before and c' the c of that. The mean is over the view's tokens, c runs over
    the whole answer.
    """
    attention, own = view.observation.generation.attention, np.exp(view.answer_logprobs)
    assert attention
    weights = np.array(attention.weights, dtype=np.float64).reshape(len(attention.layers), -1)
    if weights.shape[1] != len(own) - 1:
        return None
    confidence = np.empty((len(weights), len(own)))
    confidence[:, 0] = own[0]
    for at in range(1, len(own)):
        confidence[:, at] = OWN * own[at] + (1 - OWN) * weights[:, at - 1] * confidence[:, at - 1]
    with np.errstate(divide="ignore"):
        return float(-np.log(confidence[:, view.mask]).mean(1).min())
