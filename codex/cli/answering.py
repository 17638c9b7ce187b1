"""An answer in the terminal, as it comes: of this process, or of a running workbench."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.status import Status
from rich.text import Text

from codex.ask.response import AskResponse, response_to
from codex.cli.terminal import printable
from codex.errors import Cancelled
from codex.text import percent
from codex.types import (
    Action,
    DecisionEvent,
    Event,
    GenerationEvent,
    PassagesEvent,
    SamplesEvent,
    Stance,
    TokenEvent,
    TraceEvent,
)

# Lower bound of the probability and how a token at or above it looks: hue and underline, so that it
# reads without colour too. Below the last one: reverse.
SHADES = ((0.9, ""), (0.7, "yellow"), (0.5, "yellow underline"), (0.3, "red underline"))
WEAKEST = "red reverse"
STANCES = {Stance.SUPPORTED: "green", Stance.NOT_FOUND: "yellow", Stance.CONTRADICTED: "red"}
DECIDED = {Action.ANSWER: "ANSWER", Action.DEFER: "DEFER: ask a person", Action.ABSTAIN: "ABSTAIN"}
DECISIONS = {Action.ANSWER: "green", Action.DEFER: "yellow", Action.ABSTAIN: "red"}


@dataclass(frozen=True, slots=True)
class _Retrieved:
    documents: list[str]
    """Of each passage."""


@dataclass(frozen=True, slots=True)
class _Written:
    text: str
    logprob: float | None


@dataclass(frozen=True, slots=True)
class _Working:
    doing: str
    ends_line: bool = False


@dataclass(frozen=True, slots=True)
class _Decided:
    reason: str


Shown = _Retrieved | _Written | _Working | AskResponse
Part = Shown | _Decided
"""What is printed of a question, as it comes; the response is the last."""
SAMPLES = _Working("drawing samples", ends_line=True)
CHECKS = _Working("checking")


def parts(events: Iterator[Event]) -> Generator[Part, None, None]:
    """Of a question that this process asks."""
    for event in events:
        if isinstance(event, PassagesEvent):
            yield _Retrieved([passage.document for passage in event.passages])
        elif isinstance(event, TokenEvent):
            yield _Written(event.token.text, event.token.logprob)
        elif isinstance(event, GenerationEvent):
            yield SAMPLES
        elif isinstance(event, SamplesEvent):
            yield CHECKS
        elif isinstance(event, DecisionEvent):
            yield _Decided(event.decision.reason)
        elif isinstance(event, TraceEvent):
            yield response_to(event.trace)


def served_parts(events: Iterator[tuple[str, Any]]) -> Generator[Part, None, None]:
    """Of a question that the running workbench asks."""
    for name, data in events:
        if name == "passages":
            yield _Retrieved([passage["document"] for passage in data["passages"]])
        elif name == "token":
            yield _Written(data["token"]["text"], data["token"]["logprob"])
        elif name == "generation":
            yield SAMPLES
        elif name == "samples":
            yield CHECKS
        elif name == "decision":
            yield _Decided(data["decision"]["reason"])
        elif name == "trace":
            yield AskResponse.model_validate(data["reply"])


def told(parts: Iterator[Part], console: Console | None) -> AskResponse:
    """The response; what comes before it is printed as it comes, unless there is no console."""
    status = console.status("loading the model") if console else None
    if status:
        status.start()
    decided: _Decided | None = None
    try:
        for part in parts:
            if isinstance(part, _Decided):  # Of the last step the response says why.
                decided = part
                continue
            if console and decided and not isinstance(part, AskResponse):
                console.print(Text(decided.reason, style="dim"))
            decided = None
            if status:
                status.stop()
            if console and status:
                _print(part, console, status)
            if isinstance(part, AskResponse):
                return part
    finally:
        if status:
            status.stop()
    raise Cancelled("The question was cancelled.")


def _print(part: Shown, console: Console, status: Status) -> None:
    match part:
        case _Retrieved(documents):
            console.print(Text(_retrieved(documents), style="dim"))
        case _Written(text, logprob):
            console.print(_coloured(text, logprob), end="", soft_wrap=True)
        case _Working(doing, ends_line):
            if ends_line:
                console.print()
            status.update(doing)
            status.start()
        case AskResponse():
            print_decision(part, console)


def _retrieved(passages: Sequence[str]) -> str:
    names = dict.fromkeys(map(printable, passages))
    return f"retrieved {len(passages)} passage{'s' if len(passages) > 1 else ''} in {', '.join(names)}"


def _print_evidence(told: AskResponse, console: Console) -> None:
    """Each sentence with what the passages say of it, the words it rests on, and who judged."""
    for sentence in told.sentences:
        quoted = f" “{' '.join(sentence.quote.split())}”" if sentence.quote else ""
        stance = sentence.stance
        said = (f"{stance}: ", STANCES[stance]) if stance else ("not judged: ", "dim")
        console.print(Text.assemble(said, printable(sentence.text.strip()), (printable(quoted), "dim")))
    if told.evidence_judge:
        console.print(Text(printable(told.evidence_judge), style="dim"))


def print_decision(response: AskResponse, console: Console) -> None:
    _print_evidence(response, console)
    confidence = "not available" if response.confidence is None else percent(response.confidence)
    _print_person(response, console)
    console.print(Text(printable(response.rationale), style="dim"))
    console.print(
        Text.assemble(
            (DECIDED[response.decision], f"bold {DECISIONS[response.decision]}"),
            f"  confidence {confidence}",
            (f" ({response.confidence_note})", "dim"),
        )
    )
    if response.answer_set is not None:
        console.print(Text(printable(str(response.answer_set))))
    if response.decision is Action.ABSTAIN and response.person_answer is None:
        console.print(Text(printable(response.answer)))


def _print_person(response: AskResponse, console: Console) -> None:
    """A person's answer, which comes before the model's."""
    person = response.person_answer
    if person is not None:
        console.print(Text(printable(person.answer), style="bold"))
        if person.source:
            console.print(Text(printable(person.source), style="dim"))


def _coloured(text: str, logprob: float | None) -> Text:
    probability = 1.0 if logprob is None else math.exp(logprob)
    style = next((style for least, style in SHADES if probability >= least), WEAKEST)
    return Text(printable(text), style=style)
