"""The nouns: what a model run produced, and what was made of it.

A field that is added here is stored, read, served and shown without another line (store/codec/nouns.py);
one that is a column of the database needs a migration too: those of Token, Generation, Step, Trace, Record
and Run, and those of Observation, each a column of JSON. Give it a default, so that what was stored before
can be read; the docstring under it is its description in the HTTP interface.

Everything here is immutable. Log-probabilities are natural logarithms of the model's raw
distribution (before temperature, top-p, top-k and penalties); entropies are in nats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray

Role = Literal["system", "user", "assistant"]
FinishReason = Literal["stop", "length", "cancelled"]
LogprobKind = Literal["raw", "processed", "none"]

Count = Annotated[int, Ge(0), Le(2**53)]
"""A number of things, or a place among them. JSON keeps whole numbers up to 2**53."""
Rank = Annotated[int, Ge(1), Le(2**53)]
"""1 is the first."""


class Computed:
    """Marks a number that may come out as NaN or infinity, which is kept as missing."""


Measured = Annotated[float, Computed]
"""What is missing is left out of a mapping, and so is an element without it; in a matrix it is NaN."""


@dataclass(frozen=True, slots=True)
class Message:
    """What one side of a conversation said."""

    role: Role
    content: str


Prompt = str | Sequence[Message]
"""What an engine continues: text as it stands, or turns that the model's chat template renders."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """A token that could have stood at a position."""

    id: int
    bytes: bytes
    logprob: Measured
    is_end: bool = False
    """An end-of-sequence token: choosing it ends the answer here."""

    @property
    def text(self) -> str:
        """The token alone as text; a part of a character shows as U+FFFD."""
        return self.bytes.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Token:
    """One generated token and the distribution it was drawn from."""

    id: int
    bytes: bytes
    """May hold only a part of a character: join bytes before decoding."""
    logprob: float | None
    """None where the engine gives no log-probabilities."""
    entropy: float | None = None
    """Entropy of the whole next-token distribution, in nats."""
    entropy_exact: bool = False
    """False: the midpoint of the bounds that the top-k and the tail mass allow."""
    rank: Rank | None = None
    """1 is the most likely token; None: beyond what the engine reports."""
    self_certainty: float | None = None
    """KL divergence from the uniform distribution over the vocabulary, in nats; full vocabulary only."""
    alternatives: tuple[Alternative, ...] = ()
    """The most likely tokens, likeliest first; the chosen one is always among them."""

    @property
    def text(self) -> str:
        """The token alone as text; a part of a character shows as U+FFFD."""
        return self.bytes.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Attention:
    """How far each token of an answer was chosen by a look at the one before it, in the middle layers."""

    layers: tuple[Count, ...]
    """Counted from 1."""
    heads: tuple[Count, ...]
    """Of each layer the one that looks there most, on average; counted from 0."""
    weights: tuple[tuple[Measured, ...], ...]
    """[layers, tokens - 1], in [0, 1]: what the choice of the second token on gives to its predecessor."""


@dataclass(frozen=True, slots=True, eq=False)
class HiddenStates:
    """What some layers of the model put out at the prompt's last token and at the tokens of an answer."""

    layers: tuple[Count, ...]
    """Counted from 1; the last one's are taken behind the final norm."""
    prompt: NDArray[np.float16]
    """[layers, hidden size]; what does not fit in float16 is its largest number."""
    answer: NDArray[np.float16]
    """[layers, tokens, hidden size]; of a cancelled answer the last token may be missing."""


