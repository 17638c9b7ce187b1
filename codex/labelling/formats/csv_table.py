"""Labels as CSV: a column for each part of a label; no cell is a formula to a spreadsheet.

A text that a spreadsheet would take for a formula has an apostrophe before it, which reading takes away.
Tags and spans are lists in JSON.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, BinaryIO

from codex.evaluation.report import cell
from codex.labelling.formats.columns import COLUMNS, check_columns, row_of, values_of
from codex.labelling.rows import LabelRow, Problem, Unusable

LISTS = ("tags", "spans")
NUMBERS = ("confidence", "probability")
WORDS = {"": None, "true": True, "false": False, "1": True, "0": False}
LARGEST = 64 * 2**20
"""Characters of a cell; a longer one is no CSV."""


def write(rows: Iterable[LabelRow], out: BinaryIO) -> None:
    """A heading, and a line for each row."""
    text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_cell(name, value) for name, value in values_of(row).items()])
    text.detach()


def read(data: str) -> Iterator[LabelRow | Problem]:
    """The rows, and why others cannot be used. Raises Unusable for the heading."""
    csv.field_size_limit(LARGEST)
    reader = csv.reader(io.StringIO(data, newline=""), strict=True)
    try:
        heading = [name.strip() for name in next(reader, [])]
        if len(set(heading)) < len(heading):
            twice = next(name for name in heading if heading.count(name) > 1)
            raise Unusable(twice, "there are two of it: remove one.")
        check_columns(heading)
        for number, cells in enumerate((cells for cells in reader if cells), 1):
            if len(cells) != len(heading):
                yield Problem(number, heading[0], f"it has {len(cells)} cells for {len(heading)} columns.")
                continue
            try:
                row = row_of(_values(dict(zip(heading, cells, strict=True))))
                yield replace(row, number=number)
            except Unusable as wrong:
                yield Problem(number, wrong.column, str(wrong))
    except csv.Error as error:
        raise Unusable("any", f"line {reader.line_num:,} is no CSV: {error}.") from error


def guarded(text: str) -> str:
    """The text as a cell that is no formula; `unguarded` gives it back, whatever it is."""
    return f"'{text}" if _would_act(text.lstrip("'")) else text


def unguarded(text: str) -> str:
    """The text of a cell."""
    return text[1:] if text.startswith("'") and _would_act(text.lstrip("'")) else text


def _would_act(text: str) -> bool:
    return cell(text) != text


def _cell(name: str, value: Any) -> object:
    if name == "made_at":
        return value.isoformat() if value else ""
    if name in LISTS:
        return json.dumps(value, ensure_ascii=False) if value else ""
    if isinstance(value, bool):
        return str(value).lower()
    return guarded(value) if isinstance(value, str) else value


def _values(cells: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, written in cells.items():
        text = unguarded(written)
        if name in NUMBERS:
            found[name] = _number(name, text)
        elif name in LISTS:
            found[name] = _list(name, text)
        elif name == "adjudicated":
            found[name] = WORDS.get(text.strip().lower(), text)
        else:
            found[name] = text
    return found


def _number(name: str, text: str) -> float | None:
    try:
        return float(text) if text.strip() else None
    except ValueError as error:
        raise Unusable(name, f"{text[:60]!r} is no number.") from error


def _list(name: str, text: str) -> Any:
    try:
        return json.loads(text) if text.strip() else []
    except (ValueError, RecursionError) as error:
        raise Unusable(name, f'{text[:60]!r} is no list in JSON, such as ["date"].') from error
