"""The questions of a table, and the rows of it that are none."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from codex.errors import InvalidInput
from codex.evaluation.columns import Columns, Given, columns, item
from codex.evaluation.items import Item
from codex.evaluation.table_files import Rejected, Row
from codex.evaluation.table_files import rows as rows_of

KINDS = 100
"""Rows with different columns, as JSONL may have them, whose columns are remembered."""


class Accepted(NamedTuple):
    """A row that is a question."""

    line: int
    item: Item


class Duplicate(NamedTuple):
    """A row that asks and accepts the same as one before it."""

    line: int


def questions(
    rows: Iterable[Row | Rejected], group: str, given: Given | None = None, *, barred: bool = False
) -> Iterator[Accepted | Duplicate | Rejected]:
    """What each row is, in order.

    given: which column holds a field, where its name does not say so. barred: see `columns.item`.
    A row whose id an earlier one has with other content is rejected. Raises InvalidInput where the first
    row lacks a column that is needed.
    """
    contents: dict[int, int] = {}
    for row in _asked(rows, group, given, barred):
        if isinstance(row, Rejected):
            yield row
            continue
        name, content = _digest(row.item.id), _content(row.item)
        if name not in contents:
            contents[name] = content
            yield row
        elif contents[name] == content:
            yield Duplicate(row.line)
        else:
            why = f"an earlier row with the id {row.item.id[:40]!r} has another question or other answers"
            yield Rejected(row.line, why)


def read(
    path: Path, group: str, given: Given | None = None, encoding: str | None = None
) -> Iterator[Accepted | Duplicate | Rejected]:
    """The questions of a file; see `questions` and `table_files.rows`."""
    barred = path.name.lower().removesuffix(".gz").endswith((".csv", ".tsv"))
    return questions(rows_of(path, encoding), group, given, barred=barred)


def _asked(
    rows: Iterable[Row | Rejected], group: str, given: Given | None, barred: bool
) -> Iterator[Accepted | Rejected]:
    found: dict[tuple[str, ...], Columns] = {}
    for row in rows:
        if isinstance(row, Rejected):
            yield row
            continue
        names = tuple(row.values)
        try:
            if names not in found:
                kind = columns(names, given)
                if len(found) == KINDS:
                    found.clear()
                found[names] = kind
            yield Accepted(row.line, item(row.values, found[names], group, barred=barred))
        except InvalidInput as wrong:
            if not found:
                raise
            yield Rejected(row.line, str(wrong).removesuffix("."))


def _content(asked: Item) -> int:
    return _digest(repr((asked.question, asked.context, asked.choices, asked.answers, asked.answerable)))


def _digest(text: str) -> int:
    # A number takes less memory than the text: a set may hold a million.
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big")
