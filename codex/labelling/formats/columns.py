"""A row of a table of labels: its columns, their values, and what may stand in them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from codex.labelling.rows import LabelRow, Span, Unusable
from codex.store.labelling.labels import VERDICTS, Label, LabelVerdict

COLUMNS = (
    "run_id",
    "question_id",
    "question",
    "answer",
    "model",
    "confidence",
    "probability",
    "verdict",
    "correction",
    "note",
    "tags",
    "spans",
    "labeller",
    "adjudicated",
    "made_at",
)
NEEDED = ("question_id", "verdict")


def values_of(row: LabelRow) -> dict[str, Any]:
    """column -> value: texts, numbers, a list of tags, a list of pairs, a time."""
    label = row.label
    own = {name: getattr(label, name) for name in COLUMNS if hasattr(label, name)}
    about = {name: getattr(row, name) for name in COLUMNS if hasattr(row, name)}
    return {name: (own | about)[name] for name in COLUMNS} | {
        "tags": list(label.tags),
        "spans": [list(span) for span in label.spans],
    }


def row_of(values: Mapping[str, Any]) -> LabelRow:
    """A row of columns that `check_columns` let pass; what is missing is empty. Raises Unusable."""
    read = {name: _READ[name](name, values.get(name)) for name in COLUMNS}
    names = [name for name in COLUMNS if name in Label.__slots__]
    return LabelRow(
        Label(**{name: read.pop(name) for name in names}),
        **{name: value for name, value in read.items() if value is not None},
    )


def check_columns(names: Iterable[str]) -> None:
    """Raises Unusable for a column that no label has, or where a needed one is missing."""
    names = list(names)
    unknown = next((name for name in names if name not in COLUMNS), None)
    if unknown is not None:
        raise Unusable(
            unknown[:80], f"no label has it: remove or rename it. Columns are {', '.join(COLUMNS)}."
        )
    missing = next((name for name in NEEDED if name not in names), None)
    if missing is not None:
        raise Unusable(missing, "it is missing: a label names its answer and a verdict.")


def text(column: str, value: object) -> str:
    """A text; None is an empty one. Raises Unusable."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Unusable(column, f"{_shown(value)} is no text.")
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        raise Unusable(column, "it holds half a character, a lone surrogate: save the file as UTF-8.")
    return value


def verdict(column: str, value: object) -> LabelVerdict:
    """A verdict, in any case of its letters. Raises Unusable."""
    word = value.strip().casefold() if isinstance(value, str) else value
    if word not in VERDICTS:
        raise Unusable(column, f"{_shown(value)} is no verdict: {', '.join(VERDICTS)}.")
    return word


def share(column: str, value: object) -> float | None:
    """A number in [0, 1]; None: unknown. Raises Unusable."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unusable(column, f"{_shown(value)} is no number.")
    if math.isnan(value):
        return None
    if not 0 <= value <= 1:
        raise Unusable(column, f"{_shown(value)} is not between 0 and 1.")
    return float(value)


def truth(column: str, value: object) -> bool:
    """True or false; None is false. Raises Unusable."""
    if value is not None and not isinstance(value, bool):
        raise Unusable(column, f"{_shown(value)} is neither true nor false.")
    return bool(value)


def moment(column: str, value: object) -> datetime | None:
    """A time; one that names no zone is in UTC. Raises Unusable."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        with suppress(ValueError):
            value = datetime.fromisoformat(value)
    if not isinstance(value, datetime):
        raise Unusable(column, f"{_shown(value)} is no time such as 2026-01-31T12:00:00Z.")
    try:
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    except OverflowError as error:
        raise Unusable(column, f"{_shown(value)} is out of range.") from error


def texts(column: str, value: object) -> tuple[str, ...]:
    """A list of texts. Raises Unusable."""
    if not isinstance(value, list | tuple | None):
        raise Unusable(column, f"{_shown(value)} is no list of texts.")
    return tuple(text(column, each) for each in value or ())


def pairs(column: str, value: object) -> tuple[Span, ...]:
    """A list of pairs of whole numbers. Raises Unusable."""
    if not isinstance(value, list | tuple | None) or not all(map(_is_pair, value or ())):
        raise Unusable(column, f"{_shown(value)} is no list of pairs of a first and a last token.")
    return tuple((first, last) for first, last in value or ())


def _is_pair(value: object) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(value) == 2
        and all(isinstance(end, int) and not isinstance(end, bool) for end in value)
    )


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


_READ: dict[str, Callable[[str, Any], Any]] = dict.fromkeys(COLUMNS, text) | {
    "confidence": share,
    "probability": share,
    "verdict": verdict,
    "tags": texts,
    "spans": pairs,
    "adjudicated": truth,
    "made_at": moment,
}
