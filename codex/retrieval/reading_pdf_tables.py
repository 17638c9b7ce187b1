"""Tables on a page: what tells them from columns of prose, and their rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from statistics import median

from codex.retrieval.reading_pdf_lines import Line, line_of, rows_of, size_of
from codex.retrieval.reading_pdf_runs import Segment

Rules = Callable[[], Sequence[tuple[float, float, float]]]
"""The horizontal lines of the page when they are needed: left, right, height."""

FEWEST_LINES = 3
"""In each of two columns, and rules of a table."""
RESTART = 1.35
"""Times the usual distance of baselines: a paragraph or a row of a table begins."""

_PROSE_WIDTH = 9.0
"""Times the size: the mean width of a line of prose, at least."""
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
    text = "".join(segment.text for segment in side)
    letters = sum(letter.isalpha() for letter in text)
    return (
        len(rows) >= FEWEST_LINES
        and sum(widths) / len(rows) >= _PROSE_WIDTH * size_of(side)
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
        for start, end, height in rules()
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
    left, right = min(segment.left for segment in band), max(segment.right for segment in band)
    heights = {
        round(height, 1)
        for start, end, height in rules()
        if start <= left + 0.3 * (right - left) and end >= right - 0.4 * (right - left)
    }
    ruled = len(heights) >= FEWEST_LINES
    gaps = [above[0].base - below[0].base for above, below in pairwise(rows)]
    size = size_of(band)
    padded = any(gap > _TIGHT * size for gap in gaps)
    groups = [[rows[0]]]
    for gap, row in zip(gaps, rows[1:], strict=True):
        base = row[0].base
        if ruled:
            together = not any(base + 0.2 * size < height <= base + gap for height in heights)
        else:
            together = gap < _CENTRED * size or (padded and gap <= _TIGHT * size)
        if together:
            groups[-1].append(row)
        else:
            groups.append([row])
    for group in groups:
        if ruled or broken or _is_one_row(group):
            yield _joined_cells(group)
            continue
        for part in _overlapping(group, size):
            if _is_one_row(part):
                yield _joined_cells(part)
            else:
                yield from (line for row in part for line in line_of(row))


def _overlapping(rows: Sequence[Sequence[Segment]], size: float) -> list[list[Sequence[Segment]]]:
    """Rows of segments cut where no cell, centred beside another, stands between two lines of that one."""
    parts = [[rows[0]]]
    for above, row in pairwise(rows):
        if above[0].base - row[0].base < _CENTRED * size:
            parts[-1].append(row)
        else:
            parts.append([row])
    return parts


def _is_one_row(group: Sequence[Sequence[Segment]]) -> bool:
    """Whether lines that stand close are one row: one has most of the cells, the others go on with some."""
    fullest = max(group, key=len)
    return all(
        row is fullest or (len(row) < len(fullest) and not any(_is_number(segment.text) for segment in row))
        for row in group
    )


def _is_number(text: str) -> bool:
    return any(letter.isdigit() for letter in text) and not any(letter.isalpha() for letter in text)


def _joined_cells(group: Sequence[Sequence[Segment]]) -> Line:
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
