"""How good a confidence is: metrics of its ranking, and metrics of its values as probabilities.

confidence: [n]; higher is more confident; NaN: nothing can be said. correct: [n], true for a correct answer.
A ranking counts NaN as least confident. Every metric of a ranking is the mean over all orders of tied
answers, computed exactly. Metrics of probabilities leave NaN out; `unknown` counts them. A metric that
is not defined (no answers; all correct or all incorrect for a ranking) is NaN. scikit-learn and scipy.stats
are imported where they are used: a question asked in the shell needs neither, and they take a second.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from codex.calibration import ranking
from codex.calibration.imports import IMPORTS
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
    """[m]: the share of incorrect among the answered."""


@dataclass(frozen=True, slots=True)
class Bins:
    """A reliability diagram; only bins that hold answers."""

    count: NDArray[np.int64]
    """[m]"""
    confidence: Array
    """[m]: the mean."""
    rate: Array
    """[m]: the share of correct answers."""
    low: Array
    """[m]: of the 95 % Wilson interval of the rate."""
    high: Array


def unknown(confidence: ArrayLike) -> int:
    """How many have no confidence."""
    return int(np.isnan(np.asarray(confidence, float)).sum())


def auroc(confidence: ArrayLike, correct: ArrayLike) -> float:
    """Chance that a correct answer is above an incorrect one; a tie counts half."""
    with IMPORTS:
        from sklearn.metrics import roc_auc_score

    c, r = _ranking(confidence, correct)
    return float(roc_auc_score(r, c)) if r.any() and not r.all() else np.nan


def auprc_errors(confidence: ArrayLike, correct: ArrayLike) -> float:
    """Average precision of finding incorrect answers by low confidence; tied answers are found together."""
    with IMPORTS:
        from sklearn.metrics import average_precision_score

    c, r = _ranking(confidence, correct)
    return float(average_precision_score(~r, -c)) if not r.all() else np.nan


def prr(confidence: ArrayLike, correct: ArrayLike, rejection: float = 1.0) -> float:
    """Prediction rejection ratio, see `ranking.prr`; rejection: up to which share of the answers."""
    share = _share(rejection, "rejection")
    return _of_ranking(lambda drawn: ranking.prr(drawn, share), confidence, correct)


def aurc(confidence: ArrayLike, correct: ArrayLike) -> float:
    """Area under the curve of risk over coverage, see `ranking.aurc`; lower is better."""
    return _of_ranking(ranking.aurc, confidence, correct)


def eaurc(confidence: ArrayLike, correct: ArrayLike) -> float:
    """Excess AURC: over that of the best order of the same answers."""
    return _of_ranking(ranking.eaurc, confidence, correct)


def accuracy_at_coverage(confidence: ArrayLike, correct: ArrayLike, coverage: float = 0.8) -> float:
    """The share of correct answers among the most confident ones, at least `coverage` of all."""
    share = _share(coverage, "coverage")
    return _of_ranking(lambda drawn: ranking.accuracy_at_coverage(drawn, share), confidence, correct)


def risk_coverage(confidence: ArrayLike, correct: ArrayLike) -> Curve:
    """One point for each distinct confidence: what a threshold there answers, and how much of it is wrong."""
    c, r = _pair(confidence, correct)
    values, group = np.unique(-np.where(np.isnan(c), -np.inf, c), return_inverse=True)
    answered = np.cumsum(np.bincount(group, minlength=len(values)))
    incorrect = np.cumsum(np.bincount(group, ~r, len(values)))
    return Curve(-values, answered / max(len(r), 1), incorrect / answered)


def brier(confidence: ArrayLike, correct: ArrayLike) -> float:
    """Mean squared distance of the probability from 1 (correct) or 0 (incorrect)."""
    with IMPORTS:
        from sklearn.metrics import brier_score_loss

    p, r = _probabilities(confidence, correct)
    return float(brier_score_loss(r, p)) if len(r) else np.nan


def nll(confidence: ArrayLike, correct: ArrayLike) -> float:
    """Mean of -ln of the probability given to what came true, in nats; 0 and 1 are moved by 2.2e-16."""
    with IMPORTS:
        from sklearn.metrics import log_loss

    p, r = _probabilities(confidence, correct)
    return float(log_loss(r, p, labels=[False, True])) if len(r) else np.nan


def ece(confidence: ArrayLike, correct: ArrayLike, bins: int = MASS_BINS, mass: bool = True) -> float:
    """Expected calibration error: mean distance of a bin's mean confidence from its share of correct answers.

    mass: bins of equally many answers, tied ones always together; otherwise of equal width over [0, 1].
    """
    p, r = _probabilities(confidence, correct)
    return _gap(p, r, _bin(p, bins, mass)) if len(r) else np.nan


def perfect_ece(
    confidence: ArrayLike, bins: int = MASS_BINS, mass: bool = True, draws: int = DRAWS, seed: int = 0
) -> float:
    """The mean ECE that perfect probabilities with these values would show on so few answers; simulated."""
    p, _ = _probabilities(confidence, np.zeros(np.shape(confidence), bool))
    return _perfect_gap(p, _bin(p, bins, mass), draws, seed) if len(p) else np.nan


def ece_excess(
    confidence: ArrayLike, correct: ArrayLike, bins: int = MASS_BINS, mass: bool = True, seed: int = 0
) -> float:
    """ECE over that of perfect probabilities with the same values; around 0 where nothing is amiss."""
    p, r = _probabilities(confidence, correct)
    if not len(r):
        return np.nan
    group = _bin(p, bins, mass)
    return _gap(p, r, group) - _perfect_gap(p, group, DRAWS, seed)


def reliability_bins(
    confidence: ArrayLike, correct: ArrayLike, bins: int = MASS_BINS, mass: bool = True
) -> Bins:
    """The bins behind `ece`, in rising order of confidence, each rate with its 95 % Wilson interval."""
    p, r = _probabilities(confidence, correct)
    _, group = np.unique(_bin(p, bins, mass), return_inverse=True)
    count = np.bincount(group)
    hits = np.bincount(group, r).astype(np.int64)
    ends = np.array([wilson(*pair) for pair in zip(hits, count, strict=True)]).reshape(-1, 2)
    return Bins(count, np.bincount(group, p) / count, hits / count, ends[:, 0], ends[:, 1])


def wilson(correct: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a rate. Source: Wilson 1927, doi:10.1080/01621459.1927.10502953."""
    with IMPORTS:
        from scipy.stats import binomtest

    low, high = binomtest(int(correct), int(n)).proportion_ci(0.95, method="wilson")
    return float(low), float(high)


