"""Tables on a page: what tells them from columns of prose, and their rows."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from codex.retrieval.readers.pdf.lines import Line, line_of, rows_of, size_of
from codex.retrieval.readers.pdf.runs import Segment


@dataclass(frozen=True, slots=True)
class Rules:
    """The lines that a page draws."""

    lines: tuple[tuple[float, float, float], ...] = ()
    """Horizontal ones: left, right, height."""
    grid: bool = False
    """Whether there are vertical ones as well."""

    def across(self, left: float, right: float) -> list[float]:
        """The heights of those that go across most of a table, from the bottom up."""
        width = right - left
        most = (it for it in self.lines if it[0] <= left + 0.3 * width and it[1] >= right - 0.4 * width)
        return sorted({round(height, 1) for _, _, height in most})


Rows = Sequence[Sequence[Segment]]
"""Each the pieces of one baseline, from top to bottom."""

FEWEST_LINES = 3
"""In each of two columns, and rules of a table."""
RESTART = 1.35
"""Times the usual distance of baselines: a paragraph or a row of a table begins."""

_PROSE_WIDTH, _NARROW = 9.0, 6.0
"""Times the size: the mean width of a line of prose, at least; of sentences in a narrow column."""
_RUNNING = 0.4
"""Of the lines of sentences, that begin in lower case, at least."""
_FILLED = 0.75
"""Of a column's width, that a line of prose reaches, as at least half of them do."""
_TIGHT = 1.3
"""Times the size: the farthest that the lines of one cell stand apart."""
_CENTRED = 0.85
"""Times the size: baselines that are closer belong to cells side by side."""


def is_prose(side: Sequence[Segment]) -> bool:
    """Whether the lines of a column are running text, not the cells of a table."""
    if any(segment.field for segment in side):
        return False
    rows = rows_of(side)
    start, end = min(segment.left for segment in side), max(segment.right for segment in side)
    widths = [row[-1].right - row[0].left for row in rows]
    filled = sum(row[-1].right >= start + _FILLED * (end - start) for row in rows)
    texts = [row[0].text for row in rows]
    text = "".join(segment.text for segment in side)
    letters = sum(letter.isalpha() for letter in text)
    # The lines of a sentence continue in lower case, those of a list rather not.
    running = sum(text[:1].islower() for text in texts[1:]) >= _RUNNING * len(texts)
    width = (_NARROW if running else _PROSE_WIDTH) * size_of(side)
    return (
        len(rows) >= FEWEST_LINES
        and sum(widths) / len(rows) >= width
        and filled >= 0.5 * len(rows)
        and letters >= 0.6 * len(text.replace(" ", ""))
    )


def is_table(left: Sequence[Segment], right: Sequence[Segment], edge: float, rules: Rules) -> bool:
    """Whether two columns of running text are cells of the same rows.

    Lines across the gutter say so; else rows that begin at one height in both columns, after gaps of
    different lengths, because their cells have different numbers of lines.
    """
    top, bottom = max(left[0].base, right[0].base), min(left[-1].base, right[-1].base)
    crossing = {
        round(height)
        for start, end, height in rules.lines
        if start < edge - 5 and end > edge and bottom < height < top
    }
    if len(crossing) >= 2:
        return True
    first, second = _restarts(left), _restarts(right)
    near = 0.3 * left[0].size
    uneven = apart = 0
    for base, gap in first.items():
        facing = [other for start, other in second.items() if abs(start - base) < near]
        apart += not facing
        uneven += any(abs(other - gap) > near for other in facing)
    apart += sum(all(abs(start - base) >= near for base in first) for start in second)
    starts = {round(segment.base) for segment in (*left, *right)}
    # A cell of one line leaves no gap beyond the usual in its own column.
    return uneven > 0 and uneven >= apart and len(starts) >= FEWEST_LINES


