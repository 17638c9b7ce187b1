"""The formats in which labels leave and come in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal, get_args

from codex.errors import InvalidInput
from codex.labelling.formats import argilla, csv_table, json_list, jsonl, label_studio, parquet
from codex.labelling.rows import LabelRow, Problem, Unusable

FormatName = Literal["csv", "jsonl", "parquet", "label-studio", "argilla"]


@dataclass(frozen=True, slots=True)
class Format:
    """How labels stand in a file."""

    suffix: str
    media_type: str
    write: Callable[[Iterable[LabelRow], BinaryIO], None]
    read: Callable[[str], Iterator[LabelRow | Problem]] | None
    """Of a text; None: `parquet.read`, of a file."""


FORMATS: dict[FormatName, Format] = {
    "csv": Format(".csv", "text/csv", csv_table.write, csv_table.read),
    "jsonl": Format(".jsonl", "application/x-ndjson", jsonl.write, jsonl.read),
    "parquet": Format(".parquet", "application/vnd.apache.parquet", parquet.write, None),
    "label-studio": Format(".json", "application/json", label_studio.write, label_studio.read),
    "argilla": Format(".json", "application/json", argilla.write, argilla.read),
}


def format_named(name: str) -> Format:
    """A format by its name. Raises InvalidInput."""
    if name not in FORMATS:
        raise InvalidInput(f"A format is one of {', '.join(FORMATS)}, not {name!r}.", ["format"])
    return FORMATS[name]


def format_of(path: Path) -> FormatName:
    """The format that a file's ending says; a list in JSON is Label Studio's. Raises InvalidInput."""
    for name in get_args(FormatName):
        if path.name.lower().endswith(FORMATS[name].suffix):
            return name  # type: ignore[no-any-return]
    endings = dict.fromkeys(each.suffix for each in FORMATS.values())
    raise InvalidInput(
        f"{path.name} ends in none of {', '.join(endings)}: rename it, or say its format.", ["format"]
    )


def read(path: Path, name: FormatName | None = None) -> Iterator[LabelRow | Problem]:
    """The rows of a file, and why others cannot be used.

    name: None: by the file's ending, and a list in JSON by what it holds. Raises InvalidInput for a file of
    which nothing can be read.
    """
    chosen = name or format_of(path)
    try:
        reading = FORMATS[chosen].read
        if reading is None:
            yield from parquet.read(path)
            return
        data = path.read_bytes().decode("utf-8-sig")
        if name is None and chosen == "label-studio" and _is_argilla(data):
            reading = argilla.read
        yield from reading(data)
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path.name} is not in UTF-8: save it in that encoding.", ["file"]) from error
    except OSError as error:
        raise InvalidInput(f"{path.name} cannot be read: {error.strerror or error}.", ["file"]) from error
    except Unusable as wrong:
        raise InvalidInput(f"{path.name}, column {wrong.column}: {wrong}", [wrong.column]) from wrong


def _is_argilla(data: str) -> bool:
    try:
        found: list[Any] = json_list.entries(data)
    except (Unusable, json.JSONDecodeError):
        return False
    return bool(found) and isinstance(found[0], dict) and "responses" in found[0]
