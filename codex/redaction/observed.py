"""What a model wrote and was shown, with something else in the place of secrets or personal data.

The numbers stay as they were measured on the whole text. A token that overlaps a find has no id and no
alternatives any more, since both tell its text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from codex.redaction.personal import personal
from codex.redaction.secrets import secrets
from codex.redaction.spans import MARKS, Edited, Span
from codex.types import (
    Generation,
    Grounding,
    Observation,
    Passage,
    Step,
    Support,
    Token,
    Trace,
    TraceParams,
)

HIDDEN = -1
"""The id of a token whose text is hidden."""

T = TypeVar("T")


class Redaction:
    """Replaces what is found wherever a text stands. Stateless; what holds nothing is returned as it is."""

    def __init__(self, find: Callable[[str], list[Span]]) -> None:
        """find: the spans of a text, in order, without overlap."""
        self.find = find

    def edited(self, text: str) -> Edited:
        """A text."""
        return Edited(text, self.find(text))

    def text(self, text: str) -> str:
        """A text alone."""
        return self.edited(text).text

    def trace(self, trace: Trace) -> Trace:
        """A trace, in all of its steps; the SHA-256 of the question stays the whole question's."""
        return replace(
            trace,
            question=None if trace.question is None else self.text(trace.question),
            params=self._params(trace.params),
            steps=tuple(map(self.step, trace.steps)),
            answer=self.text(trace.answer),
        )

    def step(self, step: Step) -> Step:
        """A step."""
        return replace(
            step,
            prompt=None if step.prompt is None else self.text(step.prompt),
            observation=self.observation(step.observation),
            decision=replace(step.decision, reason=self.text(step.decision.reason)),
        )

    def observation(self, observation: Observation) -> Observation:
        """An observation; places in its texts follow."""
        return replace(
            observation,
            question=self.text(observation.question),
            generation=self.generation(observation.generation),
            samples=tuple(map(self.generation, observation.samples)),
            passages=tuple(map(self.passage, observation.passages)),
            grounding=self.grounding(observation.grounding, observation.generation, observation.passages),
        )

    def generation(self, generation: Generation) -> Generation:
        """A generation: its text, its reasoning, its tokens."""
        tokens, edited = self._of(generation)
        reasoning = generation.reasoning
        return _changed(
            generation,
            text=edited.text,
            tokens=tokens,
            reasoning=None if reasoning is None else self.text(reasoning),
        )

    def passage(self, passage: Passage) -> Passage:
        """A passage; `start` and `end` stay places in its document."""
        return _changed(passage, text=self.text(passage.text), heading=self.text(passage.heading))

    def grounding(
        self, grounding: Grounding | None, generation: Generation, passages: Sequence[Passage]
    ) -> Grounding | None:
        """How an answer stands in passages, both as they were before: its places are in the new texts."""
        if grounding is None:
            return None
        _, answer = self._of(generation)
        shown = [self.edited(passage.text) for passage in passages]
        if not answer.spans and not any(each.spans for each in shown):
            return grounding
        return replace(
            grounding, sentences=tuple(_support(each, answer, shown) for each in grounding.sentences)
        )

    def _of(self, generation: Generation) -> tuple[tuple[Token, ...], Edited]:
        """The tokens, and the text, which a stop string may have cut."""
        tokens, text = generation.tokens, generation.text
        written = spelled(tokens)
        if not written.startswith(text):
            edited = self.edited(text)
            return (_unspelled(tokens, edited.text) if edited.spans else tokens), edited
        spans = self.find(written)
        if not spans:
            return tokens, Edited(text, ())
        cut = [Span(it.start, min(it.end, len(text)), it.kind) for it in spans if it.start < len(text)]
        return hidden(tokens, spans), Edited(text, cut)

    def _params(self, params: TraceParams) -> TraceParams:
        person, found = params.person, params.prediction_set
        if person is not None:
            person = replace(person, answer=self.text(person.answer), source=self.text(person.source))
        if found is not None:
            found = replace(found, answers=tuple(map(self.text, found.answers)))
        return replace(params, person=person, prediction_set=found)


def spelled(tokens: Sequence[Token]) -> str:
    """The characters of tokens; a byte that is none stands for itself, as a lone surrogate."""
    return b"".join(token.bytes for token in tokens).decode("utf-8", "surrogateescape")


def hidden(tokens: Sequence[Token], spans: Sequence[Span], before: str = "") -> tuple[Token, ...]:
    """The tokens, with a mark in the first of those that a span reaches into and nothing in the others.

    spans: in the characters of `before` and of the tokens after it, in order, without overlap.
    """
    text = before + spelled(tokens)
    places = [(_bytes(text[: it.start]), _bytes(text[: it.end]), MARKS[it.kind].encode()) for it in spans]
    made, start = [], _bytes(before)
    for token in tokens:
        end = start + len(token.bytes)
        within = [place for place in places if place[0] < end and place[1] > start]
        made.append(_hidden(token, start, within) if within else token)
        start = end
    return tuple(made)


def _hidden(token: Token, start: int, places: Sequence[tuple[int, int, bytes]]) -> Token:
    pieces, done = [], 0
    for first, last, mark in places:
        pieces.append(token.bytes[done : max(0, first - start)])
        if first >= start:
            pieces.append(mark)
        done = last - start
    return replace(token, id=HIDDEN, bytes=b"".join([*pieces, token.bytes[done:]]), alternatives=())


def _unspelled(tokens: Sequence[Token], text: str) -> tuple[Token, ...]:
    """Tokens that do not spell their text, so that all are hidden: the first one has the text."""
    return tuple(
        replace(token, id=HIDDEN, bytes=b"" if at else text.encode("utf-8", "replace"), alternatives=())
        for at, token in enumerate(tokens)
    )


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape"))


def _support(support: Support, answer: Edited, passages: Sequence[Edited]) -> Support:
    quote = support.quote
    if quote is not None and support.passage is not None and support.passage < len(passages):
        shown = passages[support.passage]
        quote = shown.at(quote[0]), shown.after(quote[1])
    return replace(support, start=answer.at(support.start), end=answer.after(support.end), quote=quote)


def _changed(noun: T, **fields: object) -> T:
    """A noun with these fields; itself where they are what it has."""
    same = all(getattr(noun, name) == value for name, value in fields.items())
    changed: Any = noun
    return noun if same else replace(changed, **fields)


SECRETS = Redaction(secrets)
"""Keys, tokens, passwords, private keys."""
PERSONAL = Redaction(personal)
"""E-mail addresses, phone numbers and card numbers."""
