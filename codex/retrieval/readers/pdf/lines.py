"""Lines of a page from their pieces, and paragraphs from lines that were broken for want of room."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from codex.retrieval.readers.hyphens import HYPHENS
from codex.retrieval.readers.pdf.runs import Segment, runs_left

_PARAGRAPH = 1.6
"""Times the usual distance of baselines: from here on there is an empty line."""
_NEXT = 1.25
"""Times the usual distance, that the lines of one paragraph stand apart at most."""
_BROKEN = 0.5
"""Of the lines of a block but its last, that were broken for want of room in paragraphs, at least."""
_PROSE_WIDTH = 12.0
"""Times the size: the width of a column whose lines are joined to paragraphs, at least."""
_LOOSE = 2.5
"""Times the size: a gap within a line that no space is as wide as."""
_INDENT = 0.8
"""Times the size: a first line that stands further in begins a paragraph."""

_ITEM = re.compile(r"(?:[-*•▪●■◦–➢✓☐☑☒]|\[[x \d]+\]|\(?(?:\d{1,3}(?:\.\d{1,3})*|[a-z]|[ivx]{1,5})[.)])\s")
_LEADERS = re.compile(r"(?:\.\s?){4}")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text, or a paragraph of several."""

    text: str
    base: float
    size: float
    left: float = 0.0
    right: float = 0.0
    whole: bool = True
    """Whether it is never joined to the next one: it has cells, or runs leftwards."""


def rows_of(segments: Iterable[Segment]) -> list[list[Segment]]:
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


def lines_of(segments: Iterable[Segment]) -> Iterator[Line]:
    for row in rows_of(segments):
        yield from line_of(row)


def is_justified(row: Sequence[Segment]) -> bool:
    """Whether the pieces of a row are words that were spread over it: their gaps are alike."""
    gaps = [right.left - left.right for left, right in pairwise(row)]
    return len(gaps) > 1 and max(gaps) <= 1.5 * min(gaps)


def line_of(row: Sequence[Segment]) -> list[Line]:
    """The pieces of a row as a line; none where they are blank."""
    text = " ".join(text for segment in row if (text := segment.text))
    if not text:
        return []
    size = max(segment.size for segment in row)
    widest = max((right.left - left.right for left, right in pairwise(row)), default=0.0)
    cells = widest > _LOOSE * size and not is_justified(row)
    whole = cells or runs_left(row[0].runs[0].text) or any(segment.field for segment in row)
    left, right = min(segment.left for segment in row), max(segment.right for segment in row)
    return [Line(text, row[0].base, size, left, right, whole)]


def paragraphs(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """The lines cut where the space between two is wider than usual; broken ones are joined again."""
    lines = list(lines)
    if not lines:
        return
    usual = median(gaps) if (gaps := [above.base - below.base for above, below in pairwise(lines)]) else 0.0
    right = max(line.right for line in lines)
    block = [lines[0]]
    for gap, line in zip(gaps, lines[1:], strict=True):
        if gap > _PARAGRAPH * _leading(line, usual):
            yield _rejoined(block, usual, right)
            block = []
        block.append(line)
    yield _rejoined(block, usual, right)


def _leading(line: Line, usual: float) -> float:
    """How far the lines of its paragraph stand apart."""
    return max(min(usual, 1.5 * line.size), line.size)


def _rejoined(block: Sequence[Line], usual: float, right: float) -> list[Line]:
    """The paragraphs of a block, where its lines were broken for want of room."""
    pairs = list(pairwise(block))
    close = [line.base - below.base <= _NEXT * _leading(below, usual) for line, below in pairs]
    broken = [near and _runs_on(*pair, right) for near, pair in zip(close, pairs, strict=True)]
    if sum(broken) < _BROKEN * sum(close):
        return list(block)
    joined = [block[0]]
    for line, together in zip(block[1:], broken, strict=True):
        if together:
            first = joined[-1]
            joined[-1] = Line(
                f"{first.text} {line.text}", line.base, first.size, first.left, line.right, False
            )
        else:
            joined.append(line)
    return joined


def _runs_on(line: Line, following: Line, right: float) -> bool:
    """Whether a line was broken because the next word had no room before the right edge of its column."""
    size = line.size
    if line.whole or following.whole or abs(size - following.size) > 0.1 * size:
        return False
    if right - line.left < _PROSE_WIDTH * size or line.text.endswith((*HYPHENS, ":")):
        return False
    if _ITEM.match(following.text) or _LEADERS.search(line.text) or _LEADERS.search(following.text):
        return False
    if following.left > line.left + _INDENT * size and not _ITEM.match(line.text):
        return False
    word = len(following.text.split(None, 1)[0]) + 1
    room = (following.right - following.left) * word / len(following.text)
    return line.right + room > right


def size_of(segments: Sequence[Segment]) -> float:
    return median(segment.size for segment in segments)
