"""The reading order of a page: columns of prose one after the other, tables row by row."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from codex.retrieval.reading_pdf_runs import Segment, runs_left

Rules = Callable[[], Sequence[tuple[float, float, float]]]
"""The horizontal lines of the page when they are needed: left, right, height."""

MOST_SEGMENTS = 20_000
"""Of a page whose columns are sought."""

MOST_CELLS = 200
"""The last of a zone, that the next one is compared with."""

_GUTTER = 0.7
"""Times the size of the letters: how wide the space between two columns is at least."""
_FEWEST_LINES = 3
"""In each of two columns."""
_MOST_EDGES = 12
"""Left edges that are tried as the beginning of a column."""
_MOST_DEPTH = 6
"""Columns within columns."""
_PROSE_WIDTH = 9.0
"""Times the size: the mean width of a line of prose, at least."""
_FILLED = 0.75
"""Of a column's width, that a line of prose reaches, as at least half of them do."""
_PARAGRAPH = 1.6
"""Times the usual distance of baselines: from here on there is an empty line."""
_RESTART = 1.35
"""Times the usual distance: a paragraph or a row of a table begins."""
_TIGHT = 1.3
"""Times the size: the farthest that the lines of one cell stand apart."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text."""

    text: str
    base: float
    size: float


def arranged(segments: Sequence[Segment], rules: Rules = tuple) -> list[list[Line]]:
    """The blocks of the page in their order, each of lines."""
    if not segments:
        return []
    if len(segments) > MOST_SEGMENTS:
        return [list(_lines(segments))]
    return [block for zone in _zones(_rows(segments)) for block in _blocks(zone, rules, 0)]


def _blocks(segments: Sequence[Segment], rules: Rules, depth: int) -> Iterator[list[Line]]:
    edge = _column_edge(segments) if depth < _MOST_DEPTH else None
    if edge is None:
        yield from _paragraphs(_lines(segments))
        return
    size = _size(segments)
    rest: list[Segment] = []
    for band in _bands(segments, edge, size):
        left = [segment for segment in band if segment.right <= edge - _GUTTER * size]
        right = [segment for segment in band if segment.left >= edge - 0.5]
        if len(left) + len(right) < len(band) or not _side_by_side(left, right):
            rest += band
        else:
            yield from _paragraphs(_lines(rest))
            rest = []
            prose = _is_prose(left) and _is_prose(right)
            if prose and not _is_table(left, right, edge, rules):
                yield from _blocks(left, rules, depth + 1)
                yield from _blocks(right, rules, depth + 1)
            else:
                yield list(_table_rows(band, rules, broken=prose))
    yield from _paragraphs(_lines(rest))


def _column_edge(segments: Sequence[Segment]) -> float | None:
    """Where a second column begins: the left edge that parts most lines into two; None without one."""
    size = _size(segments)
    edges = Counter(round(segment.left / size) for segment in segments)
    first = min(segment.left for segment in segments) + _FEWEST_LINES * size
    best, most = None, _FEWEST_LINES - 1
    for place, times in edges.most_common(_MOST_EDGES):
        if times < 2:
            break
        edge = min(segment.left for segment in segments if round(segment.left / size) == place)
        if edge <= first:
            continue
        parted = 0
        for band in _bands(segments, edge, size):
            beyond = sum(segment.left >= edge - 0.5 for segment in band)
            parted += min(beyond, len(band) - beyond)
        if parted > most:
            best, most = edge, parted
    return best


def _bands(segments: Sequence[Segment], edge: float, size: float) -> Iterator[list[Segment]]:
    """The segments from top to bottom: alone where they cross the gutter, else together."""
    band: list[Segment] = []
    for segment in sorted(segments, key=lambda segment: -segment.base):
        if segment.left < edge - 0.5 and segment.right > edge - _GUTTER * size:
            if band:
                yield band
            yield [segment]
            band = []
        else:
            band.append(segment)
    if band:
        yield band


