"""Bootstrap intervals of every figure of a ranking at once, for many signals on the same answers.

The same resamples serve all signals, and each one's figures are taken for all resamples together: for
1,000 answers in a thirtieth of the time that `codex.calibration.resampling.bootstrap` takes with the
figures of `codex.calibration.metrics`. What the figures mean stands there, and tests hold the two equal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from codex.calibration.metrics import MASS_BINS, WIDTH_BINS

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Counts = NDArray[np.int16]
Places = NDArray[np.intp]
Interval = tuple[float, float]

LEVEL = 0.95
RANKING = ("auroc", "auprc", "prr", "prr50", "aurc", "eaurc", "accuracy_at_80")
_BLOCK = 100_000
"""Numbers handled at once, so that they stay in the processor's cache."""


def resamples_for(n: int) -> int:
    """How many resamples are worth their time: 300 up to 3,000 answers, 50 from 20,000 on."""
    return int(np.clip(1_000_000 // max(n, 1), 50, 300))


class Resamples:
    """Answers drawn with replacement, as how often each of them was drawn."""

    def __init__(self, right: Flags, resamples: int | None = None, seed: int = 0) -> None:
        """right: [n], of one answer at least."""
        n = len(right)
        count = resamples_for(n) if resamples is None else resamples
        rng = np.random.default_rng(seed)
        drawn = [np.bincount(rng.integers(n, size=n), minlength=n).astype(np.int16) for _ in range(count)]
        self.right = right
        self.weights: Counts = np.stack(drawn)
        """[resamples, n]"""

    def ranking(self, confidence: Array) -> dict[str, Interval | None]:
        """Intervals of the figures of a ranking, by the names of RANKING.

        confidence: [n], higher is surer, NaN least of all. None where no resample defines the figure.
        """
        order, starts = _ties(-np.where(np.isnan(confidence), -np.inf, confidence))
        wrong = ~self.right[order]
        return _intervals([_ranked(weights[:, order], wrong, starts) for weights in self._blocks()])

    def probabilities(
        self, confidence: Array, centres: Mapping[str, float | None] | None = None
    ) -> dict[str, Interval | None]:
        """Intervals of ece, ece_width, brier and nll. confidence: [n] in [0, 1]; NaN is left out.

        centres: the figures, at least 0, whose intervals are moved so that their mean is the figure.
        Resampling raises an ECE by as much again as the small number of answers did, so that its plain
        interval may lie above it.
        """
        known = ~np.isnan(confidence)
        p, right = confidence[known], self.right[known].astype(np.float64)
        if not len(p):
            return dict.fromkeys(("ece", "ece_width", "brier", "nll"))
        order, starts = _ties(p)
        eps = np.finfo(float).eps
        likely = np.clip(np.where(right > 0, p, 1 - p), eps, 1 - eps)
        losses = np.stack([np.square(p - right), -np.log(likely)], axis=1)
        width = np.eye(WIDTH_BINS)[np.searchsorted(np.linspace(0, 1, WIDTH_BINS + 1)[1:-1], p)]
        parts = []
        for block in self._blocks():
            weights = block[:, known].astype(np.float64)
            totals = np.maximum(weights.sum(axis=1), 1)
            gaps = weights * (right - p)
            brier, nll = (weights @ losses / totals[:, None]).T
            parts.append(
                {
                    "ece": _mass_gap(weights[:, order], gaps[:, order], starts, totals) / totals,
                    "ece_width": np.abs(gaps @ width).sum(axis=1) / totals,
                    "brier": brier,
                    "nll": nll,
                }
            )
        return _intervals(parts, centres or {})

    def _blocks(self) -> Iterator[Counts]:
        rows = max(1, _BLOCK // self.weights.shape[1])
        for start in range(0, len(self.weights), rows):
            yield self.weights[start : start + rows]


def _ranked(weights: Counts, wrong: Flags, starts: Places) -> dict[str, Array]:
    """Each figure, [b]. weights: [b, n] and wrong: [n], the surest first; starts: of each tie."""
    n = weights.shape[1]
    counts = _summed(weights.astype(np.float64), starts)
    errors = _summed(np.asarray(weights * wrong, np.float64), starts)
    after, errors_after = np.cumsum(counts, axis=1), np.cumsum(errors, axis=1)
    before, errors_before = after - counts, errors_after - errors
    m = errors_after[:, -1]
    m_or_nan = np.where((m > 0) & (m < n), m, np.nan)
    # Within a tie the k-th answer adds the share of it that is wrong: the mean over all orders. The risk
    # at k is then offset / k + share, and the sum over the tie a difference of harmonic numbers.
    share = errors / np.maximum(counts, 1)
    offset = errors_before - share * before
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, n + 1))])
    sums = harmonic[after.astype(np.intp)]
    aurc = ((offset * np.diff(sums, axis=1, prepend=0.0)).sum(axis=1) + m) / n
    first = n - n // 2
    late = np.maximum(sums, harmonic[first])
    of_late = offset * np.diff(late, axis=1, prepend=harmonic[first])
    of_late += share * (np.maximum(after, first) - np.maximum(before, first))
    kept = max(1, int(np.ceil(0.8 * n - 1e-9)))
    return {
        "auroc": (errors * (before - errors_before + (counts - errors) / 2)).sum(axis=1)
        / (m_or_nan * (n - m)),
        "auprc": (errors * (m[:, None] - errors_before) / np.maximum(n - before, 1)).sum(axis=1)
        / np.where(m > 0, m, np.nan),
        "prr": _prr(aurc, m_or_nan, n, n),
        "prr50": _prr(of_late.sum(axis=1) / max(n // 2, 1), m_or_nan, n, n // 2),
        "aurc": aurc,
        "eaurc": aurc - _least_risk(m, n, n),
        "accuracy_at_80": 1 - (share * np.clip(kept - before, 0, counts)).sum(axis=1) / kept,
    }


def _summed(values: Array, starts: Places) -> Array:
    """[b, ties]: the sum over each tie."""
    return values if len(starts) == values.shape[1] else np.add.reduceat(values, starts, axis=1)


def _prr(risk: Array, wrong: Array, n: int, rejected: int) -> Array:
    if not rejected:
        return np.full(len(risk), np.nan)
    chance = wrong / n
    with np.errstate(invalid="ignore"):  # A draw of one kind has nothing to rank: NaN.
        return np.asarray((chance - risk) / (chance - _least_risk(wrong, n, rejected)))


def _least_risk(wrong: Array, n: int, rejected: int) -> Array:
    """[b]: mean risk over the last `rejected` numbers of answers, where the wrong ones come last."""
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, n + 1))])
    right = n - np.nan_to_num(wrong)
    first = np.maximum(right, n - rejected)
    return np.asarray((n - first - right * (harmonic[n] - harmonic[first.astype(np.intp)])) / rejected)


