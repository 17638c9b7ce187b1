"""Rows of CSV, JSONL and Parquet files, one after another: a file of any size takes little memory."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, TextIO, cast

import duckdb

from codex.errors import InvalidInput, NotFound

MOST_CHARACTERS = 1_000_000
"""A row may hold; longer ones are rejected without being read into memory."""
SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
"""What is read; all but Parquet also with .gz after it."""

_DELIMITERS = ",;\t|"
_NOT_TEXT = {b"PK\x03\x04": "a ZIP or Excel file", b"%PDF": "a PDF", b"SQLi": "an SQLite database"}
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
# An error in every state that the strict reader of CSV can be in, so that it begins anew with the next line.
_TOO_LONG = '"x"x\n'


class Row(NamedTuple):
    """A row as it stands in the file."""

    line: int
    """Counted from 1; of Parquet the number of the row."""
    values: dict[str, object]


class Rejected(NamedTuple):
    """A row that cannot be used."""

    line: int
    reason: str


def is_table(path: Path) -> bool:
    """Whether the name is that of a file which `rows` reads."""
    return path.name.lower().removesuffix(".gz").endswith(SUFFIXES)


def rows(path: Path, encoding: str | None = None) -> Iterator[Row | Rejected]:
    """The rows of a file, in order.

    encoding: of the text; None: UTF-8, or UTF-16 where the file begins with its mark. What is not in that
    encoding stands in the values as lone surrogates. Raises NotFound, InvalidInput for a file that is
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
        else:
            with _opened(path, encoding) as text:
                yield from _jsonl(text, path) if name.endswith(("jsonl", "ndjson")) else _csv(text, path)
    except (EOFError, gzip.BadGzipFile, zlib.error) as wrong:
        raise InvalidInput(f"{path.name} is cut off or broken: {wrong}. Fetch it again.") from wrong
    except UnicodeError as wrong:
        raise InvalidInput(f"{path.name} is not in that encoding: {wrong}. Give another one.") from wrong
    except OSError as wrong:
        raise InvalidInput(f"{path.name} cannot be read: {wrong.strerror or wrong}.") from wrong


def _opened(path: Path, encoding: str | None) -> TextIO:
    how = gzip.open if path.suffix.lower() == ".gz" else open
    data = cast(BinaryIO, how(path, "rb"))
    begin = data.read(4)
    data.seek(0)
    what = _NOT_TEXT.get(begin)
    if what or begin[:2] == b"\x1f\x8b":
        data.close()
        raise InvalidInput(f"{path.name} is {what or 'packed twice'}, not text: save it as CSV or JSONL.")
    if not begin:
        data.close()
        raise InvalidInput(f"{path.name} is empty.")
    marked = next((name for mark, name in _BOMS if begin.startswith(mark)), "utf-8")
    is_utf_8 = encoding is None or encoding.lower().replace("-", "") == "utf8"
    try:
        return io.TextIOWrapper(
            data, encoding=marked if is_utf_8 else encoding, errors="surrogateescape", newline=""
        )
    except LookupError as wrong:
        data.close()
        raise InvalidInput(f"There is no encoding {encoding!r}. Examples: utf-8, latin-1, cp1252.") from wrong


def _lines(text: TextIO) -> Iterator[tuple[int, str | None]]:
    """Each line with its number; None instead of one that is too long."""
    number = 0
    while line := text.readline(MOST_CHARACTERS + 1):
        number += 1
        if len(line) <= MOST_CHARACTERS or line.endswith(("\n", "\r")):
            yield number, line
            continue
        while (rest := text.readline(MOST_CHARACTERS)) and not rest.endswith(("\n", "\r")):
            pass
        yield number, None


def _jsonl(text: TextIO, path: Path) -> Iterator[Row | Rejected]:
    for number, line in _lines(text):
        if line is None:
            yield Rejected(number, _long())
        elif line.strip():
            if number == 1 and line.lstrip().startswith("["):
                raise InvalidInput(f"{path.name} is a JSON list: write one object a line, without brackets.")
            yield _object(number, line)


def _object(number: int, line: str) -> Row | Rejected:
    try:
        values = json.loads(line)
    except RecursionError:
        return Rejected(number, "it is nested too deeply")
    except ValueError as wrong:
        return Rejected(number, f"it is not JSON: {wrong}")
    if not isinstance(values, dict):
        return Rejected(number, f"it is a JSON {type(values).__name__}, not an object")
    return Row(number, values)


def _csv(text: TextIO, path: Path) -> Iterator[Row | Rejected]:
    csv.field_size_limit(max(csv.field_size_limit(), MOST_CHARACTERS))
    # The heading tells the delimiter, and is read before the reader is made.
    first = text.readline(MOST_CHARACTERS)
    if len(first) == MOST_CHARACTERS:
        raise InvalidInput(f"The first line of {path.name} is no heading: {_long()}.")
    long: set[int] = set()
    reader = csv.reader(_after(first, text, long), delimiter=_delimiter(first), strict=True)
    names: list[str] = []
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as wrong:
            if not names:
                raise InvalidInput(f"{path.name}, line {line}: the heading is not CSV: {wrong}.") from wrong
            last = reader.line_num
            to = f" (up to line {last})" if last > line else ""
            yield Rejected(line, _long() if last in long else f"it is not CSV: {wrong}{to}")
            continue
        if any(cells) and not names:
            names = _heading(cells, path)
        elif any(cells):
            yield _row(line, names, cells)
    if not names:
        raise InvalidInput(f"{path.name} is empty.")


def _row(line: int, names: list[str], cells: list[str]) -> Row | Rejected:
    if len(cells) != len(names):
        return Rejected(line, f"it has {len(cells)} cells, and the heading has {len(names)}")
    if sum(map(len, cells)) > MOST_CHARACTERS:
        return Rejected(line, _long())
    return Row(line, dict(zip(names, cells, strict=True)))


def _delimiter(heading: str) -> str:
    """The one that cuts the heading into the most cells."""
    return max(_DELIMITERS, key=lambda sign: len(next(csv.reader([heading], delimiter=sign), [])))


def _after(first: str, text: TextIO, long: set[int]) -> Iterator[str]:
    """The first line, then the others; the number of each that is too long is added to `long`."""
    yield first
    for number, line in _lines(text):
        if line is None:
            long.add(number + 1)
        yield _TOO_LONG if line is None else line


def _heading(cells: list[str], path: Path) -> list[str]:
    names = [cell.strip() for cell in cells]
    if any("\0" in name for name in names):
        raise InvalidInput(f"{path.name} is not text: its first line holds NUL bytes.")
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise InvalidInput(f"{path.name} has two columns {sorted(twice)[0]!r}: rename one.")
    return names


def _parquet(path: Path) -> Iterator[Row | Rejected]:
    connection = duckdb.connect()
    try:
        # Without these the reader fills the memory that it finds.
        connection.execute("SET memory_limit = '512MB'; SET threads = 1")
        # A path is a pattern there: its * ? [ stand for themselves in brackets.
        pattern = re.sub(r"([*?\[])", r"[\1]", str(path))
        found = connection.execute("SELECT * FROM read_parquet(?)", [pattern])
        names = [column[0] for column in found.description or []]
        number = 0
        while batch := found.fetchmany(256):
            for values in batch:
                number += 1
                yield Row(number, dict(zip(names, values, strict=True)))
    except duckdb.Error as wrong:
        raise InvalidInput(f"{path.name} is not readable Parquet: {str(wrong).splitlines()[0]}") from wrong
    finally:
        connection.close()


def _long() -> str:
    return f"it is longer than {MOST_CHARACTERS:,} characters"
