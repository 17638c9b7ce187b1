"""An answer as text: what Codex says, with decision, confidence and sources."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from codex.ask.explaining import plain_line
from codex.pages.ask.copying import as_text
from codex.policy import Policy
from codex.types import AnsweredBy, Confidence, Passage
from tests.pages.conftest import Pages

QUESTION = "What is the capital of Australia?"


def test_all_of_it_is_told_line_by_line(pages: Pages) -> None:
    trace = pages().workbench.answer(QUESTION)
    last = trace.last
    passages = (
        Passage("p", "d", "atlas.pdf", "…", 0, 1, page=3, heading="Capitals"),
        Passage("q", "e", "a.txt", "…", 0, 1),
    )
    told = replace(
        last, observation=replace(last.observation, passages=passages), confidence=Confidence(0.7, 0.7)
    )
    question, answer, decision, confidence, *sources, model = as_text(
        replace(trace, steps=(told,))
    ).splitlines()
    assert question == f"Question: {QUESTION}"
    assert answer == "Answer: The capital is Canberra."
    assert decision == f"Decision: {last.decision.action} ({plain_line(told)}; {last.decision.reason})"
    assert confidence == "Confidence: 70%, calibrated"
    assert sources == ["Sources:", "[1] atlas.pdf, page 3, Capitals", "[2] a.txt"]
    assert model.startswith("Model: scripted:test:none, ")


def test_what_is_withheld_is_not_told_and_what_is_missing_is_said(pages: Pages) -> None:
    strict = Policy(name="strict", answer_above=1.0, abstain_below=1.0, rules=())
    trace = pages().workbench.answer(QUESTION, policy=strict)
    step = replace(trace.last, confidence=Confidence(None))
    text = as_text(replace(trace, steps=(step,), question=None))
    assert "Canberra." not in text.splitlines()[0].split("“")[0]
    assert text.startswith(f"Answer: {trace.answer}\nDecision: abstain: the model's answer is withheld")
    assert "Confidence: not available\nSources: none" in text


def test_of_a_persons_answer_it_is_told_whose_it_is_and_what_the_model_wrote(pages: Pages) -> None:
    trace = pages().workbench.answer(QUESTION)
    person = AnsweredBy("1", "Vienna", "Ada", "an atlas", datetime(2026, 5, 4, 12, tzinfo=UTC), True, None)
    served = replace(trace, answer="Vienna", params=replace(trace.params, person=person))
    lines = as_text(served).splitlines()
    assert lines[1:4] == [
        "Answer: Vienna",
        "Answered by Ada on 4 May 2026. Source: an atlas",
        "The model's own answer: The capital is Canberra.",
    ]
