"""What people said of the answers of runs: it stands beside the grader's verdict, and wins over it."""

from __future__ import annotations

import duckdb

GRADED = """
(SELECT r.* EXCLUDE ("right"), r."right" AS grader_right, l.run_id IS NOT NULL AS by_person,
        CASE WHEN l.run_id IS NULL THEN r."right" ELSE l.correct END AS "right"
 FROM run_records r LEFT JOIN counted_labels l ON l.run_id = r.run_id AND l.question_id = r.question_id)
"""
"""run_records with the verdict that counts as "right"; the grader's own is grader_right."""


def labels_of(
    db: duckdb.DuckDBPyConnection, run_id: str, question_id: str | None = None
) -> dict[str, bool | None]:
    """Question -> what a person said of its answer; None: not gradable. question_id: of that one alone."""
    where, values = "run_id = ?", [run_id]
    if question_id is not None:
        where, values = f"{where} AND question_id = ?", [run_id, question_id]
    return dict(
        db.execute(f"SELECT question_id, correct FROM counted_labels WHERE {where}", values).fetchall()
    )