@dataclass(frozen=True, slots=True)
class Generation:
    """A text that a model wrote, token by token. End-of-sequence tokens are not counted."""

    text: str
    """The joined bytes of the tokens, cut before a stop string."""
    tokens: tuple[Token, ...]
    finish_reason: FinishReason
    prompt_tokens: Count
    seconds: float
    logprobs: LogprobKind = "raw"
    prefix_tokens: Count = 0
    """How many of the first tokens were given (a branch), not chosen by the model."""
    end_logprob: float | None = None
    """Log-probability of the end-of-sequence token after the last one: how sure the model was to stop.
    None where it did not end the text (a stop string, the length), or the engine does not say."""
    reasoning: str | None = None
    """What a reasoning model wrote before the text, apart from it and its tokens; it is never scored.
    None: nothing, or privacy did not let it be kept."""
    attention: Attention | None = None
    """None: it was not asked for, or the engine does not show it."""
    hidden_states: HiddenStates | None = field(
        default=None, compare=False, repr=False, metadata={"stored": False}
    )
    """None: they were not asked for, or the engine does not show them."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document, as it was found for a question. Untrusted text: data, never instructions."""

    id: str
    document_id: str
    document: str
    """The document's name, as people know it."""
    text: str
    """The document's text[start:end]; "" where it was not kept and the document is gone."""
    start: Count
    """Characters from the beginning of the document's text."""
    end: Count
    page: Count | None = None
    """Counted from 1; None where the format has no pages."""
    heading: str = ""
    """The headings it stands under, outermost first, joined by " > "."""
    scores: dict[str, Measured] = field(default_factory=dict)
    """What it was found by: dense (cosine), bm25, fused (reciprocal ranks), rerank; absent: not computed."""


class Stance(StrEnum):
    """What the passages say of a sentence."""

    SUPPORTED = "supported"
    NOT_FOUND = "not found"
    CONTRADICTED = "contradicted"


@dataclass(frozen=True, slots=True)
class Support:
    """What the passages say of one sentence of the answer."""

    start: Count
    """Characters of the answer's text."""
    end: Count
    stance: Stance | None
    """None: no judge is reliable enough to say."""
    probability: float | None
    """That the passages support it, in [0, 1]; None where nobody judged, or the labels were not to be
    read."""
    contradiction: float | None = None
    """That they contradict it, in [0, 1]; None where it was not asked."""
    passage: Count | None = None
    """Index of the best passage among the observation's."""
    quote: tuple[Count, Count] | None = None
    """The words it rests on: characters of that passage's text."""


LEAST_AUROC = 0.65
"""A judge is reliable where the lower end of its AUROC's interval reaches it: clearly better than chance."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """How well the probabilities of a judge, or of a verifier, ranked answers whose label is known."""

    auroc: float | None = None
    """None: not measured yet."""
    low: float | None = None
    """Of the 95 % bootstrap interval."""
    high: float | None = None
    n: Count = 0
    """Answers it was measured on."""
    data: str = ""
    """The fingerprint of their set."""

    @property
    def is_sufficient(self) -> bool:
        """Whether it was measured to rank clearly better than chance."""
        return self.low is not None and self.low >= LEAST_AUROC


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A judge that did not judge, since it is not known to be reliable."""

    judge: str
    reliability: Reliability


@dataclass(frozen=True, slots=True)
class Grounding:
    """How the answer stands in the passages, sentence by sentence."""

    judge: str
    """Who judged: model, nli, embedding or lexical, with the name of its model; "" where nobody could."""
    sentences: tuple[Support, ...]
    seconds: float
    reliability: Reliability | None = None
    """The judge's; None: nobody judged, or it was not known when the answer was given."""
    passed_over: tuple[PassedOver, ...] = ()
    """The judges that would have come before, the one of the settings first."""

    @property
    def is_reliable(self) -> bool:
        """Whether the judge of the settings judged, and was not found to be unreliable."""
        return not self.passed_over and (self.reliability is None or self.reliability.is_sufficient)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verifier's distribution of the first word after "True or False?"."""

    alternatives: tuple[Alternative, ...]
    """The likeliest tokens, likeliest first."""
    form: Literal["plain", "candidates"]
    """candidates: the verifier saw the sampled answers too."""
    verifier: str
    """The fingerprint of the engine that was asked, and the version of its trained adapter behind a "+"."""
    seconds: float
    reliability: Reliability | None = None
    """None: it was not known when the answer was given."""
    temperature: float = 1.0
    """By which a trained verifier's log-odds are divided."""
    offset: float = 0.0
    """What is added to them before."""
    trained: str = ""
    """The version of the trained verifier; "": the model was asked as it is."""

    @property
    def is_reliable(self) -> bool:
        """Whether the verifier was not found to be unreliable."""
        return self.reliability is None or self.reliability.is_sufficient


