"""Answers with their labels as one list in JSON: what Label Studio and Argilla read and write."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any, BinaryIO

from codex.labelling.rows import LabelRow, Problem, Unusable

Entry = dict[str, Any]


def write(entries: Iterable[Entry], out: BinaryIO) -> None:
    """A list with an entry a line."""
    before = b"[\n"
    for entry in entries:
        out.write(before + json.dumps(entry, ensure_ascii=False, allow_nan=False).encode())
        before = b",\n"
    out.write(b"[]\n" if before == b"[\n" else b"\n]\n")


def by_answer(rows: Iterable[LabelRow]) -> Iterator[list[LabelRow]]:
    """The labels of each answer together."""

    def key(row: LabelRow) -> tuple[str, str]:
        return row.label.run_id, row.label.question_id

    for _, group in groupby(sorted(rows, key=key), key):
        yield list(group)


def read(data: str, rows_of: Callable[[Entry], Iterator[LabelRow]]) -> Iterator[LabelRow | Problem]:
    """The labels of each entry, and why entries cannot be used. Raises Unusable for what is no list."""
    for number, entry in enumerate(entries(data), 1):
        try:
            if not isinstance(entry, dict):
                raise Unusable("any", "it is no JSON object.")
            yield from (replace(row, number=number) for row in rows_of(entry))
        except Unusable as wrong:
            yield Problem(number, wrong.column, str(wrong))


def entries(data: str) -> list[Any]:
    """The entries of a list; an object alone is one. Raises Unusable."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Unusable("any", f"the file is no JSON: {error}.") from error
    return found if isinstance(found, list) else [found]


def part(entry: Entry, *names: str, kind: type = dict) -> Any:
    """What stands under these keys, of a kind; an empty one where there is nothing. Raises Unusable."""
    found: Any = entry
    for at, name in enumerate(names, 1):
        found = found.get(name)
        wanted = kind if at == len(names) else dict
        if found is None:
            return kind()
        if not isinstance(found, wanted):
            raise Unusable(".".join(names[:at]), f"it is no {_WORDS[wanted]}.")
    return found


_WORDS: dict[type, str] = {dict: "object", list: "list"}
