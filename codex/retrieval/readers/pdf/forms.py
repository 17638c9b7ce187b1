"""What people filled in and wrote onto a PDF: the values of form fields, free text and comments."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as api

from codex.retrieval.readers.draft import clean
from codex.retrieval.readers.pdf.runs import Run, Segment

MOST_ANNOTATIONS = 2_000
"""Of a page."""
MOST_BYTES = 2**20
"""Of one value."""

_INVISIBLE = api.FPDF_ANNOT_FLAG_HIDDEN | api.FPDF_ANNOT_FLAG_NOVIEW
_PASSWORD = 1 << 13
_BOXES = frozenset((api.FPDF_FORMFIELD_CHECKBOX, api.FPDF_FORMFIELD_RADIOBUTTON))
_COMMENTS = frozenset(
    (
        api.FPDF_ANNOT_TEXT,
        api.FPDF_ANNOT_LINE,
        api.FPDF_ANNOT_SQUARE,
        api.FPDF_ANNOT_CIRCLE,
        api.FPDF_ANNOT_POLYGON,
        api.FPDF_ANNOT_POLYLINE,
        api.FPDF_ANNOT_HIGHLIGHT,
        api.FPDF_ANNOT_UNDERLINE,
        api.FPDF_ANNOT_SQUIGGLY,
        api.FPDF_ANNOT_STRIKEOUT,
        api.FPDF_ANNOT_STAMP,
        api.FPDF_ANNOT_CARET,
        api.FPDF_ANNOT_INK,
    )
)
_SPOKEN = re.compile(r"[^\W\d_]{3}")
_FARTHEST_ABOVE = 15
"""Times the size of a field: where the head of its column stands at most, with other fields between."""


@dataclass(slots=True)
class Filled:
    """What stands on a page beyond its own text."""

    segments: list[Segment] = field(default_factory=list)
    """Values and free text, in their places between the text."""
    comments: list[str] = field(default_factory=list)
    empty: set[str] = field(default_factory=set)
    """The names of the fields without a value."""


def filled(page: pdfium.PdfPage, text: Sequence[Segment]) -> Filled:
    """The fields and remarks of a page. text: its segments, from which the fields take their lines."""
    found = Filled()
    forms = page.formenv.raw if page.formenv else None
    for index in range(min(api.FPDFPage_GetAnnotCount(page.raw), MOST_ANNOTATIONS)):
        with _annotation(page, index) as annotation:
            if not annotation or api.FPDFAnnot_GetFlags(annotation) & _INVISIBLE:
                continue
            kind = api.FPDFAnnot_GetSubtype(annotation)
            if kind == api.FPDF_ANNOT_WIDGET:
                _add_field(found, forms, annotation, text)
            elif kind == api.FPDF_ANNOT_FREETEXT:
                if contents := _contents(annotation):
                    found.segments.append(_placed(contents, annotation, text))
            elif kind in _COMMENTS and (contents := _contents(annotation)):
                found.comments.append(contents)
    return found


@contextmanager
def _annotation(page: pdfium.PdfPage, index: int) -> Iterator[Any]:
    annotation = api.FPDFPage_GetAnnot(page.raw, index)
    try:
        yield annotation
    finally:
        if annotation:
            api.FPDFPage_CloseAnnot(annotation)


def _add_field(found: Filled, forms: Any, annotation: Any, text: Sequence[Segment]) -> None:
    kind = api.FPDFAnnot_GetFormFieldType(forms, annotation) if forms else -1
    if kind in (api.FPDF_FORMFIELD_PUSHBUTTON, api.FPDF_FORMFIELD_SIGNATURE):
        return
    if forms and api.FPDFAnnot_GetFormFieldFlags(forms, annotation) & _PASSWORD and kind not in _BOXES:
        return
    if kind in _BOXES:
        segment = _placed("[x]" if api.FPDFAnnot_IsChecked(forms, annotation) else "[ ]", annotation, text)
        if not _has_label(segment, text, beside=True):
            label = _said(api.FPDFAnnot_GetFormFieldExportValue, forms, annotation)
            _prefix(segment, _name(forms, annotation) if label in ("", "Yes", "On", "1") else label)
        found.segments.append(segment)
        return
    value = _said(api.FPDFAnnot_GetFormFieldValue, forms, annotation) if forms else ""
    value = value or _string(annotation, b"V")
    if not value:
        found.empty.add(_said(api.FPDFAnnot_GetFormFieldName, forms, annotation) if forms else "")
        return
    segment = _placed(value, annotation, text)
    if not _has_label(segment, text, beside=False):
        _prefix(segment, _name(forms, annotation))
    found.segments.append(segment)


def _placed(value: str, annotation: Any, text: Sequence[Segment]) -> Segment:
    """The value as a piece of the line that its box stands on."""
    box = api.FS_RECTF()
    api.FPDFAnnot_GetRect(annotation, ctypes.byref(box))
    bottom, top = sorted((box.bottom, box.top))
    left, right = sorted((box.left, box.right))
    size = min(max(top - bottom, 1.0), 12.0)
    # A tall box is read from its first line.
    middle = top - size if top - bottom > 2.5 * size else (top + bottom) / 2 - 0.3 * size
    base = min(
        (line.base for line in text if bottom - 0.3 * size <= line.base <= top),
        key=lambda base: abs(base - middle),
        default=middle,
    )
    segment = Segment(field=True)
    segment.add(Run(" ".join(clean(value).split()), left, max(right, left + 1), base, size))
    return segment


def _has_label(segment: Segment, text: Sequence[Segment], *, beside: bool) -> bool:
    """Whether words of the page stand before a field or just above it; beside: or after it."""
    for line in text:
        if abs(line.base - segment.base) < 0.5 * segment.size and (line.left < segment.left or beside):
            return True
        above = 0 < line.base - segment.base < _FARTHEST_ABOVE * segment.size
        if above and not beside and line.left < segment.right and segment.left < line.right:
            return True
    return False


def _prefix(segment: Segment, label: str) -> None:
    if label:
        run = segment.runs[0]
        segment.runs[0] = Run(f"{label}: {run.text}", run.left, run.right, run.base, run.size)


def _name(forms: Any, annotation: Any) -> str:
    """What a field is called: what is shown for it, else the last part of its name where that is a word."""
    shown = _said(api.FPDFAnnot_GetFormFieldAlternateName, forms, annotation)
    name = _said(api.FPDFAnnot_GetFormFieldName, forms, annotation).rsplit(".", 1)[-1].split("[")[0]
    return shown or (name if _SPOKEN.search(name) else "")


def _contents(annotation: Any) -> str:
    return " ".join(clean(_string(annotation, b"Contents")).split())


def _string(annotation: Any, key: bytes) -> str:
    return _read(lambda buffer, size: api.FPDFAnnot_GetStringValue(annotation, key, buffer, size))


def _said(ask: Callable[..., int], forms: Any, annotation: Any) -> str:
    return _read(lambda buffer, size: ask(forms, annotation, buffer, size))


def _read(ask: Callable[[Any, int], int]) -> str:
    """A string of PDFium, which tells its bytes when it is given no room."""
    size = ask(None, 0)
    if not 2 < size <= MOST_BYTES:
        return ""
    buffer = ctypes.create_string_buffer(size)
    ask(ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort)), size)
    return buffer.raw[: size - 2].decode("utf-16-le", "replace").strip()
