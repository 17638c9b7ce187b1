"""An answer as text, to be put elsewhere: with its decision, confidence and sources."""

from __future__ import annotations

from codex.ask.confidence import basis
from codex.ask.explaining import answered_by, plain_line
from codex.text import moment, percent
from codex.types import Action, Passage, Trace

DECISIONS = {
    Action.ANSWER: "answer",
    Action.DEFER: "defer: ask a person",
    Action.ABSTAIN: "abstain: the model's answer is withheld",
}


def as_text(trace: Trace) -> str:
    """What Codex says, why, how likely it is to be correct, and which passages the model was given."""
    last = trace.last
    lines = [f"Question: {trace.question}"] if trace.question is not None else []
    lines += [
        f"Answer: {trace.answer.strip()}",
        *_by(trace),
        f"Decision: {DECISIONS[last.decision.action]} ({plain_line(last)}; {last.decision.reason})",
        f"Confidence: {_confidence(trace)}",
    ]
    passages = last.observation.passages
    lines.append("Sources:" if passages else "Sources: none, the model answered without documents")
    lines += [f"[{number}] {_place(passage)}" for number, passage in enumerate(passages, start=1)]
    model = f"{trace.larger.model}, asked after {trace.model}" if trace.larger else trace.model
    return "\n".join([*lines, f"Model: {model}, {moment(trace.created_at)}"])


def _by(trace: Trace) -> list[str]:
    """Who gave the answer where a person did, and what the model wrote itself."""
    person = trace.params.person
    if person is None:
        return []
    source = f" Source: {person.source}" if person.source else ""
    own = trace.last.observation.generation.text.strip()
    return [f"{answered_by(person)}.{source}", f"The model's own answer: {own}"]


def _confidence(trace: Trace) -> str:
    confidence = trace.last.confidence
    if confidence.value is None:
        return "not available"
    return f"{percent(confidence.value)}, {basis(confidence, trace.calibrated_on(trace.last))}"


def _place(passage: Passage) -> str:
    parts = [passage.document, f"page {passage.page}" if passage.page is not None else "", passage.heading]
    return ", ".join(part for part in parts if part)