def _restarts(side: Sequence[Segment]) -> dict[float, float]:
    """The baselines after a gap that is wider than usual, and how wide it is."""
    gaps = [(row[0].base, above[0].base - row[0].base) for above, row in pairwise(rows_of(side))]
    if not gaps:
        return {}
    usual = min(median(gap for _, gap in gaps), 1.5 * size_of(side))
    return {base: gap for base, gap in gaps if gap > RESTART * usual}


def table_rows(band: Sequence[Segment], rules: Rules, *, broken: bool) -> Iterator[Line]:
    """The rows of a table; the lines of a cell that was broken stand together.

    broken: whether its cells are known to have several lines.
    """
    rows = rows_of(band)
    heights = rules.across(min(segment.left for segment in band), max(segment.right for segment in band))
    size = size_of(band)
    for group in _ruled(rows, heights, size):
        in_grid = rules.grid and heights and heights[0] < group[-1][0].base and group[0][0].base < heights[-1]
        if in_grid or broken or _is_one_row(group):
            yield _joined_cells(group)
            continue
        for part in _close(group, size):
            yield from [_joined_cells(part)] if _is_one_row(part) else _unjoined(part, size)


def _unjoined(rows: Rows, size: float) -> Iterator[Line]:
    """Row by row, but cells that are centred beside one of several lines with that one."""
    for part in _cut(rows, lambda gap, _: gap >= _CENTRED * size):
        if _is_one_row(part):
            yield _joined_cells(part)
        else:
            yield from (line for row in part for line in line_of(row))


def _ruled(rows: Rows, heights: Sequence[float], size: float) -> list[Rows]:
    """Rows cut at the lines between them; where there are none, by the space between them."""
    if len(heights) < FEWEST_LINES:
        return _close(rows, size)
    far = _far(rows, size)

    def parts(gap: float, base: float) -> bool:
        next_rule = bisect_right(heights, base + 0.2 * size)
        if next_rule < len(heights) and heights[next_rule] <= base + gap:
            return True
        return not heights[0] < base < heights[-1] and gap > far

    return _cut(rows, parts)


def _close(rows: Rows, size: float) -> list[Rows]:
    """Rows cut where they stand further apart than the lines of a cell do."""
    far = _far(rows, size)
    return _cut(rows, lambda gap, _: gap > far)


def _far(rows: Rows, size: float) -> float:
    """How far the lines of a cell stand apart at most; where all rows stand as close, only centred ones."""
    gaps = [above[0].base - below[0].base for above, below in pairwise(rows)]
    padded = any(gap > _TIGHT * size for gap in gaps)
    return (_TIGHT if padded else _CENTRED) * size


def _cut(rows: Rows, parts: Callable[[float, float], bool]) -> list[Rows]:
    """Rows in groups. parts: whether a gap above a baseline parts two."""
    groups = [[rows[0]]]
    for above, row in pairwise(rows):
        if parts(above[0].base - row[0].base, row[0].base):
            groups.append([])
        groups[-1].append(row)
    return list(groups)


def _is_one_row(group: Rows) -> bool:
    """Whether lines that stand close are one row: one has most of the cells, the others continue some."""
    fullest = max(group, key=len)
    return all(
        row is fullest or (len(row) < len(fullest) and not any(_is_number(segment.text) for segment in row))
        for row in group
    )


def _is_number(text: str) -> bool:
    return any(letter.isdigit() for letter in text) and not any(letter.isalpha() for letter in text)


def _joined_cells(group: Rows) -> Line:
    """One line of a row whose cells may have several: cell by cell."""
    cells: list[list[Segment]] = []
    end = 0.0
    for segment in sorted((segment for row in group for segment in row), key=lambda segment: segment.left):
        if not cells or segment.left >= end:
            cells.append([])
            end = segment.right
        cells[-1].append(segment)
        end = max(end, segment.right)
    text = " ".join(
        " ".join(segment.text for segment in sorted(cell, key=lambda segment: (-segment.base, segment.left)))
        for cell in cells
    )
    return Line(text, group[-1][0].base, max(segment.size for segment in group[0]))