def _side_by_side(left: Sequence[Segment], right: Sequence[Segment]) -> bool:
    """Whether both have lines enough at the same height."""
    if not left or not right:
        return False
    top = min(left[0].base, right[0].base) + left[0].size
    bottom = max(left[-1].base, right[-1].base) - left[0].size
    return all(
        len({round(segment.base) for segment in side if bottom <= segment.base <= top}) >= _FEWEST_LINES
        for side in (left, right)
    )


def _is_prose(side: Sequence[Segment]) -> bool:
    """Whether the lines of a column are running text, not the cells of a table."""
    if any(segment.field for segment in side):
        return False
    rows = _rows(side)
    start, end = min(segment.left for segment in side), max(segment.right for segment in side)
    widths = [row[-1].right - row[0].left for row in rows]
    filled = sum(row[-1].right >= start + _FILLED * (end - start) for row in rows)
    text = "".join(segment.text for segment in side)
    letters = sum(letter.isalpha() for letter in text)
    return (
        len(rows) >= _FEWEST_LINES
        and sum(widths) / len(rows) >= _PROSE_WIDTH * _size(side)
        and filled >= 0.5 * len(rows)
        and letters >= 0.6 * len(text.replace(" ", ""))
    )


def _is_table(left: Sequence[Segment], right: Sequence[Segment], edge: float, rules: Rules) -> bool:
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
    return uneven > 0 and uneven >= apart and len(starts) >= _FEWEST_LINES


def _restarts(side: Sequence[Segment]) -> dict[float, float]:
    """The baselines after a gap that is wider than usual, and how wide it is."""
    gaps = [(row[0].base, above[0].base - row[0].base) for above, row in pairwise(_rows(side))]
    if not gaps:
        return {}
    usual = min(median(gap for _, gap in gaps), 1.5 * _size(side))
    return {base: gap for base, gap in gaps if gap > _RESTART * usual}


def _table_rows(band: Sequence[Segment], rules: Rules, *, broken: bool) -> Iterator[Line]:
    """The rows of a table; the lines of a cell that was broken stand together.

    broken: whether its cells are known to have several lines.
    """
    rows = _rows(band)
    left, right = min(segment.left for segment in band), max(segment.right for segment in band)
    heights = {
        round(height, 1)
        for start, end, height in rules()
        if start <= left + 0.3 * (right - left) and end >= right - 0.4 * (right - left)
    }
    ruled = len(heights) >= _FEWEST_LINES
    gaps = [above[0].base - below[0].base for above, below in pairwise(rows)]
    size = _size(band)
    padded = any(gap > _TIGHT * size for gap in gaps)
    groups = [[rows[0]]]
    for gap, row in zip(gaps, rows[1:], strict=True):
        base = row[0].base
        if ruled:
            together = not any(base + 0.2 * size < height <= base + gap for height in heights)
        else:
            together = padded and gap <= _TIGHT * size
        if together:
            groups[-1].append(row)
        else:
            groups.append([row])
    for group in groups:
        if len(group) > 1 and (ruled or broken or _is_one_row(group)):
            yield _joined_cells(group)
        else:
            yield from (line for row in group for line in _line(row))


def _is_one_row(group: Sequence[Sequence[Segment]]) -> bool:
    """Whether lines that stand close are one row: those after the first have fewer cells, and no numbers."""
    return all(
        len(row) < len(group[0]) and not any(_is_number(segment.text) for segment in row) for row in group[1:]
    )


def _is_number(text: str) -> bool:
    return any(letter.isdigit() for letter in text) and not any(letter.isalpha() for letter in text)


def _joined_cells(group: Sequence[Sequence[Segment]]) -> Line:
    """One line of a row whose cells have several: cell by cell."""
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