@dataclass(frozen=True, slots=True)
class Similarity:
    """How far the answer and its samples mean the same, by a model instead of by their wording."""

    method: Literal["embedding", "judge"]
    matrix: tuple[tuple[Measured, ...], ...]
    """[1 + n, 1 + n] in [0, 1], symmetric, ones on the diagonal; row 0 is the answer."""
    classes: tuple[int, ...]
    """[1 + n]: equal numbers say the same thing; the first is the answer's."""
    seconds: float


ProbeTarget = Literal["answer", "question", "entropy"]
"""What a probe tells: whether the answer is correct; whether the model knows an answer, from the question
alone; whether its samples would mean the same."""


@dataclass(frozen=True, slots=True)
class Probed:
    """What linear probes read in the model's hidden states."""

    probe: str
    """Their version."""
    values: dict[ProbeTarget, Measured]
    """Probabilities in [0, 1]; those that the probes of this version tell."""


@dataclass(frozen=True, slots=True)
class StatedConfidence:
    """The confidence in its answer that a model writes as a percentage."""

    value: float | None
    """In [0, 1]; None: what it wrote states none that can be read."""
    prompt: str
    """The fingerprint of the prompt."""
    seconds: float


@dataclass(frozen=True, slots=True)
class Observation:
    """What one request produced: the answer, independent samples of the same prompt, and the evidence."""

    question: str
    generation: Generation
    samples: tuple[Generation, ...] = ()
    """In a trace their tokens have no alternatives."""
    passages: tuple[Passage, ...] = ()
    """What was in the prompt, best first."""
    grounding: Grounding | None = None
    """None: there were no passages, or nobody judged."""
    verdict: Verdict | None = None
    similarity: Similarity | None = None
    """None: samples are compared by their wording."""
    probed: Probed | None = None
    """None: no probe was active, or the engine does not show hidden states."""
    stated: StatedConfidence | None = None
    """None: the model was not to state any."""


class Gate(StrEnum):
    """What the gate rules say to do next."""

    PROCEED = "proceed"
    REFLECT = "reflect"
    RETRIEVE = "retrieve"
    ABSTAIN = "abstain"


class Action(StrEnum):
    """What is done with an answer."""

    ANSWER = "answer"
    ABSTAIN = "abstain"
    DEFER = "defer"


@dataclass(frozen=True, slots=True)
class Confidence:
    """How likely the answer is to be correct."""

    value: float | None
    """In [0, 1]. The calibrated probability where there is one, else the estimate of the prior."""
    calibrated: float | None = None
    """None: no calibrator holds for this answer, so `value` is an estimate."""
    familiarity: float | None = None
    """p-value that the question is like those that the calibrator was fitted on; None: not compared."""

    @property
    def unfamiliar(self) -> bool:
        """Whether `value` is what the calibrator says of other kinds of questions."""
        return self.calibrated is None and self.familiarity is not None


@dataclass(frozen=True, slots=True)
class Decision:
    """What the policy decided, and why, in words."""

    action: Action
    gate: Gate
    reason: str


StepKind = Literal["ask", "retrieve", "reflect", "branch", "larger"]
"""retrieve: asked with passages. larger: a larger model was asked, where a person would have been."""


@dataclass(frozen=True, slots=True)
class LargerModel:
    """The larger model that a step's answer is of."""

    model: str
    """The engine's fingerprint."""
    calibrator: str | None = None
    """The version of the one that was fitted on its answers; None: there is none."""
    calibrated_on: tuple[str, ...] = ()
    """The names of the sets that it was fitted on; none: they are not known."""


