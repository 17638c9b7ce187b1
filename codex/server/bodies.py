"""The JSON bodies of the HTTP interface. None of them ever holds NaN or infinity: such a number is null."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AliasPath, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.config import JsonDict

from codex.ask.response import Reply
from codex.engines.base import GenerationParams
from codex.numbers import NumbersAsSuch
from codex.settings import MAX_SAMPLES, KnownPolicy
from codex.types import Action, FinishReason, Gate, LogprobKind, Stance, StepKind


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


Number = Annotated[float | None, BeforeValidator(_finite)]
"""A measured number; None: not available."""

Bytes = Annotated[list[int], BeforeValidator(list)]
"""Bytes as numbers, since a token can be a part of a character."""


NOT_BLANK: JsonDict = {"pattern": r"\S"}
SESSION_ID: JsonDict = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"}
"""Both in the description only: the messages of our own checks say more."""


class Body(BaseModel):
    """Read from an object of the same shape, e.g. a Token."""

    model_config = ConfigDict(from_attributes=True, frozen=True, protected_namespaces=())


class InferBody(NumbersAsSuch):
    """A question."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {"query": "What is the capital of Australia?", "n_samples": 5, "enable_rag": False},
                {
                    "query": "Who wrote Emma?",
                    "n_samples": 10,
                    "session_id": "reading-list",
                    "params": {"max_tokens": 64, "temperature": 0.0, "seed": 1},
                    "policy": {"name": "strict", "answer_above": 0.8, "abstain_below": 0.4},
                },
            ]
        },
    )

    query: str = Field(description="What you want to know.", json_schema_extra=NOT_BLANK)
    n_samples: int | None = Field(
        None,
        ge=1,
        le=MAX_SAMPLES,
        description="Independent answers drawn beside the shown one; left out: the setting ask.n_samples.",
    )
    enable_rag: bool = Field(False, strict=True, description="Look things up before answering.")
    session_id: str | None = Field(
        None,
        description="1 to 64 letters, digits, '-' or '_'; left out: a new session.",
        json_schema_extra={"anyOf": [SESSION_ID, {"type": "null"}]},
    )
    params: GenerationParams | None = Field(
        None, description="How the shown answer is generated; what is left out comes from the settings."
    )
    policy: KnownPolicy | None = Field(
        None, description="Left out: the active policy; what is left out inside: the default policy's value."
    )


class BranchBody(NumbersAsSuch):
    """Another token to go on from."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [{"position": 2, "token_id": 284}]}
    )

    position: int = Field(ge=0, description="Index among the answer's tokens.")
    token_id: int = Field(description="The id of one of the alternatives there.")
    policy: KnownPolicy | None = Field(None, description="Left out: the active policy.")


class AlternativeBody(Body):
    """A token that could have stood at a position."""

    id: int
    text: str
    bytes: Bytes
    logprob: Number
    is_end: bool = Field(description="An end-of-sequence token: choosing it ends the answer here.")


class TokenBody(Body):
    """One token and the distribution it was drawn from; natural logarithms and nats, before temperature."""

    id: int
    text: str = Field(description="A part of a character shows as U+FFFD.")
    bytes: Bytes
    logprob: Number
    entropy: Number
    entropy_exact: bool
    rank: int | None = Field(description="1 is the most likely token; null: beyond the alternatives.")
    self_certainty: Number
    alternatives: list[AlternativeBody] = Field(description="Likeliest first, the chosen one among them.")


class GenerationBody(Body):
    """A text that the model wrote."""

    text: str
    tokens: list[TokenBody]
    finish_reason: FinishReason
    prompt_tokens: int
    seconds: float
    logprobs: LogprobKind
    prefix_tokens: int = Field(description="How many of the first tokens were given (a branch).")
    end_logprob: Number = Field(
        description="Of the end token after the last one; null where it did not end the text."
    )


class PassageBody(Body):
    """A piece of a document, as it was found. Untrusted text."""

    id: str
    document_id: str
    document: str
    text: str
    start: int
    end: int
    page: int | None
    heading: str
    scores: dict[str, Number]


class SupportBody(Body):
    """What the passages say of one sentence of the answer."""

    start: int
    end: int
    stance: Stance
    probability: Number
    contradiction: Number
    passage: int | None = Field(description="Index of the best passage among the step's.")
    quote: tuple[int, int] | None = Field(description="Characters of that passage's text.")


class GroundingBody(Body):
    """How the answer stands in the passages."""

    judge: str
    sentences: list[SupportBody]
    seconds: float


class VerdictBody(Body):
    """The verifier's first word after "True or False?"."""

    alternatives: list[AlternativeBody]
    form: Literal["plain", "candidates"]
    verifier: str
    seconds: float


class SimilarityBody(Body):
    """How far the answer (row 0) and its samples mean the same."""

    method: Literal["embedding", "judge"]
    matrix: list[list[Number]]
    classes: list[int]
    seconds: float


class ConfidenceBody(Body):
    """How likely the answer is to be right."""

    value: Number = Field(description="In [0, 1]; a heuristic where `calibrated` is null.")
    calibrated: Number


class DecisionBody(Body):
    """What the policy decided, and why."""

    action: Action
    gate: Gate
    reason: str


