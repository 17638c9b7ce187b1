"""codex datasets, as a user types it; and what the graders' study prints."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from codex.cli import datasets as cli_datasets
from tests.support.command import Codex, command


@pytest.fixture
def codex(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Codex:
    return command(tmp_path / "home", monkeypatch, capsys)


def test_the_sets_that_ship_are_listed(codex: Codex) -> None:
    said = codex("datasets", "list")
    assert said.status == 0
    for name in ("arithmetic", "capitals", "elements", "unanswerable"):
        assert name in said.out
    assert [row["name"] for row in json.loads(codex("datasets", "list", "--json").out)][:2] == [
        "arithmetic",
        "capitals",
    ]


def test_a_set_is_shown_with_its_card_and_its_first_questions(codex: Codex) -> None:
    said = codex("datasets", "show", "capitals", "--limit", "2")
    assert "CC0 1.0" in said.out
    assert said.out.count("What is the c") == 2
    rows = [json.loads(line) for line in codex("datasets", "show", "capitals", "--json").out.splitlines()]
    assert len(rows) == 10
    assert {row["split"] for row in rows} == {"calibration", "test"}
    assert {row["graded_as"] for row in rows} == {"contains"}


def test_a_set_says_by_what_its_questions_are_graded(codex: Codex, tmp_path: Path) -> None:
    path = tmp_path / "mixed.jsonl"
    rows = [
        {"question": "Which city?", "answers": ["Rome"], "choices": ["Rome", "Bern"]},
        {"question": "Is it so?", "answers": ["yes"]},
        {"question": "Is it not?", "answers": ["no", "false"]},
        {"question": "How many?", "answers": ["12"]},
        {"question": "When?", "answers": ["20 July 1969"]},
        {"question": "Who?", "answers": ["Ann Lee"]},
        {"question": "Who is it?", "answers": [], "answerable": False},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert codex("datasets", "import", str(path)).status == 0
    shown = codex("datasets", "show", "mixed", "--limit", "1").out
    assert "graded as: boolean 2, choice 1, numeric 1, date 1, short 1, refusal 1" in shown
    of_file = codex("datasets", "show", str(path), "--limit", "2").out
    assert "graded as (the first 2): choice 1, boolean 1" in of_file
    lines = codex("datasets", "show", "mixed", "--json").out.splitlines()
    assert [json.loads(line)["graded_as"] for line in lines[:4]] == [
        "choice",
        "boolean",
        "boolean",
        "numeric",
    ]


def test_a_file_is_imported_shown_and_its_bad_rows_are_named(codex: Codex, tmp_path: Path) -> None:
    path = tmp_path / "Mine.csv"
    path.write_text("Frage,Antwort\nWer?,Anna\nWo?,\n\x1b[31mWann?,jetzt\nWer?,Anna\n")
    words = ("datasets", "import", str(path), "--column", "question=Frage", "--column", "answers=Antwort")
    refused = codex(*words)
    assert refused.status == 1
    assert "1 of 4 rows of Mine.csv cannot be used, more than a fifth" in " ".join(refused.err.split())
    assert codex("datasets", "show", "mine").status == 1
    said = codex(*words, "--accept-rejects")
    assert said.status == 0
    assert "columns: question from Frage; answers from Antwort" in said.err
    assert "mine: 2 questions imported, 1 duplicates left out, 1 rejected" in said.out
    assert "line 3: it has no answer" in said.err
    shown = codex("datasets", "show", "mine")
    assert "Anna" in shown.out
    assert "\x1b[31m" not in shown.out
    again = codex(
        "datasets", "import", str(path), "--column", "question=Frage", "--column", "answers=Antwort"
    )
    assert (again.status, "already" in again.err) == (1, True)


def test_what_was_understood_of_a_file_is_printed_and_is_json(codex: Codex, tmp_path: Path) -> None:
    path = tmp_path / "quiz.csv"
    path.write_text(
        "question,A,B,C,answer\nWhich is a metal?,Iron,Neon,Argon,1\nWhich is a gas?,Tin,Neon,Zinc,2\n"
    )
    refused = codex("datasets", "import", str(path))
    assert refused.status == 1
    assert "say which at the import, --key-base 0 or --key-base 1" in " ".join(refused.err.split())
    said = codex("datasets", "import", str(path), "--key-base", "1")
    assert "keys: numbers count the choices from 1, as you said" in said.err
    assert "graded as: choice 2" in said.err
    found = codex("datasets", "import", str(path), "--key-base", "0", "--replace", "--json").json
    assert found == {
        "name": "quiz",
        "questions": 2,
        "complete": True,
        "duplicates": 0,
        "rejected": 0,
        "reasons": [],
        "columns": {"question": ["question"], "answers": ["answer"], "choices": ["A", "B", "C"]},
        "key_base": 0,
        "graders": {"choice": 2},
        "unanswerable": 0,
        "without_context": 0,
    }


def test_a_bar_splits_answers_only_where_it_is_asked_for(codex: Codex, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("question,answer\nCount the lines?,cat a | wc -l\n")
    codex("datasets", "import", str(path), "--name", "whole")
    codex("datasets", "import", str(path), "--name", "split", "--split", "|")
    answers = [
        json.loads(codex("datasets", "show", name, "--json").out)["answers"] for name in ("whole", "split")
    ]
    assert answers == [["cat a | wc -l"], ["cat a", "wc -l"]]


def test_what_stands_in_a_file_is_printed_as_it_is_and_never_as_markup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    codex = command(tmp_path / "[/home]", monkeypatch, capsys)
    path = tmp_path / "mine.csv"
    path.write_text("id,question,answer\n[/bold],[/b]Who?,[red]Ann\n\x1b[31m2,When?,now\n" + "3,Why?,\n" * 12)
    said = codex("datasets", "import", str(path), "--accept-rejects")
    assert said.status == 0
    assert f"… and 2 more, see {tmp_path}/[/home]/datasets/mine.rejected.txt" in said.err
    shown = codex("datasets", "show", "mine")
    assert shown.status == 0
    for text in ("[/bold]", "[/b]Who?", "[red]Ann"):
        assert text in shown.out
    assert "\x1b[31m" not in shown.out


def test_a_set_that_is_broken_is_named_and_the_others_are_listed(codex: Codex, tmp_path: Path) -> None:
    folder = tmp_path / "home" / "datasets"
    (folder / "b.jsonl").mkdir(parents=True)
    said = codex("datasets", "list", "--json")
    assert (said.status, len(said.json)) == (0, 5)
    assert f"left out  b: {folder}/b.jsonl cannot be read (Is a directory); remove it" in said.err
    assert codex("datasets", "show", "capitals").status == 0
    shown = codex("datasets", "show", "b")
    assert (shown.status, "The dataset 'b' cannot be used" in shown.err) == (1, True)


def test_a_grader_and_a_column_that_holds_nothing_are_said(codex: Codex, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("question,answer,id\nHow many?,12,7\n")
    said = codex("datasets", "import", str(path), "--grader", "exact", "--column", "id=")
    assert said.status == 0
    assert "columns: question from question; answers from answer\n" in said.err
    [row] = map(json.loads, codex("datasets", "show", "mine", "--json").out.splitlines())
    assert (row["graded_as"], row["id"] == "7") == ("exact", False)


def test_a_question_is_added_to_a_set_of_ones_own(codex: Codex) -> None:
    words = ("datasets", "add", "mine", "--question", "Who wrote Emma?", "--answer", "Jane Austen")
    assert codex(*words, "--answer", "Austen").out == "mine: 1 question\n"
    [row] = map(json.loads, codex("datasets", "show", "mine", "--json").out.splitlines())
    assert (row["question"], row["answers"]) == ("Who wrote Emma?", ["Jane Austen", "Austen"])
    again = codex(*words)
    assert (again.status, "asks this question already" in again.err) == (1, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "capitals", "--question", "x", "--answer", "y"), "ships with Codex and cannot be changed"),
        (("show", "capital"), "There is no dataset 'capital'"),
        (("show", "capitals", "--limit", "-1"), "--limit must be at least 0"),
        (("import", "nowhere.csv"), "There is no file nowhere.csv"),
        (("import", "nowhere.csv", "--column", "question"), "A column is FIELD=COLUMN"),
        (("import", "nowhere.csv", "--grader", "mine"), "There is no grader 'mine'"),
        (("import", "nowhere.csv", "--key-base", "2"), "--key-base is 0, 1 or text, not '2'"),
    ],
)
def test_what_cannot_be_done_is_one_line_that_says_why(
    codex: Codex, words: tuple[str, ...], said: str
) -> None:
    ended = codex("datasets", *words)
    assert ended.status == 1
    assert said in " ".join(ended.err.split())


def test_the_study_of_the_graders_is_printed_and_is_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {
            "id": "1",
            "question": "Who?",
            "answers": ["Ann"],
            "improper": False,
            "outputs": {
                "[/one]": {"answer": "Ann", "correct": True},
                "two": {"answer": "Ben", "correct": False},
            },
        }
    ]
    for name in ("nq", "triviaqa"):
        with gzip.open(tmp_path / f"{name}.jsonl.gz", "wt") as out:
            out.writelines(json.dumps(row) + "\n" for row in rows)
    cli_datasets.graders(data=tmp_path, systems=True)
    printed = capsys.readouterr().out
    assert "100%" in printed
    assert "[/one]" in printed
    assert "The default is auto." in " ".join(printed.split())
    cli_datasets.graders(data=tmp_path, as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert {row["grader"] for row in found} >= {"exact", "contains", "recall", "f1", "rouge_l", "numeric"}
    assert {row["n"] for row in found if row["system"] == "all"} == {2}
