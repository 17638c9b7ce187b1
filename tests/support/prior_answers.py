"""The signals of the answers that the shipped prior was fitted on."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from codex.calibration.prior import Prior
from codex.paths import resources

PRIOR_ANSWERS = resources("datasets") / "answers" / "prior.jsonl.gz"


@dataclass(frozen=True)
class PriorAnswers:
    """Rows of that file."""

    models: NDArray[np.str_]
    sets: NDArray[np.str_]
    columns: dict[str, NDArray[np.float64]]
    correct: NDArray[np.bool_]

    def of_rows(self, keep: NDArray[np.bool_]) -> PriorAnswers:
        columns = {name: column[keep] for name, column in self.columns.items()}
        return PriorAnswers(self.models[keep], self.sets[keep], columns, self.correct[keep])

    def fitted(self) -> Prior:
        return Prior.of(self.columns, self.correct, self.models.tolist(), self.sets.tolist())


@cache
def prior_answers() -> PriorAnswers:
    """All of them."""
    with gzip.open(PRIOR_ANSWERS, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    names = sorted({name for row in rows for name in row["signals"]})
    return PriorAnswers(
        np.array([row["model"] for row in rows]),
        np.array([row["set"] for row in rows]),
        {name: np.array([row["signals"].get(name, np.nan) for row in rows], float) for name in names},
        np.array([row["correct"] for row in rows], bool),
    )
