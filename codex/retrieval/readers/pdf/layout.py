"""The reading order of a page: columns of prose one after the other, tables row by row."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import median

from codex.retrieval.readers.hyphens import HYPHENS
from codex.retrieval.readers.pdf.lines import (
    Line,
    is_justified,
    lines_of,
    paragraphs,
    rows_of,
    size_of,
)
from codex.retrieval.readers.pdf.runs import Segment
from codex.retrieval.readers.pdf.tables import (
    FEWEST_LINES,
    RESTART,
    Rules,
    is_prose,
    is_table,
    table_rows,
)

MOST_SEGMENTS = 20_000
"""Of a page whose columns are looked for."""
MOST_CELLS = 200
"""The last of a zone, that the next one is compared with."""

_GUTTER = 0.7
"""Times the size of the letters: how wide the space between two columns is at least."""
_MOST_EDGES = 12
"""Left edges that are tried as the beginning of a column."""
_MOST_DEPTH = 6
"""Columns within columns."""
_CLOSED = frozenset(".!?…:;\"'”’»)]")
"""With which a sentence ends."""


def arranged(segments: Sequence[Segment], rules: Rules) -> list[list[Line]]:
    """The blocks of the page in their order, each of lines."""
    if not segments:
        return []
    if len(segments) > MOST_SEGMENTS:
        return [list(lines_of(segments))]
    return [block for zone in _zones(rows_of(segments)) for block in _blocks(zone, rules, 0)]


def _blocks(segments: Sequence[Segment], rules: Rules, depth: int) -> Iterator[list[Line]]:
    edge = _column_edge(segments) if depth < _MOST_DEPTH else None
    if edge is None:
        yield from paragraphs(lines_of(segments))
        return
    size = size_of(segments)
    rest: list[Segment] = []
    for band in _bands(segments, edge, size):
        left = [segment for segment in band if segment.right <= edge - _GUTTER * size]
        right = [segment for segment in band if segment.left >= edge - 0.5]
        if len(left) + len(right) < len(band) or not _side_by_side(left, right):
            rest += band
        else:
            yield from paragraphs(lines_of(rest))
            rest = []
            prose = is_prose(left) and is_prose(right)
            if prose and not is_table(left, right, edge, rules):
                left, below = _without_table_below(left, right, rules)
                first = list(_blocks(left, rules, depth + 1))
                yield from _continued(first, list(_blocks(right, rules, depth + 1)))
                yield list(lines_of(below))
            else:
                yield list(table_rows(band, rules, broken=prose))
    yield from paragraphs(lines_of(rest))


def _without_table_below(
    left: Sequence[Segment], right: Sequence[Segment], rules: Rules
) -> tuple[list[Segment], list[Segment]]:
    """The left column, and what stands in a grid at its foot, lower than all of the right one."""
    foot, end = min(segment.base for segment in right), min(segment.left for segment in right)
    top = max((height for _, to, height in rules.lines if to < end and height < foot), default=0.0)
    if not rules.grid or all(segment.base < top for segment in left):
        return list(left), []
    return [it for it in left if it.base >= top], [it for it in left if it.base < top]


def _continued(first: list[list[Line]], second: list[list[Line]]) -> list[list[Line]]:
    """The blocks of two columns; a sentence that runs on from one to the other is not cut."""
    if not first or not second:
        return first + second
    last, following = first[-1][-1], second[0][0]
    if last.text[-1:] in _CLOSED or last.whole or following.whole or not following.text[:1].islower():
        return first + second
    lines = [*first[-1], *second[0]]
    if not last.text.endswith(HYPHENS):
        place = len(first[-1]) - 1
        lines[place : place + 2] = [replace(following, text=f"{last.text} {following.text}")]
    return [*first[:-1], lines, *second[1:]]


def _column_edge(segments: Sequence[Segment]) -> float | None:
    """Where a second column begins: the left edge that parts most lines into two; None without one."""
    size = size_of(segments)
    edges = Counter(round(segment.left / size) for segment in segments)
    first = min(segment.left for segment in segments) + FEWEST_LINES * size
    best, most = None, -math.inf
    for place, times in edges.most_common(_MOST_EDGES):
        if times < 2:
            break
        edge = min(segment.left for segment in segments if round(segment.left / size) == place)
        if edge <= first:
            continue
        parted = crossing = 0
        for band in _bands(segments, edge, size):
            beyond = sum(segment.left >= edge - 0.5 for segment in band)
            parted += min(beyond, len(band) - beyond)
            crossing += len(band) == 1
        if parted >= FEWEST_LINES and parted - crossing > most:
            best, most = edge, parted - crossing
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
        len({round(segment.base) for segment in side if bottom <= segment.base <= top}) >= FEWEST_LINES
        for side in (left, right)
    )


def _zones(rows: Sequence[Sequence[Segment]]) -> list[list[Segment]]:
    """The page cut where space goes all across it, but not within two columns that continue below."""
    gaps = [above[0].base - below[0].base for above, below in pairwise(rows)]
    usual = median(gaps) if gaps else 0.0
    zones: list[list[Segment]] = []
    size = 0.0
    for gap, row in zip([math.inf, *gaps], rows, strict=True):
        before, size = size, size_of(row)
        if gap > RESTART * max(usual, size) or (gap > 0.8 * usual and abs(size - before) > 0.1 * before):
            zones.append([])
        zones[-1] += row
    merged: list[list[Segment]] = []
    edge: float | None = None
    for zone in zones:
        above = merged[-1][-MOST_CELLS:] if merged else []
        if above and ((edge and _continues(above, zone, edge)) or _is_aligned(above, zone)):
            merged[-1] += zone
            continue
        edge = _column_edge(zone)
        merged.append(zone)
    return merged


def _is_aligned(above: Sequence[Segment], zone: Sequence[Segment]) -> bool:
    """Whether two zones are rows of one table: most cells below stand at the edges of two or more above."""
    near = 0.3 * size_of(above)
    if abs(size_of(zone) - size_of(above)) > near:
        return False
    edges = {round(edge / near) for segment in above for edge in (segment.left, segment.right)}
    edges |= {edge + 1 for edge in edges} | {edge - 1 for edge in edges}
    if is_prose(above) and sum(is_justified(row) for row in rows_of(above)) > 1:
        return False
    fitting = [
        segment for segment in zone if {round(segment.left / near), round(segment.right / near)} & edges
    ]
    starts = {round(segment.left / near) for segment in fitting}
    return len(starts) >= 2 and len(fitting) >= 0.8 * len(zone) and not _one_column(above)


def _one_column(segments: Sequence[Segment]) -> bool:
    """Whether each line is one piece."""
    return len(rows_of(segments)) == len(segments)


def _continues(above: Sequence[Segment], zone: Sequence[Segment], edge: float) -> bool:
    """Whether both columns of the text above continue, at the same edges and in the same size."""
    size = size_of(above)
    left = [segment for segment in zone if segment.right <= edge - _GUTTER * size]
    right = [segment for segment in zone if segment.left >= edge - 0.5]
    column = [segment for segment in above if segment.right <= edge - _GUTTER * size]
    # A sentence that breaks off at the foot of the left column continues at the head of the right one.
    if column and left and column[-1].text[-1:] not in _CLOSED and not left[0].text[:1].islower():
        return False
    return (
        len(left) + len(right) == len(zone)
        and bool(left and right)
        and abs(size_of(zone) - size) < 0.1 * size
        and abs(min(segment.left for segment in right) - edge) < size
        and abs(min(segment.left for segment in left) - min(segment.left for segment in above)) < size
    )
