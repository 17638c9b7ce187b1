"""Other columns of a file stay with each question, and a run can be read by them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from codex.datasets.importing import delete, import_file
from codex.datasets.library import load
from codex.datasets.meta import LONGEST, MOST
from codex.evaluation.item_columns import item_columns
from codex.store import Store
from tests.support.records import make_record, make_run

ROW = {"id": "q1", "question": "How much is 1 + 1?", "answer": "2"}


def imported(tmp_path: Path, *rows: dict[str, object]) -> list[dict[str, str]]:
    path = tmp_path / "sums.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    import_file(path, tmp_path, replace=True)
    return [dict(item.meta) for item in load("sums", tmp_path)]


def test_short_values_of_other_columns_are_kept(tmp_path: Path) -> None:
    other = {"era": "sums", "year": 2001.0, "hard": True, "empty": None, "list": [1], "long": "x" * 61}
    assert imported(tmp_path, {**ROW, **other}) == [{"era": "sums", "year": "2001", "hard": "True"}]


def test_what_is_asked_or_graded_by_is_not_kept_twice(tmp_path: Path) -> None:
    choices = {"id": "q1", "question": "Which?", "choices": ["a", "b"], "answer": "B", "split": "dev"}
    assert imported(tmp_path, choices) == [{"split": "dev"}]


def test_columns_and_their_names_are_bounded(tmp_path: Path) -> None:
    many = {f"c{at}": at for at in range(30)} | {"n" * (LONGEST + 1): "x"}
    (kept,) = imported(tmp_path, {**ROW, **many})
    assert list(kept) == [f"c{at}" for at in range(MOST)]


def test_what_was_kept_is_kept_again(tmp_path: Path) -> None:
    imported(tmp_path, {**ROW, "era": "sums"})
    again = json.loads((tmp_path / "datasets" / "sums.jsonl").read_text())
    assert imported(tmp_path, again) == [{"era": "sums"}]


def test_the_questions_of_a_run_have_the_values_of_their_dataset(tmp_path: Path) -> None:
    imported(tmp_path, {**ROW, "era": "sums"}, {**ROW, "id": "q2", "question": "Other?", "era": "rest"})
    with Store(tmp_path / "codex.duckdb") as store:
        store.runs.create(make_run())
        for at, asked in enumerate((ROW["question"], "Worded otherwise?", "Not in the set?")):
            record = make_record(at)
            observation = replace(record.observation, question=asked)
            store.runs.add("run-1", [replace(record, id=f"q{at + 1}", observation=observation)])
        lines = store.runs.lines("run-1")
    assert item_columns("sums", tmp_path, lines) == {"era": ["sums", "", ""]}
    delete("sums", tmp_path)
    assert item_columns("sums", tmp_path, lines) == {}
