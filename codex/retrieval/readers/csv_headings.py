"""Finds the header rows of a table, even with years, blanks or duplicates as names, or below a title."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

Row = Sequence[str]

MOST_ABOVE = 20
"""Lines above a table."""

_NUMERIC = frozenset("0123456789.,:/%+-−–$€£ ")
_KINDS = (
    re.compile(r"(?:1[5-9]|20|21)\d\d(?:\s?[-/–]\s?(?:\d\d|\d{4}))?(?:\.0)?"),  # years, 2019/20
    re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|\d{1,2}[/.]\d{4}"),  # dates, months
    re.compile(r"\d{1,6}\s?[-–]\s?\d{1,6}|\d{1,6}\s?\+"),  # ranges, of ages
)
"""Numbers that name columns."""
_UNNAMED = re.compile(r"Unnamed: \d+(?:_level_\d+)?")


@dataclass(frozen=True, slots=True)
class Headings:
    """The names of a table's columns."""

    above: int
    """Rows before them."""
    rows: int
    """Header rows: 0 where there are none, 2 or 3 where the names have levels."""
    names: tuple[str, ...]
    """One per column, "" where there is none."""

    def named(self, row: Row) -> str:
        """A row as "heading: value; heading: value". Without headings each value keeps its place."""
        if not self.names:
            return "; ".join(row)
        return "; ".join(self._value(column, value) for column, value in enumerate(row) if value)

    def _value(self, column: int, value: str) -> str:
        name = self.names[column] if column < len(self.names) else ""
        if name:
            return f"{name}: {value}"
        # The first column is what the row is about.
        return f"column {column + 1}: {value}" if column else value


def find_headings(rows: Sequence[Row], widths: Sequence[int]) -> Headings:
    """The headings among the first rows, none of which is empty or ends in an empty cell.

    widths: the cells of each row with the empty ones at its end.
    """
    start = _start(rows)
    if start >= len(rows):
        return Headings(0, 0, ())
    row, below = rows[start], rows[start + 1 :]
    if start and (levels := _levels(rows[start - 1], rows[start:])):
        return Headings(start - 1, *levels)
    if levels := _levels(row, below):
        return Headings(start, *levels)
    if not _is_heading(row, below):
        return Headings(start, 0, ())
    names = [_clean(name) for name in row]
    firsts = [it[0] for it in below]
    # One heading fewer than cells is R's way; a blank one at the end is the last column's.
    shorter = widths[start] == len(row) and all(len(it) == len(row) + 1 for it in below)
    if shorter and len(set(firsts)) == len(firsts) > 1:
        names.insert(0, "")
    return Headings(start, 1, tuple(names))


