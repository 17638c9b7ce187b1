"""What labelled answers say of all answers that could have been labelled, however uneven the drawing was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codex.calibration.imports import IMPORTS

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

LEVEL = 0.95
"""Of the intervals."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share of answers, estimated from labelled ones."""

    value: float
    low: float
    high: float
    labelled: int
    effective: float
    """As many evenly drawn labels would tell as much."""


def share_correct(correct: Flags, probability: Array) -> Share | None:
    """The share of correct answers, each labelled one weighted by 1 / its inclusion probability (Hajek 1971).

    correct, probability: [m]. The interval is the exact binomial one at the effective number of labels
    (Korn, Graubard 1998). None: nothing is labelled.
    """
    with IMPORTS:
        from scipy.stats import beta

    if not len(correct):
        return None
    weight = 1 / probability
    value = float(np.average(correct, weights=weight))
    evenly = float(weight.sum() ** 2 / (weight**2).sum())
    spread = float((weight**2 * (correct - value) ** 2).sum() / weight.sum() ** 2)
    effective = min(value * (1 - value) / spread, len(correct)) if spread else evenly
    hits, tail = value * effective, (1 - LEVEL) / 2
    low = float(beta.ppf(tail, hits, effective - hits + 1)) if hits > 0 else 0.0
    high = float(beta.ppf(1 - tail, hits + 1, effective - hits)) if hits < effective else 1.0
    return Share(value, low, high, len(correct), effective)


def ece(confidence: Array, correct: Flags, probability: Array, bins: int = 10) -> float:
    """Expected calibration error over bins of equal width, each answer weighted by 1 / its probability.

    confidence: [m]; NaN is left out. NaN where nothing is left.
    """
    known = ~np.isnan(confidence)
    p, hit, weight = confidence[known], correct[known], 1 / probability[known]
    if not len(p):
        return np.nan
    place = np.minimum((p * bins).astype(int), bins - 1)
    gaps = np.bincount(place, weight * (hit - p), bins)
    return float(np.abs(gaps).sum() / weight.sum())
