"""What adaptive sampling saves, and what it costs in AUROC.

    python -m tests.bench adaptive [--data FOLDER]

Stored answers with ten samples each are cut to as many as the rule would have drawn, and the confidence is
cross-fitted on them as it is on all ten, with the same folds. The files are those of `tests.support.frozen`,
on which the rule was chosen, and frozen_more, which is its held-out check.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codex.ask.loop.adaptive import enough
from codex.calibration import SIGNALS, cross_fitted
from codex.evaluation.generations import Generated, read
from codex.signals import REGISTRY, compute
from codex.types import Observation
from tests.bench.line import Line
from tests.support.frozen import FILES, auroc, is_correct
from tests.support.shared_data import shared_data

REPEATS = 5


def measure(home: Path | None = None) -> Iterator[Line]:
    """Lines for each file, and of all files of frozen together; `home` is not used."""
    found = []
    for name in FILES:
        if (path := shared_data("frozen", f"{name}.jsonl.gz")).exists():
            found.append(_measured(list(read(path))))
            yield from _lines(name, *found[-1])
    if found:
        share, lost = np.mean(found, axis=0).tolist()
        yield from _lines("mean of the files of frozen", share, lost)
    if (path := shared_data("frozen_more", "qwen15-triviaqa-2.jsonl.gz")).exists():
        yield from _lines("frozen_more, held out", *_measured(list(read(path))))


def _lines(name: str, share: float, lost: float) -> Iterator[Line]:
    yield Line(f"adaptive: samples drawn, {name}", 0.55, share, "of ten", "stored answers, replayed")
    how = f"cross-fitted confidence, {REPEATS} repeats"
    yield Line(f"adaptive: AUROC lost, {name}", 0.005, lost, "", how)


def _measured(rows: Sequence[Generated]) -> tuple[float, float]:
    """The share of the samples that is drawn, and how much AUROC that costs."""
    correct = np.array([is_correct(row.observation.generation.text, row.answers) for row in rows])
    whole = [row.observation for row in rows]
    drawn = [replace(each, samples=each.samples[: _drawn(each)]) for each in whole]
    share = sum(len(each.samples) for each in drawn) / sum(len(each.samples) for each in whole)
    return share, _auroc(whole, correct) - _auroc(drawn, correct)


def _drawn(observation: Observation) -> int:
    n = len(observation.samples)
    until = enough(observation.question, n, 1.0)
    rows = (observation.generation, *observation.samples)
    return next((k - 1 for k in until.after if until.is_reached(rows[:k])), n)


def _auroc(observations: Sequence[Observation], correct: NDArray[np.bool_]) -> float:
    signals = [compute(each) for each in observations]
    columns = {
        name: np.array([np.nan if row[name] is None else row[name] for row in signals], dtype=np.float64)
        for name in SIGNALS
    }
    present = {name: column for name, column in columns.items() if not np.isnan(column).all()}
    signs = {name: 1 if REGISTRY[name].higher_is_confident else -1 for name in present}
    confidences = cross_fitted(present, correct, signs=signs, method="platt", repeats=REPEATS)
    return float(np.mean([auroc(each, correct) for each in confidences]))
