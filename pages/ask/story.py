"""The story of a question: what was done with it, step by step, in few words."""

from __future__ import annotations

from collections.abc import Sequence

from codex import signals
from codex.ask.confidence import basis, other_kinds
from codex.ask.loop.course import NOT_SEARCHED, NOTHING_FOUND
from codex.ask.loop.loop import NO_LARGER
from codex.pages import JSON
from codex.pages.ask.evidence import stances
from codex.store.codec.nouns import encode
from codex.text import percent
from codex.types import Action, Decision, Gate, Step, Trace

ROUTING = (
    "confidence ",
    "no confidence is available",
    other_kinds(()),
    "the question is unlike those that the confidence was calibrated on",
)
"""How the routing's parts of a reason begin where they tell no probability; two are of earlier versions."""

LARGER = (NO_LARGER, "the larger model ", "no larger model ")
"""How what is said of a larger model begins."""


def story_line(steps: Sequence[Step]) -> list[str]:
    """The whole story in one line of parts; empty when the model was simply asked."""
    parts: list[str] = []
    for step in steps:
        vain, by_itself = in_vain(step), step.decision.gate is Gate.RETRIEVE
        grounding = step.observation.grounding
        told = [
            vain if not by_itself else None,
            _began(step),
            stances(grounding.sentences) if grounding and grounding.sentences else None,
            _unsure(step.decision) if step is not steps[-1] or (vain and by_itself) else None,
            vain if by_itself else None,
        ]
        parts += [part for part in told if part]
    if not parts:
        return []
    last = steps[-1]
    value = last.confidence.value
    action = "defer to a person" if last.decision.action is Action.DEFER else str(last.decision.action)
    return [
        *parts,
        action if value is None else f"{action} {percent(value)}",
    ]


def notes(decision: Decision) -> str:
    """What the reason says beside rule and routing: what was wanted and could not be done."""
    parts = decision.reason.split("; ")
    if parts[0].endswith(f": {decision.gate}"):
        parts = parts[1:]
    return "; ".join(
        part for part in parts if "% likely correct" not in part and not part.startswith((*ROUTING, *LARGER))
    )


def first_answer(trace: Trace) -> str | None:
    """What was answered at first, when it was answered otherwise in the end."""
    first, last = trace.steps[0].observation.generation.text, trace.last.observation.generation.text
    return first if first.strip() != last.strip() else None


def step_story(step: Step, fitted_on: Sequence[str] = ()) -> JSON:
    """One step, told shortly, with what it takes to look into it.

    fitted_on: the names of the sets of the calibrator, which stand beside its confidence.
    """
    observation = step.observation
    groups = signals.answer_groups(observation) if observation.samples else []
    grounding = observation.grounding
    return {
        **encode(step, without=("observation", "focus", "signals")),
        "text": observation.generation.text,
        "reasoning": observation.generation.reasoning,
        "seconds": observation.generation.seconds,
        "samples": {"total": len(observation.samples), "distinct": len(groups)},
        "passages": [passage.document for passage in observation.passages],
        "support": stances(grounding.sentences) if grounding and grounding.sentences else None,
        "values": step.signals,
        "basis": basis(step.confidence, fitted_on),
    }


def in_vain(step: Step) -> str | None:
    """Why a search brought nothing, if there was one."""
    if NOTHING_FOUND in step.decision.reason:
        return "searched, found nothing"
    if NOT_SEARCHED in step.decision.reason:
        return "could not search"
    return None


def _began(step: Step) -> str | None:
    """What was done before the model was asked."""
    n = len(step.observation.passages)
    if step.larger is not None:
        return f"asked the larger model {step.larger.model}"
    if step.kind == "reflect":
        return "checked its answer"
    return f"retrieved {n} passage{'' if n == 1 else 's'}" if n and step.kind == "retrieve" else None


def _unsure(decision: Decision) -> str:
    rule = decision.reason.split("; ")[0].removesuffix(f": {decision.gate}")
    return f"unsure ({rule})"
