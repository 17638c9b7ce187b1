"""An answer as text: what Codex says, with decision, confidence and sources."""

from __future__ import annotations

from dataclasses import replace

from codex.pages.ask.copying import as_text
from codex.policy import Policy
from codex.types import Confidence, Passage
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
    assert decision == f"Decision: {last.decision.action} ({last.decision.reason})"
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