@dataclass(frozen=True, slots=True)
class Step:
    """One round of the loop."""

    kind: StepKind
    prompt: str | None
    """The exact text the model continued; None where it was not kept or the server hides it."""
    prompt_sha256: str
    observation: Observation
    focus: tuple[bool, ...]
    """Which tokens of the answer carry it; as long as generation.tokens."""
    signals: dict[str, float | None]
    confidence: Confidence
    decision: Decision
    larger: LargerModel | None = None
    """None: it is of the trace's model."""

    @property
    def generated_tokens(self) -> int:
        """What the model wrote for it, answer and samples; the samples of a branch are its parent's."""
        generation, samples = self.observation.generation, self.observation.samples
        shared = sum(len(sample.tokens) for sample in samples) if self.kind != "branch" else 0
        return max(0, len(generation.tokens) - generation.prefix_tokens) + shared


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens were chosen, as far as that is known; None: not known. See engines.base.GenerationParams."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    repeat_penalty: float | None = None
    stop: tuple[str, ...] | None = None
    seed: int | None = None


FOLLOWS = "+turns"
"""Behind the fingerprint of the prompt templates where turns come before the question."""


@dataclass(frozen=True, slots=True)
class Origin:
    """How an answer came about, as far as a calibrator depends on it."""

    model: str
    """The engine's fingerprint."""
    prompt: str
    """The fingerprint of the prompt templates; "" where nobody knows."""
    sample_temperature: float
    temperature: float = 0.0
    """Of the answer."""
    n_samples: Count = 0
    evidence: bool = False
    """With passages in the prompt."""
    adaptive: bool = False
    """With fewer samples where the first ones settled it."""
    probe: str = ""
    """The version of the probes that read its hidden states; "": none did."""
    verifier: str = ""
    """The version of the trained verifier that verified it; "": none did."""
    stated: str = ""
    """The fingerprint of the prompt under which the model stated its confidence in it; "": it did not."""

    @property
    def follows(self) -> bool:
        """Whether turns came before the question."""
        return self.prompt.endswith(FOLLOWS)


@dataclass(frozen=True, slots=True)
class PredictionSet:
    """A question's prediction set: of the answers that its samples give, those that hold the correct one."""

    level: float
    """Share of such sets that hold the correct answer, for questions like those of the calibrator."""
    answers: tuple[str, ...]
    """Different answers, the most frequent first; none: no answer has enough of the samples."""
    any: bool
    """The correct answer may also be one that no sample gave."""
    samples: tuple[Count, ...]
    """Indices of the samples that give one of the answers."""


@dataclass(frozen=True, slots=True)
class AnsweredBy:
    """A person's answer that was given to a question, as it was then."""

    id: str
    answer: str
    author: str
    source: str
    """What it rests on, in the author's words; may be empty."""
    made_at: datetime
    """In UTC; when it was written or last edited."""
    same: bool
    """Whether it was given to the same question; else to a like one, in other words."""
    similarity: float | None
    """Cosine of the two questions; None: they were not compared by meaning."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """What came before a question, without its text. A turn is a question with its answer."""

    turns: Count
    """That the model was shown."""
    dropped: Count = 0
    """Older ones, which did not fit the context."""
    tokens: Count | None = None
    """Of the context, taken by the turns shown; None: not known."""
    context: Count | None = None
    """Tokens of prompt and answer that the model holds; None: not known."""
    follows: str | None = None
    """The trace whose answer it follows up; None: the turns came with the request."""


RuleSide = Literal["question", "passage", "answer"]
"""What a rule was applied to."""


@dataclass(frozen=True, slots=True)
class RuleFinding:
    """What a rule on what comes in and goes out found."""

    rule: str
    side: RuleSide
    reason: str
    """A clause that follows the name of what it was found in: "it holds a password"."""
    passage: str | None = None
    """The passage's document; None: it was no passage."""
    blocked: bool = False
    """Whether it blocked: a passage was left out, an answer was not given; else it was told alone."""


