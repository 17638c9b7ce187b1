"""The form of an answer: any text, or JSON."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from codex.ask.json_schema import ANY_OBJECT, accepted
from codex.ask.response import AskResponse, response_to
from codex.ask.structure import Field as AnswerField
from codex.ask.structure import Value, fields
from codex.engines.base import GenerationParams, JsonParams
from codex.server import bodies
from codex.types import Trace


class AnyText(BaseModel):
    """Any text."""

    model_config = ConfigDict(frozen=True)

    type: Literal["text"]


class AnyJson(BaseModel):
    """Any JSON object."""

    model_config = ConfigDict(frozen=True)

    type: Literal["json_object"]


class NamedSchema(BaseModel):
    """A JSON schema."""

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    name: str = "answer"
    given: dict[str, Any] = Field(
        alias="schema",
        description="With type, properties, required, items, enum, const, anyOf, lengths, and $ref without "
        "recursion; objects are closed.",
    )


class JsonOfSchema(BaseModel):
    """A JSON object of a schema."""

    model_config = ConfigDict(frozen=True)

    type: Literal["json_schema"]
    json_schema: NamedSchema


class JsonOfNamedSchema(NamedSchema):
    """A JSON object of a schema, as Responses has it."""

    type: Literal["json_schema"]


ResponseFormat = Annotated[AnyText | AnyJson | JsonOfSchema, Field(discriminator="type")]
TextFormat = Annotated[AnyText | AnyJson | JsonOfNamedSchema, Field(discriminator="type")]


class FieldConfidence(BaseModel):
    """How sure the model was of one value of a JSON answer; null is: not available."""

    pointer: str = Field(description="Where the value stands: a JSON pointer, RFC 6901.")
    value: Value
    probability: bodies.Number = Field(
        description="Of the tokens that spell the value, given what stands before, by the model's raw "
        "distribution."
    )
    min_prob: bodies.Number = Field(description="Of the least likely of these tokens.")
    agreement: bodies.Number = Field(description="Share of the samples with the same value there.")
    confidence: bodies.Number = Field(
        description="Estimated from min_prob and agreement, as far as they are there; not calibrated."
    )


class FormedDecision(AskResponse):
    """What Codex decided about an answer that may have a form."""

    fields: list[FieldConfidence] | None = Field(
        None, description="Each value of a JSON answer; null: none was asked for, or it is cut."
    )


def is_json(wanted: ResponseFormat | TextFormat | None) -> bool:
    """Whether the answer is to be JSON."""
    return wanted is not None and wanted.type != "text"


def refusal(trace: Trace, wanted: ResponseFormat | TextFormat | None) -> str | None:
    """What the user is told in place of JSON where Codex abstains; None: there is no need."""
    return (
        trace.answer if is_json(wanted) and trace.answer != trace.last.observation.generation.text else None
    )


def decision(trace: Trace, wanted: ResponseFormat | TextFormat | None) -> FormedDecision:
    """What was decided about an answer."""
    told = field_confidences(trace) if is_json(wanted) else None
    return FormedDecision(**response_to(trace).model_dump(), fields=told)


def in_form(
    params: GenerationParams, wanted: ResponseFormat | TextFormat | None, field: str
) -> GenerationParams:
    """The parameters with the form of the answer. Raises InvalidInput."""
    match wanted:
        case AnyJson():
            return _json(params, ANY_OBJECT)
        case JsonOfSchema():
            return _json(params, accepted(wanted.json_schema.given, field))
        case JsonOfNamedSchema():
            return _json(params, accepted(wanted.given, field))
    return params


def field_confidences(trace: Trace) -> list[FieldConfidence] | None:
    """Of the answer of a trace; None where it is no whole JSON text."""
    told = fields(trace.last.observation)
    return None if told is None else [_told(each) for each in told]


def _told(field: AnswerField) -> FieldConfidence:
    return FieldConfidence(
        pointer=field.pointer,
        value=field.value,
        probability=field.probability,
        min_prob=field.min_prob,
        agreement=field.agreement,
        confidence=field.confidence,
    )


def _json(params: GenerationParams, schema: str) -> GenerationParams:
    return JsonParams(**params.model_dump(), json_schema=schema)
