"""Rows that hold several questions, or hold one in parts: each becomes rows of plain columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from codex.datasets.formats import annotated, chat
from codex.datasets.formats.cells import squeezed

Values = Mapping[str, object]


class Part(NamedTuple):
    """A question of a row."""

    name: str
    """Which of the row's questions it is; empty where there is one."""
    values: Values


def parts(values: Values) -> Iterator[Part]:
    """The questions of a row, as its shape tells: SQuAD's articles, DROP's passages, ASQA, annotated records.

    Raises InvalidInput for a record of an annotation tool that nobody answered.
    """
    named = {squeezed(name): name for name in values}
    paragraphs = _rows(values, named, "paragraphs")
    if paragraphs and all("qas" in each for each in paragraphs):
        for paragraph in paragraphs:
            yield from _asked(paragraph, "qas", ())
    elif "qas" in named and "context" in named:
        yield from _asked(values, named["qas"], ())
    elif "qapairs" in named and "ambiguousquestion" in named:
        # What it asks is ambiguous; its pairs say each reading.
        yield from _asked(values, named["qapairs"], (named["ambiguousquestion"],))
    elif "qapairs" in named:
        yield from _asked(values, named["qapairs"], ())
    elif named.keys() != {"header"}:
        # MRQA's files begin with a header, which asks nothing.
        yield Part("", chat.plain(_plain(annotated.plain(values, named), named), named))


def _asked(values: Values, name: str, without: tuple[str, ...]) -> Iterator[Part]:
    pairs = values.get(name)
    left_out = {name, "id", "annotations", *without}
    shared = {key: value for key, value in values.items() if key not in left_out}
    rows = [each for each in pairs if isinstance(each, Mapping)] if isinstance(pairs, list | tuple) else []
    for number, each in enumerate(rows, 1):
        own = next((each[key] for key in ("id", "qid", "query_id") if each.get(key)), number)
        yield Part(f"question {own}", {**shared, **each})


def _plain(values: Values, named: Mapping[str, str]) -> Values:
    """A row whose question is one text."""
    row = values.get(named.get("row", ""))
    if "rowidx" in named and isinstance(row, Mapping):
        # As the hub's viewer answers.
        return row
    question = values.get(named.get("question", ""))
    if isinstance(question, Mapping) and "stem" in question:
        return {**values, **question, named["question"]: question["stem"]}
    if isinstance(question, Mapping) and isinstance(question.get("text"), str):
        # With its tokens, as NarrativeQA and Natural Questions have it.
        return {**values, named["question"]: question["text"]}
    if {"premise", "choice1", "choice2", "question"} <= named.keys() and question in ("cause", "effect"):
        asked = "What was the cause?" if question == "cause" else "What happened as a result?"
        return {**values, named["question"]: f"{values[named['premise']]} {asked}"}
    if isinstance(question, str) and isinstance(body := values.get(named.get("body", "")), str):
        # The word problems of SVAMP and ASDiv.
        return {**values, named["question"]: f"{body.strip()} {question.strip()}"}
    return values


def _rows(values: Values, named: Mapping[str, str], name: str) -> list[Values]:
    held = values.get(named.get(name, ""))
    return [each for each in held if isinstance(each, Mapping)] if isinstance(held, list | tuple) else []
