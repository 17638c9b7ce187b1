"""The records of a run without their tokens and signals: what a list of its questions shows."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
from numpy.typing import NDArray

from codex.store.graded import GRADED

COLUMNS = """question_id, question, answer, answers, "group", coalesce(grader, ''), "right", by_person,
grader_right, error"""


@dataclass(frozen=True, slots=True)
class Lines:
    """Every record of a run as columns, in the order they came; n of them."""

    ids: tuple[str, ...]
    questions: tuple[str, ...]
    texts: tuple[str, ...]
    """What the model answered."""
    answers: tuple[tuple[str, ...], ...]
    """Accepted ones."""
    groups: tuple[str, ...]
    graders: tuple[str, ...]
    """By name; "" where that is not known."""
    correct: tuple[bool | None, ...]
    """The verdict that counts."""
    by_person: tuple[bool, ...]
    """Whether that is a person's."""
    grader_correct: tuple[bool | None, ...]
    errors: tuple[str, ...]

    @property
    def graded(self) -> NDArray[np.intp]:
        """Places of the records that are in the run's `Table`, in its order."""
        return np.flatnonzero([verdict is not None for verdict in self.correct])


def lines_of(db: duckdb.DuckDBPyConnection, run_id: str) -> Lines:
    """The lines of a run; none where it is not there."""
    found = db.execute(
        f"SELECT {COLUMNS} FROM {GRADED} WHERE run_id = ? ORDER BY number", [run_id]
    ).fetchall()
    if not found:
        return Lines(*((),) * 10)
    ids, questions, texts, answers, *others = zip(*found, strict=True)
    return Lines(ids, questions, texts, tuple(map(tuple, answers)), *others)
