"""Verifier signals: what a model says when it is asked whether, or how likely, the answer is correct."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

from codex.signals.registry import signal
from codex.signals.view import View
from codex.types import Alternative, Verdict

NO_LOGPROB = -9999.0
"""Some servers write this, and llama.cpp less, for a probability that they do not know."""

AROUND = b" \t\r\n.,:;!*_\"'`"
"""What may stand around a label without changing it."""


def label_probability(alternatives: Sequence[Alternative], positive: str, *negatives: str) -> float | None:
    """Probability that a one-word answer is `positive` and none of the `negatives`, in [0, 1].

    alternatives: the likeliest tokens of the answer's first position. Every token that begins one of the
    labels counts (" True", "true", "TRUE.", the piece "Tr"), and the rest of the distribution is left
    out. None where no label is among the tokens.
    """
    labels = (positive, *negatives)
    of_positive: list[float] = []
    of_negative: list[float] = []
    for each in alternatives:
        label = label_begun(each.bytes, labels)
        if label is not None and NO_LOGPROB < each.logprob < math.inf:
            (of_positive if label == positive else of_negative).append(each.logprob)
    if not of_positive and not of_negative:
        return None
    highest = max(of_positive + of_negative)
    yes, no = (
        math.fsum(math.exp(logprob - highest) for logprob in logprobs)
        for logprobs in (of_positive, of_negative)
    )
    return yes / (yes + no)


@signal(
    "p_true",
    label="Verifier",
    meaning="How likely the model, asked whether the answer is correct, says True.",
    forms=("whole",),
    needs={"verdict"},
    source="P(True); Kadavath et al. 2022, arXiv:2207.05221",
    higher_is_confident=True,
    scale=(0.0, 1.0),
)
def p_true(view: View) -> float | None:
    """Probability of True against False, in [0, 1]; missing where neither is among the tokens.

    Of a trained verifier with its temperature. Missing too where the verifier is not known to be reliable.
    """
    verdict = view.observation.verdict
    return verdict_probability(verdict) if verdict else None


@signal(
    "stated_confidence",
    label="Stated confidence",
    meaning="The confidence in its answer that the model writes as a percentage.",
    forms=("whole",),
    needs={"stated"},
    source="verbalized confidence; Tian et al. 2023, arXiv:2305.14975",
    higher_is_confident=True,
    scale=(0.0, 1.0),
)
def stated_confidence(view: View) -> float | None:
    """In [0, 1]; missing where what the model wrote states none that can be read."""
    stated = view.observation.stated
    return stated.value if stated else None


def verdict_probability(verdict: Verdict) -> float | None:
    """Probability of True against False by a verdict, in [0, 1]; None where neither is among the tokens."""
    probability = label_probability(verdict.alternatives, "True", "False")
    if probability is None or (verdict.temperature == 1.0 and verdict.offset == 0.0):
        return probability
    if not 0.0 < probability < 1.0:  # Only one of them is among the tokens.
        return probability
    odds = (math.log(probability / (1.0 - probability)) + verdict.offset) / verdict.temperature
    return 1.0 / (1.0 + math.exp(-odds))


# A model's first words are few, and each answer brings the same ones.
@lru_cache(maxsize=4096)
def label_begun(token: bytes, labels: tuple[str, ...]) -> str | None:
    """The one label that a token begins; None where it begins none, or several."""
    piece = token.strip(AROUND)
    begun = [label for label in labels if piece and begins(piece, label)]
    return begun[0] if len(begun) == 1 else None


def begins(piece: bytes, label: str) -> bool:
    """Whether a piece, without what stands around it, is the beginning of the label in one of its spellings.

    Compared as bytes, since a token may end inside a character.
    """
    return any(spelling.startswith(piece) for spelling in spellings(label))


@lru_cache(maxsize=4096)
def spellings(label: str) -> tuple[bytes, ...]:
    """A label as a model may write it."""
    return tuple(
        dict.fromkeys(it.encode() for it in (label, label.lower(), label.upper(), label.capitalize()))
    )
