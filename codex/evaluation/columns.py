"""Which columns of a table hold what, and what a row of it asks."""

from __future__ import annotations

import json
import math
import numbers
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from codex.errors import InvalidInput
from codex.evaluation.grading.grades import known
from codex.evaluation.items import GraderName, Item, content_id

NAMES: dict[str, tuple[str, ...]] = {
    "question": ("question", "query", "prompt", "problem", "input"),
    "answers": ("answers", "answer", "aliases", "possible_answers", "golden_answers"),
    "context": ("context", "passage", "evidence"),
    "choices": ("choices", "options"),
    "id": ("id", "qid", "question_id"),
    "group": ("group", "set", "category", "subject", "topic"),
    "answerable": ("answerable",),
    "is_impossible": ("is_impossible",),
    "grader": ("grader",),
}
"""Of each field the columns that are taken for it, whatever their case; of answers all of them."""
OTHER_ANSWERS = ("target", "targets", "gold", "ideal", "reference", "answerkey", "label", "output")
"""The first one there is taken where there is no column of answers."""
LONGEST_ID = 200
LONGEST_NUMBER = 9
"""Digits of the number of a choice."""
DEEPEST = 16
"""Lists and objects of answers or choices may be in each other."""
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_TRUE, _FALSE = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0"})

Given = Mapping[str, str | Sequence[str]]
"""Of a field the column, or columns, that hold it."""


class Columns(NamedTuple):
    """The names of the columns that hold what; of `answers` there may be several."""

    of: dict[str, tuple[str, ...]]

    def value(self, field: str, values: Mapping[str, object]) -> object:
        """What a row has in the field; None where there is no such column."""
        return values.get(self.of[field][0]) if field in self.of else None


def columns(names: Iterable[str], given: Given | None = None) -> Columns:
    """Find the columns by name.

    given: taken instead of those that `NAMES` would find. Raises InvalidInput where one is missing.
    """
    there = {name.strip().casefold(): name for name in names}
    listed = textwrap.shorten(", ".join(there.values()), 300, placeholder=" …") or "none"
    of: dict[str, tuple[str, ...]] = {}
    for field, wanted in (given or {}).items():
        if field not in NAMES:
            raise InvalidInput(f"There is no field {field!r}. There are: {', '.join(NAMES)}.", ["column"])
        several = [wanted] if isinstance(wanted, str) else wanted
        missing = [name for name in several if name.strip().casefold() not in there]
        if missing:
            raise InvalidInput(f"There is no column {missing[0]!r}. There are: {listed}.", ["column"])
        of[field] = tuple(there[name.strip().casefold()] for name in several)
    for field, usual in NAMES.items():
        found = tuple(there[name] for name in usual if name in there)
        if found and field not in of:
            of[field] = found if field == "answers" else found[:1]
    if "answers" not in of:
        other = next((there[name] for name in OTHER_ANSWERS if name in there), None)
        if other is not None:
            of["answers"] = (other,)
    for field in ("question", "answers"):
        if field not in of and not (field == "answers" and of.keys() & {"answerable", "is_impossible"}):
            raise InvalidInput(
                f"No column holds the {field}. There are: {listed}. Say which: --column {field}=NAME.",
                ["column"],
            )
    return Columns(of)


def item(values: Mapping[str, object], found: Columns, group: str, *, barred: bool = False) -> Item:
    """The question of a row. Raises InvalidInput with the reason why there is none.

    barred: a bar in a text parts answers and choices, as in tables that have no lists.
    """
    question = _text(found.value("question", values), "question").strip()
    if not question:
        raise InvalidInput("the question is empty")
    context = _text(found.value("context", values), "context") or None
    choices = tuple(_texts(found.value("choices", values), "choices", barred))
    answers = _answers(values, found, choices, barred)
    answerable = _answerable(values, found)
    if answerable and not answers:
        raise InvalidInput("it has no answer, and is not marked as not answerable")
    own_id = _text(found.value("id", values), "id").strip()
    if len(own_id) > LONGEST_ID:
        raise InvalidInput(f"its id is longer than {LONGEST_ID} characters")
    return Item(
        id=own_id or content_id(question, context, choices),
        question=question,
        answers=answers if answerable else (),
        group=_text(found.value("group", values), "group").strip() or group,
        context=context,
        answerable=answerable,
        grader=_grader(values, found, choices),
        choices=choices,
    )


