"""The answers that the recordings' model was calibrated on, of which the demo shows the held-out half."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codex.calibration import Calibrator
from codex.calibration.shipped import shipped_calibrators
from codex.datasets.splits import split
from codex.errors import NotFound
from codex.evaluation.generations import read
from codex.evaluation.imported import record_of
from codex.paths import resources
from codex.store.evaluation.table import Table
from codex.types import Record


@dataclass(frozen=True, slots=True)
class Example:
    """Graded answers that the calibrator has not seen; n of them."""

    table: Table
    confidence: NDArray[np.float64]
    """[n] in [0, 1]."""
    calibrator: Calibrator


def held_out(model: str) -> Example:
    """The held-out answers of a model's shipped calibrator; takes seconds. Raises NotFound where none ships.

    model: an engine's fingerprint.
    """
    calibrator = next((each for each in shipped_calibrators() if each.model == model), None)
    if calibrator is None:
        raise NotFound(f"No calibrator ships for {model}.")
    name = f"{calibrator.name}-{model.partition(':')[0]}.jsonl.gz"
    lines = read(resources("datasets") / "answers" / name)
    records = [record_of(line) for line in lines if split(line.observation.question) == "test"]
    graded = [record for record in records if record.correct is not None]
    table = _table(graded, len(records) - len(graded))
    return Example(table, calibrator.confidences(table.signals), calibrator)


def _table(records: Sequence[Record], ungraded: int) -> Table:
    names = sorted({name for record in records for name in record.signals})
    return Table(
        ids=tuple(record.id for record in records),
        questions=tuple(record.observation.question for record in records),
        texts=tuple(record.observation.generation.text for record in records),
        groups=np.array([record.group for record in records]),
        correct=np.array([bool(record.correct) for record in records]),
        signals={
            name: np.array([_known(record.signals.get(name)) for record in records], dtype=np.float64)
            for name in names
        },
        ungraded=ungraded,
    )


def _known(value: float | None) -> float:
    return np.nan if value is None else value
