"""CSV: every row is written with its column names, so that it can be understood on its own."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice

from codex.retrieval.readers.csv_headings import Headings, find_headings
from codex.retrieval.readers.draft import HEADING_CHARACTERS, Draft, counted
from codex.retrieval.readers.encodings import decode
from codex.retrieval.readers.reading import Reading

LOOKED_AT = 200
"""Rows among which the headings are looked for, and what the table looks like below them."""

_DELIMITERS = ",;\t|"
_SNIFFED_ROWS = 50
_SNIFFED = 100_000
"""Characters in which the delimiter is looked for."""
_SEPARATOR = re.compile(r"\"?sep=(.)\"?[;,\t|]*\r?\n", re.IGNORECASE)
_FORMULA = re.compile(r'="([^"]*)"')


def read_csv(data: bytes, name: str, encoding: str = "", *, tabs: bool = False) -> Reading:
    """Rows as "heading: value; heading: value", an empty line between two; lines above the table as they are.

    encoding: a codec named by the user; "": detected. tabs: tabs are between the cells, whatever it
    looks like. Raises UnreadableDocument.
    """
    text, note = decode(data, encoding)
    csv.field_size_limit(max(131_072, len(text)))
    # A NUL would end the parsing, a mark within the text is a character of the first heading.
    text = text.replace("\0", "").removeprefix("\ufeff")
    separator = _SEPARATOR.match(text)
    delimiter = separator[1] if separator else "\t" if tabs and "\t" in text else _delimiter(text)
    rows = _rows(text[separator.end() :] if separator else text, delimiter)
    beginning = list(islice(rows, LOOKED_AT))
    first = [_without_end(cells) for cells in beginning]
    found = find_headings(first, [len(cells) for cells in beginning])
    draft = Draft(name)
    for number, row in enumerate(first[: found.above]):
        _add_above(draft, row, is_title=not number and bool(found.names))
    longer = _add_rows(draft, first[found.above + found.rows :], found)
    longer += _add_rows(draft, map(_without_end, rows), found)
    if found.names and len(first) == found.above + found.rows:
        draft.add("; ".join(filter(None, found.names)))
    return draft.reading(note, counted(longer, "row", "with more cells than headings"))


def _rows(text: str, delimiter: str) -> Iterator[list[str]]:
    """The rows that are not empty."""
    for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
        cells = [" ".join(_FORMULA.sub(r"\1", cell).split()) for cell in row]
        if any(cells):
            yield cells


def _without_end(cells: list[str]) -> list[str]:
    """A row without the empty cells at its end."""
    filled = len(cells)
    while filled and not cells[filled - 1]:
        filled -= 1
    return cells[:filled]


def _add_above(draft: Draft, row: list[str], *, is_title: bool) -> None:
    """A line above the table: its title or a remark about it."""
    cells = [cell for cell in row if cell]
    line = " ".join(cells) if len(cells) > 1 and cells[0].endswith(":") else "; ".join(cells)
    is_title = is_title and len(cells) == 1 and len(line) <= HEADING_CHARACTERS
    draft.add(line, 1 if is_title else 0)


def _add_rows(draft: Draft, rows: Iterable[list[str]], headings: Headings) -> int:
    """Append them; returns how many are longer than the headings."""
    longer = 0
    for row in rows:
        if headings.names and row == list(headings.names):
            continue  # Tables that were joined repeat their headings.
        longer += 0 < len(headings.names) < len(row)
        draft.add(headings.named(row))
    return longer


def _delimiter(text: str) -> str:
    """The delimiter that splits most of the first rows into the same number of columns, at least two."""

    def fit(delimiter: str) -> tuple[int, int]:
        try:
            rows = list(islice(csv.reader(io.StringIO(text[:_SNIFFED]), delimiter=delimiter), _SNIFFED_ROWS))
        except csv.Error:
            return 0, 0
        widths = Counter(len(row) for row in rows if row)
        width, count = max(widths.items(), key=lambda it: (it[1], it[0]), default=(1, 0))
        return (count, width) if width > 1 else (0, 0)

    return max(_DELIMITERS, key=fit)