def _start(rows: Sequence[Row]) -> int:
    """The first row of the table itself: titles and remarks above it are shorter."""
    lengths = Counter(len(row) for row in rows if len(row) > 1)
    # Of lengths that are as frequent the larger: a table of one row has a heading of the same length.
    width = max(lengths, key=lambda it: (lengths[it], it), default=0)
    for number, row in enumerate(rows[:MOST_ABOVE]):
        if len(row) >= width and (
            _filled(row) >= max(2, -(-width // 2)) or (not number and _names_one(row, rows[1:]))
        ):
            # One heading fewer than cells: row names stand first, as R writes them.
            shorter = number == 1 and len(rows[0]) == width - 1 and not _differs(row, rows[2:])
            return 0 if shorter else number
    return 0


def _filled(row: Row) -> int:
    return sum(map(bool, row))


def _is_heading(row: Row, below: Sequence[Row]) -> bool:
    """Whether a row names the columns of those below it."""
    if _names_one(row, below):
        return True
    if len(row) < 2 or _filled(row) < 2:
        return False
    numbers = [(column, cell) for column, cell in enumerate(row) if cell and _is_numeric(cell)]
    if numbers and not _are_names(row, numbers, below):
        return False
    if all(row) and len(set(row)) == len(row):
        return True
    if _recurs(row, below):
        return False
    # With blanks inside, a row of words like those below it is a row of data.
    return bool(numbers) or all(row[1:]) or not below or _differs(row, below)


def _names_one(row: Row, below: Sequence[Row]) -> bool:
    """Whether a row names a single column, and those before it hold what the rows are about.

    So pandas writes a series: ",price", "Lamp,12".
    """
    name, column = row[-1], len(row) - 1
    if column < 1 or _filled(row) != 1 or not below:
        return False
    if not all(len(it) > column and it[0] for it in below) or len({it[0] for it in below}) < len(below):
        return False
    if _is_numeric(name):
        return (_is_name(name) or name == "0") and all(it[column] != name for it in below)
    if all(_is_numeric(it[column]) for it in below):
        return True
    # Above a row that names the columns itself it is a title.
    return column == 1 and not _differs(below[0], below[1:])


def _are_names(row: Row, numbers: Sequence[tuple[int, str]], below: Sequence[Row]) -> bool:
    """Whether the numbers of a row are years or counted on, as headings are, and those below are not."""
    if len(numbers) == len(row) and len(row) < 3:
        return False
    cells = [cell for _, cell in numbers]
    columns = [column for column, _ in numbers]
    for kind in _KINDS:
        if all(kind.fullmatch(cell) for cell in cells):
            return len(set(cells)) == len(cells) and not _are_of(kind, columns, below, _is_even(cells))
    return (
        len(cells) >= 3
        and cells[0] in ("0", "1")
        and _counts_on(row, columns)
        and bool(below)
        and not all(_counts_on(it, columns) for it in below)
    )


def _are_of(kind: re.Pattern[str], columns: Sequence[int], below: Sequence[Row], even: bool) -> bool:
    """Whether the values in these columns are mostly such numbers, too.

    even: the headings are evenly spaced.
    """
    if even:
        return all(_is_even([row[column] for column in columns if column < len(row)]) for row in below)
    values = [row[column] for row in below for column in columns if column < len(row) and row[column]]
    return sum(bool(kind.fullmatch(value)) for value in values) > len(values) / 2 or not values


def _is_even(cells: Sequence[str]) -> bool:
    """Whether at least three whole numbers go up by the same step."""
    if len(cells) < 3 or not all(cell.isdecimal() and len(cell) < 6 for cell in cells):
        return False
    steps = {int(later) - int(earlier) for earlier, later in pairwise(cells)}
    return len(steps) == 1 and min(steps) > 0


def _counts_on(row: Row, columns: Sequence[int]) -> bool:
    cells = [row[column] if column < len(row) else "" for column in columns]
    return _is_even(cells) and int(cells[1]) - int(cells[0]) == 1


def _recurs(row: Row, below: Sequence[Row]) -> bool:
    """Whether a cell of the row also occurs below in its own column."""
    return any(
        cell and not _is_name(cell) and any(column < len(it) and it[column] == cell for it in below)
        for column, cell in enumerate(row)
    )


def _differs(row: Row, below: Sequence[Row]) -> bool:
    """Whether some column is of numbers or of much longer text, but its cell in the row is a word."""
    for column, cell in enumerate(row):
        values = [it[column] for it in below if column < len(it) and it[column]]
        if cell and not _is_numeric(cell) and values and sum(map(_is_numeric, values)) > len(values) / 2:
            return True
    longest = max((len(cell) for cell in row), default=0)
    return longest <= 30 and any(len(cell) > 2 * longest for it in below for cell in it)


def _levels(row: Row, below: Sequence[Row]) -> tuple[int, tuple[str, ...]] | None:
    """Headings in two rows, as of a pivot table: groups above, names below, and a row of index names."""
    if len(below) < 2 or any(map(_is_number, row)) or len(row) < 3:
        return None
    second, rest = below[0], below[1:]
    groups = [cell for cell in row if cell]
    repeats = len(set(groups)) < len(groups) or "" in row[1:]
    if not repeats or len(second) < len(row) or len(set(second)) == 1:
        return None
    if any(map(_is_number, second)):
        return None
    if not _differs(second, rest) and not any(map(_is_numeric, filter(None, second))):
        return None
    used = 2
    index: Row = ()
    if len(rest) > 1 and _filled(rest[0]) < len(second) / 2 and len(rest[0]) < len(second):
        index, used = rest[0], 3
    names: list[str] = []
    group = ""
    for column, name in enumerate(second):
        above = _clean(row[column]) if column < len(row) else ""
        # A merged cell names the columns on its right as well.
        group = above or (group if column else "")
        joined = " ".join(dict.fromkeys(filter(None, [group, _clean(name)])))
        names.append(joined or (index[column] if column < len(index) else ""))
    return used, tuple(names)


def _clean(name: str) -> str:
    return "" if _UNNAMED.fullmatch(name) else name.removesuffix(":")


def _is_name(cell: str) -> bool:
    return any(kind.fullmatch(cell) for kind in _KINDS)


def _is_number(cell: str) -> bool:
    """Whether it is a number that names no column."""
    return _is_numeric(cell) and not _is_name(cell)


def _is_numeric(cell: str) -> bool:
    return bool(cell) and _NUMERIC.issuperset(cell)