def _rows(segments: Iterable[Segment]) -> list[list[Segment]]:
    """Segments of one baseline, from top to bottom, each row in the direction of its script."""
    rows: list[list[Segment]] = []
    for segment in sorted(segments, key=lambda segment: (-segment.base, segment.left)):
        near = 0.35 * min(segment.size, rows[-1][0].size) if rows else 0.0
        if rows and rows[-1][0].base - segment.base <= near:
            rows[-1].append(segment)
        else:
            rows.append([segment])
    for row in rows:
        leftwards = sum(runs_left(segment.runs[0].text) for segment in row) > len(row) / 2
        row.sort(key=lambda segment: -segment.right if leftwards else segment.left)
    return rows


def _lines(segments: Iterable[Segment]) -> Iterator[Line]:
    for row in _rows(segments):
        yield from _line(row)


def _line(row: Sequence[Segment]) -> list[Line]:
    text = " ".join(text for segment in row if (text := segment.text))
    return [Line(text, row[0].base, max(segment.size for segment in row))] if text else []


def _paragraphs(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """The lines cut where the space between two is wider than usual."""
    lines = list(lines)
    if not lines:
        return
    gaps = [above.base - below.base for above, below in pairwise(lines)]
    usual = median(gaps) if gaps else 0.0
    block = [lines[0]]
    for gap, line in zip(gaps, lines[1:], strict=True):
        if gap > _PARAGRAPH * max(min(usual, 1.5 * line.size), line.size):
            yield block
            block = []
        block.append(line)
    yield block


def _zones(rows: Sequence[Sequence[Segment]]) -> list[list[Segment]]:
    """The page cut where space goes all across it, but not within two columns that go on below."""
    gaps = [above[0].base - below[0].base for above, below in pairwise(rows)]
    usual = median(gaps) if gaps else 0.0
    zones: list[list[Segment]] = []
    size = 0.0
    for gap, row in zip([math.inf, *gaps], rows, strict=True):
        before, size = size, _size(row)
        if gap > _RESTART * usual or (gap > 0.8 * usual and abs(size - before) > 0.1 * before):
            zones.append([])
        zones[-1] += row
    merged: list[list[Segment]] = []
    edge: float | None = None
    for zone in zones:
        if merged and ((edge and _continues(merged[-1], zone, edge)) or _is_aligned(merged[-1], zone)):
            merged[-1] += zone
            continue
        edge = _column_edge(zone)
        merged.append(zone)
    return merged


def _is_aligned(above: Sequence[Segment], zone: Sequence[Segment]) -> bool:
    """Whether two zones are rows of one table: most cells below stand at the edges of two or more above."""
    near = 0.3 * _size(above)
    if abs(_size(zone) - _size(above)) > near:
        return False
    edges = {round(edge / near) for segment in above[-MOST_CELLS:] for edge in (segment.left, segment.right)}
    edges |= {edge + 1 for edge in edges} | {edge - 1 for edge in edges}
    fitting = [
        segment for segment in zone if {round(segment.left / near), round(segment.right / near)} & edges
    ]
    starts = {round(segment.left / near) for segment in fitting}
    return len(starts) >= 2 and len(fitting) >= 0.8 * len(zone) and not _one_column(above)


def _one_column(segments: Sequence[Segment]) -> bool:
    """Whether each line is one piece."""
    return len(_rows(segments)) == len(segments)


def _continues(above: Sequence[Segment], zone: Sequence[Segment], edge: float) -> bool:
    """Whether both columns of the text above go on, at the same edges and in the same size."""
    size = _size(above)
    left = [segment for segment in zone if segment.right <= edge - _GUTTER * size]
    right = [segment for segment in zone if segment.left >= edge - 0.5]
    return (
        len(left) + len(right) == len(zone)
        and bool(left and right)
        and abs(_size(zone) - size) < 0.1 * size
        and abs(min(segment.left for segment in right) - edge) < size
        and abs(min(segment.left for segment in left) - min(segment.left for segment in above)) < size
    )


def _size(segments: Sequence[Segment]) -> float:
    return median(segment.size for segment in segments)
