"""What an import of a file would make of it, before anything is kept."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from codex.datasets.columns import Given, columns
from codex.datasets.questions import NOTHING_SAID, Accepted, Duplicate, Options, Understood, read
from codex.datasets.table_files import Rejected
from codex.errors import InvalidInput
from codex.items import Item

FIRST = 5
"""Questions that a preview shows."""
MOST_ROWS = 5_000
"""That a preview reads, in about a second."""


@dataclass(slots=True)
class Preview:
    """The beginning of a file as it would be imported."""

    understood: Understood = field(default_factory=Understood)
    items: list[Item] = field(default_factory=list)
    """The first FIRST questions."""
    questions: int = 0
    duplicates: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    """All that were read."""
    complete: bool = True
    """False: the file has more than MOST_ROWS rows."""
    error: InvalidInput | None = None
    """Why nothing can be imported as long as no other columns are named."""


def preview(
    path: Path,
    group: str,
    options: Options = NOTHING_SAID,
    encoding: str | None = None,
    most: int = MOST_ROWS,
) -> Preview:
    """What the first rows are. group: the name that the set would have.

    Raises NotFound, and InvalidInput for a file of which no row can be read.
    """
    seen = Preview()
    rows = read(path, group, options, encoding, seen.understood)
    try:
        for row in itertools.islice(rows, most):
            if isinstance(row, Accepted):
                seen.questions += 1
                seen.items += [row.item] if len(seen.items) < FIRST else []
            elif isinstance(row, Duplicate):
                seen.duplicates += 1
            else:
                seen.rejected.append(row)
        seen.complete = next(rows, None) is None
        if not seen.questions:
            raise InvalidInput(nothing_usable(path.name, seen.rejected))
    except InvalidInput as wrong:
        told = seen.understood
        if not told.names and not seen.rejected:
            raise
        seen.error = wrong
        told.columns = told.columns or _found(told.names, options.columns or {})
    return seen


def _found(names: Sequence[str], given: Given) -> dict[str, list[str]]:
    """The columns of a table that lacks the question, the answers or both."""
    for lacking in (("answers",), ("question",), ("question", "answers")):
        with suppress(InvalidInput):
            there = columns(names, {**given, **dict.fromkeys(lacking, names[:1])}).of
            return {field: list(held) for field, held in there.items() if field not in lacking}
    return {}


def nothing_usable(file: str, rejected: list[Rejected]) -> str:
    """What is said of a file without a question. rejected: its first rows that cannot be used."""
    why = "".join(f" Line {row.line}: {row.reason}." for row in rejected[:1])
    return f"{file} has no usable question.{why}"
