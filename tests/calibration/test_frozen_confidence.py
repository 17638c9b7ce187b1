"""The calibrated confidence on stored answers of two models: one calibrator a model, cross-fitted 5 x 10."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray

from codex.calibration import fit, metrics
from codex.signals import REGISTRY
from tests.support.frozen import FILES, frozen_answers, judged_by_others

QWEN, SMOL = FILES[:3], FILES[3:]
SIGNS = {name: 1 if signal.higher_is_confident else -1 for name, signal in REGISTRY.items()}

# The best signal published beside the data.
PUBLISHED = {
    "qwen15-triviaqa": 0.813,
    "qwen15-countries": 0.805,
    "qwen15-arithmetic": 0.950,
    "smol-countries": 0.821,
}


@lru_cache
def table(
    files: tuple[str, ...],
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.bool_], NDArray[np.str_]]:
    """Signals, whether each answer is correct, and its file."""
    rows = [row for file in files for row in frozen_answers(file)[0]]
    columns = {name: np.array([row[name] for row in rows], dtype=np.float64) for name in SIGNS}
    correct = [frozen_answers(file)[1] for file in files]
    return columns, np.concatenate(correct), np.repeat(files, [len(part) for part in correct])


@lru_cache
def crossfitted(files: tuple[str, ...]) -> NDArray[np.float64]:
    columns, correct, groups = table(files)
    return fit(columns, correct, signs=SIGNS, groups=groups).crossfitted


def mean(figure: object, files: tuple[str, ...], file: str | None = None) -> float:
    """Over the repeats, of one file's rows or of all."""
    _, correct, groups = table(files)
    rows = np.ones(len(correct), bool) if file is None else groups == file
    assert callable(figure)
    return float(np.mean([figure(one[rows], correct[rows]) for one in crossfitted(files)]))


@pytest.mark.parametrize("file", ["qwen15-triviaqa", "qwen15-countries", "smol-countries"])
def test_it_ranks_better_than_the_best_published_signal(file: str) -> None:
    files = QWEN if file in QWEN else SMOL
    assert mean(metrics.auroc, files, file) >= PUBLISHED[file] + 0.01


def test_it_ranks_sums_and_the_union_as_well_as_was_measured() -> None:
    # 0.948 and 0.931 when they were measured; the sequence's probability alone ranks the sums by 0.950.
    assert mean(metrics.auroc, QWEN, "qwen15-arithmetic") >= 0.94
    assert mean(metrics.auroc, QWEN) >= 0.925


@pytest.mark.parametrize("file", FILES)
def test_it_means_what_it_says_on_each_file(file: str) -> None:
    assert mean(metrics.ece_excess, QWEN if file in QWEN else SMOL, file) <= 0.02


def test_it_means_what_it_says_on_the_union() -> None:
    assert mean(metrics.ece_excess, QWEN) <= 0.01


def test_on_a_set_never_seen_it_still_ranks_but_is_off_by_some_points() -> None:
    columns, correct, groups = table(QWEN)
    judged = judged_by_others(columns, correct, groups, SIGNS)
    for file in QWEN:
        rows = groups == file
        # Measured 0.859, 0.865 and 0.947, with an excess of 0.001, -0.015 and -0.005.
        assert metrics.auroc(judged[rows], correct[rows]) >= PUBLISHED[file] - 0.01
        assert metrics.ece_excess(judged[rows], correct[rows]) <= 0.04
