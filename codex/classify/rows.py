"""Rows of a table as text for a model, and which X holds texts already."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, Literal, get_args

from codex.errors import UnusableRows

FormatType = Literal["list", "table", "json"]
FORMATS: tuple[FormatType, ...] = get_args(FormatType)
MISSING = "missing"
"""Stands in a row for a value that is not there."""


def texts_of(X: Any) -> list[str] | None:
    """The texts that X is; None: X is a table of values.

    Raises UnusableRows for one text alone, or where only some are texts.
    """
    if isinstance(X, str):
        raise UnusableRows("X is one text: give a list of texts, a row each.", ["X"])
    if hasattr(X, "columns") or getattr(X, "ndim", 1) != 1 or not hasattr(X, "__len__"):
        return None
    values = list(X)
    if not any(isinstance(value, str) for value in values):
        return None
    for at, value in enumerate(values):
        if not isinstance(value, str):
            raise UnusableRows(f"Row {at} of X is no text but {value!r}: fill it in, or leave it out.", ["X"])
    return [str(value) for value in values]


def row_text(names: Sequence[str], values: Sequence[Any], form: FormatType) -> str:
    """A row with the names of its columns, in one of the formats."""
    if form == "json":
        return json.dumps(
            {name: _json(value) for name, value in zip(names, values, strict=True)}, ensure_ascii=False
        )
    shown = [_shown(value) for value in values]
    if form == "table":
        lines = [_table_line(names), _table_line(["---"] * len(shown)), _table_line(shown)]
        return "\n".join(lines)
    return "\n".join(f"- {name}: {value}" for name, value in zip(names, shown, strict=True))


def _table_line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _shown(value: Any) -> str:
    plain = _json(value)
    if plain is None:
        return MISSING
    return " ".join(plain.split()) if isinstance(plain, str) else str(plain)


def _json(value: Any) -> str | int | float | bool | None:
    """Whole numbers without a point; six digits of others are more than a model reads."""
    if hasattr(value, "item"):
        value = value.item()
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, float):
        if math.isfinite(value) and value.is_integer() and abs(value) < 2**53:
            return int(value)
        rounded = float(f"{value:.6g}")
        return rounded if math.isfinite(rounded) else str(value)
    return value if isinstance(value, str | int | bool) else str(value)
