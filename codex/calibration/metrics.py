"""How good a confidence is: figures of its ranking, and figures of its values as probabilities.

confidence: [n]; higher is surer; NaN: nothing can be said. right: [n], true where the answer is right.
A ranking counts NaN as least confident. Every figure of a ranking is the mean over all orders of tied
answers, computed exactly. Figures of probabilities leave NaN out; `unknown` counts them. A figure that
is not defined (no answers; all right or all wrong for a ranking) is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

from codex.errors import InvalidInput

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

MASS_BINS, WIDTH_BINS = 15, 10
"""The usual numbers of bins of equal mass and of equal width."""
DRAWS = 200
"""Simulated sets of outcomes behind `perfect_ece`."""
MANY = 20_000
"""From so many answers on, a bin's simulated sum is drawn from the normal law that it then follows."""


@dataclass(frozen=True, slots=True)
class Curve:
    """The risk at each coverage that a threshold can give, from few answers to all."""

    threshold: Array
    """[m], falling: answer where the confidence is at least this; the last is -inf where some are NaN."""
    coverage: Array
    """[m]: the share that is answered."""
    risk: Array
    """[m]: the share of wrong among the answered."""


@dataclass(frozen=True, slots=True)
class Bins:
    """A reliability diagram; only bins that hold answers."""

    count: NDArray[np.int64]
    """[m]"""
    confidence: Array
    """[m]: the mean."""
    rate: Array
    """[m]: the share of right answers."""
    low: Array
    """[m]: of the 95 % Wilson interval of the rate."""
    high: Array


def unknown(confidence: ArrayLike) -> int:
    """How many have no confidence."""
    return int(np.isnan(np.asarray(confidence, float)).sum())


def auroc(confidence: ArrayLike, right: ArrayLike) -> float:
    """Chance that a right answer is above a wrong one; a tie counts half."""
    c, r = _ranking(confidence, right)
    n, m = int(r.sum()), int((~r).sum())
    if not n or not m:
        return np.nan
    return float((rankdata(c)[r].sum() - n * (n + 1) / 2) / (n * m))


def auprc_errors(confidence: ArrayLike, right: ArrayLike) -> float:
    """Average precision of finding wrong answers by low confidence; tied answers are found together."""
    c, r = _ranking(confidence, right)
    wrong = int((~r).sum())
    if not wrong:
        return np.nan
    values, group = np.unique(c, return_inverse=True)
    found = np.cumsum(np.bincount(group, ~r, len(values)))
    taken = np.cumsum(np.bincount(group, minlength=len(values)))
    return float((np.diff(found, prepend=0.0) * found / taken).sum() / wrong)


def prr(confidence: ArrayLike, right: ArrayLike, rejection: float = 1.0) -> float:
    """Prediction rejection ratio: 1 rejects like an oracle, 0 like chance; may be negative.

    rejection: up to which share of the answers is rejected. The area under accuracy against rejection
    rate, less that of a random order, which is the accuracy itself, over the same of the best order.
    Source: Malinin and Gales 2021, arXiv:2002.07650, as LM-Polygraph normalises it.
    """
    c, r = _ranking(confidence, right)
    rejected = int(_share(rejection, "rejection") * len(r))
    if not rejected or r.all() or not r.any():
        return np.nan
    kept = np.arange(len(r) - rejected + 1, len(r) + 1)
    chance = float(r.mean())
    area = float((1 - _errors(c, r)[kept - 1] / kept).mean())
    best = float(np.minimum(1, r.sum() / kept).mean())
    # Where so few are rejected that the best order gains nothing, no order can be told from another.
    return (area - chance) / (best - chance) if best > chance else np.nan


def aurc(confidence: ArrayLike, right: ArrayLike) -> float:
    """Mean over k = 1..n of the share of wrong answers among the k most confident; lower is better.

    Source: Geifman et al. 2019, arXiv:1805.08206.
    """
    c, r = _ranking(confidence, right)
    return float((_errors(c, r) / np.arange(1, len(r) + 1)).mean()) if len(r) else np.nan


def eaurc(confidence: ArrayLike, right: ArrayLike) -> float:
    """Excess AURC: over that of the best order of the same answers."""
    return aurc(confidence, right) - aurc(np.asarray(right, float), right)


def accuracy_at_coverage(confidence: ArrayLike, right: ArrayLike, coverage: float = 0.8) -> float:
    """The share of right answers among the most confident ones, at least `coverage` of all."""
    c, r = _ranking(confidence, right)
    if not len(r):
        return np.nan
    # The tolerance keeps 0.8 of 10 at 8, where the product lies above by a rounding error.
    kept = max(1, int(np.ceil(_share(coverage, "coverage") * len(r) - 1e-9)))
    return float(1 - _errors(c, r)[kept - 1] / kept)


def risk_coverage(confidence: ArrayLike, right: ArrayLike) -> Curve:
    """One point for each distinct confidence: what a threshold there answers, and how much of it is wrong."""
    c, r = _ranking(confidence, right)
    values, group = np.unique(-c, return_inverse=True)
    answered = np.cumsum(np.bincount(group, minlength=len(values)))
    wrong = np.cumsum(np.bincount(group, ~r, len(values)))
    return Curve(-values, answered / max(len(r), 1), wrong / answered)


def brier(confidence: ArrayLike, right: ArrayLike) -> float:
    """Mean squared distance of the probability from 1 (right) or 0 (wrong)."""
    p, r = _probabilities(confidence, right)
    return float(np.square(p - r).mean()) if len(r) else np.nan