class StepBody(Body):
    """One round of the loop."""

    kind: StepKind
    prompt: str | None = Field(description="The exact text the model continued; null where it was not kept.")
    prompt_sha256: str
    generation: GenerationBody = Field(validation_alias=AliasPath("observation", "generation"))
    samples: list[GenerationBody] = Field(validation_alias=AliasPath("observation", "samples"))
    passages: list[PassageBody] = Field(
        validation_alias=AliasPath("observation", "passages"), description="Those in the prompt."
    )
    grounding: GroundingBody | None = Field(validation_alias=AliasPath("observation", "grounding"))
    verdict: VerdictBody | None = Field(validation_alias=AliasPath("observation", "verdict"))
    similarity: SimilarityBody | None = Field(validation_alias=AliasPath("observation", "similarity"))
    focus: list[bool] = Field(description="Which tokens of the answer carry it.")
    signals: dict[str, Number]
    confidence: ConfidenceBody
    decision: DecisionBody


class TraceBody(Body):
    """One question from asking to decision."""

    id: str
    session_id: str
    created_at: datetime
    question: str | None = Field(description="null where privacy keeps only the SHA-256.")
    question_sha256: str
    model: str
    policy: str
    params: dict[str, Any] = Field(
        description="How it was asked, by which calibrator, and the answer set with its samples."
    )
    steps: list[StepBody]
    answer: str
    seconds: float
    parent_id: str | None = Field(description="The trace that this one branched from.")


class PassagesEventBody(Body):
    """What was found for the question; the answer that follows sees it."""

    step: int
    passages: list[PassageBody]


class CheckedEventBody(Body):
    """The verifier and the judge of the evidence are done."""

    step: int
    grounding: GroundingBody | None
    verdict: VerdictBody | None


class TokenEventBody(Body):
    """A token of the answer, as the model wrote it."""

    step: int
    index: int
    token: TokenBody


class GenerationEventBody(Body):
    """The answer is complete."""

    step: int
    generation: GenerationBody


class SamplesEventBody(Body):
    """All samples are complete."""

    step: int
    samples: list[GenerationBody]


class SignalsEventBody(Body):
    """Signals and confidence of the step."""

    step: int
    signals: dict[str, Number]
    confidence: ConfidenceBody


class DecisionEventBody(Body):
    """The decision on the step; another step may follow."""

    step: int
    kind: StepKind
    decision: DecisionBody


class TraceEventBody(Body):
    """The end: what POST /infer answers, and the whole trace."""

    reply: Reply
    trace: TraceBody


class ErrorDetail(BaseModel):
    """What was wrong."""

    type: str = Field(description="The kind of error, e.g. InvalidInput.")
    message: str = Field(description="What was wrong, with which value, and what to do about it.")
    fields: list[str] = Field(description="Where the wrong values stood, e.g. params.temperature.")


class ErrorBody(BaseModel):
    """Every answer that is not a success."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "error": {
                        "type": "InvalidInput",
                        "message": "n_samples: Input should be greater than or equal to 1, not 0.",
                        "fields": ["n_samples"],
                    }
                }
            ]
        }
    )

    error: ErrorDetail


EVENTS: dict[str, type[BaseModel]] = {
    "passages": PassagesEventBody,
    "token": TokenEventBody,
    "generation": GenerationEventBody,
    "samples": SamplesEventBody,
    "checked": CheckedEventBody,
    "signals": SignalsEventBody,
    "decision": DecisionEventBody,
    "trace": TraceEventBody,
    "error": ErrorBody,
}
"""What a stream may send, by the events' names."""

PARTIAL = (GenerationParams.__name__,)
"""Models of which a request may leave out fields, which then come from the settings, not from the model."""


class SessionBody(Body):
    """One line of the list of sessions."""

    id: str
    title: str = Field(
        description="The start of its first question, or of its first answer where the question was not kept."
    )
    created_at: datetime
    last_used_at: datetime
    questions: int
    last_action: Action


class TraceSummaryBody(Body):
    """One line of a session."""

    id: str
    created_at: datetime
    question: str | None = Field(description="The question or its first 127 characters, as privacy has it.")
    question_sha256: str
    answer: str = Field(description="What was said to the user.")
    model_answer: str = Field(description="What the model wrote.")
    gate: Gate
    action: Action
    confidence: ConfidenceBody
    parent_id: str | None
    correct: bool | None = Field(description="What a person said of the answer; null: nobody has.")


class SessionTracesBody(BaseModel):
    """A session with its traces, oldest first."""

    id: str
    traces: list[TraceSummaryBody]


class HealthBody(BaseModel):
    """Whether a question can be answered now."""

    model_config = ConfigDict(
        protected_namespaces=(),
        json_schema_extra={
            "examples": [
                {
                    "status": "ready",
                    "model": "llama_cpp:smollm2-135m-instruct:Q4_1",
                    "calibrated": False,
                    "version": "0.1.0",
                }
            ]
        },
    )

    status: Literal["loading", "ready", "error"]
    model: str = Field(description="The engine's fingerprint: engine, model and quantization.")
    calibrated: bool = Field(description="Whether a calibrator fits this model.")
    version: str
    error: str | None = Field(None, description="Why the model could not be loaded.")
