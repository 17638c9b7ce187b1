"""What the model writes: as much of the turns and the passages as fits its context, and then its words."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from codex import prompts
from codex.ask.loop.adaptive import enough
from codex.ask.loop.course import Course
from codex.ask.places import share_of
from codex.ask.request import Request, Turn
from codex.ask.scoring import is_own
from codex.engines.admission import on_behalf_of
from codex.engines.base import Engine, Finished, GenerationParams, Internals, seeded
from codex.errors import Cancelled, CapabilityError, PromptTooLong
from codex.types import (
    Alternative,
    Event,
    Generation,
    GenerationEvent,
    Observation,
    Passage,
    Prompt,
    SamplesEvent,
    Step,
    StepKind,
    Token,
    TokenEvent,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Draft:
    """What the model is about to write."""

    kind: StepKind
    index: int
    prompt: Prompt
    decoded: Iterator[Token | Finished]
    """Row 0 is the answer, the other rows are its samples."""
    passages: tuple[Passage, ...] = ()
    """Those in the prompt."""
    position: int = 0
    """Where the answer's next token stands."""
    samples: tuple[Generation, ...] | None = None
    """Given where they are not drawn again."""


def begun(engine: Engine, course: Course, kind: StepKind, steps: Sequence[Step]) -> Draft:
    """Start the model on as many of the passages, best first, as fit into its context.

    Raises PromptTooLong, ModelError.
    """
    request, passages, before = course.request, course.passages, course.left_out
    rows = [request.params, *seeded(request.sample_params, request.n_samples)]
    until = None
    if request.adaptive:
        until = enough(request.question, request.n_samples, request.sample_params.temperature)
    while True:
        if kind == "reflect":
            answer = steps[-1].observation.generation.text
            prompt = prompts.reflect(request.question, answer, passages, course.history)
        else:
            prompt = prompts.ask(request.question, passages, course.history)
        try:
            with on_behalf_of(share_of(request.client)):
                decoded = _shown(
                    partial(engine.decode, prompt, rows, cancel=request.cancel, enough=until), engine, request
                )
        except PromptTooLong as error:
            if course.forget_turns(max(1, error.prompt_tokens - error.room), engine):
                continue
            if not passages:
                raise
            passages = passages[:-1]
            continue
        if forgotten := course.left_out - before:
            turns = "1 earlier turn" if forgotten == 1 else f"{forgotten} earlier turns"
            course.notes.append(f"{turns} did not fit the context")
        if left_out := len(course.passages) - len(passages):
            course.notes.append(f"{left_out} of {len(course.passages)} passages did not fit the context")
            course.passages = passages
        return Draft(kind if passages or kind != "retrieve" else "ask", len(steps), prompt, decoded, passages)


def branched(engine: Engine, request: Request, last: Step, turn: Turn) -> Draft:
    """Start the model on another way from a turn of a step's answer, with its samples and passages."""
    prompt = last.prompt or ""
    if turn.end is not None:
        ended = _ended(last, turn.prefix, turn.end)
        decoded: Iterator[Token | Finished] = iter([Finished(0, ended)])
    else:
        with on_behalf_of(share_of(request.client)):
            decode = partial(
                engine.decode, prompt, [request.params], prefix=turn.prefix, cancel=request.cancel
            )
            decoded = _shown(decode, engine, request)
    observation = last.observation
    return Draft("branch", 0, prompt, decoded, observation.passages, len(turn.prefix), observation.samples)


def given(engine: Engine, request: Request, answer: str, passages: Sequence[Passage]) -> tuple[Draft, bool]:
    """An answer that exists already, with samples of the model's, and whether it is the model's own.

    Raises PromptTooLong, ModelError, CapabilityError, Cancelled.
    """
    prompt = prompts.ask(request.question, passages, request.history)
    # The samples stand where they stand behind an answer, so that they are drawn alike.
    rows = [GenerationParams(max_tokens=1), *seeded(request.sample_params, request.n_samples)]
    with on_behalf_of(share_of(request.client)):
        scored = _shown(partial(engine.score, prompt, answer, request.cancel), engine, request)
        own = request.calibrator is not None and is_own(engine, prompt, scored, request)
        drawn = list(engine.decode(prompt, rows, cancel=request.cancel)) if request.n_samples else []
    samples = {item.row: item.generation for item in drawn if isinstance(item, Finished)}
    if any(sample.finish_reason == "cancelled" for sample in samples.values()):
        raise Cancelled("The question was cancelled.")
    draft = Draft(
        "retrieve" if passages else "ask",
        0,
        prompt,
        iter([Finished(0, scored)]),
        tuple(passages),
        samples=tuple(samples[row] for row in range(1, len(rows)) if samples),
    )
    return draft, own


def known_before(engine: Engine, course: Course) -> float | None:
    """P(IK), from one pass over the prompt.

    None where there is no such probe, or the prompt does not fit. Raises ModelError, Cancelled.
    """
    request = course.request
    probes = request.probes.of(request.question) if request.probes else ()
    wanted = tuple(probe.layer for probe in probes if probe.target == "question")
    if not wanted:
        return None
    prompt = prompts.ask(request.question, (), course.history)
    try:
        with on_behalf_of(share_of(request.client)):
            states = engine.read_states(prompt, (), wanted, request.cancel)
    except (PromptTooLong, CapabilityError):
        return None
    unwritten = Generation("", (), "stop", 0, 0.0, hidden_states=states)
    course.probed(Observation(request.question, unwritten))
    return course.known


def observed(question: str, draft: Draft) -> Generator[Event, None, Observation]:
    """Pass on what the model writes, to its end. Raises ModelError, Cancelled."""
    done: dict[int, Generation] = {}
    position = draft.position
    for item in draft.decoded:
        if isinstance(item, Token):
            yield TokenEvent(draft.index, position, item)
            position += 1
        else:
            done[item.row] = item.generation
            if item.row == 0 and item.generation.finish_reason != "cancelled":
                yield GenerationEvent(draft.index, item.generation)
    if any(generation.finish_reason == "cancelled" for generation in done.values()):
        raise Cancelled("The question was cancelled.")
    samples = draft.samples
    if samples is None:
        samples = tuple(done[row] for row in range(1, len(done)))
        yield SamplesEvent(draft.index, samples)
    return Observation(question, done[0], samples, draft.passages)


def _shown(call: Callable[..., T], engine: Engine, request: Request) -> T:
    """Call the engine for what it shows of the model too; without hidden states where they do not fit."""
    try:
        return call(internals=_internals(engine, request))
    except CapabilityError:
        if request.probes is None:
            raise
        return call(internals=_internals(engine, replace(request, probes=None)))


def _internals(engine: Engine, request: Request) -> Internals | None:
    attention = request.attention and engine.capabilities.attention
    layers = request.probes.layers(request.question) if request.probes else ()
    return Internals(layers, attention) if layers or attention else None


def _ended(step: Step, prefix: tuple[Token, ...], end: Alternative) -> Generation:
    """The answer as it stands when it ends after the prefix."""
    return replace(
        step.observation.generation,
        text=b"".join(token.bytes for token in prefix).decode("utf-8", "replace"),
        tokens=prefix,
        finish_reason="stop",
        seconds=0.0,
        prefix_tokens=len(prefix),
        end_logprob=end.logprob,
        attention=None,
        hidden_states=None,
    )