@dataclass(frozen=True, slots=True)
class TraceParams:
    """How a question was asked, as far as that is known."""

    answer: Sampling = Sampling()
    samples: Sampling = Sampling()
    n_samples: Count | None = None
    adaptive: bool = False
    """Fewer of them were drawn where the first ones settled it."""
    prompt: str = ""
    """The fingerprint of the prompt templates."""
    calibrator: str | None = None
    """The version of the one that was active."""
    calibrated_on: tuple[str, ...] = ()
    """The names of the sets that it was fitted on; none: they are not known."""
    prediction_set: PredictionSet | None = field(default=None, metadata={"formerly": "answer_set"})
    """None: no calibrator with prediction sets held, or the answers had drifted away from it."""
    evidence: dict[str, object] = field(default_factory=dict)
    """The settings that evidence and checks depend on; documents: those that the search was limited to."""
    person: AnsweredBy | None = None
    """The person's answer that was given in place of the model's; None: there was none."""
    conversation: Conversation | None = None
    """None: it is a first question."""
    findings: tuple[RuleFinding, ...] = ()
    """What the rules of safety.rules found in the question, the passages and the answers."""


@dataclass(frozen=True, slots=True)
class Trace:
    """One question, from request to decision."""

    id: str
    session_id: str
    created_at: datetime
    """In UTC."""
    question: str | None
    """None where privacy keeps only the SHA-256."""
    question_sha256: str
    model: str
    """The engine's fingerprint: engine, model and quantization."""
    policy: str
    """The policy's version."""
    params: TraceParams
    steps: tuple[Step, ...]
    answer: str
    """What is said to the user: a person's answer to this question where there is one, else the model's, or a
    clarifying question when the decision is to abstain."""
    seconds: float
    parent_id: str | None = None
    """The trace that this one branched from."""

    @property
    def last(self) -> Step:
        """The step that was decided on."""
        return self.steps[-1]

    @property
    def larger(self) -> LargerModel | None:
        """The larger model whose answer was decided on; None: it was that of the first one."""
        return self.last.larger

    def calibrator_of(self, step: Step) -> str | None:
        """The version of the calibrator of a step's model; None: there was none."""
        return step.larger.calibrator if step.larger else self.params.calibrator

    def calibrated_on(self, step: Step) -> tuple[str, ...]:
        """The names of the sets that the calibrator of a step's model was fitted on."""
        return step.larger.calibrated_on if step.larger else self.params.calibrated_on

    @property
    def prompt_tokens(self) -> int:
        """Of all its steps; the samples of a step share its prompt."""
        return sum(step.observation.generation.prompt_tokens for step in self.steps)

    @property
    def generated_tokens(self) -> int:
        """What the model wrote for it: answers and samples, without what was given to a branch."""
        return sum(step.generated_tokens for step in self.steps)

    @property
    def origin(self) -> Origin:
        """How the answer that was decided on came about."""
        asked, observation = self.params, self.last.observation
        temperature = asked.samples.temperature
        return Origin(
            self.larger.model if self.larger else self.model,
            asked.prompt,
            1.0 if temperature is None else temperature,
            asked.answer.temperature or 0.0,
            (asked.n_samples or 0) if asked.adaptive else len(observation.samples),
            bool(observation.passages),
            asked.adaptive,
            verifier=observation.verdict.trained if observation.verdict else "",
            stated=observation.stated.prompt if observation.stated else "",
        )


RunState = Literal["running", "done", "cancelled", "failed"]
Side = Literal["calibration", "test"]
"""Of the split of all questions: what is fitted on, and what proves it."""


