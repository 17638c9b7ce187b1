"""What PDFium says of a page: runs of text with their places, form fields, remarks and pictures."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as api

from codex.retrieval.readers.pdf.runs import Frame, Run

SMALLEST_PICTURE = 40.0
"""Points in both directions; what is smaller is an ornament."""
MOST_OBJECTS = 50_000
"""Objects of a page that are inspected for pictures and rules."""

MOST_DRAWN = 2_000
"""Rules and pictures of a page that are kept."""
_TOUCHING = 3.0
"""Points between two lines that are one."""
_BREAK = 0.9
"""Times the size of the letters: a gap beyond which another run begins."""
_SPACE = 0.12
"""Times the size: a gap that is a space where PDFium sees none, between two cells of a table."""
_CLOSE = 0.01
"""Times the size: the gaps between the letters of a word that are not spaced."""
_SAME_HEIGHT = 0.1
"""Times the size: how far the edges of letters of one size on one baseline may differ."""
_HYPHEN = 2
"""How PDFium tells a hyphen at the end of a line."""
_NO_CHARACTERS = frozenset((0xFFFE, 0xFFFF))
_SPECIAL = 32
"""Codes up to here are spaces, ends of lines and what PDFium made up."""
_FIRST_LEFTWARD = 0x590


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in points, y upwards."""

    left: float
    bottom: float
    right: float
    top: float


@dataclass(slots=True)
class Drawn:
    """What a page draws besides its text."""

    rules: list[Box] = field(default_factory=list)
    """Horizontal lines."""
    grid: bool = False
    """Whether there are vertical ones as well."""
    pictures: list[tuple[Box, tuple[int, int]]] = field(default_factory=list)
    """Where, and how many pixels wide and high."""


def runs(page: pdfium.PdfPage) -> tuple[list[Run], int]:
    """The text in the order in which it is drawn, and how many characters its fonts do not name."""
    text = page.get_textpage()
    nameless: list[int] = []
    try:
        return list(_runs(text, nameless)), len(nameless)
    finally:
        text.close()


def _runs(text: pdfium.PdfTextPage, nameless: list[int]) -> Iterator[Run]:  # noqa: C901, PLR0915
    """nameless: takes the places of characters without a code."""
    # This loop takes most of the time that a page takes: no calls in it that can be spared.
    handle = text.raw
    unicode_of, box_of = api.FPDFText_GetUnicode, api.FPDFText_GetLooseCharBox
    box = api.FS_RECTF()
    at_box = ctypes.byref(box)
    sides: memoryview[Any] = memoryview(box).cast("B").cast("f")
    letters: list[str] = []
    frame, size, base, quarter = Frame(0), 1.0, 0.0, 0
    start = ink = last = low = high = gap_before = 0.0
    for index in range(api.FPDFText_CountChars(handle)):
        code = unicode_of(handle, index)
        if code <= _SPECIAL:
            if code == 0:
                nameless.append(index)
                continue
            if code != _HYPHEN and api.FPDFText_IsGenerated(handle, index):
                if code == 32 and letters:
                    letters.append(" ")
                continue
        elif code in _NO_CHARACTERS:
            continue
        if not box_of(handle, index, at_box):
            continue
        left, top, right, bottom = sides
        if quarter:
            left, right, bottom, top = frame.turned(left, bottom, right, top)
        near = _SAME_HEIGHT * size
        gap = left - ink
        same = -near <= bottom - low <= near and -near <= top - high <= near and letters
        if same and left == last and right == ink:
            letters.append(chr(code))  # the letters of a ligature have one place
            continue
        # PDFium turns some words that run leftwards around, and others not; their places tell the order.
        leftward = code >= _FIRST_LEFTWARD and _is_leftward(code)
        if not same or not -0.5 * size < gap < _BREAK * size or leftward:
            if same and code == 32:
                continue
            if letters:
                yield Run("".join(letters), start, ink, base, size, frame)
            letters = []
            frame, size, base = _look(handle, index)
            quarter = frame.quarter
            left, right, low, high = frame.turned(box.left, box.bottom, box.right, box.top)
            start = ink = left
            gap_before = size
        elif code != 32 and letters[-1] != " ":
            # PDFium puts cells of a table together that stand close. The first may have one letter.
            if gap > _SPACE * size and abs(gap_before) < _CLOSE * size and _begins_object(handle, index):
                letters.append(" ")
            elif len(letters) == 2 and abs(gap) < _CLOSE * size and gap_before > _SPACE * size:
                letters.insert(1, " " * _begins_object(handle, index - 1))
            gap_before = gap
        last = left
        letters.append("-" if code == _HYPHEN else chr(code))
        if code != 32:
            ink = right
    if letters:
        yield Run("".join(letters), start, ink, base, size, frame)


