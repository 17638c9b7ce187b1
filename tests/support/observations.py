"""Observations made by hand, for signals to be computed from."""

from __future__ import annotations

import math
from collections.abc import Sequence

from codex.types import (
    Alternative,
    Generation,
    Grounding,
    Observation,
    Passage,
    Similarity,
    Stance,
    Support,
    Token,
    Verdict,
)


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


def make_generation(tokens: Sequence[Token], end: float | None = None) -> Generation:
    """A finished generation whose text is its tokens; `end` is the probability of its end."""
    text = b"".join(token.bytes for token in tokens).decode("utf-8", "replace")
    end_logprob = None if end is None else math.log(end)
    return Generation(text, tuple(tokens), "stop", prompt_tokens=1, seconds=0.0, end_logprob=end_logprob)


def said(text: str, probability: float | None = None, end: float | None = None) -> Generation:
    """A text in one token; without a probability as an engine that knows none gives it."""
    return make_generation([make_token(text, probability)], end)


def make_passage(text: str, **scores: float) -> Passage:
    """A passage that is the whole of its document."""
    return Passage("p", "d", "notes.txt", text, 0, len(text), scores=scores)


def make_grounding(*support: float | None) -> Grounding:
    """One sentence for each probability of support."""
    return Grounding("lexical", tuple(Support(0, 1, Stance.NOT_FOUND, p) for p in support), 0.0)


def make_verdict(*likely: tuple[str | bytes, float]) -> Verdict:
    """A verdict of these tokens with their log-probabilities."""
    tokens = (
        Alternative(i, piece.encode() if isinstance(piece, str) else piece, logprob)
        for i, (piece, logprob) in enumerate(likely)
    )
    return Verdict(tuple(tokens), "plain", "scripted:a", 0.0)


def make_similarity(matrix: Sequence[Sequence[float]], classes: Sequence[int]) -> Similarity:
    """The answer first, then the samples."""
    return Similarity("embedding", tuple(map(tuple, matrix)), tuple(classes), 0.0)


def observe(question: str, tokens: Sequence[Token], samples: Sequence[str] = ()) -> Observation:
    """An answer of these tokens beside samples of these texts."""
    return Observation(question, make_generation(tokens), tuple(said(text) for text in samples))
