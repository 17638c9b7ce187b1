"""Whether a server's log-probabilities can be what it says they are."""

from __future__ import annotations

import math
from collections.abc import Sequence

from codex.types import Token

ZEROS = 8
"""So many tokens in a row of probability 1, with nothing beside them, are no model's distribution."""
MASS = 1.01
"""Probabilities of one place that sum to more are not of one distribution; rounding makes a little more."""


def distrusted(tokens: Sequence[Token]) -> str | None:
    """Why the log-probabilities of an answer are not to be used; None: nothing speaks against them.

    Servers that draft tokens with a smaller model have sent 0 for every token that was accepted.
    """
    zeros = 0
    for token in tokens:
        if token.logprob is None:
            zeros = 0
            continue
        mass = math.fsum(math.exp(it.logprob) for it in token.alternatives)
        if mass > MASS:
            return f"the probabilities at {token.text!r} sum to {mass:.2f}"
        zeros = zeros + 1 if token.logprob == 0.0 and len(token.alternatives) < 2 else 0
        if zeros == ZEROS:
            return f"{ZEROS} tokens in a row have a probability of exactly 1"
    return None
