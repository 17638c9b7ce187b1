"""codex runs and codex export, as a user types them, over a run of stored answers."""

from __future__ import annotations

import io
import json
import os
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from codex.evaluation.generations import Generated, write
from codex.text import moment
from codex.types import Generation, Observation, Token
from tests.support.command import Codex, command


@pytest.fixture
def codex(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Codex:
    return command(tmp_path / "home", monkeypatch, capsys)


@pytest.fixture
def run(codex: Codex, tmp_path: Path) -> str:
    """The id of the only run, of two answers."""
    path = tmp_path / "answers.jsonl"
    said = Generation("yes", (Token(1, b"yes", -0.5),), "stop", 1, 0.1)
    write(path, [Generated(f"q{n}", "sums", ("yes",), True, Observation(f"{n}?", said)) for n in range(2)])
    codex("runs", "import", str(path), "--name", "stored", "--model", "m")
    found: str = codex("runs", "--json").json[0]["id"]
    return found


def names(codex: Codex) -> list[str]:
    return [it["name"] for it in codex("runs", "--json").json]


def test_a_run_is_deleted_once_it_is_confirmed(
    codex: Codex, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    asked = codex("runs", "delete", run)
    assert asked.status == 1
    assert "Delete stored, 2 answers?" in asked.out
    assert names(codex) == ["stored"]
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert codex("runs", "delete", run).status == 0
    assert names(codex) == []


@pytest.mark.parametrize(
    "words",
    [
        ("runs", "delete", "", "--yes"),
        ("runs", "rename", "", "other"),
        ("runs", "show", ""),
        ("export", "", "-o", "never.jsonl"),
        ("calibrate", "--run", ""),
    ],
    ids=" ".join,
)
def test_an_empty_name_is_that_of_no_run(
    codex: Codex, run: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    said = codex(*words)
    assert (said.status, "The name of the run is empty" in said.err) == (1, True)
    assert names(codex) == ["stored"]
    assert not Path("never.jsonl").exists()


CHOSEN = {
    "id": "c1",
    "question": "Which one?",
    "answers": ["Paris"],
    "choices": ["Rome", "Paris"],
    "labels": ["1", "2"],
    "greedy": {"text": "(2)", "finish": "stop"},
}


def test_choices_travel_with_stored_answers_and_the_grader_is_said(codex: Codex, tmp_path: Path) -> None:
    path, again = tmp_path / "chosen.jsonl", tmp_path / "again.jsonl"
    path.write_text(json.dumps(CHOSEN) + "\n" + json.dumps(CHOSEN | {"id": "c2", "greedy": {"text": "1"}}))
    scored = codex("evaluate", "--generations", str(path), "--json").json
    assert (scored["accuracy"], scored["graders"]) == (0.5, {"choice": 2})
    assert codex("runs", "import", str(path)).status == 0
    (listed,) = codex("runs", "--json").json
    assert (listed["correct"], listed["graders"]) == (1, {"choice": 2})
    assert codex("export", listed["id"], "-o", str(again)).status == 0
    lines = [json.loads(line) for line in again.read_text().splitlines()]
    assert [(it["choices"], it["labels"], it["grader"]) for it in lines] == [
        (CHOSEN["choices"], CHOSEN["labels"], "choice")
    ] * 2
    for grader, accuracy in ((), 0.5), (("--grader", "choice"), 0.5), (("--grader", "exact"), 0.0):
        assert codex("evaluate", "--generations", str(again), "--json", *grader).json["accuracy"] == accuracy


def test_a_report_says_how_many_answers_each_grader_graded(codex: Codex, tmp_path: Path) -> None:
    path, page = tmp_path / "mixed.jsonl", tmp_path / "mixed.html"
    counted = {"id": "n1", "question": "How many?", "answers": ["4"], "greedy": {"text": "Four."}}
    path.write_text("\n".join(map(json.dumps, (CHOSEN, counted, CHOSEN | {"id": "c2"}))))
    said = codex("evaluate", "--generations", str(path), "--html", str(page))
    assert "Graded by choice 2, numeric 1;" in said.out
    assert "<dt>graded as</dt><dd>choice 2, numeric 1</dd>" in page.read_text()


def test_a_run_is_exported_into_a_pipe_which_stays_one(codex: Codex, run: str, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    assert codex("export", run, "-o", str(pipe)).status == 0
    lines = os.read(reader, 2**16).splitlines()
    os.close(reader)
    assert [json.loads(line)["id"] for line in lines] == ["q0", "q1"]
    assert pipe.is_fifo()


def test_a_persons_verdict_is_given_kept_over_a_regrading_and_an_import_and_taken_back(
    codex: Codex, run: str, tmp_path: Path
) -> None:
    file = tmp_path / "labelled.jsonl"

    def counts() -> list[tuple[int, int, int]]:
        return [(it["correct"], it["incorrect"], it["by_person"]) for it in codex("runs", "--json").json]

    assert codex("runs", "label", run, "q0", "incorrect").status == 0
    assert codex("runs", "label", run[:8], "q1", "none").status == 0
    assert counts() == [(0, 1, 2)]
    assert codex("runs", "show", run, "--json").json["graders"] == {"person": 1}
    assert "Graded by a person." in codex("runs", "show", run).out
    codex("export", run, "-o", str(file))
    for grader in ((), ("--grader", "exact")):
        scored = codex("evaluate", "--generations", str(file), "--json", *grader).json
        assert (scored["n"], scored["accuracy"], scored["ungraded"]) == (1, 0.0, 1)
        assert codex("runs", "import", str(file), "--model", "m", *grader).status == 0
    assert counts() == [(0, 1, 2)] * 3
    imported = codex("runs", "--json").json[0]["id"]
    for question in ("q0", "q1"):
        assert codex("runs", "label", imported, question, "clear").status == 0
    assert counts()[0] == (2, 0, 0)
    said = codex("runs", "label", run, "q7", "correct")
    assert (said.status, "no question 'q7'" in said.err) == (1, True)


def test_two_runs_are_compared_in_a_sentence_and_a_table(codex: Codex, run: str, tmp_path: Path) -> None:
    file = tmp_path / "again.jsonl"
    codex("export", run, "-o", str(file))
    codex("runs", "import", str(file), "--name", "again")
    again = codex("runs", "--json").json[0]["id"]
    codex("runs", "label", again, "q0", "incorrect")
    said = codex("runs", "compare", run, again)
    assert "again answers 1 fewer of 2 shared questions correctly than stored: −50 points" in said.out
    assert "1 only the first answers correctly" in said.out
    assert "Mean confidence" in said.out
    found = codex("runs", "compare", run, again, "--json").json
    assert (found["gained"], found["lost"], found["accuracy"]["difference"]) == (0, 1, -0.5)


def test_moments_are_in_local_time(codex: Codex, run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """JSON keeps them in UTC."""
    created = datetime.fromisoformat(codex("runs", "--json").json[0]["created_at"])
    assert created.utcoffset() == timedelta(0)
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "JST-9")
        time.tzset()
        begun = f"{created + timedelta(hours=9):%d %b %H:%M}"
        assert begun in codex("runs").out
        assert f"{created + timedelta(hours=9):%Y-%m-%d %H:%M} JST" == moment(created)
    time.tzset()