def nll(confidence: ArrayLike, right: ArrayLike) -> float:
    """Mean of -ln of the probability given to what came true, in nats; 0 and 1 are moved by 2.2e-16."""
    p, r = _probabilities(confidence, right)
    eps = np.finfo(float).eps
    return float(-np.log(np.clip(np.where(r, p, 1 - p), eps, 1 - eps)).mean()) if len(r) else np.nan


def ece(confidence: ArrayLike, right: ArrayLike, bins: int = MASS_BINS, mass: bool = True) -> float:
    """Expected calibration error: mean distance of a bin's mean confidence from its share of right answers.

    mass: bins of equally many answers, tied ones always together; otherwise of equal width over [0, 1].
    """
    p, r = _probabilities(confidence, right)
    return _gap(p, r, _bin(p, bins, mass)) if len(r) else np.nan


def perfect_ece(
    confidence: ArrayLike, bins: int = MASS_BINS, mass: bool = True, draws: int = DRAWS, seed: int = 0
) -> float:
    """The mean ECE that perfect probabilities with these values would show on so few answers; simulated."""
    p, _ = _probabilities(confidence, np.zeros(np.shape(confidence), bool))
    return _perfect_gap(p, _bin(p, bins, mass), draws, seed) if len(p) else np.nan


def ece_excess(
    confidence: ArrayLike, right: ArrayLike, bins: int = MASS_BINS, mass: bool = True, seed: int = 0
) -> float:
    """ECE over that of perfect probabilities with the same values; around 0 where nothing is amiss."""
    p, r = _probabilities(confidence, right)
    if not len(r):
        return np.nan
    group = _bin(p, bins, mass)
    return _gap(p, r, group) - _perfect_gap(p, group, DRAWS, seed)


def reliability_bins(
    confidence: ArrayLike, right: ArrayLike, bins: int = MASS_BINS, mass: bool = True
) -> Bins:
    """The bins behind `ece`, in rising order of confidence, each rate with its 95 % Wilson interval."""
    p, r = _probabilities(confidence, right)
    _, group = np.unique(_bin(p, bins, mass), return_inverse=True)
    count = np.bincount(group)
    rate = np.bincount(group, r) / count
    low, high = wilson(rate, count)
    return Bins(count, np.bincount(group, p) / count, rate, low, high)


def wilson(rate: ArrayLike, count: ArrayLike, level: float = 0.95) -> tuple[Array, Array]:
    """Interval of a binomial rate; any shape. Source: Wilson 1927, doi:10.1080/01621459.1927.10502953."""
    rate, count = np.asarray(rate, float), np.asarray(count, float)
    z = float(ndtri((1 + level) / 2))
    middle = (rate + z**2 / (2 * count)) / (1 + z**2 / count)
    reach = z / (1 + z**2 / count) * np.sqrt(rate * (1 - rate) / count + z**2 / (4 * count**2))
    return np.clip(middle - reach, 0, 1), np.clip(middle + reach, 0, 1)


def _errors(order: Array, right: Flags) -> Array:
    """[n]: expected number of wrong answers among the k = 1..n highest, over all orders of ties."""
    values, group = np.unique(-order, return_inverse=True)
    ends = np.cumsum(np.bincount(group, minlength=len(values)))
    wrong = np.cumsum(np.bincount(group, ~right, len(values)))
    # Inside a run of ties it rises in a line, since each of them is as likely as the next.
    return np.asarray(np.interp(np.arange(1, len(right) + 1), np.append(0, ends), np.append(0.0, wrong)))


def _gap(p: Array, right: Flags, group: NDArray[np.int64]) -> float:
    return float(np.abs(np.bincount(group, right - p)).sum() / len(p))


def _perfect_gap(p: Array, group: NDArray[np.int64], draws: int, seed: int) -> float:
    rng = np.random.default_rng(seed)
    if len(p) >= MANY:
        spread = np.sqrt(np.bincount(group, p * (1 - p)))
        gaps = rng.normal(size=(draws, len(spread))) * spread
    else:
        gaps = np.stack([np.bincount(group, (rng.random(len(p)) < p) - p) for _ in range(draws)])
    return float(np.abs(gaps).sum(axis=1).mean() / len(p))


def _bin(p: Array, bins: int, mass: bool) -> NDArray[np.int64]:
    """[n]: the bin of each."""
    if bins < 1:
        raise InvalidInput(f"{bins} bins make no diagram; take at least 1.", ("bins",))
    if mass:
        # The mean rank of tied values, from 0: they share a bin, whatever their number.
        return np.asarray((rankdata(p) - 0.5) * bins / max(len(p), 1)).astype(np.int64)
    return np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], p)


def _share(value: float, name: str) -> float:
    if not 0 < value <= 1:
        raise InvalidInput(f"A {name} lies above 0 and up to 1, not at {value}.", (name,))
    return value


def _ranking(confidence: ArrayLike, right: ArrayLike) -> tuple[Array, Flags]:
    c, r = _pair(confidence, right)
    return np.where(np.isnan(c), -np.inf, c), r


def _probabilities(confidence: ArrayLike, right: ArrayLike) -> tuple[Array, Flags]:
    c, r = _pair(confidence, right)
    there = ~np.isnan(c)
    if ((c[there] < 0) | (c[there] > 1)).any():
        raise InvalidInput("A probability lies in [0, 1]; scores on another scale can only be ranked.")
    return c[there], r[there]


def _pair(confidence: ArrayLike, right: ArrayLike) -> tuple[Array, Flags]:
    c, r = np.asarray(confidence, float), np.asarray(right, bool)
    if c.ndim != 1 or c.shape != r.shape:
        raise InvalidInput(f"Confidences {c.shape} and outcomes {r.shape} must be equally long lists.")
    return c, r
