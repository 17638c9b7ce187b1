"""Metrics of a ranking, of many draws of the same answers at once.

PRR, AURC and accuracy at a coverage, which no library has; and the two that scikit-learn has, for bootstraps
and tables of many signals: a call there takes one to two milliseconds, a draw here a twentieth of that.
Every metric is the mean over all orders of tied answers, computed exactly, and NaN where it is not defined.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Places = NDArray[np.intp]


def ties(values: Array) -> tuple[Places, Places]:
    """The order of rising values, and where in it each run of equal ones starts."""
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    return order, np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))[: len(values)]


def summed(values: Array, starts: Places) -> Array:
    """[b, ties]: the sum over each tie. values: [b, n]."""
    return values if len(starts) == values.shape[1] else np.add.reduceat(values, starts, axis=1)


class Order:
    """Answers from the most confident on; NaN is least confident."""

    def __init__(self, confidence: Array, correct: Flags) -> None:
        """confidence: [n], higher is more confident; correct: [n]."""
        self._order, self._starts = ties(-np.where(np.isnan(confidence), -np.inf, confidence))
        self._incorrect = ~correct[self._order]
        self.harmonic: Array = np.append(0.0, np.cumsum(1 / np.arange(1, len(correct) + 1)))
        """[n + 1]: the sum of 1/k for k up to the index."""

    def drawn(self, weights: NDArray[np.number]) -> Draws:
        """weights: [b, n], how often each answer was drawn; each row sums to n."""
        ranked = weights[:, self._order].astype(np.float64)
        return Draws(
            summed(ranked, self._starts), summed(ranked * self._incorrect, self._starts), self.harmonic
        )


class Draws:
    """Answers that were drawn, tied ones together."""

    def __init__(self, counts: Array, errors: Array, harmonic: Array) -> None:
        """counts, errors: [b, ties], drawn and of these incorrect; harmonic: [n + 1]."""
        self.n = len(harmonic) - 1
        self.counts, self.errors, self.harmonic = counts, errors, harmonic
        self.after, self.errors_after = np.cumsum(counts, axis=1), np.cumsum(errors, axis=1)
        self.before, self.errors_before = self.after - counts, self.errors_after - errors
        self.incorrect = errors.sum(axis=1)
        """[b]"""
        self.share = errors / np.maximum(counts, 1)
        """[b, ties]: within a tie the k-th answer adds this: the mean over all orders."""

    def risk(self, rejected: int) -> Array:
        """[b]: mean over k = n - rejected + 1..n of the share incorrect among the k most confident."""
        first = self.n - rejected
        # Within a tie the risk at k is offset / k + share; their sum is a difference of harmonic numbers.
        offset = self.errors_before - self.share * self.before
        sums = np.maximum(self.harmonic[self.after.astype(np.intp)], self.harmonic[first])
        parts = offset * np.diff(sums, axis=1, prepend=self.harmonic[first])
        parts += self.share * (np.maximum(self.after, first) - np.maximum(self.before, first))
        return np.asarray(parts.sum(axis=1) / rejected)

    def least_risk(self, rejected: int) -> Array:
        """[b]: the same where the incorrect answers come last."""
        correct = self.n - self.incorrect
        first = np.maximum(correct, self.n - rejected)
        late = self.harmonic[self.n] - self.harmonic[first.astype(np.intp)]
        return np.asarray((self.n - first - correct * late) / rejected)


def auroc(drawn: Draws) -> Array:
    """[b]: chance that a correct answer is above an incorrect one; a tie counts half."""
    rights_before = drawn.before - drawn.errors_before
    above = (drawn.errors * (rights_before + (drawn.counts - drawn.errors) / 2)).sum(axis=1)
    return _ratio(above, drawn.incorrect * (drawn.n - drawn.incorrect))


def auprc_errors(drawn: Draws) -> Array:
    """[b]: average precision of finding incorrect answers by low confidence; ties are found together."""
    found = drawn.incorrect[:, None] - drawn.errors_before
    precision = found / np.maximum(drawn.n - drawn.before, 1)
    return _ratio((drawn.errors * precision).sum(axis=1), drawn.incorrect)


def prr(drawn: Draws, rejection: float = 1.0) -> Array:
    """[b]: prediction rejection ratio: 1 rejects like an oracle, 0 like chance; may be negative.

    rejection: up to which share of the answers is rejected. The area under accuracy against rejection
    rate, less that of a random order, which is the accuracy itself, over the same of the best order.
    Source: Malinin and Gales 2021, arXiv:2002.07650, as LM-Polygraph normalises it.
    """
    rejected = int(rejection * drawn.n)
    if not rejected:
        return np.full(len(drawn.incorrect), np.nan)
    chance = drawn.incorrect / drawn.n
    # Where so few are rejected that the best order gains nothing, no order can be told from another.
    return _ratio(chance - drawn.risk(rejected), chance - drawn.least_risk(rejected))


def aurc(drawn: Draws) -> Array:
    """[b]: mean over k = 1..n of the share of incorrect answers among the k most confident; lower is better.

    Source: Geifman et al. 2019, arXiv:1805.08206.
    """
    return drawn.risk(drawn.n)


def eaurc(drawn: Draws) -> Array:
    """[b]: excess AURC: over that of the best order of the same answers."""
    return aurc(drawn) - drawn.least_risk(drawn.n)


def accuracy_at_coverage(drawn: Draws, coverage: float = 0.8) -> Array:
    """[b]: the share of correct answers among the most confident ones, at least `coverage` of all."""
    # The tolerance keeps 0.8 of 10 at 8, where the product lies above by a rounding error.
    kept = max(1, int(np.ceil(coverage * drawn.n - 1e-9)))
    return np.asarray(1 - (drawn.share * np.clip(kept - drawn.before, 0, drawn.counts)).sum(axis=1) / kept)


def _ratio(above: Array, below: Array) -> Array:
    """NaN where nothing is below."""
    return np.asarray(np.divide(above, below, out=np.full(len(above), np.nan), where=below > 1e-12))


METRICS: Mapping[str, Callable[[Draws], Array]] = {
    "auroc": auroc,
    "auprc": auprc_errors,
    "prr": prr,
    "prr50": lambda drawn: prr(drawn, 0.5),
    "aurc": aurc,
    "eaurc": eaurc,
    "accuracy_at_80": accuracy_at_coverage,
}
"""Those that are reported."""


def metrics(confidence: Array, correct: Flags) -> dict[str, float]:
    """Each of METRICS, of one answer at least. confidence: [n], higher is more confident; correct: [n]."""
    once = Order(confidence, correct).drawn(np.ones((1, len(correct))))
    return {name: float(metric(once)[0]) for name, metric in METRICS.items()}
