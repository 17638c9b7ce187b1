"""Questions that are added to a dataset one by one."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from codex.datasets.additions import add, own
from codex.datasets.importing import import_file
from codex.datasets.library import find, load
from codex.errors import Conflict, InvalidInput

WHO = "Who wrote Emma?"


def test_a_new_name_makes_a_set_and_the_next_question_comes_last(tmp_path: Path) -> None:
    made, first = add("mine", tmp_path, f" {WHO} ", ["Jane Austen", "Austen", " ", "Austen"])
    assert (made.rows, first.question, first.answers) == (1, WHO, ("Jane Austen", "Austen"))
    assert made.about.startswith("Questions added one by one since ")
    grown, _ = add("mine", tmp_path, "Wer schrieb Ökonomie?", ["Ö"])
    assert (grown.rows, own(tmp_path)) == (2, ["mine"])
    assert [item.question for item in load("mine", tmp_path)] == [WHO, "Wer schrieb Ökonomie?"]
    assert {(tmp_path / "datasets" / name).stat().st_mode & 0o777 for name in ("mine.jsonl", "mine.md")} == {
        0o600
    }
    assert sorted(path.name for path in (tmp_path / "datasets").iterdir()) == ["mine.jsonl", "mine.md"]


def test_an_imported_set_is_added_to_also_where_its_last_line_has_no_end(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("question,answer\nWhere?,Rome\n")
    import_file(tmp_path / "a.csv", tmp_path, "mine")
    path = tmp_path / "datasets" / "mine.jsonl"
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    add("mine", tmp_path, WHO, ["Austen"])
    assert [item.question for item in load("mine", tmp_path)] == ["Where?", WHO]
    assert "Imported from a.csv" in find("mine", tmp_path).card


@pytest.mark.parametrize("again", [WHO, "who  wrote\nEMMA?"])
def test_a_question_that_is_there_is_said_and_not_doubled(tmp_path: Path, again: str) -> None:
    add("mine", tmp_path, WHO, ["Austen"])
    with pytest.raises(Conflict, match="asks this question already; it accepts Austen"):
        add("mine", tmp_path, again, ["Ann"])
    assert find("mine", tmp_path).rows == 1


def test_the_same_question_about_a_passage_is_another_one(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(
        f'{{"question": "{WHO}", "answer": "Ann", "context": "Ann wrote it."}}\n'
    )
    import_file(tmp_path / "a.jsonl", tmp_path, "mine")
    assert add("mine", tmp_path, WHO, ["Austen"])[0].rows == 2


@pytest.mark.parametrize(
    ("name", "question", "answers", "said"),
    [
        ("Mine", WHO, ["x"], "not a valid name"),
        ("mine", "  ", ["x"], "The question is empty"),
        ("mine", WHO, [" ", ""], "at least one accepted answer"),
        ("mine", WHO, [str(n) for n in range(101)], "at most 100, not 101"),
        ("mine", "Who\0?", ["x"], "its question holds a NUL byte"),
        ("mine", WHO, ["\ud800"], "lone surrogate"),
    ],
)
def test_what_cannot_be_added_is_named_and_changes_nothing(
    tmp_path: Path, name: str, question: str, answers: list[str], said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        add(name, tmp_path, question, answers)
    assert not (tmp_path / "datasets").exists()


def test_a_set_that_ships_is_not_changed(tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="ships with Codex and cannot be changed: give another name"):
        add("capitals", tmp_path, WHO, ["Austen"])
    assert not list((tmp_path / "datasets").iterdir())


def test_a_broken_set_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "datasets" / "mine.jsonl").mkdir(parents=True)
    with pytest.raises(InvalidInput, match="cannot be used"):
        add("mine", tmp_path, WHO, ["Austen"])


def test_questions_that_are_added_at_once_are_all_there(tmp_path: Path) -> None:
    threads = [threading.Thread(target=add, args=("mine", tmp_path, f"{n}?", ["x"])) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(item.question for item in load("mine", tmp_path)) == sorted(f"{n}?" for n in range(12))
    assert find("mine", tmp_path).rows == 12