def _of_ranking(metric: Callable[[ranking.Draws], Array], confidence: ArrayLike, correct: ArrayLike) -> float:
    """Of the answers as they are, each drawn once."""
    c, r = _pair(confidence, correct)
    return float(metric(ranking.Order(c, r).drawn(np.ones((1, len(r)))))[0]) if len(r) else np.nan


def _gap(p: Array, correct: Flags, group: NDArray[np.int64]) -> float:
    return float(np.abs(np.bincount(group, correct - p)).sum() / len(p))


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
        raise InvalidInput(f"{bins} bins make no diagram; use at least 1.", ("bins",))
    if mass:
        with IMPORTS:
            from scipy.stats import rankdata

        # The mean rank of tied values, from 0: they share a bin, whatever their number.
        return np.asarray((rankdata(p) - 0.5) * bins / max(len(p), 1)).astype(np.int64)
    return np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], p)


def _share(value: float, name: str) -> float:
    if not 0 < value <= 1:
        raise InvalidInput(f"A {name} lies above 0 and up to 1, not at {value}.", (name,))
    return value


def _ranking(confidence: ArrayLike, correct: ArrayLike) -> tuple[Array, Flags]:
    """Ranks, since scikit-learn takes nothing that is not finite."""
    with IMPORTS:
        from scipy.stats import rankdata

    c, r = _pair(confidence, correct)
    return rankdata(np.where(np.isnan(c), -np.inf, c), "dense"), r


def _probabilities(confidence: ArrayLike, correct: ArrayLike) -> tuple[Array, Flags]:
    c, r = _pair(confidence, correct)
    there = ~np.isnan(c)
    if ((c[there] < 0) | (c[there] > 1)).any():
        raise InvalidInput("A probability lies in [0, 1]; scores on another scale can only be ranked.")
    return c[there], r[there]


def _pair(confidence: ArrayLike, correct: ArrayLike) -> tuple[Array, Flags]:
    c, r = np.asarray(confidence, float), np.asarray(correct, bool)
    if c.ndim != 1 or c.shape != r.shape:
        raise InvalidInput(f"Confidences {c.shape} and outcomes {r.shape} must be equally long lists.")
    return c, r
