"""The JSON bodies of the HTTP interface. None of them ever holds NaN or infinity: such a number is null."""

from __future__ import annotations

import ast
import inspect
import math
import re
import textwrap
from dataclasses import is_dataclass
from functools import reduce
from itertools import pairwise
from operator import or_
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import (
    AliasPath,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    create_model,
    field_validator,
)
from pydantic.config import JsonDict

from codex.ask.models.in_use import State
from codex.ask.response import AskResponse
from codex.engines.base import GenerationParams
from codex.numbers import NumbersAsSuch
from codex.settings import MAX_SAMPLES, KnownPolicy
from codex.store import SessionSummary, TraceSummary
from codex.store.codec.nouns import parts
from codex.types import (
    Alternative,
    CheckedEvent,
    DecisionEvent,
    Event,
    GenerationEvent,
    Measured,
    Observation,
    Passage,
    PassagesEvent,
    Role,
    SamplesEvent,
    SignalsEvent,
    Step,
    Token,
    TokenEvent,
    Trace,
)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


Number = Annotated[float | None, BeforeValidator(_finite)]
"""A measured number; None: not available."""


def _no_number(value: object) -> object:
    """Pydantic alone takes "0" for a moment of 1970."""
    if isinstance(value, int | float) or (isinstance(value, str) and _NUMBER.fullmatch(value)):
        raise ValueError("write the time in ISO 8601, e.g. 2026-01-31T12:00:00Z")
    return value


_NUMBER = re.compile(r"\s*[+-]?[\d.]+(e[+-]?\d+)?\s*", re.IGNORECASE)
Moment = Annotated[AwareDatetime, BeforeValidator(_no_number)]
"""A time with its offset, in ISO 8601."""

Bytes = Annotated[list[int], BeforeValidator(list)]
"""Bytes as numbers, since a token can be a part of a character."""


MAX_MESSAGES = 1000
"""Of a question's history."""
MAX_DOCUMENTS = 1000
"""Names in one question; a folder is one."""
NOT_BLANK: JsonDict = {"pattern": r"\S"}
SESSION_ID: JsonDict = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"}
"""Both in the description only: the messages of our own checks say more."""


class Body(BaseModel):
    """Read from an object of the same shape, e.g. a Token."""

    model_config = ConfigDict(from_attributes=True, frozen=True, protected_namespaces=())


class HistoryMessage(BaseModel):
    """What one side said before the question."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Role
    content: str = Field(json_schema_extra=NOT_BLANK)

    @field_validator("content")
    @classmethod
    def _not_blank(cls, content: str) -> str:
        if not content.strip():
            raise ValueError("the message is empty: leave it out, with the one that it belongs to")
        return content


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
                {
                    "query": "And how many people live there?",
                    "history": [
                        {"role": "user", "content": "What is the capital of Australia?"},
                        {"role": "assistant", "content": "Canberra."},
                    ],
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
    adaptive: bool | None = Field(
        None,
        strict=True,
        description="Draw fewer of them where the first ones settle it; left out: the setting ask.adaptive.",
    )
    enable_rag: bool = Field(False, strict=True, description="Retrieve passages before answering.")
    documents: list[str] | None = Field(
        None,
        min_length=1,
        max_length=MAX_DOCUMENTS,
        description="Names, paths or folders of the documents that may be searched; left out: all.",
    )
    history: list[HistoryMessage] = Field(
        default=[],
        max_length=MAX_MESSAGES,
        description="What was said before, oldest first: user and assistant in turn, the assistant last; "
        "messages of the system come first. The oldest turns that do not fit the context are left out whole.",
    )
    follows: str | None = Field(
        None,
        description="A trace_id: the question follows up its answer, in its session. The same as sending "
        "each question and `answer` of that conversation as `history`; for who asked them, or where "
        "store.privacy=full kept them.",
    )
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
    """Another token to continue from."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [{"position": 2, "token_id": 284}]}
    )

    position: int = Field(ge=0, description="Index among the answer's tokens.")
    token_id: int = Field(description="The id of one of the alternatives there.")
    policy: KnownPolicy | None = Field(None, description="Left out: the active policy.")


def body_of(noun: type, name: str = "") -> type[Body]:
    """The body of a noun: its fields with their descriptions, under its name or another."""
    if noun not in _BODIES:
        described = descriptions(noun)
        own = {part.name: _field(part.annotation, described.get(part.name)) for part in parts(noun)}
        for shown, beside in PROPERTIES.get(noun, {}).items():
            own[shown] = (str, Field(description=beside))
        _BODIES[noun] = _made(name or f"{noun.__name__}Body", noun, own)
    return _BODIES[noun]


