"""Which JSON schemas an answer can be held to: plain and small ones, in a form that engines take.

What a schema may ask for is listed rather than what it may not: an engine ignores, or takes for ever over,
what its grammar cannot say.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from codex.errors import InvalidInput

ANY_OBJECT = json.dumps({"type": "object"})
"""Any JSON object."""
MAX_NODES = 200
"""Schemas inside each other, those that are referred to counted each time."""
MAX_DEPTH = 10
MAX_VALUES = 200
"""Of an enum."""
MAX_ITEMS = 64
MAX_LENGTH = 1000
"""Characters of a string, and of a name."""
MAX_CHARACTERS = 20_000
"""Of the whole, once references are filled in."""

_IGNORED = {"title", "description", "default", "examples", "$schema", "$id", "$defs", "definitions", "strict"}
_TYPES = ("object", "array", "string", "integer", "number", "boolean", "null")
_KEYWORDS: dict[str, frozenset[str]] = {
    "object": frozenset({"properties", "required", "additionalProperties"}),
    "array": frozenset({"items", "minItems", "maxItems"}),
    "string": frozenset({"minLength", "maxLength"}),
    "integer": frozenset({"minimum", "maximum"}),
}
_BOUNDS = {
    **dict.fromkeys(("minItems", "maxItems"), (0, MAX_ITEMS)),
    **dict.fromkeys(("minLength", "maxLength"), (0, MAX_LENGTH)),
    **dict.fromkeys(("minimum", "maximum"), (-(2**53), 2**53)),
}


def accepted(schema: Mapping[str, Any], field: str) -> str:
    """The schema in plain form, as JSON: references filled in, objects closed. Raises InvalidInput."""
    made = _Reading(schema, field).read(schema, "", 0, ())
    if made.get("type") != "object":
        raise _refused(field, "", "the whole answer has to be an object")
    text = json.dumps(made, ensure_ascii=False)
    if len(text) > MAX_CHARACTERS:
        raise _refused(
            field, "", f"it has {len(text):,} characters with its references; at most {MAX_CHARACTERS:,}"
        )
    return text


class _Reading:
    """One schema on its way to its plain form."""

    def __init__(self, root: Mapping[str, Any], field: str) -> None:
        self._root = root
        self._field = field
        self._nodes = 0

    def read(self, node: object, at: str, depth: int, inside: tuple[str, ...]) -> dict[str, Any]:
        """at: its JSON pointer. inside: the references that it is reached by."""
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise self._refused(at, f"there are more than {MAX_NODES} schemas in it")
        if depth > MAX_DEPTH:
            raise self._refused(at, f"it is nested deeper than {MAX_DEPTH}")
        if not isinstance(node, Mapping):
            raise self._refused(at, "it is no object")
        if "$ref" in node:
            return self._referred(node, at, depth, inside)
        told = {key: value for key, value in node.items() if key not in _IGNORED}
        if "anyOf" in told:
            self._allow(told, {"anyOf"}, at)
            return {"anyOf": self._several(told["anyOf"], f"{at}/anyOf", depth, inside)}
        if "enum" in told or "const" in told:
            return self._values(told, at)
        kind = told.get("type")
        if isinstance(kind, list):
            return self._types(told, kind, at, depth, inside)
        if kind not in _TYPES:
            raise self._refused(at, f"its type is {json.dumps(kind)[:40]}; it can be {', '.join(_TYPES)}")
        self._allow(told, {"type", *_KEYWORDS.get(kind, ())}, at)
        if kind == "object":
            return self._object(told, at, depth, inside)
        if kind == "array":
            return self._array(told, at, depth, inside)
        return {"type": kind, **self._bounds(told, at)}

    def _types(
        self, told: Mapping[str, Any], kinds: list[Any], at: str, depth: int, inside: tuple[str, ...]
    ) -> dict[str, Any]:
        """Several types at once: each keyword belongs to the type that has it."""
        own = [{"type", *_KEYWORDS.get(str(kind), ())} for kind in kinds]
        self._allow(told, set().union(*own), at)
        each = [
            {**{key: value for key, value in told.items() if key in keys}, "type": kind}
            for kind, keys in zip(kinds, own, strict=True)
        ]
        return {"anyOf": self._several(each, at, depth, inside)}

    def _referred(
        self, node: Mapping[str, Any], at: str, depth: int, inside: tuple[str, ...]
    ) -> dict[str, Any]:
        name = node["$ref"]
        self._allow({key: value for key, value in node.items() if key not in _IGNORED}, {"$ref"}, at)
        if not isinstance(name, str) or not name.startswith(("#/$defs/", "#/definitions/")):
            raise self._refused(at, "its $ref does not begin with #/$defs/")
        if name in inside:
            raise self._refused(at, f"{name[:60]} contains itself")
        _, group, key = name.split("/", 2)
        found = self._root.get(group)
        if not isinstance(found, Mapping) or key not in found:
            raise self._refused(at, f"there is no {name[:60]}")
        return self.read(found[key], f"/{group}/{key}", depth, (*inside, name))

    def _several(self, given: object, at: str, depth: int, inside: tuple[str, ...]) -> list[dict[str, Any]]:
        if not isinstance(given, list) or not given:
            raise self._refused(at, "it is no list of schemas")
        return [self.read(each, f"{at}/{number}", depth + 1, inside) for number, each in enumerate(given)]

    def _values(self, told: Mapping[str, Any], at: str) -> dict[str, Any]:
        self._allow(told, {"type", "enum", "const"}, at)
        given = told.get("enum", [told.get("const")])
        if not isinstance(given, list) or not 1 <= len(given) <= MAX_VALUES:
            raise self._refused(at, f"enum is no list of 1 to {MAX_VALUES} values")
        if any(isinstance(value, list | dict) for value in given):
            raise self._refused(at, "enum holds a list or an object")
        return {"enum": given}

    def _object(
        self, told: Mapping[str, Any], at: str, depth: int, inside: tuple[str, ...]
    ) -> dict[str, Any]:
        properties, required = told.get("properties", {}), told.get("required", [])
        if not isinstance(properties, Mapping) or not properties:
            raise self._refused(at, "an object has properties, at least one")
        if told.get("additionalProperties", False) is not False:
            raise self._refused(at, "additionalProperties can only be false")
        if not isinstance(required, list) or not all(
            isinstance(name, str) and name in properties for name in required
        ):
            raise self._refused(at, "required is no list of its properties")
        if any(len(name) > MAX_LENGTH for name in properties):
            raise self._refused(at, f"the name of a property has more than {MAX_LENGTH:,} characters")
        return {
            "type": "object",
            "properties": {
                name: self.read(each, f"{at}/properties/{name[:60]}", depth + 1, inside)
                for name, each in properties.items()
            },
            "required": required,
            "additionalProperties": False,
        }

    def _array(self, told: Mapping[str, Any], at: str, depth: int, inside: tuple[str, ...]) -> dict[str, Any]:
        if "items" not in told:
            raise self._refused(at, "an array has items")
        items = self.read(told["items"], f"{at}/items", depth + 1, inside)
        return {"type": "array", "items": items, **self._bounds(told, at)}

    def _bounds(self, told: Mapping[str, Any], at: str) -> dict[str, int]:
        most = {
            "minItems": MAX_ITEMS,
            "maxItems": MAX_ITEMS,
            "minLength": MAX_LENGTH,
            "maxLength": MAX_LENGTH,
        }
        bounds = {}
        for name in ("minItems", "maxItems", "minLength", "maxLength", "minimum", "maximum"):
            if name not in told:
                continue
            value = told[name]
            low, high = (0, most[name]) if name in most else (-(2**53), 2**53)
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                raise self._refused(at, f"{name} is no whole number from {low} to {high:,}")
            bounds[name] = value
        return bounds

    def _allow(self, told: Mapping[str, Any], allowed: set[str], at: str) -> None:
        unknown = sorted(told.keys() - allowed)
        if unknown:
            raise self._refused(at, f"{unknown[0][:40]} is not supported there")

    def _refused(self, at: str, why: str) -> InvalidInput:
        return _refused(self._field, at, why)


def _refused(field: str, at: str, why: str) -> InvalidInput:
    place = f" at {at[:200]}" if at else ""
    return InvalidInput(f"The JSON schema{place} cannot be used: {why}.", [field])
