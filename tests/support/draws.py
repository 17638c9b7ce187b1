"""Populations whose selective risk is known exactly, and draws of labelled answers from them."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

from codex.calibration import cross_fitted
from codex.calibration.risk import selective_threshold
from codex.evaluation.generations import read
from codex.grading.grades import grade
from codex.signals import REGISTRY
from tests.support.frozen import FILES, frozen_answers
from tests.support.shared_data import FOLDER, shared_data


class Draws(NamedTuple):
    """What the thresholds that were chosen on each draw do on the whole population."""

    broken: int
    """Draws whose threshold has a risk above alpha there."""
    refused: int
    """Draws without a guarantee."""
    coverage: float
    """Mean over the draws; none where there is no guarantee."""
    best: float
    """Highest coverage of any threshold whose risk is at most alpha."""


def broken(
    confidence: NDArray[np.float64],
    correct: NDArray[np.bool_],
    alpha: float,
    delta: float,
    *,
    draws: int,
    labels: int = 400,
    seed: int = 0,
) -> Draws:
    """Draw `labels` rows with replacement, choose a threshold on them, see it on the population; repeat."""
    order = np.argsort(-confidence, kind="stable")
    falling = -confidence[order]
    risk = np.cumsum(~correct[order]) / np.arange(1, len(order) + 1)
    last_of_ties = np.append(falling[1:] != falling[:-1], True)
    within = np.flatnonzero((risk <= alpha) & last_of_ties)
    rng = np.random.default_rng(seed)
    given = np.empty(draws, dtype=np.int64)
    refused = 0
    for draw in range(draws):
        drawn = rng.integers(len(order), size=labels)
        guarantee = selective_threshold(confidence[drawn], correct[drawn], alpha, delta)
        refused += guarantee.kind == "none"
        given[draw] = np.searchsorted(falling, -guarantee.threshold, side="right")
    return Draws(
        broken=int(((given > 0) & (risk[given - 1] > alpha)).sum()),
        refused=refused,
        coverage=float(given.mean() / len(order)),
        best=float((within[-1] + 1) / len(order)) if len(within) else 0.0,
    )


def most_broken(draws: int, delta: float) -> int:
    """So many broken guarantees, or fewer, a true guarantee shows in 999 of 1,000 simulations."""
    return int(binom.ppf(0.999, draws, delta))


@lru_cache
def stored_answers(repeats: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Three files of one model: cross-fitted confidences [repeats, n], and which answers are correct [n].

    Skips the test where the files are absent.
    """
    files = [frozen_answers(name) for name in FILES if name.startswith("qwen15")]
    rows = [row for signals, _ in files for row in signals]
    columns = {
        name: np.array([math.nan if row[name] is None else row[name] for row in rows], np.float64)
        for name in REGISTRY
    }
    correct = np.concatenate([correct for _, correct in files])
    groups = np.repeat(np.arange(len(files)), [len(correct) for _, correct in files])
    signs = {name: 1 if signal.higher_is_confident else -1 for name, signal in REGISTRY.items()}
    return cross_fitted(columns, correct, signs=signs, groups=groups, repeats=repeats), correct


@lru_cache
def stored_shares() -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """The same files: share of each question's ten samples that is correct, and the file; else as above."""
    folder = shared_data("frozen")
    shares, groups = [], []
    for name in FILES:
        if not name.startswith("qwen15"):
            continue
        if not (folder / f"{name}.jsonl.gz").exists():
            pytest.skip(f"no {name}.jsonl.gz under {FOLDER}")
        for line in read(folder / f"{name}.jsonl.gz"):
            verdicts = [
                grade(line.item, sample.text, "contains").correct for sample in line.observation.samples
            ]
            shares.append(np.mean([bool(verdict) for verdict in verdicts]))
            groups.append(name)
    return np.array(shares), np.array(groups)
