"""Answers that a rule blocks: nothing of their text is shown, streamed or stored."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from codex.ask.passing import passed_on
from codex.redaction.observed import Redaction
from codex.redaction.spans import Span
from codex.safety.rules import Checks
from codex.types import (
    CheckedEvent,
    DecisionEvent,
    Event,
    GenerationEvent,
    PassagesEvent,
    SamplesEvent,
    Step,
    TokenEvent,
)

NOT_GIVEN = "I may not give this answer: a rule of this server blocks it."
"""What the user is told in its place."""
_WHOLE = Redaction(lambda text: [Span(0, len(text), "blocked")] if text else [])

T = TypeVar("T")


def withheld_events(events: Generator[Event, None, T], checks: Checks | None) -> Generator[Event, None, T]:
    """The events, where a rule can block: those of an answer come once all rules have passed it.

    Of one that is blocked they come without its text and tokens. Returns what they return.
    """
    if checks is None or not checks.may_block:
        return events
    held: list[Event] = []

    def shown(event: Event) -> Iterator[Event]:
        if isinstance(event, PassagesEvent):
            yield event
            return
        held.append(event)
        if isinstance(event, DecisionEvent):
            blocked = any(
                isinstance(each, GenerationEvent) and each.generation.text in checks.withheld for each in held
            )
            for each in held:
                if not blocked:
                    yield each
                elif not isinstance(each, TokenEvent):
                    yield _without_text(each)
            held.clear()

    return passed_on(events, shown)


def withheld_steps(steps: Sequence[Step], checks: Checks | None) -> list[Step]:
    """The steps; where one's answer is blocked, without its text, and without prompts that may hold it."""
    if not any(is_blocked(step, checks) for step in steps):
        return list(steps)
    return [replace(_withheld(step) if is_blocked(step, checks) else step, prompt=None) for step in steps]


def is_blocked(step: Step, checks: Checks | None) -> bool:
    """Whether a rule blocks the answer of a step, which is as the model wrote it."""
    return checks is not None and step.observation.generation.text in checks.withheld


def _withheld(step: Step) -> Step:
    observation = step.observation
    return replace(
        step,
        observation=replace(
            observation,
            generation=_WHOLE.generation(observation.generation),
            samples=tuple(map(_WHOLE.generation, observation.samples)),
            grounding=None,
        ),
    )


def _without_text(event: Event) -> Event:
    if isinstance(event, GenerationEvent):
        return replace(event, generation=_WHOLE.generation(event.generation))
    if isinstance(event, SamplesEvent):
        return replace(event, samples=tuple(map(_WHOLE.generation, event.samples)))
    if isinstance(event, CheckedEvent):
        return replace(event, grounding=None)
    return event
