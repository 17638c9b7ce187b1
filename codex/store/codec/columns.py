"""Nouns as rows of a table, and back: a column for each field, or for what the field holds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from datetime import UTC, datetime
from enum import StrEnum
from types import NoneType
from typing import Any, get_args, get_origin

from codex.store.codec.nouns import Form, Part, finite, parts
from codex.store.database.file import Row


@dataclass(frozen=True, slots=True)
class Column:
    """Where a field of a noun is stored."""

    name: str
    """Of the column."""
    part: Part
    form: Form


def columns_of(noun: type, left_out: Iterable[str] = (), **renamed: str) -> tuple[Column, ...]:
    """The columns of a noun's fields, each under the field's name unless `renamed` says another.

    left_out: fields that are stored otherwise.
    """
    kept = (part for part in parts(noun) if part.name not in left_out)
    return tuple(Column(renamed.get(part.name, part.name), part, _form(part)) for part in kept)


def written(columns: Sequence[Column], noun: object) -> dict[str, Any]:
    """column -> value."""
    return {column.name: column.form.write(getattr(noun, column.part.name)) for column in columns}


def read(columns: Sequence[Column], row: Row) -> dict[str, Any]:
    """field -> value; a field whose column came later than the row has its default."""
    found = {}
    for column in columns:
        value = row[column.name]
        if value is not None:
            found[column.part.name] = column.form.read(value)
        elif column.part.optional:
            found[column.part.name] = None
    return found


def naive_utc(moment: datetime) -> datetime:
    """A time as it is stored: in UTC, without saying so."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def in_utc(moment: datetime) -> datetime:
    """A time as it was before it was stored."""
    return moment.replace(tzinfo=UTC)


def as_json(value: object) -> str:
    """A value of a column of JSON."""
    # Half a character is left as it is: the database refuses it, as it does in every other text.
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _form(part: Part) -> Form:
    """How a field stands in its column: a list of texts as it is, any other noun or row as JSON."""
    kind = next((each for each in get_args(part.annotation) if part.optional and each is not NoneType), None)
    kind = kind or part.annotation
    if kind in COLUMN_FORMS:
        return COLUMN_FORMS[kind] if not part.optional else OPTIONAL_FORMS.get(kind, COLUMN_FORMS[kind])
    if is_dataclass(kind) or get_origin(kind) in (tuple, dict):
        return Form(
            lambda value: None if value is None or value == () else as_json(part.form.write(value)),
            lambda text: part.form.read(json.loads(text)),
        )
    return Form(part.form.write, kind if isinstance(kind, type) and issubclass(kind, StrEnum) else _same)


def _same(value: Any) -> Any:
    return value


COLUMN_FORMS: Mapping[Any, Form] = {
    bytes: Form(_same, _same),
    datetime: Form(naive_utc, in_utc),
    float: Form(_same, lambda value: finite(value) or 0.0),
    tuple[str, ...]: Form(list, tuple),
}
OPTIONAL_FORMS: Mapping[Any, Form] = {float: Form(finite, _same)}
