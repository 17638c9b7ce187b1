"""Whether questions unlike those of a calibrator are recognised, and what is left is still calibrated.

    python -m tests.bench familiarity [--data FOLDER]

Each set is left out in turn: a calibrator is fitted on the others, and the set's questions are compared with
theirs. Beside the share that is recognised stands the calibration error (ECE) of all of the set's answers
under that calibrator, and of those that are still called calibrated. False alarms are counted on the half of
the others' questions that no fit saw. The shipped answers are one population, Qwen's another, which
needs the folder that `tests.support.frozen` reads.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codex.calibration import Calibrator
from codex.calibration.familiarity import FALSE_ALARMS, Embed
from codex.calibration.metrics import ece
from codex.evaluation.calibrating import fitted, labelled_generations
from codex.evaluation.generations import read
from codex.paths import resources
from codex.retrieval.config import RetrievalConfig
from codex.retrieval.embedding import Embedding
from codex.store.evaluation.table import Table
from tests.bench.line import Line
from tests.support.shared_data import shared_data

FEW = 10
"""With fewer answers left a calibration error says nothing."""


def measure(home: Path | None = None) -> Iterator[Line]:
    """Lines for each population; `home` is not used."""
    embedding = Embedding(RetrievalConfig())
    try:
        shipped = resources("datasets") / "answers" / "smollm2-llama_cpp.jsonl.gz"
        yield from _left_out("SmolLM2", [shipped], embedding.encode)
        if (frozen := shared_data("frozen")).exists():
            yield from _left_out("Qwen 1.5B", sorted(frozen.glob("qwen15-*.gz")), embedding.encode)
    finally:
        embedding.close()


def _left_out(population: str, files: list[Path], embed: Embed) -> Iterator[Line]:
    generations = (each for file in files for each in read(file))
    labelled = labelled_generations(generations, model="stored", prompt="stored")
    for name in np.unique(labelled.table.groups).tolist():
        inside = labelled.table.groups == name
        others, left = replace(labelled, table=_rows(labelled.table, ~inside)), _rows(labelled.table, inside)
        calibrator, _ = fitted(others, embed=embed)
        known = calibrator.familiarity
        assert known is not None
        unlike = known.p_values(embed(left.questions)) <= FALSE_ALARMS
        yield Line(
            f"{population}, {name} left out: recognised",
            0.5,
            float(unlike.mean()),
            "",
            f"{len(unlike)} questions; {_errors(calibrator, left, unlike)}",
            at_least=True,
        )
        fresh = others.held_out.questions
        alarms = float((known.p_values(embed(fresh)) <= FALSE_ALARMS).mean())
        spread = math.sqrt(FALSE_ALARMS * (1 - FALSE_ALARMS) * (1 / len(fresh) + 1 / len(known.distances)))
        yield Line(
            f"{population}, {name} left out: false alarms",
            FALSE_ALARMS + 2 * spread,
            alarms,
            "",
            f"{len(fresh)} questions of the other sets",
        )


def _errors(calibrator: Calibrator, left: Table, unlike: NDArray[np.bool_]) -> str:
    """Calibration errors of a set's answers, all of them and those still called calibrated."""
    confidence = calibrator.confidences(left.signals)

    def error(rows: NDArray[np.bool_]) -> str:
        return f"{ece(confidence[rows], left.correct[rows]):.3f}" if rows.sum() >= FEW else "n/a"

    return f"ECE {error(np.ones_like(unlike))}, still called calibrated {error(~unlike)}"


def _rows(table: Table, keep: NDArray[np.bool_]) -> Table:
    at = np.flatnonzero(keep)
    return replace(
        table,
        ids=tuple(table.ids[row] for row in at),
        questions=tuple(table.questions[row] for row in at),
        texts=tuple(table.texts[row] for row in at),
        groups=table.groups[at],
        correct=table.correct[at],
        signals={name: column[at] for name, column in table.signals.items()},
    )
