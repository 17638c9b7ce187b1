"""A run's table and scores, for its report."""

from __future__ import annotations

import numpy as np

from codex.evaluation.scoring import Scores, score
from codex.store.evaluation.table import Table

HOSTILE = '</script><img src=x onerror="alert(1)"> ${1+1} $title <!--'


def make_table(n: int = 60, text: str = "Rome") -> Table:
    rng = np.random.default_rng(0)
    chance = rng.random(n)
    return Table(
        ids=tuple(f"q{i}" for i in range(n)),
        questions=(text,) * n,
        texts=(text,) * n,
        groups=np.array([text if i % 2 else "b" for i in range(n)], dtype=np.str_),
        correct=rng.random(n) < chance,
        signals={"avg_logprob": np.log(chance), "min_prob": np.where(chance > 0.2, chance, np.nan)},
        ungraded=0,
    )


def scored(table: Table) -> tuple[Scores, np.ndarray]:
    confidences = np.exp(table.signals["avg_logprob"])[None]
    return score(
        table, confidences=confidences, answers=[["Rome"]] * len(table.ids), resamples=20
    ), confidences
