"""The records of a run as columns: with their signals those that are graded, without them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from codex.store.evaluation.records import GRADED

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


@dataclass(frozen=True, slots=True)
class Table:
    """The graded records of a run as columns, in the order they came; n of them."""

    ids: tuple[str, ...]
    questions: tuple[str, ...]
    texts: tuple[str, ...]
    """What the model answered."""
    groups: NDArray[np.str_]
    correct: NDArray[np.bool_]
    signals: dict[str, NDArray[np.float64]]
    """Name -> [n]; NaN: missing."""
    ungraded: int
    """Records that are not in the table: they failed, or nobody could tell."""
    graders: dict[str, int] = field(default_factory=dict)
    """How many of them each grader graded, the most first; under "" those of which that is not known."""
    counts: NDArray[np.float64] | None = None
    """[n], how much each counts where they were drawn unevenly; None: all alike."""
    seconds: NDArray[np.float64] | None = None
    """[n], that each question took; None: not known."""


def table_of(
    found: dict[str, NDArray[Any]], names: Sequence[str], ungraded: int, graders: dict[str, int]
) -> Table:
    """The table by its columns, in any order of rows; those of the signals are s1, s2, …"""
    number = found.pop("number")
    # They come as they were written; sorting a million rows in the database would take three times as long.
    if np.any(number[1:] < number[:-1]):
        order = np.argsort(number)
        found = {name: column[order] for name, column in found.items()}
    return Table(
        ids=tuple(found["question_id"]),
        questions=tuple(found["question"]),
        texts=tuple(found["answer"]),
        groups=np.asarray(found["group"], dtype=np.str_),
        correct=np.asarray(found["correct"], dtype=np.bool_),
        signals={name: _numbers(found[f"s{at}"]) for at, name in enumerate(names, 1)},
        ungraded=ungraded,
        graders=graders,
        seconds=_numbers(found["seconds"]),
    )


def _numbers(column: NDArray[Any]) -> NDArray[np.float64]:
    """A column of doubles; NULL becomes NaN."""
    return np.asarray(np.ma.filled(np.ma.asarray(column, dtype=np.float64), np.nan))
