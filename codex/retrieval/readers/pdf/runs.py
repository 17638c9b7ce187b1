"""Runs of text on a page, joined to segments: pieces of a line with nothing wide between their words."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from codex.retrieval.readers.scripts import Height, Piece, appended, joined

_SAME_LINE = 0.12
"""Times the size: how far baselines of one line may differ."""
_FARTHEST = 0.75
"""Times the size: how far above or below its line raised and lowered text stands."""
_SMALLER = 0.92
"""Of the size of the line, that raised text has at most."""
_SMALLEST = 0.4
"""Of the size of the line, that raised text has at least; text beside a drop cap has less."""
_LONGEST_RAISED = 40
"""Characters of raised or lowered text."""
_DROP_CAP = 1.6
"""Times the size of its paragraph: a first letter that reaches down over some lines."""
_SPACE = 0.12
"""Times the size: a gap that is a space, where no space is drawn."""
_WIDE = 0.9
"""Times the size: a gap that parts two segments."""


@dataclass(frozen=True, slots=True)
class Frame:
    """In which of four directions text runs: quarter turns against the clock."""

    quarter: int

    def turned(
        self, left: float, bottom: float, right: float, top: float
    ) -> tuple[float, float, float, float]:
        """The sides of a box (left, right, bottom, top) as one sees it who reads the text upright."""
        match self.quarter:
            case 0:
                return left, right, bottom, top
            case 1:
                return bottom, top, -right, -left
            case 2:
                return -right, -left, -top, -bottom
            case _:
                return -top, -bottom, left, right

    def base(self, x: float, y: float) -> float:
        """The height of a baseline through this point, seen likewise."""
        return (y, -x, -y, x)[self.quarter]


@dataclass(frozen=True, slots=True)
class Run:
    """Letters of one size on one baseline; places are those of its frame, in points."""

    text: str
    left: float
    right: float
    """Where its last letter ends."""
    base: float
    size: float
    frame: Frame = Frame(0)


@dataclass(slots=True)
class Segment:
    """A piece of a line."""

    runs: list[Run] = field(default_factory=list)
    left: float = 0.0
    right: float = 0.0
    base: float = 0.0
    size: float = 0.0
    field: bool = False
    """Whether it is what a form field holds."""

    def takes(self, run: Run) -> bool:
        """Whether the run continues this segment."""
        if not self.runs:
            return True
        size = max(self.size, run.size)
        gap, rise = run.left - self.right, abs(run.base - self.base)
        if rise <= _SAME_LINE * size:
            if runs_left(run.text) or runs_left(self.runs[-1].text):
                gap = max(gap, self.left - run.right)
                return gap < _WIDE * size
            return -0.5 * size < gap < _WIDE * size
        if not rise < _FARTHEST * size or not -0.3 * size < gap < 0.35 * size:
            return False
        last = self.runs[-1]
        if abs(run.base - last.base) < _SAME_LINE * size or len(run.text.strip()) <= 3:
            # Raised text goes on, or is short and raised in full size.
            return min(run.size, self.size) >= _SMALLEST * size
        smaller = run if run.size < self.size else last
        return _SMALLEST * size <= smaller.size < _SMALLER * size and len(smaller.text) <= _LONGEST_RAISED

    def add(self, run: Run) -> None:
        """Append a run."""
        self.left = min(self.left, run.left) if self.runs else run.left
        self.right = max(self.right, run.right) if self.runs else run.right
        if run.size > self.size * 1.02:
            self.base, self.size = run.base, run.size
        self.runs.append(run)

    @property
    def text(self) -> str:
        """Its letters; raised and lowered ones set apart."""
        if any(runs_left(run.text) for run in self.runs):
            return _leftwards(self.runs)
        pieces: list[Piece] = []
        end = self.left
        for run in self.runs:
            before = pieces[-1][1][-1:] if pieces else ""
            if run.left - end > _SPACE * run.size and not before.isspace() and not run.text[0].isspace():
                appended(pieces, pieces[-1][0] if pieces else "", " ")
            appended(pieces, self._height(run), run.text)
            end = run.right
        return joined(pieces).strip()

    def _height(self, run: Run) -> Height:
        rise = (run.base - self.base) / self.size
        if run.size < _SMALLER * self.size:
            return "raised" if rise > 0.15 else "lowered" if rise < -0.06 else ""
        return "raised" if rise > 0.22 else "lowered" if rise < -0.22 else ""


def runs_left(text: str) -> bool:
    """Whether text begins with a Hebrew or Arabic letter."""
    return unicodedata.bidirectional(text[0]) in ("R", "AL")


def _leftwards(runs: Iterable[Run]) -> str:
    """Text from right to left, as it stands on the page; other scripts within it from left to right."""
    pieces: list[list[Run]] = []
    foreign = False
    for run in sorted(runs, key=lambda run: -run.right):
        before, foreign = foreign, not runs_left(run.text) and any(map(str.isalnum, run.text))
        if before and foreign:
            pieces[-1].insert(0, run)
        elif run.text.strip():
            pieces.append([run])
        else:
            foreign = before
    text, edge = "", 0.0
    for piece in pieces:
        text += " " if text and edge - piece[-1].right > 0.2 * piece[-1].size else ""
        text += " ".join(run.text.strip() for run in piece)
        edge = piece[0].left
    return text


def _is_drop_cap(segment: Segment, run: Run) -> bool:
    """Whether a segment is the large first letter of the word that the run continues with."""
    (cap, *others), size = segment.runs, run.size
    return (
        not others
        and len(cap.text) == 1
        and cap.text.isupper()
        and cap.frame == run.frame
        and cap.size > _DROP_CAP * size
        and run.text[0].islower()
        and 0 < run.base - cap.base < cap.size
        and -0.2 * size < run.left - cap.right < size
    )


def segments(runs: Iterable[Run]) -> list[Segment]:
    """The segments in the order in which they are drawn."""
    found: list[Segment] = []
    for run in runs:
        if not run.text.strip():
            continue
        if found and _is_drop_cap(found[-1], run):
            cap = found.pop().runs[0]
            run = replace(run, text=cap.text + run.text, left=cap.left)
        if not found or found[-1].runs[-1].frame != run.frame or not found[-1].takes(run):
            found.append(Segment())
        found[-1].add(run)
    return found
