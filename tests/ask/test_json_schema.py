"""Schemas that an answer can be held to, and those that are refused without harm."""

from __future__ import annotations

import json
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from codex.ask.json_schema import accepted
from codex.errors import InvalidInput


class Place(BaseModel):
    """A place, as programs describe it."""

    name: str
    kind: Literal["city", "river"]
    people: int | None = None


class Trip(BaseModel):
    places: list[Place]
    days: int


def test_the_schema_of_a_pydantic_model_is_taken_with_its_references_filled_in() -> None:
    made = json.loads(accepted(Trip.model_json_schema(), "response_format"))
    place = made["properties"]["places"]["items"]
    assert place["properties"]["kind"] == {"enum": ["city", "river"]}
    assert place["properties"]["people"] == {"anyOf": [{"type": "integer"}, {"type": "null"}]}
    assert place["required"] == ["name", "kind"]
    assert place["additionalProperties"] is False
    assert "$ref" not in json.dumps(made)


def test_several_types_are_one_of_them() -> None:
    given = {"type": "object", "properties": {"x": {"type": ["string", "null"], "maxLength": 5}}}
    made = json.loads(accepted(given, "f"))
    assert made["properties"]["x"] == {"anyOf": [{"type": "string", "maxLength": 5}, {"type": "null"}]}


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        schema = {"type": "object", "properties": {"x": schema}}
    return schema


def of(property_: object) -> dict[str, Any]:
    return {"type": "object", "properties": {"x": property_}}


BOMB = {
    f"n{i}": {"type": "object", "properties": {k: {"$ref": f"#/$defs/n{i + 1}"} for k in "abcdefgh"}}
    for i in range(9)
} | {"n9": {"type": "string"}}
REFUSED: dict[str, tuple[Any, str]] = {
    "recursive": ({"$defs": {"n": of({"$ref": "#/$defs/n"})}, "$ref": "#/$defs/n"}, "contains itself"),
    "doubling": ({"$defs": BOMB, "$ref": "#/$defs/n0"}, "more than 200 schemas"),
    "deep": (nested(60), "nested deeper"),
    "wide": (
        {"type": "object", "properties": {f"p{i}": {"type": "null"} for i in range(500)}},
        "more than 200",
    ),
    "large": (of({"enum": ["x" * 30_000]}), "30,"),
    "pattern": (of({"type": "string", "pattern": "^(a+)+$"}), "pattern is not supported"),
    "pattern of several": (of({"type": ["string", "null"], "pattern": "x"}), "pattern is not supported"),
    "format": (of({"type": "string", "format": "date"}), "format is not supported"),
    "repetition": (of({"type": "array", "items": {"type": "null"}, "maxItems": 10**9}), "from 0 to 64"),
    "long string": (of({"type": "string", "minLength": 10**9}), "from 0 to 1,000"),
    "unknown type": (of({"type": "bogus"}), "its type is"),
    "no type": (of({}), "its type is null"),
    "outside reference": (of({"$ref": "http://evil.example/x"}), "does not begin with"),
    "no reference": (of({"$ref": "#/$defs/none"}), "there is no"),
    "not an object": ({"type": "array", "items": {"type": "string"}}, "has to be an object"),
    "open": (
        {"type": "object", "properties": {"x": {"type": "null"}}, "additionalProperties": True},
        "only be",
    ),
    "no properties": (of({"type": "object"}), "at least one"),
    "wrong required": (
        of({"type": "object", "properties": {"y": {"type": "null"}}, "required": [[]]}),
        "list",
    ),
    "no schema": (of([1]), "is no object"),
    "enum of objects": (of({"enum": [{}]}), "holds a list or an object"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_hostile_and_unknown_schemas_are_refused(name: str) -> None:
    schema, why = REFUSED[name]
    with pytest.raises(InvalidInput, match=why) as raised:
        accepted(schema, "response_format")
    assert raised.value.fields == ("response_format",)
    assert len(str(raised.value)) < 500
