"""Bootstrap intervals of every metric at once, for many confidences in the same answers.

The same resamples serve all confidences, and each one's metrics are taken for all resamples together. What
the metrics mean stands in `codex.calibration.metrics`, and tests hold the two equal.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codex.calibration.metrics import MASS_BINS, WIDTH_BINS, auroc
from codex.calibration.ranking import METRICS, Array, Flags, Order, Places, summed, ties

Counts = NDArray[Any]
Interval = tuple[float, float]
Centres = Mapping[Any, float | None]

LEVEL = 0.95
_BLOCK = 100_000
"""Numbers handled at once, so that they stay in the processor's cache."""


def resamples_for(n: int) -> int:
    """How many resamples are worth their time: 300 up to 3,000 answers, 50 from 20,000 on."""
    return int(np.clip(1_000_000 // max(n, 1), 50, 300))


class Resamples:
    """Answers drawn with replacement, as how often each of them was drawn.

    centres: metrics, at least 0, whose intervals are moved so that their mean is the metric. Resampling
    raises an ECE by as much again as the small number of answers did, so that its plain interval may lie
    above it.
    """

    def __init__(
        self, correct: Flags, resamples: int | None = None, seed: int = 0, weight: Array | None = None
    ) -> None:
        """correct: [n], of one answer at least. weight: [n], how much each counts; None: all alike."""
        n = len(correct)
        count = resamples_for(n) if resamples is None else resamples
        rng = np.random.default_rng(seed)
        drawn = [np.bincount(rng.integers(n, size=n), minlength=n).astype(np.int16) for _ in range(count)]
        self.correct = correct
        self.weights: Counts = np.stack(drawn) if weight is None else np.stack(drawn) * weight
        """[resamples, n]"""

    @classmethod
    def as_it_is(cls, correct: Flags, weight: Array) -> Resamples:
        """The answers themselves, as the only draw; what is taken of it is the metric."""
        found = cls(correct, 1)
        found.weights = weight[None]
        return found

    def of(self, correct: Flags) -> Resamples:
        """The same draws where other answers are correct, [n]."""
        found = copy.copy(self)
        found.correct = correct
        return found

    def ranking(
        self, confidence: Array, centres: Centres | None = None, names: Iterable[str] = METRICS
    ) -> dict[str, Interval | None]:
        """Intervals of the metrics of a ranking; names: of `ranking.METRICS`.

        confidence: [n], higher is more confident, NaN least of all. None where no resample defines it.
        """
        return _intervals(self.ranking_draws(confidence, names), centres or {})

    def ranking_draws(self, confidence: Array, names: Iterable[str] = METRICS) -> dict[str, Array]:
        """The metrics of each resample, [resamples]; NaN where it does not define one."""
        chosen = {name: METRICS[name] for name in names}
        order = Order(confidence, self.correct)
        blocks = (order.drawn(weights) for weights in self._blocks())
        return _joined([{name: metric(drawn) for name, metric in chosen.items()} for drawn in blocks])

    def probabilities(self, confidence: Array, centres: Centres | None = None) -> dict[str, Interval | None]:
        """Intervals of ece, ece_width, brier and nll. confidence: [n] in [0, 1]; NaN is left out."""
        return _intervals(self.probability_draws(confidence), centres or {})

    def probability_draws(self, confidence: Array) -> dict[str, Array]:
        """The same metrics of each resample, [resamples]; NaN where nothing is known."""
        known = ~np.isnan(confidence)
        p, correct = confidence[known], self.correct[known].astype(np.float64)
        if not len(p):
            nothing = np.full(len(self.weights), np.nan)
            return dict.fromkeys(("ece", "ece_width", "brier", "nll"), nothing)
        order, starts = ties(p)
        eps = np.finfo(float).eps
        likely = np.clip(np.where(correct > 0, p, 1 - p), eps, 1 - eps)
        losses = np.stack([np.square(p - correct), -np.log(likely)], axis=1)
        width = np.eye(WIDTH_BINS)[np.searchsorted(np.linspace(0, 1, WIDTH_BINS + 1)[1:-1], p)]
        parts = []
        for block in self._blocks():
            weights = block[:, known].astype(np.float64)
            totals = np.maximum(weights.sum(axis=1), 1)
            gaps = weights * (correct - p)
            brier, nll = (weights @ losses / totals[:, None]).T
            parts.append(
                {
                    "ece": _mass_gap(weights[:, order], gaps[:, order], starts, totals) / totals,
                    "ece_width": np.abs(gaps @ width).sum(axis=1) / totals,
                    "brier": brier,
                    "nll": nll,
                }
            )
        return _joined(parts)

    def _blocks(self) -> Iterator[Counts]:
        rows = max(1, _BLOCK // self.weights.shape[1])
        for start in range(0, len(self.weights), rows):
            yield self.weights[start : start + rows]


def _mass_gap(weights: Array, gaps: Array, starts: Places, totals: Array) -> Array:
    """[b]: summed distance between confidence and correct answers over bins of equal mass."""
    counts, gap = (summed(each, starts) for each in (weights, gaps))
    middle = np.cumsum(counts, axis=1) - counts / 2
    group = np.minimum((middle * MASS_BINS / totals[:, None]).astype(np.intp), MASS_BINS - 1)
    flat = group + MASS_BINS * np.arange(len(weights))[:, None]
    sums = np.bincount(flat.ravel(), gap.ravel(), MASS_BINS * len(weights))
    return np.asarray(np.abs(sums.reshape(-1, MASS_BINS)).sum(axis=1))


def _joined(parts: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _intervals(draws: Mapping[str, Array], centres: Centres) -> dict[str, Interval | None]:
    intervals: dict[str, Interval | None] = {}
    for name, values in draws.items():
        drawn = values[np.isfinite(values)]
        if (centre := centres.get(name)) is not None:
            drawn = np.maximum(drawn + centre - drawn.mean(), 0)
        intervals[name] = interval(drawn)
    return intervals


def interval(drawn: Array) -> Interval | None:
    """The 95 % interval of what resamples gave, [resamples]; None where none of them is finite."""
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn):
        return None
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def auroc_gain(confidence: Array, other: Array, correct: Flags) -> tuple[float, float, float]:
    """How much better a confidence ranks than another one, as a difference of AUROCs with its 95 % interval.

    All [n]; the interval is of paired resamples. NaN where there are not both kinds of answers.
    """
    drawn = Resamples(correct)
    one, two = (drawn.ranking_draws(each, ("auroc",))["auroc"] for each in (confidence, other))
    low, high = interval(one - two) or (np.nan, np.nan)
    return auroc(confidence, correct) - auroc(other, correct), low, high
