"""Files of rows to classify, and the same rows with their labels: CSV, JSON lines and Parquet."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import duckdb

from codex.datasets.table_files import Rejected, rows
from codex.errors import InvalidInput
from codex.evaluation.report import cell

ENDINGS = (".csv", ".jsonl", ".ndjson", ".parquet")
"""What is written."""


@dataclass(frozen=True, slots=True)
class Given:
    """The rows of a file, in order."""

    names: tuple[str, ...]
    rows: list[dict[str, Any]]
    problems: dict[int, str]
    """Why a row, by its index, cannot be classified."""


def read(path: Path, columns: Sequence[str], encoding: str | None = None) -> Given:
    """All rows; those without a value in any of the columns are problems. Raises InvalidInput, NotFound."""
    names: dict[str, None] = {}
    found: list[dict[str, Any]] = []
    problems: dict[int, str] = {}
    for each in rows(path, encoding, known=columns):
        if isinstance(each, Rejected):
            problems[len(found)] = f"line {each.line:,}: {each.reason}"
            found.append({})
            continue
        values = each.values
        names |= dict.fromkeys(values)
        if all(values.get(column) in (None, "") for column in columns):
            problems[len(found)] = f"line {each.line:,}: there is nothing in {', '.join(columns)}"
        elif any("\udc80" <= c <= "\udcff" for column in columns for c in str(values.get(column))):
            problems[len(found)] = f"line {each.line:,}: it is not in that encoding; give --encoding"
        found.append(values)
    missing = [column for column in columns if column not in names]
    if missing:
        raise InvalidInput(
            f"{path.name} has no column {missing[0]!r}; it has {', '.join(names) or 'none'}.", ["column"]
        )
    return Given(tuple(names), found, problems)


def check_writable(path: Path, overwrite: bool) -> None:
    """Raises InvalidInput for an ending that is not written, and for a file that is there already."""
    if not path.name.lower().endswith(ENDINGS):
        raise InvalidInput(f"{path.name} ends in none of {', '.join(ENDINGS)}: rename it.", ["output"])
    if path.exists() and not overwrite:
        raise InvalidInput(f"{path} is there already: name another file, or give --overwrite.", ["output"])


def write(
    out: BinaryIO,
    path: Path,
    names: Sequence[str],
    numbers: Sequence[str],
    lines: Iterator[Mapping[str, Any]],
) -> None:
    """The lines in the format of the path's ending; names: all columns; numbers: those of probabilities."""
    if path.name.lower().endswith(".parquet"):
        _write_parquet(out, names, numbers, lines)
    elif path.name.lower().endswith(".csv"):
        text = io.TextIOWrapper(out, encoding="utf-8", errors="replace", newline="", write_through=True)
        writer = csv.writer(text)
        writer.writerow([cell(name) for name in names])
        for line in lines:
            writer.writerow([cell(_flat(line.get(name))) for name in names])
        text.detach()
    else:
        for line in lines:
            kept = {name: _plain(line[name]) for name in names if name in line}
            out.write(json.dumps(kept, ensure_ascii=False, default=str).encode("utf-8", "replace") + b"\n")


def _write_parquet(
    out: BinaryIO, names: Sequence[str], numbers: Sequence[str], lines: Iterator[Mapping[str, Any]]
) -> None:
    """Columns of the file keep no more of their type than that they are numbers or text."""
    held = [[_flat(line.get(name)) for name in names] for line in lines]
    is_number = [
        name in numbers or all(isinstance(row[at], int | float | None) for row in held)
        for at, name in enumerate(names)
    ]
    columns = ", ".join(
        f'"{name.replace(chr(34), chr(34) * 2)}" {"DOUBLE" if number else "VARCHAR"}'
        for name, number in zip(names, is_number, strict=True)
    )
    with tempfile.TemporaryDirectory(prefix="codex-") as folder, duckdb.connect() as db:
        db.execute("SET memory_limit = '512MB'; SET threads = 1")
        db.execute(f"CREATE TABLE rows ({columns})")
        if held:
            places = ", ".join("?" * len(names))
            texts = [
                [_text(value) if not number else value for value, number in zip(row, is_number, strict=True)]
                for row in held
            ]
            db.executemany(f"INSERT INTO rows VALUES ({places})", texts)  # noqa: S608 - places alone
        path = Path(folder) / "rows.parquet"
        db.execute(f"COPY rows TO '{re.sub(chr(39), chr(39) * 2, str(path))}' (FORMAT parquet)")
        with path.open("rb") as file:
            while block := file.read(2**20):
                out.write(block)


def _text(value: Any) -> str | None:
    return None if value is None else str(value).encode("utf-8", "replace").decode()


def _flat(value: Any) -> Any:
    """What a cell of a table holds."""
    value = _plain(value)
    return (
        json.dumps(value, ensure_ascii=False, default=str)
        if isinstance(value, list | dict | tuple)
        else value
    )


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
