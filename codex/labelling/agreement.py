"""How far labellers agree: the share of equal labels, and coefficients that take chance away.

Answers with two labels or more count. counts: [n, k], how many labellers gave answer n the word k.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codex.store.labelling.labels import VERDICTS, Label

Array = NDArray[np.float64]

DRAWS = 1000
"""Bootstrap samples of the answers behind an interval."""


@dataclass(frozen=True, slots=True)
class Coefficient:
    """An agreement with its 95% bootstrap interval over answers; NaN where it is not defined."""

    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far the labellers of some answers agree."""

    answers: int
    """With two labels or more."""
    labellers: tuple[str, ...]
    coefficients: tuple[Coefficient, ...]
    differing: tuple[tuple[str, str], ...]
    """Run and question of the answers that they differ on and nobody has adjudicated, the most even first."""


def agreement(labels: Iterable[Label], seed: int = 0) -> Agreement:
    """The agreement of all labels but the adjudicated ones."""
    said: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    settled: set[tuple[str, str]] = set()
    for each in labels:
        key = (each.run_id, each.question_id)
        if each.adjudicated:
            settled.add(key)
        else:
            said[key][each.labeller] = each.verdict
    several = {key: verdicts for key, verdicts in said.items() if len(verdicts) > 1}
    names = sorted({name for verdicts in several.values() for name in verdicts})
    counts = np.array(
        [[list(verdicts.values()).count(verdict) for verdict in VERDICTS] for verdicts in several.values()],
        dtype=float,
    ).reshape(-1, len(VERDICTS))
    rng = np.random.default_rng(seed)
    found = [
        _measured(name, measure, counts, rng)
        for name, measure in (
            ("agreement", share),
            ("Krippendorff's alpha", krippendorff),
            ("Gwet's AC1", gwet),
        )
    ]
    for first, second in combinations(names, 2):
        pairs = np.array(
            [
                (VERDICTS.index(verdicts[first]), VERDICTS.index(verdicts[second]))
                for verdicts in several.values()
                if first in verdicts and second in verdicts
            ]
        )
        if len(pairs):
            name = "Cohen's kappa" + (f", {first or 'you'} and {second}" if len(names) > 2 else "")
            found.append(_measured(name, cohen, pairs, rng))
    evenness = {
        key: min(list(verdicts.values()).count(verdict) for verdict in set(verdicts.values()))
        for key, verdicts in several.items()
        if len(set(verdicts.values())) > 1 and key not in settled
    }
    differing = tuple(sorted(evenness, key=lambda key: (-evenness[key], key)))
    return Agreement(len(several), tuple(names), tuple(found), differing)


def share(counts: Array) -> float:
    """The share of pairs of labellers of an answer who say the same, averaged over answers with a pair."""
    counts = _paired(counts)
    each = counts.sum(axis=1)
    return float(((counts * (counts - 1)).sum(axis=1) / (each * (each - 1))).mean()) if len(each) else np.nan


def krippendorff(counts: Array) -> float:
    """Krippendorff's alpha of nominal data (2004): 1 - observed over expected disagreement."""
    counts = _paired(counts)
    each, total = counts.sum(axis=1), counts.sum(axis=0)
    n = total.sum()
    expected = n**2 - (total**2).sum()
    if not expected:
        return np.nan
    observed = ((each**2 - (counts**2).sum(axis=1)) / (each - 1)).sum()
    return float(1 - (n - 1) * observed / expected)


def gwet(counts: Array) -> float:
    """Gwet's AC1 (2008, doi:10.1348/000711006X126600), over the verdicts that anybody used."""
    used = counts[:, counts.sum(axis=0) > 0]
    if used.shape[1] < 2:
        return np.nan
    rates = (used / used.sum(axis=1, keepdims=True)).mean(axis=0)
    chance = (rates * (1 - rates)).sum() / (used.shape[1] - 1)
    return float((share(counts) - chance) / (1 - chance))


def _paired(counts: Array) -> Array:
    kept: Array = counts[counts.sum(axis=1) > 1]
    return kept


def cohen(pairs: NDArray[np.intp]) -> float:
    """Cohen's kappa (1960) of two labellers; pairs: [n, 2], places in VERDICTS."""
    table = np.zeros((len(VERDICTS), len(VERDICTS)))
    np.add.at(table, (pairs[:, 0], pairs[:, 1]), 1 / len(pairs))
    chance = float(table.sum(axis=1) @ table.sum(axis=0))
    return float((np.trace(table) - chance) / (1 - chance)) if chance < 1 else np.nan


def _measured(
    name: str, measure: Callable[[NDArray[Any]], float], data: NDArray[Any], rng: np.random.Generator
) -> Coefficient:
    value = measure(data)
    if not len(data) or np.isnan(value):
        return Coefficient(name, np.nan, np.nan, np.nan)
    drawn = [measure(data[rng.integers(0, len(data), len(data))]) for _ in range(DRAWS)]
    # A draw in which everybody says one word alone has no coefficient.
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return Coefficient(name, value, float(low), float(high))
