"""The bounded loop: ask, retrieve, reflect, ask a larger model; at most one of each per question."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, cast

from codex import prompts, signals
from codex.ask.confidence import confidence_of
from codex.ask.conversation import added_tokens
from codex.ask.deciding import decide_one
from codex.ask.loop.adaptive import enough
from codex.ask.places import share_of
from codex.ask.request import Request, Turn, parted
from codex.ask.scoring import Scored, is_own, why_uncalibrated
from codex.ask.structure import values_only
from codex.calibration import Calibrator
from codex.calibration.familiarity import Embed
from codex.engines.admission import on_behalf_of
from codex.engines.base import Engine, Finished, GenerationParams, JsonParams, seeded
from codex.errors import Cancelled, CodexError, PromptTooLong
from codex.grounding import Grounder
from codex.retrieval import Index
from codex.settings import AskSettings
from codex.text import sha256
from codex.types import (
    Action,
    Alternative,
    CheckedEvent,
    Conversation,
    Decision,
    DecisionEvent,
    Event,
    Gate,
    Generation,
    GenerationEvent,
    LargerModel,
    Message,
    Observation,
    Origin,
    Passage,
    PassagesEvent,
    Prompt,
    SamplesEvent,
    SignalsEvent,
    Step,
    StepKind,
    Token,
    TokenEvent,
)

NO_DOCUMENTS = "there are no documents to search"
NOTHING_FOUND = "nothing was found in the documents"
NOT_SEARCHED = "the documents could not be searched"
NO_LARGER = "there is no larger model to ask (larger.model)"


class AsksLarger(Protocol):
    """A larger model, asked where a person would decide."""

    @property
    def fingerprint(self) -> str:
        """Which model."""

    def answer(self, request: Request, steps: list[Step]) -> Generator[Event, None, Calibrator | None]:
        """See `codex.ask.models.larger.Larger.answer`."""


@dataclass(slots=True)
class _Course:
    """How far a question has come."""

    request: Request
    passages: tuple[Passage, ...] = ()
    retrieved: bool = False
    reflected: bool = False
    left_out: int = 0
    """Turns before the question that did not fit the context, the oldest."""
    familiarity: float | None = None
    """p-value that the question is like those of the calibrator; None: not compared."""
    notes: list[str] = field(default_factory=list)
    """What could not be done as asked, in words; told with the next decision."""
    may_defer: bool = False
    """Whether a larger model may be asked in the place of a person."""
    larger: LargerModel | None = None
    """The larger model that is asked; None: it is the first one."""

    @property
    def history(self) -> tuple[Message, ...]:
        """The messages before the question that the model is shown."""
        told, turns = parted(self.request.history)
        return (*told, *turns[2 * self.left_out :])

    @property
    def turns(self) -> int:
        """Questions with their answers that the model is shown before this one."""
        return len(parted(self.history)[1]) // 2

    def forget_turns(self, excess: int, engine: Engine) -> bool:
        """Leave out the oldest turns, by the least that may free so many tokens; False: there is none.

        A turn frees fewer than it takes as a prompt of its own, so that none is left out needlessly.
        """
        _, turns = parted(self.history)
        if not turns:
            return False
        while turns and excess > 0:
            excess -= engine.prompt_tokens(turns[:2]) or excess
            del turns[:2]
            self.left_out += 1
        return True


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of a question."""

    steps: list[Step]
    conversation: Conversation | None
    """What the model was shown of the turns before it; None: there were none."""
    calibrator: Calibrator | None = None
    """The one of the model whose answer was decided on; None: there is none."""


@dataclass(frozen=True, slots=True)
class _Draft:
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


