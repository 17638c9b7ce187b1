"""Recordings: real answers of the default model with the time of each event, played back as they happened."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from codex.ask.workbench import Workbench
from codex.demo.documents import FOLDER, DemoDocuments
from codex.demo.stories import MAX_TOKENS, STORIES, Story
from codex.errors import Conflict
from codex.grading.grades import grade
from codex.items import Item
from codex.paths import resources
from codex.policy import Policy
from codex.store.codec.nouns import decode, encode
from codex.types import (
    CheckedEvent,
    DecisionEvent,
    Event,
    GenerationEvent,
    PassagesEvent,
    SamplesEvent,
    SignalsEvent,
    Step,
    StepKind,
    TokenEvent,
    Trace,
    TraceEvent,
)

FILE = resources("datasets") / FOLDER / "recordings.json.gz"
PRECISION = 3
"""Decimals of a second that are kept."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One answer and when each of its events came."""

    story: str
    trace: Trace
    seconds: tuple[float, ...]
    """Of each event of `events`, since the question was asked."""

    def played(self) -> Iterator[tuple[float, Event]]:
        """The events with their times, as they came."""
        return zip(self.seconds, events(self.trace), strict=True)


@dataclass(frozen=True, slots=True)
class Recordings:
    """What was recorded in one go."""

    model: str
    """The engine's fingerprint."""
    recorded_at: datetime
    policy: Policy
    """What decided."""
    recordings: tuple[Recording, ...]


def events(trace: Trace) -> Iterator[Event]:
    """The events that a question came with, made of its trace."""
    following = [*(step.kind for step in trace.steps[1:]), None]
    for number, (step, then) in enumerate(zip(trace.steps, following, strict=True)):
        yield from _events_of_step(number, step, then)
    yield TraceEvent(trace)


def _events_of_step(number: int, step: Step, following: StepKind | None) -> Iterator[Event]:
    observation = step.observation
    if observation.passages:
        yield PassagesEvent(number, observation.passages)
    for index, token in enumerate(observation.generation.tokens):
        yield TokenEvent(number, index, token)
    yield GenerationEvent(number, observation.generation)
    yield SamplesEvent(number, observation.samples)
    yield CheckedEvent(number, observation.grounding, observation.verdict)
    yield SignalsEvent(number, step.signals, step.confidence)
    yield DecisionEvent(number, step.kind, step.decision, following)


def ask(workbench: Workbench, documents: DemoDocuments, question: str, **options: object) -> Iterator[Event]:
    """Ask a question of the demo: as any other is asked, over the demo's documents, and nothing is kept.

    options: `cancel` and `client`. Raises as Workbench.ask; RetrievalError.
    """
    params = workbench.settings.engine.params.model_copy(update={"max_tokens": MAX_TOKENS})
    return workbench.ask_aside(question, documents.index(), params=params, **options)  # type: ignore[arg-type]


def record(workbench: Workbench, stories: Sequence[Story] = STORIES) -> Iterator[Recording]:
    """Ask the questions, and say of each what came when.

    Raises Conflict where an answer tells another story.
    """
    documents = DemoDocuments(workbench)
    try:
        for story in stories:
            recording = _recorded(workbench, documents, story)
            check(story, recording.trace)
            yield recording
    finally:
        documents.close()


def _recorded(workbench: Workbench, documents: DemoDocuments, story: Story) -> Recording:
    # What is done once is done before the clock runs.
    documents.index()
    workbench.embed_questions([story.question])
    started, came = time.monotonic(), list[tuple[float, Event]]()
    for event in ask(workbench, documents, story.question):
        came.append((round(time.monotonic() - started, PRECISION), event))
    last = came[-1][1]
    assert isinstance(last, TraceEvent)
    # What stands behind a stop string was streamed, and is no part of the answer.
    waiting = iter(came)
    seconds = [next(at for at, event in waiting if _alike(event, kept)) for kept in events(last.trace)]
    return Recording(story.id, last.trace, tuple(seconds))


def _alike(event: Event, other: Event) -> bool:
    """Whether they are of the same kind and step."""
    return type(event) is type(other) and getattr(event, "step", None) == getattr(other, "step", None)


def check(story: Story, trace: Trace) -> None:
    """Whether an answer tells its story. Raises Conflict, which says what it does instead."""
    first, last = (is_correct(story, step) for step in (trace.steps[0], trace.last))
    told = {
        "the decision": trace.last.decision.action is story.action,
        "the last answer": story.id not in ("knows", "looks-up") or last is True,
        "the first answer": story.id != "looks-up" or (len(trace.steps) > 1 and first is False),
        "a withheld answer": bool(story.accepted) or last is False,
    }
    wrong = [name for name, holds in told.items() if not holds]
    if wrong:
        raise Conflict(
            f"{story.question!r} does not tell the story {story.title!r}: {wrong[0]} is another one. "
            f"{trace.last.decision.action}: {trace.last.observation.generation.text!r}."
        )


def is_correct(story: Story, step: Step) -> bool | None:
    """What the grader says of a step's answer; None: it cannot tell."""
    item = Item(story.id, story.question, story.accepted, FOLDER, answerable=bool(story.accepted))
    return grade(item, step.observation.generation.text).correct


def write(path: Path, recordings: Recordings) -> None:
    """Keep recordings in a file."""
    told = {
        "model": recordings.model,
        "recorded_at": recordings.recorded_at.isoformat(),
        "policy": recordings.policy.model_dump(mode="json"),
        "recordings": [
            {"story": each.story, "seconds": list(each.seconds), "trace": encode(each.trace)}
            for each in recordings.recordings
        ],
    }
    path.write_bytes(gzip.compress(json.dumps(told, allow_nan=False).encode(), mtime=0))


def read(path: Path) -> Recordings:
    """What `write` wrote. Raises OSError, KeyError, ValueError."""
    told = json.loads(gzip.decompress(path.read_bytes()))
    return Recordings(
        model=told["model"],
        recorded_at=datetime.fromisoformat(told["recorded_at"]),
        policy=Policy.model_validate(told["policy"]),
        recordings=tuple(
            Recording(each["story"], decode(Trace, each["trace"]), tuple(each["seconds"]))
            for each in told["recordings"]
        ),
    )


@cache
def shipped() -> Recordings:
    """The recordings that come with Codex."""
    return read(FILE)
