"""What PDFium says of a page: runs of text with their places, form fields, remarks and pictures."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as api

from codex.retrieval.reading_pdf_runs import Frame, Run

SMALLEST_PICTURE = 40.0
"""Points in both directions; what is smaller is an ornament."""
MOST_OBJECTS = 50_000
"""Objects of a page that are looked at for pictures and rules."""

_BREAK = 0.9
"""Times the size of the letters: a gap beyond which another run begins."""
_SPACE = 0.12
"""Times the size: a gap that is a space where PDFium sees none, between two cells of a table."""
_CLOSE = 0.04
"""Times the size: the gaps between the letters of a word that are not spaced."""
_SAME_HEIGHT = 0.1
"""Times the size: how far the edges of letters of one size on one baseline may differ."""
_HYPHEN = 2
"""How PDFium tells a hyphen at the end of a line."""
_NO_CHARACTERS = frozenset((0, 0xFFFE, 0xFFFF))


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
    pictures: list[tuple[Box, tuple[int, int]]] = field(default_factory=list)
    """Where, and how many pixels wide and high."""


def runs(page: pdfium.PdfPage) -> list[Run]:
    """The text in the order in which it is drawn."""
    text = page.get_textpage()
    try:
        return list(_runs(text))
    finally:
        text.close()


def _runs(text: pdfium.PdfTextPage) -> Iterator[Run]:
    handle = text.raw
    box, matrix = api.FS_RECTF(), api.FS_MATRIX()
    x, y = ctypes.c_double(), ctypes.c_double()
    at_box, at_matrix, at_x, at_y = (ctypes.byref(place) for place in (box, matrix, x, y))
    unicode_of, box_of, is_generated = (
        api.FPDFText_GetUnicode,
        api.FPDFText_GetLooseCharBox,
        api.FPDFText_IsGenerated,
    )
    letters: list[str] = []
    frame, size, base = Frame(0), 0.0, 0.0
    start = ink = last = low = high = 0.0
    gaps: list[float] = []

    for index in range(api.FPDFText_CountChars(handle)):
        code = unicode_of(handle, index)
        if code in _NO_CHARACTERS:
            continue
        if code <= 32 and code != _HYPHEN and is_generated(handle, index):
            if code == 32 and letters:
                letters.append(" ")
            continue
        if not box_of(handle, index, at_box):
            continue
        left, right, bottom, top = frame.turned(box.left, box.bottom, box.right, box.top)
        near = _SAME_HEIGHT * size
        goes_on = letters and abs(bottom - low) <= near and abs(top - high) <= near
        # The letters of a ligature have one place.
        if goes_on and abs(left - last) < 0.01 and abs(right - ink) < 0.01 and code != 32:
            letters.append(chr(code))
            continue
        last = left
        # PDFium turns some words that run leftwards around, and others not; their places tell the order.
        if not goes_on or not -0.5 * size < left - ink < _BREAK * size or _is_leftward(code):
            if goes_on and code == 32:
                continue
            if letters:
                yield Run("".join(letters), start, ink, base, size, frame)
                letters = []
            api.FPDFText_GetCharOrigin(handle, index, at_x, at_y)
            api.FPDFText_GetMatrix(handle, index, at_matrix)
            frame = Frame(round(math.atan2(matrix.b, matrix.a) / (math.pi / 2)) % 4)
            size = api.FPDFText_GetFontSize(handle, index) * math.hypot(matrix.c, matrix.d) or 1.0
            left, right, low, high = frame.turned(box.left, box.bottom, box.right, box.top)
            base = frame.base(x.value, y.value)
            start = ink = last = left
            gaps = []
        elif code != 32 and letters[-1] != " ":
            gaps = [*gaps[-1:], (left - ink) / size]
            place = _parted(gaps, len(letters))
            if place and _begins_object(handle, index - len(letters) + place):
                letters.insert(place, " ")
        letters.append("-" if code == _HYPHEN else chr(code))
        if code != 32:
            ink = right
    if letters:
        yield Run("".join(letters), start, ink, base, size, frame)


def _parted(gaps: Sequence[float], letters: int) -> int:
    """Where a space stands between letters that PDFium puts together, as it does cells; 0 for nowhere.

    gaps: before the last letter but one and before the last letter, times the size.
    """
    if len(gaps) == 2 and gaps[1] > _SPACE and gaps[0] < _CLOSE:
        return letters
    # A cell of one letter.
    return 1 if letters == 2 and len(gaps) == 2 and gaps[0] > _SPACE and gaps[1] < _CLOSE else 0


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
        elif box.right - box.left > 20 and box.top - box.bottom > 6:
            # The edges of a cell that is filled or framed.
            found.rules += [Box(box.left, edge, box.right, edge) for edge in (box.bottom, box.top)]
    return found