class Loop:
    """From a settled question to its steps. Thread-safe: it holds nothing of a question."""

    def __init__(
        self,
        engine: Engine,
        index: Index,
        grounder: Grounder,
        options: AskSettings,
        embed: Embed,
        larger: AsksLarger | None = None,
    ) -> None:
        """embed: questions to the vectors that a calibrator's familiarity compares.

        larger: asked where the policy says so; None: there is none.
        """
        self._larger = larger
        self._embed = embed
        self._engine = engine
        self._index = index
        self._grounder = grounder
        self._options = options

    def over(self, index: Index) -> Loop:
        """The same over other documents."""
        return Loop(self._engine, index, self._grounder, self._options, self._embed, self._larger)

    def ask(self, request: Request) -> Generator[Event, None, Asked]:
        """Every step of a question. Raises PromptTooLong, ModelError, Cancelled."""
        course = _Course(request, may_defer=True)
        if request.enable_rag:
            self._look_up(course)
        self._compare(course)
        steps = [(yield from self._answered(course, "retrieve" if course.passages else "ask", steps=()))]
        while kind := self._next(course, steps[-1].decision.gate, steps[-1].observation.passages):
            steps.append((yield from self._answered(course, kind, steps)))
        conversation = self._conversation(course) if request.history else None
        calibrator = request.calibrator
        if self._larger is not None and self._defers(course, steps[-1].decision):
            calibrator = yield from self._larger.answer(request, steps)
        return Asked(steps, conversation, calibrator)

    def as_larger(self, request: Request, steps: Sequence[Step]) -> Generator[Event, None, Step]:
        """This loop's model as the larger one: its answer to a question that another model deferred.

        request: with the policy and the calibrator of this model. steps: those before it; of the last are the
        passages. Raises as `ask`.
        """
        calibrator = request.calibrator
        larger = LargerModel(
            self._engine.fingerprint,
            calibrator.version if calibrator else None,
            calibrator.datasets if calibrator else (),
        )
        shown = steps[-1].observation.passages
        course = _Course(request, shown, retrieved=True, reflected=True, larger=larger)
        self._compare(course)
        return (yield from self._answered(course, "larger", steps))

    @staticmethod
    def _defers(course: _Course, decision: Decision) -> bool:
        """Whether a larger model is to be asked, where there is one."""
        return (
            course.may_defer
            and decision.action is Action.DEFER
            and course.request.policy.larger_above is not None
        )

    def once(self, request: Request, passages: Sequence[Passage] = ()) -> Generator[Event, None, Step]:
        """Ask once with these passages, wherever its gate leads. Raises as `ask`."""
        course = _Course(request, tuple(passages), retrieved=True, reflected=True)
        return (yield from self._answered(course, "retrieve" if passages else "ask", steps=()))

    def branch(self, request: Request, last: Step, turn: Turn) -> Generator[Event, None, list[Step]]:
        """Another way on from a turn of a step's answer: one step, with that step's samples and passages."""
        prompt = last.prompt or ""
        if turn.end is not None:
            ended = _ended(last, turn.prefix, turn.end)
            decoded: Iterator[Token | Finished] = iter([Finished(0, ended)])
        else:
            with on_behalf_of(share_of(request.client)):
                decoded = self._engine.decode(
                    prompt, [request.params], prefix=turn.prefix, cancel=request.cancel
                )
        observation = last.observation
        draft = _Draft(
            "branch", 0, prompt, decoded, observation.passages, len(turn.prefix), observation.samples
        )
        return [(yield from self._judged(_Course(request, retrieved=True, reflected=True), draft))]

    def score(self, request: Request, answer: str, passages: Sequence[Passage] = ()) -> Scored:
        """An answer that exists already, judged as the model's own would be.

        Raises PromptTooLong, ModelError, CapabilityError, Cancelled.
        """
        prompt = prompts.ask(request.question, passages, request.history)
        # The samples stand where they stand behind an answer, so that they are drawn alike.
        rows = [GenerationParams(max_tokens=1), *seeded(request.sample_params, request.n_samples)]
        with on_behalf_of(share_of(request.client)):
            given = self._engine.score(prompt, answer, request.cancel)
            own = request.calibrator is not None and is_own(self._engine, prompt, given, request)
            drawn = (
                list(self._engine.decode(prompt, rows, cancel=request.cancel)) if request.n_samples else []
            )
        samples = {item.row: item.generation for item in drawn if isinstance(item, Finished)}
        if any(sample.finish_reason == "cancelled" for sample in samples.values()):
            raise Cancelled("The question was cancelled.")
        draft = _Draft(
            "retrieve" if passages else "ask",
            0,
            prompt,
            iter([Finished(0, given)]),
            tuple(passages),
            samples=tuple(samples[row] for row in range(1, len(rows)) if samples),
        )
        course = _Course(request, draft.passages, retrieved=True, reflected=True)
        uncalibrated = why_uncalibrated(request, self._origin(course, draft), own)
        if uncalibrated:
            course.request = replace(request, calibrator=None)
        self._compare(course)
        step = exhausted(self._judged(course, draft))
        return Scored(
            step.observation,
            step.focus,
            step.signals,
            step.confidence,
            self._engine.fingerprint,
            uncalibrated,
        )

    def _next(self, course: _Course, gate: Gate, shown: Sequence[Passage]) -> StepKind | None:
        """What a step's gate leads to, if anything. shown: the passages in its prompt."""
        if gate is Gate.RETRIEVE and course.passages and tuple(shown) != course.passages:
            return "retrieve"
        if gate is Gate.REFLECT and self._options.reflect and not course.reflected:
            return "reflect"
        return None

    def _answered(
        self, course: _Course, kind: StepKind, steps: Sequence[Step]
    ) -> Generator[Event, None, Step]:
        draft = self._draft(course, kind, steps)
        course.reflected |= kind == "reflect"
        if draft.passages:
            yield PassagesEvent(draft.index, draft.passages)
        return (yield from self._judged(course, draft))

    def _draft(self, course: _Course, kind: StepKind, steps: Sequence[Step]) -> _Draft:
        """Start the model on as many of the passages, best first, as fit into its context."""
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
                    decoded = self._engine.decode(prompt, rows, cancel=request.cancel, enough=until)
            except PromptTooLong as error:
                if course.forget_turns(max(1, error.prompt_tokens - error.room), self._engine):
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
            return _Draft(
                kind if passages or kind != "retrieve" else "ask", len(steps), prompt, decoded, passages
            )

    def _judged(self, course: _Course, draft: _Draft) -> Generator[Event, None, Step]:
        """Pass on what the model writes, have it checked, and decide."""
        observation = yield from self._observed(course.request, draft)
        try:
            observation = self._grounder.check(observation, draft.prompt, course.request.cancel)
        except Cancelled:
            raise
        except CodexError as error:  # The answer is there, and its other signals are.
            course.notes.append(f"the answer could not be checked: {error}")
        yield CheckedEvent(draft.index, observation.grounding, observation.verdict)
        in_json = isinstance(course.request.params, JsonParams)
        measured = signals.compute(values_only(observation) if in_json else observation)
        # No calibrator is fitted on reflected answers, on branches that a person began, or on JSON.
        unlike_any = draft.kind in ("reflect", "branch") or in_json
        calibrator = None if unlike_any else course.request.calibrator
        confidence = confidence_of(measured, self._origin(course, draft), calibrator, course.familiarity)
        yield SignalsEvent(draft.index, measured, confidence)
        unlike = calibrator.datasets if calibrator and confidence.unfamiliar else None
        decision = decide_one(course.request.policy, measured, confidence.value, unlike)
        self._try_gate(course, draft.kind, decision.gate)
        following = self._next(course, decision.gate, draft.passages)
        if not following and self._defers(course, decision):
            following = "larger" if self._larger else None
            course.notes.append(
                f"the larger model {self._larger.fingerprint} is asked" if self._larger else NO_LARGER
            )
        decision = replace(decision, reason="; ".join([decision.reason, *course.notes]))
        course.notes.clear()
        yield DecisionEvent(draft.index, draft.kind, decision, following)
        text = draft.prompt if isinstance(draft.prompt, str) else self._engine.render(draft.prompt)
        return Step(
            kind=draft.kind,
            prompt=text,
            prompt_sha256=sha256(text or _contents(draft.prompt)),
            observation=observation,
            focus=signals.focus_mask(observation),
            signals=measured,
            confidence=confidence,
            decision=decision,
            larger=course.larger,
        )

    def _conversation(self, course: _Course) -> Conversation:
        question, passages = course.request.question, course.passages
        return Conversation(
            turns=course.turns,
            dropped=course.left_out,
            tokens=added_tokens(self._engine, question, passages, course.history),
            context=self._engine.context,
            follows=course.request.follows,
        )

    def _origin(self, course: _Course, draft: _Draft) -> Origin:
        request = course.request
        return Origin(
            self._engine.fingerprint,
            prompts.fingerprint(follows=bool(request.history)),
            request.sample_params.temperature,
            request.params.temperature,
            request.n_samples,
            evidence=bool(draft.passages),
            adaptive=request.adaptive,
        )

    def _observed(self, request: Request, draft: _Draft) -> Generator[Event, None, Observation]:
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
        return Observation(request.question, done[0], samples, draft.passages)

    def _try_gate(self, course: _Course, kind: StepKind, gate: Gate) -> None:
        """Retrieve when the gate says so; what cannot be done is noted."""
        if gate is Gate.RETRIEVE and kind != "branch":
            if course.retrieved:
                if not course.notes:
                    course.notes.append("the documents were searched already, so the confidence decides")
            elif not self._options.retrieve:
                course.notes.append("ask.retrieve is off, so the confidence decides")
            else:
                self._look_up(course)
        elif gate is Gate.REFLECT and kind != "branch":
            if course.reflected:
                course.notes.append(
                    "the model has already checked its answer once, so the confidence decides"
                )
            elif not self._options.reflect:
                course.notes.append("ask.reflect is off, so the confidence decides")

    def _compare(self, course: _Course) -> None:
        """Compare the question with those that the calibrator was fitted on; where that fails, say so."""
        calibrator = course.request.calibrator
        if calibrator is None or calibrator.familiarity is None:
            return
        try:
            vectors = self._embed([course.request.question])
        except CodexError as error:
            course.notes.append(f"the question could not be compared with those calibrated on: {error}")
            return
        course.familiarity = float(calibrator.familiarity.p_values(vectors)[0])

    def _look_up(self, course: _Course) -> None:
        """Search the documents, once; an index that fails leaves the answer without evidence, and says so."""
        course.retrieved = True
        try:
            if self._index.is_empty:
                course.notes.append(NO_DOCUMENTS)
                return
            course.passages = tuple(self._index.search(course.request.question, among=course.request.among))
            if not course.passages:
                course.notes.append(NOTHING_FOUND)
        except CodexError as error:
            course.notes.append(f"{NOT_SEARCHED}: {error}")


def exhausted(course: Generator[Event, None, Step]) -> Step:
    """The step at the end of a course whose events nobody reads."""
    while True:
        try:
            next(course)
        except StopIteration as end:
            return cast("Step", end.value)


def _contents(prompt: Prompt) -> str:
    return prompt if isinstance(prompt, str) else "\0".join(message.content for message in prompt)


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
    )
