"""Labels as lines of JSON, an object each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import BinaryIO

from codex.labelling.formats.columns import check_columns, row_of, values_of
from codex.labelling.rows import LabelRow, Problem, Unusable


def write(rows: Iterable[LabelRow], out: BinaryIO) -> None:
    """A line for each row."""
    for row in rows:
        values = values_of(row)
        made_at = values["made_at"]
        values["made_at"] = made_at.isoformat() if made_at else None
        out.write(json.dumps(values, ensure_ascii=False, allow_nan=False).encode() + b"\n")


def read(data: str) -> Iterator[LabelRow | Problem]:
    """The rows, and why others cannot be used."""
    lines = (line for line in data.split("\n") if line.strip())
    for number, line in enumerate(lines, 1):
        try:
            yield replace(_row(line), number=number)
        except Unusable as wrong:
            yield Problem(number, wrong.column, str(wrong))


def _row(line: str) -> LabelRow:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Unusable("any", f"it is no JSON: {error}.") from error
    if not isinstance(values, dict):
        raise Unusable("any", "it is no JSON object.")
    check_columns(values)
    return row_of(values)
