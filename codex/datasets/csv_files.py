"""Rows of CSV files as spreadsheets, databases and scripts write them."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple, TextIO

from codex.datasets.column_names import NAMES
from codex.datasets.formats import literals
from codex.datasets.formats.cells import squeezed
from codex.datasets.text_files import MOST_CHARACTERS, Rejected, Row, lines, too_long
from codex.errors import InvalidInput
from codex.items import letter

SAMPLE = 30
"""Lines at the beginning among which the heading is looked for."""
_DELIMITERS = ",;\t|"
_SEPARATOR = re.compile(r'\s*"?sep=(\\t|[^\w\s"]|\t| )"?[\s,;]*', re.IGNORECASE)
"""The line by which Excel is told what stands between cells."""
# An error in every state that the strict reader of CSV can be in, so that it begins again with the next line.
_TOO_LONG = '"x"x\n'

Line = tuple[int, str | None]
"""A line with its number; None instead of one that is too long."""


class _Layout(NamedTuple):
    """Where a file has its heading, and what stands between its cells."""

    delimiter: str
    lines_above: int
    names: tuple[str, ...] = ()
    """Of the columns, where the file has no heading."""
    cells: int = 0
    """In the heading that was recognised; 0: it was not."""


def rows(text: TextIO, path: Path, known: Iterable[str] = ()) -> Iterator[Row | Rejected]:
    """The rows under the heading, which is recognised by its names; title lines above it are left out.

    known: names of columns besides the usual ones.
    Raises InvalidInput for a file without a heading, or with one that cannot be read.
    """
    csv.field_size_limit(max(csv.field_size_limit(), MOST_CHARACTERS))
    numbered = lines(text)
    sample: list[Line] = []
    held = 0
    for each in numbered:
        sample.append(each)
        held += len(each[1] or "")
        if len(sample) >= SAMPLE or held > MOST_CHARACTERS:
            break
    if sample and sample[0][1] is None:
        raise InvalidInput(f"The first line of {path.name} is not a heading: {too_long()}.")
    names = frozenset({*NAMES["question"], *map(squeezed, known)})
    layout = _layout([line or "" for _, line in sample], names)
    below = chain(sample[layout.lines_above :], numbered)
    yield from _under(layout, below, path)


def _under(
    layout: _Layout, numbered: Iterator[tuple[int, str | None]], path: Path
) -> Iterator[Row | Rejected]:
    long: set[int] = set()
    reader = csv.reader(_fed(numbered, long), delimiter=layout.delimiter, strict=True)
    names = list(layout.names)
    width = len(names)
    while True:
        line = reader.line_num + layout.lines_above + 1
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as wrong:
            if not names:
                raise InvalidInput(f"{path.name}, line {line}: the heading is not CSV: {wrong}.") from wrong
            last = reader.line_num + layout.lines_above
            to = f" (up to line {last})" if last > line else ""
            yield Rejected(line, too_long() if last in long else f"it is not CSV: {wrong}{to}")
            continue
        if any(cells) and not names:
            names, width = _heading(cells, path), len(cells)
        elif any(cells):
            yield _row(line, names, cells, width)
    if not names:
        raise InvalidInput(f"{path.name} is empty.")


def _row(line: int, names: Sequence[str], cells: list[str], width: int) -> Row | Rejected:
    """width: of the heading with its cells that have no name, which may be missing in a row."""
    extra = any(cell.strip() for cell in cells[width:])
    if len(cells) < len(names) or extra:
        return Rejected(line, f"it has {len(cells)} cells, and the heading has {len(names)}")
    if sum(map(len, cells)) > MOST_CHARACTERS:
        return Rejected(line, too_long())
    return Row(line, dict(zip(names, cells, strict=False)))


def _fed(numbered: Iterator[Line], long: set[int]) -> Iterator[str]:
    """The lines; the number of each that is too long is added to `long`."""
    for number, line in numbered:
        if line is None:
            long.add(number)
        yield _TOO_LONG if line is None else line


def _heading(cells: list[str], path: Path) -> list[str]:
    """The names of the columns, up to the last one that has a name."""
    names = [cell.strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    if any("\0" in name for name in names):
        raise InvalidInput(f"{path.name} is not text: its first line holds NUL bytes.")
    twice = {name for name in names if name and names.count(name) > 1}
    if twice:
        raise InvalidInput(f"{path.name} has two columns {sorted(twice)[0]!r}: rename one.")
    return [name or f"column {at}" for at, name in enumerate(names, 1)]


def _layout(sample: Sequence[str], names: frozenset[str]) -> _Layout:
    told = _SEPARATOR.fullmatch(sample[0]) if sample else None
    if told:
        delimiter = "\t" if told[1] == "\\t" else told[1]
        found = _heading_in(sample[1:], delimiter, names)
        return found._replace(lines_above=found.lines_above + 1)
    layouts = [_heading_in(sample, delimiter, names) for delimiter in _DELIMITERS]
    known = [each for each in layouts if each.cells or each.names]
    if known:
        # The heading with the most cells; of equal ones the delimiter that is more usual.
        return max(known, key=lambda each: each.cells or len(each.names))
    return max(layouts, key=lambda each: _cells(sample, each))


def _cells(sample: Sequence[str], layout: _Layout) -> int:
    line = sample[layout.lines_above] if layout.lines_above < len(sample) else ""
    return len(_parsed([line], layout.delimiter)[0][1]) if line.strip() else 0


def _heading_in(sample: Sequence[str], delimiter: str, known: frozenset[str]) -> _Layout:
    """The heading as the delimiter cuts it: the first line with a known name, else of several cells."""
    parsed = _parsed(sample, delimiter)
    filled = [(above, [cell for cell in cells if cell.strip()]) for above, cells in parsed]
    for at, (above, cells) in enumerate(filled):
        is_alone = len(cells) < 2 and (at or len(filled) > 1)
        if not is_alone and any(squeezed(cell) in known for cell in cells):
            return _Layout(delimiter, above, cells=len(parsed[at][1]))
    names = _without_heading([cells for _, cells in parsed if any(cells)])
    if names:
        return _Layout(delimiter, parsed[0][0], names)
    widest = next((above for above, cells in filled if len(cells) > 1), 0)
    return _Layout(delimiter, widest)


def _parsed(sample: Sequence[str], delimiter: str) -> list[tuple[int, list[str]]]:
    """The rows of the sample, each with the number of lines above it."""
    reader = csv.reader(sample, delimiter=delimiter)
    found: list[tuple[int, list[str]]] = []
    above = 0
    try:
        for cells in reader:
            found.append((above, cells))
            above = reader.line_num
    except csv.Error:
        # The rest of the sample is in another shape; the rows say so when they are read.
        pass
    return found or [(0, [])]


def _without_heading(parsed: Sequence[list[str]]) -> tuple[str, ...]:
    """Names for the columns of two sets that are distributed without: MMLU's tables, and NQ-open's."""
    if not parsed or len({len(cells) for cells in parsed}) > 1:
        return ()
    count = len(parsed[0])
    letters = [letter(at) for at in range(max(count - 2, 0))]
    if count >= 4 and all(cells[-1].strip() in letters for cells in parsed):
        return ("question", *letters, "answer")
    if count == 2 and all(_is_list(cells[1]) for cells in parsed):
        return ("question", "answers")
    return ()


def _is_list(cell: str) -> bool:
    try:
        return isinstance(literals.parse(cell), list)
    except ValueError:
        return False