def _mass_gap(weights: Array, gaps: Array, starts: Places, totals: Array) -> Array:
    """[b]: summed distance between confidence and right answers over bins of equal mass."""
    counts, gap = (_summed(each, starts) for each in (weights, gaps))
    middle = np.cumsum(counts, axis=1) - counts / 2
    group = np.minimum((middle * MASS_BINS / totals[:, None]).astype(np.intp), MASS_BINS - 1)
    flat = group + MASS_BINS * np.arange(len(weights))[:, None]
    sums = np.bincount(flat.ravel(), gap.ravel(), MASS_BINS * len(weights))
    return np.asarray(np.abs(sums.reshape(-1, MASS_BINS)).sum(axis=1))


def _ties(values: Array) -> tuple[Places, Places]:
    """The order of rising values, and where in it each run of equal ones starts."""
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    return order, np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))


def _intervals(
    parts: Sequence[Mapping[str, Array]], centres: Mapping[str, float | None] = MappingProxyType({})
) -> dict[str, Interval | None]:
    intervals: dict[str, Interval | None] = {}
    for name in parts[0]:
        drawn = np.concatenate([part[name] for part in parts])
        drawn = drawn[np.isfinite(drawn)]
        if (centre := centres.get(name)) is not None:
            drawn = np.maximum(drawn + centre - drawn.mean(), 0)
        ends = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) if len(drawn) else None
        intervals[name] = None if ends is None else (float(ends[0]), float(ends[1]))
    return intervals