def descriptions(noun: type) -> dict[str, str]:
    """field -> the docstring under it, in the words of JSON."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(noun))).body
    found: dict[str, str] = {}
    for field, below in pairwise(getattr(tree, "body", ())):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            match below:
                case ast.Expr(value=ast.Constant(value=str(said))):
                    found[field.target.id] = re.sub(r"\bNone\b", "null", inspect.cleandoc(said))
    return found


def _made(name: str, noun: type, fields: dict[str, Any]) -> type[Body]:
    body: type[Body] = create_model(name, __base__=Body, __doc__=noun.__doc__, __module__=__name__, **fields)
    return body


def _field(annotation: Any, description: str | None, alias: AliasPath | None = None) -> tuple[Any, Any]:
    return (_written(annotation), Field(description=description, validation_alias=alias))


def _written(annotation: Any) -> Any:
    """What stands in the body for a type of a noun's field."""
    if annotation is bytes:
        return Bytes
    if annotation == Measured or annotation == float | None:
        return Number
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return reduce(or_, (each if each is NoneType else _written(each) for each in arguments))
    if origin is tuple and arguments[-1] is Ellipsis:
        return list[_written(arguments[0])]  # type: ignore[misc]
    if origin is dict and arguments[1] is not object:
        return dict[str, _written(arguments[1])]  # type: ignore[misc]
    return body_of(annotation) if isinstance(annotation, type) and is_dataclass(annotation) else annotation


def _step_body() -> type[Body]:
    """A step with its observation spread out in it."""
    own = {
        part.name: _field(part.annotation, descriptions(Step).get(part.name))
        for part in parts(Step)
        if part.name != "observation"
    }
    described = descriptions(Observation)
    observed = {
        part.name: _field(part.annotation, described.get(part.name), AliasPath("observation", part.name))
        for part in parts(Observation)
        if part.name != "question"
    }
    return _made("StepBody", Step, own | observed)


PROPERTIES: dict[type, dict[str, str]] = {
    noun: {"text": "A part of a character shows as U+FFFD."} for noun in (Alternative, Token)
}
"""What a body says beside the noun's fields."""

_BODIES: dict[type, type[Body]] = {}
_BODIES[Step] = _step_body()

PassageBody = body_of(Passage)
TraceBody = body_of(Trace)
SessionBody = body_of(SessionSummary, "SessionBody")
TraceSummaryBody = body_of(TraceSummary)


class TraceEventBody(Body):
    """The last event: the response of POST /infer, and the whole trace."""

    reply: AskResponse
    trace: TraceBody  # type: ignore[valid-type]


class ErrorDetail(BaseModel):
    """What went wrong."""

    type: str = Field(description="The kind of error, e.g. InvalidInput.")
    message: str = Field(description="What went wrong, with which value, and what to do about it.")
    fields: list[str] = Field(description="The fields with invalid values, e.g. params.temperature.")


class ErrorBody(BaseModel):
    """Every response that is not a success."""

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


NAMES: dict[type[Event], str] = {
    PassagesEvent: "passages",
    TokenEvent: "token",
    GenerationEvent: "generation",
    SamplesEvent: "samples",
    CheckedEvent: "checked",
    SignalsEvent: "signals",
    DecisionEvent: "decision",
}
EVENTS: dict[str, type[BaseModel]] = {
    **{name: body_of(event) for event, name in NAMES.items()},
    "trace": TraceEventBody,
    "error": ErrorBody,
}
"""What a stream may send, by the events' names."""

PARTIAL = (GenerationParams.__name__,)
"""Models of which a request may leave out fields, which then come from the settings, not from the model."""


class SessionTracesBody(BaseModel):
    """A session with its traces, oldest first."""

    id: str
    traces: list[TraceSummaryBody]  # type: ignore[valid-type]


class EventsBody(BaseModel):
    """How far the copy of events in PostgreSQL is."""

    model_config = ConfigDict(from_attributes=True)

    state: Literal["copying", "up to date", "waiting", "refused"]
    waiting: int = Field(description="Changed traces that are not copied yet.")
    note: str


class LargerBody(Body):
    """The larger model, which is asked where the policy's larger_above says so."""

    model: str = Field(description="The engine's fingerprint.")
    name: str
    engine: str
    state: Literal["ready", "unloaded", "error"] = Field(
        description="unloaded: the first question that needs it loads it. error: it could not be loaded."
    )
    memory: int | None = Field(description="Bytes, estimated; null: a server holds it.")
    error: str | None = Field(description="Why it could not be loaded; the next question tries again.")


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

    status: State = Field(
        description="unloaded: the next question loads the model again. stopping: Codex ends."
    )
    model: str = Field(description="The engine's fingerprint: engine, model and quantization.")
    calibrated: bool = Field(description="Whether the active calibrator holds for this model.")
    version: str
    error: str | None = Field(None, description="Why the model could not be loaded.")
    limits: str = Field("", description="What signals lack with this engine, and what would bring it.")
    abilities: str = Field("", description="What was found out of a model's server; empty: it is no server.")
    events: EventsBody | None = Field(None, description="Of store.events; null: it is not set.")
    larger: LargerBody | None = Field(
        None, description="The model that is asked before a person is (larger.model); null: it is not set."
    )
