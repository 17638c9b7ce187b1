"""Do the labels contradict a guarantee on the risk? Valid at every label, however often one looks.

Each label bets against "of the answers given, at most a share `level` is incorrect". A bet on a share p above
the level multiplies its stake by p / level at an incorrect answer and by (1 - p) / (1 - level) at a correct
one: on average by at most 1 as long as the guarantee holds, whatever came before. The stake is spread over
several p, and over the label from which on the bet is made, the n-th being given 1 / (n (n + 1)) of it, so
that a guarantee that stops holding late is contradicted nearly as soon as one that never held. The whole
starts at 1 and is on average never more, so that by Ville's inequality the chance that it ever reaches
1 / delta is at most delta (Podkopaev and Ramdas 2022, arXiv:2110.06177; Shin, Ramdas and Rinaldo 2024,
arXiv:2203.03532).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

ODDS = np.array([1.5, 2.5, 5.0])
"""The shares that are bet on, as multiples of the level's odds."""
LEVELS = np.arange(1, 100) / 100
"""Where the lower bound of the risk can lie."""
STREAMS = 2000
MOST_LABELS = 4000
"""How the delay of an alarm is simulated."""
DETECTED = 0.9
"""The share of streams that are detected within the delay that is stated."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LabelledRisk:
    """What the labels say of a guarantee."""

    labels: int
    incorrect: int
    level: float
    """The share of incorrect answers that is guaranteed."""
    contradicted_at: int | None
    """The label, from 1 on, at which the guarantee was contradicted; None: it was not."""
    lower_bound: float
    """The risk was at least that high over some stretch of the labels, at confidence level 1 - delta."""


def labelled_risk(incorrect: Sequence[bool], level: float, delta: float) -> LabelledRisk:
    """Whether labels, in their order, contradict a guaranteed level, with a chance of delta of a false alarm.

    level, delta: in ]0, 1[.
    """
    return _labelled_risk(bytes(incorrect), level, delta)


def evidence(incorrect: ArrayLike, level: ArrayLike) -> Array:
    """[..., n] -> [..., n]: the logarithm of the stake after each label. level: broadcast against [...]."""
    wrong = np.asarray(incorrect, dtype=np.bool_)
    at = np.broadcast_to(np.asarray(level, dtype=np.float64), wrong.shape[:-1])[..., None]
    odds = ODDS * at / (1 - at)
    p = odds / (1 + odds)
    gain, loss = np.log(p / at), np.log((1 - p) / (1 - at))
    begun = np.full(p.shape, -np.inf)
    found = np.empty(wrong.shape)
    for n in range(wrong.shape[-1]):
        begun = np.logaddexp(begun, -math.log((n + 1) * (n + 2)))
        begun += np.where(wrong[..., n, None], gain, loss)
        # What has not been staked yet is 1 / (n + 2).
        staked = np.logaddexp.reduce(begun, axis=-1) - math.log(len(ODDS))
        found[..., n] = np.logaddexp(staked, -math.log(n + 2))
    return found


@lru_cache(maxsize=64)
def labels_to_detect(level: float, delta: float) -> int | None:
    """Labels within which 9 of 10 streams are detected whose risk is twice the level from the start.

    Twice, or half way to 1 where that is less. By simulation with a fixed seed; None: more than MOST_LABELS.
    """
    return _delay(level, delta, min(2 * level, (1 + level) / 2))


def _delay(level: float, delta: float, risk: float, seed: int = 0) -> int | None:
    draws = np.random.default_rng(seed).random((STREAMS, MOST_LABELS)) < risk
    reached = 250
    while True:
        crossed = evidence(draws[:, :reached], level) >= -math.log(delta)
        first = np.where(crossed.any(axis=1), crossed.argmax(axis=1) + 1, np.inf)
        delay = np.quantile(first, DETECTED, method="higher")
        if np.isfinite(delay):
            return int(delay)
        if reached == MOST_LABELS:
            return None
        reached = min(2 * reached, MOST_LABELS)


@lru_cache(maxsize=8)
def _labelled_risk(labels: bytes, level: float, delta: float) -> LabelledRisk:
    incorrect = np.frombuffer(labels, dtype=np.bool_)
    if not len(incorrect):
        return LabelledRisk(0, 0, level, None, 0.0)
    bar = -math.log(delta)
    crossed = evidence(incorrect, level) >= bar
    refuted = evidence(np.broadcast_to(incorrect, (len(LEVELS), len(incorrect))), LEVELS).max(axis=1) >= bar
    # The levels below the first one that the labels do not contradict.
    below = len(LEVELS) if refuted.all() else int(refuted.argmin())
    return LabelledRisk(
        labels=len(incorrect),
        incorrect=int(incorrect.sum()),
        level=level,
        contradicted_at=int(crossed.argmax()) + 1 if crossed.any() else None,
        lower_bound=float(LEVELS[below - 1]) if below else 0.0,
    )
