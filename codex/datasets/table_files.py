"""Rows of CSV, JSON and Parquet files, one after another: a file of any size takes little memory."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb

from codex.datasets import csv_files, json_files
from codex.datasets.formats.classes import Names, class_names, with_classes
from codex.datasets.text_files import MOST_CHARACTERS, Rejected, Row, opened
from codex.errors import InvalidInput, NotFound

__all__ = ["MOST_CHARACTERS", "SUFFIXES", "Rejected", "Row", "is_table", "rows"]

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet")
"""What is read; all but Parquet also with .gz after it."""


def is_table(path: Path) -> bool:
    """Whether the name is that of a file which `rows` reads."""
    return path.name.lower().removesuffix(".gz").endswith(SUFFIXES)


def rows(path: Path, encoding: str | None = None, known: Iterable[str] = ()) -> Iterator[Row | Rejected]:
    """The rows of a file, in order.

    encoding: of the text; None: UTF-8, or UTF-16 where the file begins as such. What is not in that
    encoding stands in the values as lone surrogates, and in the names of columns as \\udcff. known: names by
    which a heading is recognised, besides the usual ones. Raises NotFound, InvalidInput for a file that is
    empty, no text, or cut off.
    """
    name = path.name.lower().removesuffix(".gz")
    if not path.is_file():
        raise NotFound(f"There is no file {path}.")
    if not name.endswith(SUFFIXES):
        raise InvalidInput(f"{path.name} is none of {', '.join(SUFFIXES)}: rename it, or convert it.")
    try:
        if name.endswith(".parquet"):
            yield from _parquet(path)
            return
        with opened(path, encoding) as text:
            is_csv = name.endswith((".csv", ".tsv"))
            found = csv_files.rows(text, path, known) if is_csv else json_files.rows(text, path)
            yield from map(_with_whole_names, found)
    except (EOFError, gzip.BadGzipFile, zlib.error) as wrong:
        raise InvalidInput(f"{path.name} is cut off or broken: {wrong}. Fetch it again.") from wrong
    except UnicodeError as wrong:
        raise InvalidInput(f"{path.name} is not in that encoding: {wrong}. Give another one.") from wrong
    except OSError as wrong:
        raise InvalidInput(f"{path.name} cannot be read: {wrong.strerror or wrong}.") from wrong


def _with_whole_names(row: Row | Rejected) -> Row | Rejected:
    """A row whose columns can be named in files and responses, which hold no half characters."""
    if isinstance(row, Rejected) or all(map(str.isascii, row.values)):
        return row
    return Row(row.line, {_whole(name): value for name, value in row.values.items()})


def _whole(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()


def _parquet(path: Path) -> Iterator[Row | Rejected]:
    connection = duckdb.connect()
    try:
        # Without these the reader fills the memory that it finds.
        connection.execute("SET memory_limit = '512MB'; SET threads = 1")
        # A path is a pattern there: its * ? [ stand for themselves in brackets.
        pattern = re.sub(r"([*?\[])", r"[\1]", str(path))
        found = connection.execute("SELECT * FROM read_parquet(?)", [pattern])
        names = [column[0] for column in found.description or []]
        classes = _classes(pattern)
        number = 0
        while batch := found.fetchmany(256):
            for values in batch:
                number += 1
                row = dict(zip(names, values, strict=True))
                yield Row(number, with_classes(row, classes) if classes else row)
    except duckdb.Error as wrong:
        raise InvalidInput(f"{path.name} is not readable Parquet: {str(wrong).splitlines()[0]}") from wrong
    finally:
        connection.close()


def _classes(pattern: str) -> Names:
    """What the numbers of columns stand for, where the package datasets wrote it into the file."""
    with duckdb.connect() as connection:
        query = "SELECT value FROM parquet_kv_metadata(?) WHERE decode(key) = 'huggingface'"
        found = connection.execute(query, [pattern]).fetchone()
    try:
        return class_names(json.loads(found[0])["info"]["features"]) if found else {}
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
