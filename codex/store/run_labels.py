"""What people said of the answers of runs: it stands beside the grader's verdict, and wins over it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import duckdb

from codex.errors import Conflict, NotFound
from codex.store.database import rows
from codex.store.rows import naive_utc
from codex.types import Record

GRADED = """
(SELECT r.* EXCLUDE ("right"), r."right" AS grader_right, l.run_id IS NOT NULL AS by_person,
        CASE WHEN l.run_id IS NULL THEN r."right" ELSE l.correct END AS "right"
 FROM run_records r LEFT JOIN run_labels l ON l.run_id = r.run_id AND l.question_id = r.question_id)
"""
"""run_records with the verdict that counts as "right"; the grader's own is grader_right."""


def labels_of(db: duckdb.DuckDBPyConnection, run_id: str) -> dict[str, bool | None]:
    """Question -> what a person said of its answer; None: not gradable."""
    found = db.execute("SELECT question_id, correct FROM run_labels WHERE run_id = ?", [run_id]).fetchall()
    return dict(found)


def put(db: duckdb.DuckDBPyConnection, run_id: str, question_id: str, correct: bool | None) -> None:
    """Say whether an answer is correct; None: not gradable. Raises NotFound; Conflict where it failed."""
    _check(db, run_id, question_id)
    _insert(db, [(run_id, question_id, correct)])


def put_all(db: duckdb.DuckDBPyConnection, run_id: str, records: Iterable[Record]) -> None:
    """Keep what people said of new records."""
    _insert(db, [(run_id, record.id, record.correct) for record in records if record.by_person])


def take_back(db: duckdb.DuckDBPyConnection, run_id: str, question_id: str) -> None:
    """The grader's verdict counts again. Raises NotFound; Conflict where the question failed."""
    _check(db, run_id, question_id)
    db.execute("DELETE FROM run_labels WHERE run_id = ? AND question_id = ?", [run_id, question_id])


def _check(db: duckdb.DuckDBPyConnection, run_id: str, question_id: str) -> None:
    found = rows(
        db, "SELECT error FROM run_records WHERE run_id = ? AND question_id = ?", [run_id, question_id]
    )
    if not found:
        raise NotFound(f"The run {run_id!r} has no question {question_id!r}.")
    if found[0]["error"]:
        raise Conflict(f"The question {question_id!r} failed: there is no answer to grade.")


def _insert(db: duckdb.DuckDBPyConnection, labels: list[tuple[str, str, bool | None]]) -> None:
    now = naive_utc(datetime.now(UTC))
    if labels:
        db.executemany("INSERT OR REPLACE INTO run_labels VALUES (?, ?, ?, ?)", [(*it, now) for it in labels])
