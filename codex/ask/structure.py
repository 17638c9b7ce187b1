"""An answer that is a JSON object: its values, where they stand, and how sure the model was of each."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

from codex.calibration.prior import estimated_confidence
from codex.types import Generation, Observation, Token

MAX_DEPTH = 64
_LITERAL = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null")
_SPACE = re.compile(r"[ \t\n\r]*")

Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value of a JSON text that is no list and no object."""

    pointer: str
    """RFC 6901."""
    value: Value
    start: int
    """Characters of the text; of a string without its quotes."""
    end: int


@dataclass(frozen=True, slots=True)
class Field:
    """How sure the model was of a value."""

    pointer: str
    value: Value
    probability: float | None
    """Of the tokens that spell the value, given what stands before them, by the model's raw distribution."""
    min_prob: float | None
    """Of the least likely of these tokens."""
    agreement: float | None
    """Share of the samples that have the same value there; None: no samples."""
    confidence: float | None
    """Estimated from `min_prob` and `agreement`, as far as they are there; not calibrated."""


def leaves(text: str) -> list[Leaf]:
    """The values of a JSON text in its order. Raises ValueError where it is none, or is nested too deep."""
    found, end = _read(text, _skip(text, 0), "", 0)
    if _skip(text, end) != len(text):
        raise ValueError("there is more behind the JSON text")
    return found


def fields(observation: Observation) -> list[Field] | None:
    """Each value of the answer; None where the answer is no whole JSON text."""
    try:
        told = leaves(observation.generation.text)
    except ValueError:
        return None
    samples = [_by_pointer(sample.text) for sample in observation.samples]
    return [_field(leaf, observation.generation, samples) for leaf in told]


def values_only(observation: Observation) -> Observation:
    """The observation as signals see it: without names and marks, which were given and not chosen.

    As it is where an answer is no whole JSON text.
    """
    return replace(
        observation,
        generation=_values(observation.generation),
        samples=tuple(_values(sample) for sample in observation.samples),
    )


def _values(generation: Generation) -> Generation:
    try:
        told = leaves(generation.text)
    except ValueError:
        return generation
    text = ", ".join(str(leaf.value) for leaf in told)
    kept = [token for leaf in told for token in _spelling(generation, leaf)]
    return replace(generation, text=text, tokens=tuple(kept), end_logprob=None)


def _field(leaf: Leaf, generation: Generation, samples: Sequence[dict[str, Value]]) -> Field:
    logprobs = [token.logprob for token in _spelling(generation, leaf)]
    known = [value for value in logprobs if value is not None]
    whole = bool(known) and len(known) == len(logprobs)
    least = math.exp(min(known)) if whole else None
    same = [leaf.pointer in sample and _same(sample[leaf.pointer], leaf.value) for sample in samples]
    agreement = sum(same) / len(same) if same else None
    return Field(
        pointer=leaf.pointer,
        value=leaf.value,
        probability=math.exp(math.fsum(known)) if whole else None,
        min_prob=least,
        agreement=agreement,
        confidence=estimated_confidence({"min_prob_focus": least, "greedy_similarity_focus": agreement}),
    )


def _same(one: Value, other: Value) -> bool:
    """True is not 1."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _spelling(generation: Generation, leaf: Leaf) -> Iterator[Token]:
    """The tokens with a byte of the value; of an empty string, the one that closes it."""
    start = len(generation.text[: leaf.start].encode())
    end = max(len(generation.text[: leaf.end].encode()), start + 1)
    ends = [0]
    for token in generation.tokens:
        ends.append(ends[-1] + len(token.bytes))
    for token, (begun, ended) in zip(generation.tokens, pairwise(ends), strict=True):
        if begun < end and ended > start:
            yield token


def _by_pointer(text: str) -> dict[str, Value]:
    try:
        return {leaf.pointer: leaf.value for leaf in leaves(text)}
    except ValueError:
        return {}


def _read(text: str, at: int, pointer: str, depth: int) -> tuple[list[Leaf], int]:
    """The leaves of the value that begins at a place, and where it ends."""
    if depth > MAX_DEPTH:
        raise ValueError("nested too deep")
    mark = text[at : at + 1]
    if mark in ("{", "["):
        return _read_inside(text, at, pointer, depth)
    if mark == '"':
        value, end = scanstring(text, at + 1, True)
        return [Leaf(pointer, value, at + 1, end - 1)], end
    literal = _LITERAL.match(text, at)
    if literal is None:
        raise ValueError(f"no JSON value at character {at}")
    return [Leaf(pointer, json.loads(literal.group()), at, literal.end())], literal.end()


def _read_inside(text: str, at: int, pointer: str, depth: int) -> tuple[list[Leaf], int]:
    close, number = {"{": "}", "[": "]"}[text[at]], 0
    found: list[Leaf] = []
    at = _skip(text, at + 1)
    if text[at : at + 1] == close:
        return found, at + 1
    while True:
        name: Any = number
        if close == "}":
            if text[at : at + 1] != '"':
                raise ValueError(f"no name at character {at}")
            name, at = scanstring(text, at + 1, True)
            at = _expect(text, _skip(text, at), ":")
        key = str(name).replace("~", "~0").replace("/", "~1")
        inside, at = _read(text, _skip(text, at), f"{pointer}/{key}", depth + 1)
        found += inside
        at, number = _skip(text, at), number + 1
        if text[at : at + 1] == close:
            return found, at + 1
        at = _skip(text, _expect(text, at, ","))


def _expect(text: str, at: int, mark: str) -> int:
    if text[at : at + 1] != mark:
        raise ValueError(f"no {mark} at character {at}")
    return at + 1


def _skip(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at
