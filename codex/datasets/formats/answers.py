"""The accepted answers in a cell, whatever holds them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from codex.datasets.formats import cells
from codex.errors import InvalidInput

SUBMITTED = ("submitted", "completed", None)
"""States of a response that counts; drafts and discarded ones do not."""
YES, NO = ("yes", "true"), ("no", "false")
"""What is accepted where the answer is true or false."""
_TEXTS = (
    "value",
    "aliases",
    "text",
    "spans",
    "choices",
    "number",
    "rating",
    "answer",
    "answers",
    "short_answers",
)
"""The keys of an object that hold the texts: TriviaQA's, SQuAD's, DROP's, those of Label Studio."""
_DESCRIPTION = re.compile(r'\(description (?:"([^"]*)"|([^()"]*))\)')
_FINAL = "####"
_PARTS = ("number", "date", "spans")


class How(NamedTuple):
    """How the texts of a column are read."""

    split: str | None = None
    """What parts several answers in one text."""
    worked: bool = False
    """The text is a worked solution, whose answer stands in its last box."""


_PLAIN = How()


def texts(value: object, field: str, how: How = _PLAIN, depth: int = 0) -> list[str]:
    """The texts of a cell, without the empty ones. Raises InvalidInput for what cannot be read as texts."""
    if depth > cells.DEEPEST:
        raise cells.too_deep(field)
    if cells.is_missing(value):
        return []
    if isinstance(value, str):
        held = cells.opened(value, field)
        return _of_text(value, field, how) if held is value else texts(held, field, _PLAIN, depth + 1)
    if isinstance(value, Mapping):
        return _of_mapping(value, field, how, depth)
    if isinstance(value, list | tuple):
        unsplit = how._replace(split=None)
        return [said for each in value for said in texts(each, field, unsplit, depth + 1)]
    if isinstance(value, bool):
        return list(YES if value else NO)
    return [cells.text(value, field)]


def is_empty_span(value: object) -> bool:
    """Whether a cell is SQuAD's answer to a question that its passage does not answer."""
    held = cells.opened(value, "answers")
    if not isinstance(held, Mapping) or not {"text", "answer_start"} <= held.keys():
        return False
    return not texts(held["text"], "answers")


def _of_text(value: str, field: str, how: How) -> list[str]:
    said = cells.text(value, field).strip()
    final = _final(said, how.worked)
    parts = final.split(how.split) if how.split else [final]
    return [part.strip() for part in parts if part.strip()]


def _final(said: str, worked: bool) -> str:
    """The answer of a worked solution, which stands behind #### in its last line, or in a box."""
    last = said.rpartition("\n")[2].strip()
    if last.startswith(_FINAL) and not last.startswith(_FINAL + "#"):
        return last.removeprefix(_FINAL).strip()
    return boxed(said) or said if worked else said


def boxed(said: str) -> str:
    """What stands in the last box of a text; empty where there is none."""
    for command in ("\\boxed{", "\\fbox{"):
        begin = said.rfind(command)
        if begin < 0:
            continue
        depth, start = 1, begin + len(command)
        for at in range(start, len(said)):
            depth += {"{": 1, "}": -1}.get(said[at], 0)
            if not depth:
                return said[start:at].strip()
    return ""


def _of_mapping(value: Mapping[str, object], field: str, how: How, depth: int) -> list[str]:
    named = {str(name).casefold(): held for name, held in value.items()}
    if "date" in named and "spans" in named:
        return _of_annotation(named, field, depth)
    if "status" in named and "value" in named:
        return texts(_submitted(named["value"], named["status"]), field, how, depth + 1)
    found = [named[name] for name in _TEXTS if name in named]
    if not found:
        raise InvalidInput(f"its {field} is an object without text, value or aliases")
    return [said for each in found for said in texts(each, field, how, depth + 1)]


def _submitted(value: object, status: object) -> object:
    """Of Argilla's responses, one or a list of them, what was handed in."""
    if isinstance(value, list) and isinstance(status, list):
        return [each for each, state in zip(value, status, strict=False) if state in SUBMITTED]
    return value if status in SUBMITTED else None


def _of_annotation(named: Mapping[str, object], field: str, depth: int) -> list[str]:
    """What one annotator of DROP gave: a number, a date, or spans that are the answer together."""
    if isinstance(named.get("number"), list):
        return _of_annotations(named, field, depth)
    number, date = texts(named.get("number"), field), named["date"]
    if number:
        return number
    parts = (
        [cells.text(date.get(name), field) for name in ("day", "month", "year")]
        if isinstance(date, Mapping)
        else []
    )
    if any(parts):
        return [" ".join(part for part in parts if part)]
    spans = texts(named["spans"], field, depth=depth + 1)
    return [", ".join(spans)] if spans else []


def _of_annotations(named: Mapping[str, object], field: str, depth: int) -> list[str]:
    """Several annotators' answers in lists side by side."""
    columns = [held for held in map(named.get, _PARTS) if isinstance(held, list)]
    if len(columns) < len(_PARTS):
        raise InvalidInput(f"its {field} are lists of which one is missing")
    rows = (dict(zip(_PARTS, row, strict=True)) for row in zip(*columns, strict=False))
    return [said for row in rows for said in _of_annotation(row, field, depth + 1)]


def descriptions(said: str) -> list[str]:
    """The answers in WebQuestions' own notation, `(list (description "Ann") (description Ben))`."""
    return [quoted or plain for quoted, plain in _DESCRIPTION.findall(said)]
