"""Tables of comma-separated values: each row says by itself what its values are."""

from __future__ import annotations

import csv
import io
from itertools import islice

from codex.retrieval.encodings import decode
from codex.retrieval.reading import Reading
from codex.retrieval.reading_draft import Draft

_DELIMITERS = ",;\t|"
_SNIFFED_ROWS = 50
_SNIFFED = 100_000
"""Characters in which the delimiter is sought."""
_NUMERIC = frozenset("0123456789.,:/%+- ")


def read_csv(data: bytes, name: str, encoding: str = "") -> Reading:
    """Rows as "heading: value; heading: value", an empty line between two. Raises UnreadableDocument."""
    text, note = decode(data, encoding)
    csv.field_size_limit(max(131_072, len(text)))
    # A NUL would end the parsing.
    text = text.replace("\0", "")
    rows = (
        [" ".join(cell.split()) for cell in row]
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    )
    filled = (row for row in rows if any(row))
    first = next(filled, [])
    headings = first if _is_heading(first) else []
    draft = Draft(name)
    if not headings:
        draft.add(_row(first, headings))
    empty = True
    for row in filled:
        draft.add(_row(row, headings))
        empty = False
    if headings and empty:
        draft.add("; ".join(first))
    return draft.reading(note)


def _row(values: list[str], headings: list[str]) -> str:
    return "; ".join(
        f"{headings[column]}: {value}" if column < len(headings) else value
        for column, value in enumerate(values)
        if value
    )


def _is_heading(row: list[str]) -> bool:
    """Whether the first row names the columns: every one, each by another name, none by a number."""
    return (
        len(row) > 1
        and all(row)
        and len(set(row)) == len(row)
        and not any(_NUMERIC.issuperset(cell) for cell in row)
    )


def _delimiter(text: str) -> str:
    """The one that cuts the most of the first rows into the same number of columns, more than one."""

    def fit(delimiter: str) -> tuple[int, int]:
        try:
            rows = list(islice(csv.reader(io.StringIO(text[:_SNIFFED]), delimiter=delimiter), _SNIFFED_ROWS))
        except csv.Error:
            return 0, 0
        widths = [len(row) for row in rows if row]
        width = max(set(widths), key=widths.count, default=1)
        return (widths.count(width), width) if width > 1 else (0, 0)

    return max(_DELIMITERS, key=fit)