def _answers(
    values: Mapping[str, object], found: Columns, choices: tuple[str, ...], barred: bool
) -> tuple[str, ...]:
    given = [values.get(name) for name in found.of.get("answers", ())]
    if not choices:
        texts = [text for value in given for text in _texts(value, "answers", barred)]
        return tuple(dict.fromkeys(texts))
    chosen = [_choice(value, choices) for value in given if not _is_missing(value)]
    return tuple(dict.fromkeys(chosen))


def _choice(value: object, choices: tuple[str, ...]) -> str:
    """The choice that a number from 0, a letter or the text itself names."""
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, numbers.Integral) and not isinstance(value, bool) and 0 <= int(value) < len(choices):
        return choices[int(value)]
    said = _text(value, "answers").strip()
    if said in choices:
        return said
    at = ord(said.upper()) - ord("A") if len(said) == 1 else -1
    if 0 <= at < len(choices):
        return choices[at]
    if said.isdecimal() and len(said) <= LONGEST_NUMBER and int(said) < len(choices):
        return choices[int(said)]
    raise InvalidInput(f"its answer {said[:40]!r} is none of its {len(choices)} choices")


def _answerable(values: Mapping[str, object], found: Columns) -> bool:
    impossible = found.value("is_impossible", values)
    if not _is_missing(impossible):
        return not _truth(impossible, "is_impossible")
    answerable = found.value("answerable", values)
    return True if _is_missing(answerable) else _truth(answerable, "answerable")


def _truth(value: object, field: str) -> bool:
    said = _text(value, field).strip().casefold()
    if said in _TRUE or said in _FALSE:
        return said in _TRUE
    raise InvalidInput(f"its {field} is {said[:40]!r}, neither true nor false")


def _grader(values: Mapping[str, object], found: Columns, choices: tuple[str, ...]) -> GraderName | None:
    named = _text(found.value("grader", values), "grader").strip()
    if named:
        return known(named)
    return "choice" if choices else None


def _texts(value: object, field: str, barred: bool, depth: int = 0) -> list[str]:
    """The texts of a cell, whatever holds them, without the empty ones."""
    if depth > DEEPEST:
        raise InvalidInput(f"its {field} are nested too deeply")
    if _is_missing(value):
        return []
    if isinstance(value, Mapping):
        # TriviaQA's answers, SQuAD's, and the choices of ARC.
        inner = [value[key] for key in ("value", "aliases", "text") if key in value]
        if not inner:
            raise InvalidInput(f"its {field} are an object without text, value or aliases")
        return [text for each in inner for text in _texts(each, field, barred, depth + 1)]
    if isinstance(value, list | tuple):
        return [text for each in value for text in _texts(each, field, False, depth + 1)]
    if isinstance(value, bool):
        return ["yes", "true"] if value else ["no", "false"]
    said = _text(value, field).strip()
    if said.startswith("[") and said.endswith("]"):
        try:
            return _texts(json.loads(said), field, False, depth + 1)
        except ValueError:
            pass
        except RecursionError as error:
            raise InvalidInput(f"its {field} are nested too deeply") from error
    parts = said.split("|") if barred else [said]
    return [part.strip() for part in parts if part.strip()]


def _text(value: object, field: str) -> str:
    """A cell as text. Raises InvalidInput where it is none, or what it holds cannot be kept."""
    if _is_missing(value):
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    if isinstance(value, Mapping | list | tuple | bytes):
        raise InvalidInput(f"its {field} is a {type(value).__name__}, not text")
    said = str(value)
    if "\0" in said:
        raise InvalidInput(f"its {field} holds a NUL byte")
    if foreign := _LONE_SURROGATE.search(said):
        raise InvalidInput(f"its {field} holds {_named(foreign[0])}")
    return said


def _named(surrogate: str) -> str:
    byte = ord(surrogate) - 0xDC00
    if 0x80 <= byte <= 0xFF:
        return f"the byte 0x{byte:02X}, which is not in that encoding: say which, e.g. --encoding latin-1"
    return "half a character, a lone surrogate"


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
