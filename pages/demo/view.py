"""What the Demo page shows of a question, event by event: the same of a recording as live."""

from __future__ import annotations

from codex import signals
from codex.ask.confidence import basis
from codex.pages import JSON
from codex.pages.ask.token_texts import Decoder
from codex.pages.ask.view import token_view, weakest
from codex.types import (
    DecisionEvent,
    Event,
    Generation,
    GenerationEvent,
    Observation,
    PassagesEvent,
    SamplesEvent,
    SignalsEvent,
    TokenEvent,
    TraceEvent,
)

INSTEAD = 3
"""Alternatives of a token that are told."""


class Telling:
    """Turns the events of one question into what is shown of them, in order."""

    def __init__(self, question: str) -> None:
        self._question = question
        self._decoder = Decoder()
        self._generation: Generation | None = None

    def beat(self, event: Event) -> JSON | None:
        """What an event shows; None: nothing."""
        match event:
            case PassagesEvent():
                told = [{"document": each.document, "text": each.text} for each in event.passages]
                return {"kind": "passages", "passages": told}
            case TokenEvent():
                if event.index == 0:
                    self._decoder = Decoder()
                token = token_view(event.token, self._decoder.push(event.token))
                return {"kind": "token", "token": token | {"alternatives": token["alternatives"][:INSTEAD]}}
            case GenerationEvent():
                self._generation = event.generation
                focus = signals.focus_mask(Observation(self._question, event.generation))
                return {"kind": "written", "weakest": weakest(event.generation, focus)}
            case SamplesEvent():
                return {"kind": "samples", **self._samples(event)}
            case SignalsEvent():
                confidence = event.confidence
                return {"kind": "confidence", "value": confidence.value, "basis": basis(confidence)}
            case DecisionEvent():
                decision = event.decision
                return {
                    "kind": "decision",
                    "action": str(decision.action),
                    "gate": str(decision.gate),
                    "reason": decision.reason,
                }
            case TraceEvent():
                trace = event.trace
                return {"kind": "end", "answer": trace.answer, "seconds": trace.seconds}
        return None

    def _samples(self, event: SamplesEvent) -> JSON:
        assert self._generation is not None
        groups = signals.answer_groups(Observation(self._question, self._generation, event.samples))
        return {
            "total": len(event.samples),
            "groups": [
                {"text": group.text, "count": len(group.members), "answer": group.contains_answer}
                for group in groups
            ],
        }
