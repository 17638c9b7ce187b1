"""Secrets out of what is shown of a question while it is asked, and of its trace.

Signals, checks and decisions are made on what the model really wrote; only what leaves the loop is masked.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from codex.ask.passing import passed_on
from codex.errors import Conflict
from codex.redaction.observed import HIDDEN, SECRETS, spelled
from codex.redaction.streaming import Settling
from codex.types import (
    CheckedEvent,
    DecisionEvent,
    Event,
    Generation,
    GenerationEvent,
    Passage,
    PassagesEvent,
    SamplesEvent,
    Token,
    TokenEvent,
)

T = TypeVar("T")


def masked_events(
    events: Generator[Event, None, T], before: Sequence[Token] = ()
) -> Generator[Event, None, T]:
    """The events with masked texts; a token comes once no secret can begin in it. Returns what they return.

    before: what stands before the first token of a branch.
    """
    return passed_on(events, _Masking(spelled(before), len(before)).of)


def check_unmasked(tokens: Sequence[Token]) -> None:
    """Raises Conflict where an answer cannot be continued from these tokens, since some are masked."""
    if any(token.id == HIDDEN for token in tokens):
        raise Conflict(
            "A secret in this answer was masked, so it cannot be continued behind it. Ask again; "
            "store.mask_secrets=false masks nothing in answers."
        )


class _Masking:
    """One question's events."""

    def __init__(self, before: str, position: int) -> None:
        self._settling, self._position, self._step = Settling(before), position, 0
        self._generation: Generation | None = None
        self._passages: tuple[Passage, ...] = ()

    def of(self, event: Event) -> Iterator[Event]:
        """What is shown of an event."""
        if isinstance(event, TokenEvent):
            if event.step != self._step:
                self._settling, self._position, self._step = Settling(), event.index, event.step
            yield from self._tokens(self._settling.push(event.token))
        elif isinstance(event, GenerationEvent):
            if event.step == self._step:
                yield from self._tokens(self._settling.end())
            self._generation = event.generation
            yield replace(event, generation=SECRETS.generation(event.generation))
        elif isinstance(event, SamplesEvent):
            yield replace(event, samples=tuple(map(SECRETS.generation, event.samples)))
        elif isinstance(event, PassagesEvent):
            self._passages = event.passages
            yield replace(event, passages=tuple(map(SECRETS.passage, event.passages)))
        elif isinstance(event, CheckedEvent) and self._generation is not None:
            grounding = SECRETS.grounding(event.grounding, self._generation, self._passages)
            yield replace(event, grounding=grounding)
        elif isinstance(event, DecisionEvent):
            reason = SECRETS.text(event.decision.reason)
            yield replace(event, decision=replace(event.decision, reason=reason))
        else:
            yield event

    def _tokens(self, tokens: Sequence[Token]) -> Iterator[TokenEvent]:
        for token in tokens:
            yield TokenEvent(self._step, self._position, token)
            self._position += 1
