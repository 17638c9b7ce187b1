"""Text files opened in their own encoding, and their lines, of which none is too long for memory."""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, TextIO, cast

from codex.errors import InvalidInput

MOST_CHARACTERS = 1_000_000
"""A row may hold; longer ones are rejected without being read into memory."""

_NOT_TEXT = {b"PK\x03\x04": "a ZIP or Excel file", b"%PDF": "a PDF", b"SQLi": "an SQLite database"}
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


class Row(NamedTuple):
    """A row as it stands in the file."""

    line: int
    """Counted from 1; of Parquet and of a JSON list the number of the row."""
    values: dict[str, object]


class Rejected(NamedTuple):
    """A row that cannot be used."""

    line: int
    reason: str


def opened(path: Path, encoding: str | None) -> TextIO:
    """A text file, or one packed by gzip.

    encoding: None: UTF-8, or UTF-16 where the file begins as such. What is not in that encoding becomes lone
    surrogates. Raises InvalidInput for a file that is empty or no text, OSError.
    """
    how = gzip.open if path.suffix.lower() == ".gz" else open
    data = cast(BinaryIO, how(path, "rb"))
    try:
        begin = data.read(4)
        data.seek(0)
        what = _NOT_TEXT.get(begin)
        if what or begin[:2] == b"\x1f\x8b":
            raise InvalidInput(f"{path.name} is {what or 'packed twice'}, not text: save it as CSV or JSONL.")
        if not begin:
            raise InvalidInput(f"{path.name} is empty.")
        is_utf_8 = encoding is None or re.fullmatch(r"utf[-_]?8([-_]?sig)?", encoding, re.IGNORECASE)
        name = _found(begin) if is_utf_8 else encoding
        return io.TextIOWrapper(data, encoding=name, errors="surrogateescape", newline="")
    except LookupError as wrong:
        data.close()
        raise InvalidInput(f"There is no encoding {encoding!r}. Examples: utf-8, latin-1, cp1252.") from wrong
    except BaseException:
        data.close()
        raise


def lines(text: TextIO) -> Iterator[tuple[int, str | None]]:
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


def too_long() -> str:
    """The reason for a row that is not read into memory."""
    return f"it is longer than {MOST_CHARACTERS:,} characters"


def _found(begin: bytes) -> str:
    """By the mark at the beginning; without one by the zeros that ASCII has in UTF-16."""
    marked = next((name for mark, name in _BOMS if begin.startswith(mark)), None)
    if marked or len(begin) < 4:
        return marked or "utf-8"
    zeros = [byte == 0 for byte in begin]
    if zeros == [False, True] * 2:
        return "utf-16-le"
    return "utf-16-be" if zeros == [True, False] * 2 else "utf-8"
