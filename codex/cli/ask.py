"""codex ask: one question, its answer, its confidence and the decision."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from codex.ask.confidence import LikelyAnswers
from codex.ask.response import confidence_note, response_to
from codex.ask.workbench import Workbench, last_trace
from codex.cli import terminal
from codex.cli.terminal import Overrides, printable
from codex.types import (
    Action,
    DecisionEvent,
    Event,
    GenerationEvent,
    Passage,
    PassagesEvent,
    SamplesEvent,
    Stance,
    Token,
    TokenEvent,
    Trace,
    TraceEvent,
)

# Lower bound of the probability and how a token at or above it looks: hue and underline, so that it
# reads without colour too. Below the last one: reverse.
SHADES = ((0.9, ""), (0.7, "yellow"), (0.5, "yellow underline"), (0.3, "red underline"))
WEAKEST = "red reverse"
STANCES = {Stance.SUPPORTED: "green", Stance.NOT_FOUND: "yellow", Stance.CONTRADICTED: "red"}
DECISIONS = {Action.ANSWER: "green", Action.DEFER: "yellow", Action.ABSTAIN: "red"}


def ask(
    question: str,
    overrides: Overrides = None,
    samples: Annotated[
        int | None, typer.Option(help="Independent answers drawn beside the shown one.")
    ] = None,
    evidence: Annotated[bool, typer.Option("--evidence", help="Retrieve passages first.")] = False,
    documents: Annotated[
        list[str] | None,
        typer.Option(
            "--documents",
            metavar="NAME",
            help="Search only this document or folder; give it again for another one.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the response of POST /infer as JSON.")
    ] = False,
) -> None:
    """Ask one question and print the answer, its confidence and the decision."""
    workbench = Workbench.open(overrides or [])
    try:
        events = workbench.ask(question, n_samples=samples, enable_rag=evidence, documents=documents or None)
        trace = last_trace(events if as_json else _shown(events, terminal.console()))
    finally:
        workbench.close()
    if as_json:
        print(response_to(trace).model_dump_json(indent=2))


def _shown(events: Iterator[Event], console: Console) -> Iterator[Event]:
    """Pass events on, printing each answer as it is written and then what was decided."""
    status = console.status("loading the model")
    status.start()
    try:
        for event in events:
            status.stop()
            if isinstance(event, PassagesEvent):
                console.print(Text(_retrieved(event.passages), style="dim"))
            elif isinstance(event, TokenEvent):
                console.print(_coloured(event.token), end="", soft_wrap=True)
            elif isinstance(event, GenerationEvent):
                console.print()
                status.update("drawing samples")
                status.start()
            elif isinstance(event, SamplesEvent):
                status.update("checking")
                status.start()
            elif isinstance(event, DecisionEvent):
                console.print(Text(event.decision.reason, style="dim"))
            elif isinstance(event, TraceEvent):
                _print_decision(event.trace, console)
            yield event
    finally:
        status.stop()


def _retrieved(passages: Sequence[Passage]) -> str:
    names = dict.fromkeys(printable(passage.document) for passage in passages)
    return f"retrieved {len(passages)} passage{'s' if len(passages) > 1 else ''} in {', '.join(names)}"


def _print_evidence(trace: Trace, console: Console) -> None:
    """Each sentence with what the passages say of it, the words it rests on, and who judged."""
    told = response_to(trace)
    for sentence in told.sentences:
        quoted = f" “{' '.join(sentence.quote.split())}”" if sentence.quote else ""
        stance = sentence.stance
        said = (f"{stance}: ", STANCES[stance]) if stance else ("not judged: ", "dim")
        console.print(Text.assemble(said, printable(sentence.text.strip()), (printable(quoted), "dim")))
    if told.evidence_judge:
        console.print(Text(printable(told.evidence_judge), style="dim"))


def _print_decision(trace: Trace, console: Console) -> None:
    last = trace.last
    _print_evidence(trace, console)
    confidence = "not available" if last.confidence.value is None else f"{last.confidence.value:.2f}"
    console.print(
        Text.assemble(
            (last.decision.action.upper(), f"bold {DECISIONS[last.decision.action]}"),
            f"  confidence {confidence}",
            (f" ({confidence_note(last.confidence)})", "dim"),
        )
    )
    if kept := trace.params.prediction_set:
        console.print(Text(printable(str(LikelyAnswers.of(kept)))))
    if last.decision.action is Action.ABSTAIN:
        console.print(Text(printable(trace.answer)))


def _coloured(token: Token) -> Text:
    probability = 1.0 if token.logprob is None else math.exp(token.logprob)
    style = next((style for least, style in SHADES if probability >= least), WEAKEST)
    return Text(printable(token.text), style=style)
