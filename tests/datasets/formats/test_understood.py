"""What an import says that it understood, before anything is kept; and what it refuses to keep."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from codex.datasets.importing import import_file
from codex.datasets.library import load
from codex.datasets.questions import Understood
from codex.errors import InvalidInput, TooManyRejected
from codex.grading.kinds import DEFAULT


def written(folder: Path, *rows: Mapping[str, object]) -> Path:
    path = folder / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def question(number: int, **fields: object) -> dict[str, object]:
    return {"question": f"Question {number}?", "answer": f"answer {number}", **fields}


def test_what_was_understood_is_told_before_a_file_is_kept(tmp_path: Path) -> None:
    metals = ["Iron", "Neon", "Zinc"]
    path = written(
        tmp_path,
        {"Frage": "Which is a gas?", "options": metals, "answer": 1, "Thema": "chemistry"},
        {"Frage": "Which is first?", "options": metals, "answer": 0, "Thema": "order"},
        {"Frage": "Which is last?", "options": metals, "answer": "C", "Thema": "order"},
        {"Frage": "Who?", "answer": "Ann", "Thema": "people", "context": {"x": 1}},
    )
    heard: list[list[str]] = []

    def tell(understood: Understood) -> None:
        assert not list((tmp_path / "datasets").glob("a.*"))
        heard.append(understood.lines())

    columns = {"question": "Frage", "group": "Thema"}
    imported = import_file(path, tmp_path, columns=columns, tell=tell)
    assert heard == [
        [
            "columns: question from Frage; group from Thema; answers from answer; choices from options; "
            "context from context",
            "keys: numbers count the choices from 0, as all rows together tell",
            "keys: 1 labels, letters or texts of choices",
            f"graded as: choice 3, {DEFAULT} 1",
            "context left out, neither text nor passages: 1",
        ]
    ]
    for line in heard[0]:
        assert f"- {line}" in imported.dataset.card


def test_a_base_that_the_user_said_is_told_as_such(tmp_path: Path) -> None:
    path = written(tmp_path, {"question": "Which?", "choices": ["a", "b", "c"], "answer": 2})
    imported = import_file(path, tmp_path, key_base=1)
    assert "keys: numbers count the choices from 1, as you said" in imported.understood.lines()


@pytest.mark.parametrize(("bad", "is_kept"), [(1, True), (2, False)])
def test_a_file_of_which_more_than_a_fifth_is_rejected_is_not_kept(
    tmp_path: Path, bad: int, is_kept: bool
) -> None:
    good = [question(number) for number in range(5 - bad)]
    path = written(tmp_path, *good, *(question(9, answer="") for _ in range(bad)))
    if is_kept:
        assert import_file(path, tmp_path).rejected == bad
        return
    with pytest.raises(TooManyRejected, match=r"2 of 5 rows.*Line 4: it has no answer.*--accept-rejects"):
        import_file(path, tmp_path)
    assert not list((tmp_path / "datasets").iterdir())
    assert import_file(path, tmp_path, accept_rejects=True).dataset.rows == 3


def test_a_refused_file_leaves_the_set_that_it_would_have_replaced(tmp_path: Path) -> None:
    import_file(written(tmp_path, question(1)), tmp_path)
    path = written(tmp_path, question(2), question(3, answer=""))
    with pytest.raises(TooManyRejected):
        import_file(path, tmp_path, replace=True)
    assert [item.question for item in load("a", tmp_path)] == ["Question 1?"]


CODE: tuple[dict[str, object], ...] = (
    {"task_id": "E/0", "prompt": "def f():", "canonical_solution": "1", "test": "t", "entry_point": "f"},
    {"task_id": 1, "text": "Write f.", "code": "def f(): 1", "test_list": ["assert f()"]},
    {"question": "Write f.", "solutions": "[]", "input_output": "{}", "difficulty": "easy"},
    {"question_title": "f", "question_content": "Write f.", "public_test_cases": "[]"},
)


@pytest.mark.parametrize("row", CODE)
def test_a_set_of_programming_tasks_is_refused_with_the_reason(
    tmp_path: Path, row: dict[str, object]
) -> None:
    with pytest.raises(InvalidInput, match=r"programming tasks .* Codex runs no code"):
        import_file(written(tmp_path, row), tmp_path)


def test_programming_tasks_are_imported_where_their_columns_are_said(tmp_path: Path) -> None:
    path = written(tmp_path, CODE[1])
    columns = {"question": "text", "answers": "code"}
    assert import_file(path, tmp_path, columns=columns).dataset.rows == 1


def test_a_question_of_an_article_is_named_by_its_own_id(tmp_path: Path) -> None:
    asked = [
        {"id": f"q{n}", "question": f"{n}?", "answers": [{"text": "Ann", "answer_start": 0}]}
        for n in range(5)
    ]
    asked[3]["answers"] = [{"text": "", "answer_start": 0}]
    path = tmp_path / "squad.json"
    path.write_text(json.dumps({"data": [{"title": "t", "paragraphs": [{"context": "Ann.", "qas": asked}]}]}))
    imported = import_file(path, tmp_path)
    assert [(row.line, row.reason) for row in imported.reasons] == [
        (1, "question q3: it has no answer, and is not marked as not answerable")
    ]
    assert imported.dataset.rows == 4


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"data": {"question": "?"}, "annotations": []}, "nobody annotated it"),
        (
            {"fields": {"question": "?"}, "responses": {}, "suggestions": {"answer": {"value": "a"}}},
            "nobody submitted a response, there are only suggestions",
        ),
        (
            {
                "data": {"question": "?"},
                "annotations": [
                    {"result": [{"from_name": "answer", "type": "choices", "value": {"choices": [said]}}]}
                    for said in ("yes", "no")
                ],
            },
            "its annotators chose differently for answer: yes, no",
        ),
    ],
)
def test_a_record_without_an_answer_of_people_is_rejected_with_the_reason(
    tmp_path: Path, row: dict[str, object], why: str
) -> None:
    answered = [
        {
            "id": number,
            "data": {"question": f"{number}?"},
            "annotations": [
                {"result": [{"from_name": "answer", "type": "textarea", "value": {"text": ["x"]}}]}
            ],
        }
        for number in range(4)
    ]
    imported = import_file(written(tmp_path, row, *answered), tmp_path)
    assert [(each.line, each.reason) for each in imported.reasons] == [(1, why)]
