"""The automatic grader on answers whose grade is known, a file for each kind of answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codex.grading.grades import grade
from codex.items import Item

FILES = sorted((Path(__file__).parent / "cases").glob("*.jsonl"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nearly_every_case_is_graded_as_people_grade_it(path: Path) -> None:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    counted = {True: 0, False: 0}
    missed = []
    for row in rows:
        item = Item(
            "1",
            row["question"],
            tuple(row["answers"]),
            "cases",
            choices=tuple(row.get("choices", ())),
            labels=tuple(row.get("labels", ())),
        )
        graded = grade(item, row["text"])
        counted[row["correct"]] += graded.correct is True
        if (graded.correct is True) is not row["correct"]:
            missed.append((graded.grader, row))
    correct = sum(row["correct"] for row in rows)
    # The rates that the project asks of itself: 0.95 of the correct ones, 0.05 of the others.
    assert counted[True] >= 0.95 * correct, missed
    assert counted[False] <= 0.05 * (len(rows) - correct), missed


def test_every_kind_has_cases_of_both_grades() -> None:
    assert {path.stem for path in FILES} >= {"choice", "boolean"}
    for path in FILES:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        assert 0.25 < sum(row["correct"] for row in rows) / len(rows) < 0.75, path.stem
