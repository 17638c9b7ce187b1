"""The turns before an answer as the Ask page shows them, and what a follow-up would be asked after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from codex.ask.confidence import basis
from codex.ask.conversation import budget
from codex.ask.places import Client
from codex.ask.workbench import Workbench
from codex.errors import CodexError
from codex.pages import JSON
from codex.store import TraceSummary
from codex.store.codec.nouns import encode


def conversation_view(
    workbench: Workbench,
    traces: Sequence[TraceSummary],
    members: Sequence[TraceSummary],
    reader: Client | None,
) -> JSON:
    """Of an answer with its branches, `members`, among the traces of a session.

    turns: what came before, oldest first; before: how much of it the model was shown, null for a first
    question; uncalibrated: why the active calibrator does not hold for such a follow-up, "" where it does;
    follow: for each of the members, what a follow-up of it would be asked after.
    """
    trace, calibrator = workbench.traces.get(members[0].id, reader), workbench.active.calibrator
    before = trace.params.conversation
    return {
        "turns": [turn_view(workbench, turn, reader) for turn in earlier_turns(traces, members[0])],
        "before": encode(before) if before else None,
        "uncalibrated": calibrator.mismatch(replace(trace.origin, model=trace.model))
        if before and calibrator
        else "",
        "follow": {member.id: _follow(workbench, member, reader) for member in members},
    }


def earlier_turns(traces: Sequence[TraceSummary], trace: TraceSummary) -> list[TraceSummary]:
    """The turns before a trace, oldest first, as far back as the session has them."""
    known = {each.id: each for each in traces}
    turns: list[TraceSummary] = []
    at = known.get(trace.follows or "")
    while at is not None:
        turns.append(at)
        at = known.get(at.follows or "")
    return turns[::-1]


def turn_view(workbench: Workbench, turn: TraceSummary, reader: Client | None) -> JSON:
    """A turn in brief: what was asked, and what the user was told."""
    question = turn.question
    if question is None:  # Who asked may still read it in memory.
        question = workbench.traces.get(turn.id, reader).question
    return {
        "id": turn.id,
        "question": question,
        "answer": turn.answer,
        "action": turn.action,
        "confidence": turn.confidence.value,
        "basis": basis(turn.confidence),
    }


def _follow(workbench: Workbench, trace: TraceSummary, reader: Client | None) -> JSON:
    no, taken = None, None
    try:
        taken = budget(workbench.model.engine, workbench.traces.turns(trace.id, reader))
    except CodexError as error:
        no = str(error)
    return {
        "turn": turn_view(workbench, trace, reader),
        "tokens": taken.tokens if taken else None,
        "context": taken.context if taken else None,
        "no": no,
    }
