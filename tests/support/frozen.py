"""Stored answers of two models, where the folder with them is at hand; see `frozen_answers`."""

from __future__ import annotations

import string
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import rankdata

from codex.calibration import fit
from codex.evaluation.generations import read
from codex.signals import compute
from tests.support.shared_data import FOLDER, shared_data

FILES = ("qwen15-triviaqa", "qwen15-countries", "qwen15-arithmetic", "smol-countries")


@lru_cache
def frozen_answers(name: str) -> tuple[list[dict[str, float | None]], NDArray[np.bool_]]:
    """Signals of each answer in a file, and whether it is correct; skips where the folder is absent."""
    path = shared_data("frozen", f"{name}.jsonl.gz")
    if not path.exists():
        path = shared_data("frozen_more", path.name)
    if not path.exists():
        pytest.skip(f"no {path.name} under {FOLDER}")
    rows = list(read(path))
    signals = [compute(row.observation) for row in rows]
    return signals, np.array([is_correct(row.observation.generation.text, row.answers) for row in rows])


def auroc(scores: NDArray[np.float64], correct: NDArray[np.bool_]) -> float:
    """Chance that a correct answer scores above an incorrect one; ties count half."""
    n = int(correct.sum())
    wins = rankdata(scores)[correct].sum() - n * (n + 1) / 2
    return float(wins / (n * (len(correct) - n)))


def judged_by_others(
    columns: Mapping[str, NDArray[np.float64]],
    correct: NDArray[np.bool_],
    groups: NDArray[np.str_],
    signs: Mapping[str, int],
) -> NDArray[np.float64]:
    """[n]: a confidence for each row from a fit to all other groups: questions of a kind never seen."""
    judged = np.empty(len(correct))
    for group in np.unique(groups):
        held = groups == group
        rest = {name: column[~held] for name, column in columns.items()}
        made = fit(rest, correct[~held], signs=signs, groups=groups[~held], repeats=0)
        judged[held] = made.confidences({name: column[held] for name, column in columns.items()})
    return judged


def is_correct(answer: str, accepted: tuple[str, ...]) -> bool:
    """Whether a normalised accepted answer is contained in the answer as whole words."""
    said = f" {_plain(answer)} "
    return any(plain and f" {plain} " in said for plain in map(_plain, accepted))


def _plain(text: str) -> str:
    spaced = "".join(" " if c in string.punctuation else c for c in text.lower())
    return " ".join(word for word in spaced.split() if word not in {"a", "an", "the"})