def _look(handle: Any, index: int) -> tuple[Frame, float, float]:
    """The direction of a letter, its size and its baseline."""
    matrix, x, y = api.FS_MATRIX(), ctypes.c_double(), ctypes.c_double()
    api.FPDFText_GetCharOrigin(handle, index, ctypes.byref(x), ctypes.byref(y))
    api.FPDFText_GetMatrix(handle, index, ctypes.byref(matrix))
    frame = Frame(round(math.atan2(matrix.b, matrix.a) / (math.pi / 2)) % 4)
    size = api.FPDFText_GetFontSize(handle, index) * math.hypot(matrix.c, matrix.d)
    return frame, size or 1.0, frame.base(x.value, y.value)


def _begins_object(handle: Any, index: int) -> bool:
    """Whether a letter and the one before it were drawn apart. Spaced letters are drawn at once."""
    drawn = (api.FPDFText_GetTextObject(handle, place) for place in (index - 1, index))
    first, second = (ctypes.cast(item, ctypes.c_void_p).value for item in drawn)
    return first != second


def _is_leftward(code: int) -> bool:
    """Whether it is a Hebrew or Arabic letter."""
    return 0x590 <= code <= 0x8FF or 0xFB1D <= code <= 0xFDFF or 0xFE70 <= code <= 0xFEFC


def drawn(page: pdfium.PdfPage) -> Drawn:
    """The horizontal lines and the pictures of a page."""
    found = Drawn()
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    places = [ctypes.byref(side) for side in (left, bottom, right, top)]
    width, height = ctypes.c_uint(), ctypes.c_uint()
    for index in range(min(api.FPDFPage_CountObjects(page.raw), MOST_OBJECTS)):
        item = api.FPDFPage_GetObject(page.raw, index)
        kind = api.FPDFPageObj_GetType(item)
        if kind not in (api.FPDF_PAGEOBJ_PATH, api.FPDF_PAGEOBJ_IMAGE):
            continue
        if not api.FPDFPageObj_GetBounds(item, *places):
            continue
        box = Box(left.value, bottom.value, right.value, top.value)
        if kind == api.FPDF_PAGEOBJ_IMAGE:
            if min(box.right - box.left, box.top - box.bottom) >= SMALLEST_PICTURE:
                api.FPDFImageObj_GetImagePixelSize(item, ctypes.byref(width), ctypes.byref(height))
                found.pictures.append((box, (width.value, height.value)))
        elif box.top - box.bottom < 3 < box.right - box.left:
            found.rules.append(box)
        elif box.right - box.left < 3 < box.top - box.bottom:
            found.grid = True
        elif box.right - box.left > 20 and box.top - box.bottom > 6:
            # The edges of a cell that is filled or framed.
            found.rules += [Box(box.left, edge, box.right, edge) for edge in (box.bottom, box.top)]
    del found.pictures[MOST_DRAWN:]
    found.rules = _connected(found.rules)[:MOST_DRAWN]
    return found


def _connected(rules: Sequence[Box]) -> list[Box]:
    """Lines that continue each other, as one: the borders of cells side by side."""
    joined: list[Box] = []
    for rule in sorted(rules, key=lambda rule: (round(rule.bottom), rule.left)):
        last = joined[-1] if joined else None
        if last and round(last.bottom) == round(rule.bottom) and rule.left <= last.right + _TOUCHING:
            joined[-1] = Box(last.left, last.bottom, max(last.right, rule.right), last.top)
        else:
            joined.append(rule)
    return joined