@dataclass(frozen=True, slots=True)
class RunParams:
    """How the questions of a run are asked and graded, as far as that is known."""

    answer: Sampling = Sampling()
    samples: Sampling = Sampling()
    n_samples: Count | None = None
    adaptive: bool = False
    """Fewer of them are drawn where the first ones settle it."""
    checks: dict[str, object] = field(default_factory=dict)
    """The settings of the verifier and of the judge of evidence."""
    stated: str = ""
    """The fingerprint of the prompt under which the model states its confidence; "": it does not."""
    grader: str | None = None
    """None: each question by its own, else by the default."""
    evidence: bool = False
    """With passages in the prompt."""
    look_up: bool = False
    """The user's documents are searched for what a question brings no passage for."""
    split: Side | None = None
    """None: both sides."""
    limit: Count | None = None
    """So many questions from the first on; None: all."""
    questions: str | None = None
    """The fingerprint of what is asked; None: imported, so that there is nothing to ask."""
    overrides: tuple[str, ...] = ()
    """Settings that it was begun with."""


@dataclass(frozen=True, slots=True)
class Run:
    """One evaluation: the questions of a dataset, asked once each in one way."""

    id: str
    name: str
    """What people call it."""
    dataset: str
    created_at: datetime
    """In UTC."""
    model: str
    """The engine's fingerprint."""
    prompt: str
    """The fingerprint of the prompt templates."""
    params: RunParams
    total: Count
    """Questions to ask."""
    state: RunState = "running"
    probe: str = ""
    """The version of the probes whose readings its records hold; "": they hold none."""
    verifier: str = ""
    """The version of the trained verifier that verified its answers; "": none did."""

    @property
    def origin(self) -> Origin:
        """How its answers came about."""
        asked = self.params
        return Origin(
            self.model,
            self.prompt,
            asked.samples.temperature or 0.0,
            asked.answer.temperature or 0.0,
            asked.n_samples or 0,
            asked.evidence,
            asked.adaptive,
            self.probe,
            verifier=self.verifier,
            stated=asked.stated,
        )


@dataclass(frozen=True, slots=True)
class Record:
    """One question of a run."""

    id: str
    """Of the question; unique in its run."""
    group: str
    """The dataset it comes from."""
    answers: tuple[str, ...]
    """Accepted ones; none where only a refusal is correct."""
    observation: Observation
    signals: dict[str, float | None]
    correct: bool | None
    """A person's verdict, else the grader's. None: it failed, or nobody could tell."""
    grade: float | None
    """The grader's score, in [0, 1]."""
    seconds: float
    error: str = ""
    """Why nothing was answered."""
    grader: str = ""
    """What graded it; "" where that is not known."""
    choices: tuple[str, ...] = ()
    """Of a multiple choice, in order."""
    labels: tuple[str, ...] = ()
    """What its set calls the choices; (): A, B, C ..."""
    by_person: bool = False
    """Whether the verdict is a person's."""
    grader_correct: bool | None = None
    """The grader's own verdict, where a person's counts instead."""


@dataclass(frozen=True, slots=True)
class TokenEvent:
    """A token of the answer, as the engine gave it."""

    step: int
    index: int
    token: Token


@dataclass(frozen=True, slots=True)
class GenerationEvent:
    """The answer is complete."""

    step: int
    generation: Generation


@dataclass(frozen=True, slots=True)
class SamplesEvent:
    """All samples are complete."""

    step: int
    samples: tuple[Generation, ...]


@dataclass(frozen=True, slots=True)
class PassagesEvent:
    """What was found for the question; the answer that follows sees it."""

    step: int
    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class CheckedEvent:
    """The verifier and the judge of the evidence are done."""

    step: int
    grounding: Grounding | None
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class SignalsEvent:
    """Signals and confidence of the step."""

    step: int
    signals: dict[str, float | None]
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class DecisionEvent:
    """The policy's decision on the step; where a larger model fails, it comes again and says why."""

    step: int
    kind: StepKind
    decision: Decision
    next: StepKind | None = None
    """The step that follows; None: this is the last."""


@dataclass(frozen=True, slots=True)
class TraceEvent:
    """The end: everything together, as it was stored."""

    trace: Trace


Event = (
    PassagesEvent
    | TokenEvent
    | GenerationEvent
    | SamplesEvent
    | CheckedEvent
    | SignalsEvent
    | DecisionEvent
    | TraceEvent
)
