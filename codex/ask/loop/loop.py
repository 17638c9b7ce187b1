"""The bounded loop: ask, retrieve, reflect, ask a larger model; at most one of each per question."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, cast

from codex import prompts, signals
from codex.ask.confidence import confidence_of
from codex.ask.conversation import added_tokens
from codex.ask.deciding import decide_one
from codex.ask.loop.course import Course
from codex.ask.loop.drafting import Draft, begun, branched, given, known_before, observed
from codex.ask.request import Request, Turn
from codex.ask.scoring import Scored, why_uncalibrated
from codex.ask.structure import values_only
from codex.calibration import Calibrator
from codex.calibration.familiarity import Embed
from codex.engines.base import Engine, JsonParams
from codex.errors import Cancelled, CodexError
from codex.grounding.grounder import Grounder
from codex.policy import retrieves_by
from codex.retrieval import Index
from codex.settings import AskSettings
from codex.signals.probes import SIGNALS
from codex.text import sha256
from codex.types import (
    Action,
    CheckedEvent,
    Conversation,
    Decision,
    DecisionEvent,
    Event,
    Gate,
    LargerModel,
    Origin,
    Passage,
    PassagesEvent,
    Prompt,
    SignalsEvent,
    Step,
    StepKind,
)

P_IK = SIGNALS["question"]
NO_LARGER = "there is no larger model to ask (larger.model)"


class AsksLarger(Protocol):
    """A larger model, asked where a person would decide."""

    @property
    def fingerprint(self) -> str:
        """Which model."""

    def answer(self, request: Request, steps: list[Step]) -> Generator[Event, None, Calibrator | None]:
        """See `codex.ask.models.larger.Larger.answer`."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of a question."""

    steps: list[Step]
    conversation: Conversation | None
    """What the model was shown of the turns before it; None: there were none."""
    calibrator: Calibrator | None = None
    """The one of the model whose answer was decided on; None: there is none."""


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
        course = Course(request, may_defer=True)
        if request.enable_rag:
            course.retrieve(self._index)
        else:
            self._foresee(course)
        course.compare(self._embed)
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
        course = Course(request, shown, retrieved=True, reflected=True, larger=larger)
        course.compare(self._embed)
        return (yield from self._answered(course, "larger", steps))

    def _foresee(self, course: Course) -> None:
        """Retrieve before the first answer where a rule on P(IK) says so: no answer is written in vain."""
        request = course.request
        if not (self._options.retrieve and request.probes and retrieves_by(request.policy, P_IK)):
            return
        known = known_before(self._engine, course)
        if known is not None:
            decision = decide_one(request.policy, {P_IK: known}, None)
            if decision.gate is Gate.RETRIEVE:
                course.retrieve(self._index)
                course.notes.append("the documents were searched before the first answer")

    @staticmethod
    def _defers(course: Course, decision: Decision) -> bool:
        """Whether a larger model is to be asked, where there is one."""
        return (
            course.may_defer
            and decision.action is Action.DEFER
            and course.request.policy.larger_above is not None
        )

    def once(self, request: Request, passages: Sequence[Passage] = ()) -> Generator[Event, None, Step]:
        """Ask once with these passages, wherever its gate leads. Raises as `ask`."""
        course = Course(request, tuple(passages), retrieved=True, reflected=True)
        return (yield from self._answered(course, "retrieve" if passages else "ask", steps=()))

    def branch(self, request: Request, last: Step, turn: Turn) -> Generator[Event, None, list[Step]]:
        """Another way on from a turn of a step's answer: one step, with that step's samples and passages."""
        draft = branched(self._engine, request, last, turn)
        return [(yield from self._judged(Course(request, retrieved=True, reflected=True), draft))]

    def score(self, request: Request, answer: str, passages: Sequence[Passage] = ()) -> Scored:
        """An answer that exists already, judged as the model's own would be.

        Raises PromptTooLong, ModelError, CapabilityError, Cancelled.
        """
        draft, own = given(self._engine, request, answer, passages)
        course = Course(request, draft.passages, retrieved=True, reflected=True)
        uncalibrated = why_uncalibrated(request, self._origin(course, draft), own)
        if uncalibrated:
            course.request = replace(request, calibrator=None)
        course.compare(self._embed)
        step = exhausted(self._judged(course, draft))
        return Scored(
            step.observation,
            step.focus,
            step.signals,
            step.confidence,
            self._engine.fingerprint,
            uncalibrated,
        )

    def _next(self, course: Course, gate: Gate, shown: Sequence[Passage]) -> StepKind | None:
        """What a step's gate leads to, if anything. shown: the passages in its prompt."""
        if gate is Gate.RETRIEVE and course.passages and tuple(shown) != course.passages:
            return "retrieve"
        if gate is Gate.REFLECT and self._options.reflect and not course.reflected:
            return "reflect"
        return None

    def _answered(
        self, course: Course, kind: StepKind, steps: Sequence[Step]
    ) -> Generator[Event, None, Step]:
        draft = begun(self._engine, course, kind, steps)
        course.reflected |= kind == "reflect"
        if draft.passages:
            yield PassagesEvent(draft.index, draft.passages)
        return (yield from self._judged(course, draft))

    def _judged(self, course: Course, draft: Draft) -> Generator[Event, None, Step]:
        """Pass on what the model writes, have it checked, and decide."""
        observation = yield from observed(course.request.question, draft)
        try:
            observation = self._grounder.check(observation, draft.prompt, course.request.cancel)
        except Cancelled:
            raise
        except CodexError as error:  # The answer is there, and its other signals are.
            course.notes.append(f"the answer could not be checked: {error}")
        observation = course.probed(observation)
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
        decision = self._ruled(course, decision, observation.generation.text)
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

    @staticmethod
    def _ruled(course: Course, decision: Decision, answer: str) -> Decision:
        """The decision; to abstain where a rule blocks the answer. What the rules found is noted."""
        checks = course.request.checks
        if checks is None:
            return decision
        passes = checks.passes(answer, "answer")
        course.notes += checks.news()
        return decision if passes else replace(decision, action=Action.ABSTAIN)

    def _conversation(self, course: Course) -> Conversation:
        question, passages = course.request.question, course.passages
        return Conversation(
            turns=course.turns,
            dropped=course.left_out,
            tokens=added_tokens(self._engine, question, passages, course.history),
            context=self._engine.context,
            follows=course.request.follows,
        )

    def _origin(self, course: Course, draft: Draft) -> Origin:
        request = course.request
        return Origin(
            self._engine.fingerprint,
            prompts.fingerprint(follows=bool(request.history)),
            request.sample_params.temperature,
            request.params.temperature,
            request.n_samples,
            evidence=bool(draft.passages),
            adaptive=request.adaptive,
            probe=request.probes.version if request.probes else "",
            verifier=self._grounder.trained,
            stated=self._grounder.stated,
        )

    def _try_gate(self, course: Course, kind: StepKind, gate: Gate) -> None:
        """Retrieve when the gate says so; what cannot be done is noted."""
        if gate is Gate.RETRIEVE and kind != "branch":
            if course.retrieved:
                if not course.notes:
                    course.notes.append("the documents were searched already, so the confidence decides")
            elif not self._options.retrieve:
                course.notes.append("ask.retrieve is off, so the confidence decides")
            else:
                course.retrieve(self._index)
        elif gate is Gate.REFLECT and kind != "branch":
            if course.reflected:
                course.notes.append(
                    "the model has already checked its answer once, so the confidence decides"
                )
            elif not self._options.reflect:
                course.notes.append("ask.reflect is off, so the confidence decides")


def exhausted(course: Generator[Event, None, Step]) -> Step:
    """The step at the end of a course whose events nobody reads."""
    while True:
        try:
            next(course)
        except StopIteration as end:
            return cast("Step", end.value)


def _contents(prompt: Prompt) -> str:
    return prompt if isinstance(prompt, str) else "\0".join(message.content for message in prompt)
