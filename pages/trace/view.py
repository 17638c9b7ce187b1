"""A trace as it is shown to whoever has a link to it: what the store kept, and nothing that leads further."""

from __future__ import annotations

from dataclasses import asdict

from codex.pages import JSON
from codex.pages.ask.scales import SCALES
from codex.pages.ask.story import story_line
from codex.pages.ask.view import person_view, step_view
from codex.types import Trace

TOLD = (
    *("text", "tokens", "units", "words", "focus", "weakest", "generation", "samples", "signals", "values"),
    *("confidence", "decision", "basis", "support"),
)
"""What is shown of the last step. The prompt repeats the passages, and what was asked."""
PLACES = ("id", "document_id")
"""Of a passage, what leads into the documents."""


def _after(trace: Trace) -> list[str]:
    """That a question was asked after turns which the link does not show."""
    told = trace.params.conversation
    if told is None:
        return []
    turns = "1 earlier turn" if told.turns == 1 else f"{told.turns} earlier turns"
    return [f"Asked after {turns}, not shown here"]


def shared_view(trace: Trace, question: str | None) -> JSON:
    """trace: as the store kept it. question: what is kept of it, all or its beginning; None: nothing."""
    last = step_view(trace)
    evidence = last["evidence"]
    passages = [
        {name: value for name, value in passage.items() if name not in PLACES}
        for passage in evidence["passages"]
    ]
    return {
        "scale": {**asdict(SCALES["probability"]), "captions": SCALES["probability"].captions},
        "question": question,
        "cut": question != trace.question,
        "answer": trace.answer,
        "person": person_view(trace.params.person),
        "asked": trace.created_at.isoformat(),
        "model": trace.larger.model if trace.larger else trace.model,
        "story": [*_after(trace), *story_line(trace.steps)],
        "last": {name: last[name] for name in TOLD} | {"evidence": {**evidence, "passages": passages}},
    }
