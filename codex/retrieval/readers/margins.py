"""Removes the headers and footers of printed pages: page numbers and repeated titles."""

from __future__ import annotations

import re
from collections import Counter

FEWEST_PAGES = 4
"""On which the same line must stand before it counts as a repeated title."""
FEWEST_SHARE = 0.3
"""Of all pages, likewise; even and odd pages may differ."""

_LONGEST_NUMBER = 40
"""Characters of a page number."""
_NUMBER = re.compile(r"\W*(?:page|seite|p\.)?\s*(\d{1,4})(?:\s*(?:/|of|von)\s*\d{1,4})?\W*", re.IGNORECASE)


def without_margins(pages: list[str]) -> list[str]:
    """The pages without their numbers, and a repeated first or last line where it stands first alone."""
    if len(pages) < FEWEST_PAGES:
        return pages
    for place in (0, -1):
        # A title may stand outside of the number or inside; a second one is more likely the head of a table.
        for strip in (_without_numbers, _without_titles, _without_numbers):
            split = [page.strip().split("\n") for page in pages]
            drop = strip([lines[place].strip() for lines in split])
            for lines, gone in zip(split, drop, strict=True):
                if gone:
                    del lines[place]
            pages = ["\n".join(lines) for lines in split]
    return pages


def is_page_number(line: str) -> bool:
    """Whether a line is a page number, such as "3", "- 3 -" or "Page 3 of 7"."""
    return len(line) < _LONGEST_NUMBER and _NUMBER.fullmatch(line) is not None


def _without_numbers(lines: list[str]) -> list[bool]:
    """Which lines are the page's number: it grows with the pages, as no other number at an edge does."""
    offsets = [_offset(line, index) for index, line in enumerate(lines)]
    common = Counter(offset for offset in offsets if offset is not None).most_common(1)
    if not common or common[0][1] < _enough(lines):
        return [False] * len(lines)
    return [offset == common[0][0] for offset in offsets]


def _without_titles(lines: list[str]) -> list[bool]:
    """Which lines repeat one of an earlier page, as many pages do."""
    times, seen = Counter(lines), set[str]()
    drop = []
    for line in lines:
        drop.append(line in seen)
        if line and times[line] >= _enough(lines):
            seen.add(line)
    return drop


def _enough(lines: list[str]) -> float:
    return max(FEWEST_PAGES, FEWEST_SHARE * len(lines))


def _offset(line: str, index: int) -> int | None:
    """The difference between the page number and the page's index; None where the line is no number."""
    found = _NUMBER.fullmatch(line) if len(line) < _LONGEST_NUMBER else None
    return int(found[1]) - index if found else None
