"""Observations made by hand, for signals to be computed from."""

from __future__ import annotations

import math
from collections.abc import Sequence

from codex.types import Alternative, Generation, Observation, Token


def make_token(
    piece: str | bytes,
    probability: float | None = None,
    *,
    second: float | None = None,
    entropy: float | None = None,
    self_certainty: float | None = None,
) -> Token:
    """A token; `second` is the probability of one other token, listed by likelihood."""
    data = piece.encode() if isinstance(piece, str) else piece
    alternatives: tuple[Alternative, ...] = ()
    if probability is not None and second is not None:
        pair = Alternative(1, data, math.log(probability)), Alternative(2, b"other", math.log(second))
        alternatives = tuple(sorted(pair, key=lambda alternative: -alternative.logprob))
    return Token(
        1,
        data,
        None if probability is None else math.log(probability),
        entropy=entropy,
        self_certainty=self_certainty,
        alternatives=alternatives,
    )


def make_generation(tokens: Sequence[Token]) -> Generation:
    """A finished generation whose text is its tokens."""
    text = b"".join(token.bytes for token in tokens).decode("utf-8", "replace")
    return Generation(text, tuple(tokens), "stop", prompt_tokens=1, seconds=0.0)


def said(text: str) -> Generation:
    """A text as an engine without log-probabilities gives it, in one token."""
    return make_generation([make_token(text)])


def observe(question: str, tokens: Sequence[Token], samples: Sequence[str] = ()) -> Observation:
    """An answer of these tokens beside samples of these texts."""
    return Observation(question, make_generation(tokens), tuple(said(text) for text in samples))
