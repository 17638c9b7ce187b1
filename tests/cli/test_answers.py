"""codex answers, as a user types it, and a person's answer in the terminal."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from codex.ask.response import PersonAnswer, response_to
from codex.cli.answering import print_decision
from codex.cli.terminal import console
from tests.support.command import Codex, command
from tests.support.traces import make_trace


@pytest.fixture
def codex(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Codex:
    return command(tmp_path / "home", monkeypatch, capsys)


def test_answers_are_added_listed_withdrawn_and_deleted(codex: Codex) -> None:
    assert "No answers yet" in codex("answers").out
    words = ("What is the capital of Australia?", "Canberra", "--author", "Ada", "--until", "2999-01-31")
    kept = codex("answers", "add", *words)
    assert kept.status == 0, kept.err
    [each] = codex("answers", "--json").json
    assert (each["answer"], each["author"], each["typed"]) == ("Canberra", "Ada", True)
    assert datetime.fromisoformat(each["expires_at"]) == datetime(2999, 2, 1).astimezone()
    assert kept.out.split() == ["kept", each["id"]]
    assert "given until 2999-02-01" in codex("answers").out
    assert codex("answers", "withdraw", each["id"]).status == 0
    assert "withdrawn" in codex("answers").out
    assert codex("answers", "delete", each["id"]).status == 0
    assert codex("answers", "--json").json == []
    gone = codex("answers", "delete", each["id"])
    assert gone.status == 1
    assert "There is no person's answer" in gone.err


def test_a_persons_answer_stands_before_the_decision_on_the_models(
    capsys: pytest.CaptureFixture[str],
) -> None:
    trace = make_trace(1)
    person = PersonAnswer(
        id="1",
        answer="Canberra",
        author="Ada",
        source="an atlas",
        made_at=trace.created_at,
        same=True,
        similarity=None,
    )
    rationale = "Answered by Ada on 1 January 2026; the model's own answer: 3 of 5 samples said Sydney"
    response = response_to(trace).model_copy(update={"person_answer": person, "rationale": rationale})
    print_decision(response, console())
    lines = capsys.readouterr().out
    assert lines.index("Canberra") < lines.index("an atlas") < lines.index("Answered by Ada on 1 January")
    assert lines.index("3 of 5 samples said Sydney") < lines.index("DEFER")
