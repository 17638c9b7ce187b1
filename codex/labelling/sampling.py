"""In which order answers are labelled, and how likely each one was to be among the labelled.

A random order draws without replacement with chances in proportion to weights: rank = u / weight, smallest
first, u uniform. Whatever was labelled so far is then a priority sample, and the inclusion probability of an
answer is min(1, weight x the first rank that is not labelled), for which weighted totals are unbiased
(Duffield, Lund, Thorup 2007, doi:10.1145/1314690.1314696).
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

Order = Literal["mixed", "uncertainty", "random", "newest"]
ORDERS: tuple[Order, ...] = get_args(Order)
RANDOM = 0.3
"""The part of a mixed order's weights that is the same for every answer."""
UNKNOWN = 0.5
"""The confidence of an answer of which none is known: the least certain one."""


def weights(order: Order, confidence: Array) -> Array | None:
    """The weight of each answer in a random order; None: the order is not random.

    confidence: [n], NaN: unknown. A mixed order draws in proportion to the standard deviation of
    correctness, sqrt(p (1 - p)), the best allocation for an accuracy (Neyman 1934), mixed with a constant.
    """
    if order == "random":
        return np.ones(len(confidence))
    if order == "mixed":
        return RANDOM * 0.5 + (1 - RANDOM) * uncertainty(confidence)
    return None


def uncertainty(confidence: Array) -> Array:
    """The standard deviation of whether each answer is correct, 0 to 0.5."""
    p = np.clip(np.where(np.isnan(confidence), UNKNOWN, confidence), 0, 1)
    spread: Array = np.sqrt(p * (1 - p))
    return spread


def ranks(order: Order, confidence: Array, made_at: Array, rng: np.random.Generator) -> Array:
    """The place of each answer in the order, the smallest first; made_at: [n], in seconds."""
    if order == "newest":
        return -made_at
    drawn = weights(order, confidence)
    if drawn is None:
        return -uncertainty(confidence)
    # 1 - u is never 0, so that no two ranks are equal at 0.
    return (1 - rng.random(len(drawn))) / drawn


def probabilities(weight: Array, next_rank: float) -> Array:
    """How likely each labelled answer was to be labelled by now.

    weight: [m], of the labelled; next_rank: of the first that is not labelled, inf where none is left.
    """
    return np.minimum(1.0, weight * next_rank)
