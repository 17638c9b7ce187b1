"""DOCX: paragraphs, headings by style, tables by row."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager

import docx
from docx.document import Document
from docx.oxml.ns import qn
from lxml import etree  # type: ignore[import-untyped]

from codex.errors import UnreadableDocument
from codex.retrieval.reading import Reading
from codex.retrieval.reading_draft import Draft

MOST_UNPACKED = 200_000_000
"""Bytes of all parts together."""
MOST_RATIO = 200
"""Unpacked to packed; deflated prose reaches 10, a bomb 1000."""
RATIO_MATTERS = 10_000_000
"""Bytes below which no ratio does harm."""

_HEADING = re.compile(r"heading (\d)$", re.IGNORECASE)
_W = qn("w:p").removesuffix("p")
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_SPACES = {f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-"}


def read_docx(data: bytes, name: str) -> Reading:
    """The body in its order. Raises UnreadableDocument."""
    _check_size(data, name)
    with _corrupt_if_it_fails(name):
        document = docx.Document(io.BytesIO(data))
    levels = _heading_levels(document)
    draft = Draft(name)
    _walk(document.element.body, draft, levels)
    return draft.reading()


@contextmanager
def _corrupt_if_it_fails(name: str) -> Iterator[None]:
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        # A damaged package makes zipfile, lxml and python-docx fail in ways of every kind.
        raise UnreadableDocument(f"{name} is a corrupt DOCX file. Save or download it again.") from error


def _check_size(data: bytes, name: str) -> None:
    """Refuse a zip bomb, also one whose entries declare less than they hold."""
    with _corrupt_if_it_fails(name), zipfile.ZipFile(io.BytesIO(data)) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > MOST_UNPACKED or (unpacked > RATIO_MATTERS and unpacked > MOST_RATIO * len(data)):
        raise UnreadableDocument(
            f"{name} unpacks from {len(data) / 1e6:.2g} MB to {unpacked / 1e6:,.0f} MB, like a zip bomb; "
            f"at most {MOST_UNPACKED // 10**6} MB are unpacked. Remove its pictures, or split it."
        )
    with _corrupt_if_it_fails(name), zipfile.ZipFile(io.BytesIO(data)) as archive:
        # Unpacks piece by piece, and no entry beyond the size that it declares.
        if archive.testzip() is not None:
            raise zipfile.BadZipFile


def _heading_levels(document: Document) -> dict[str, int]:
    """Style id -> level, of the heading styles and those based on one; a title stands above them all."""
    levels: dict[str, int] = {}
    for style in document.styles.element.style_lst:
        current, steps = style, 0
        while current is not None and steps < 10:
            found = _HEADING.match(current.name_val or "")
            if found or current.name_val == "Title":
                levels[style.styleId] = int(found[1]) + 1 if found else 1
                break
            current, steps = current.base_style, steps + 1
    return levels


def _walk(body: etree._Element, draft: Draft, levels: dict[str, int]) -> None:
    """Add each paragraph and each row of an outer table, wherever they stand: also in content controls."""
    events = etree.iterwalk(body, events=("start",), tag=(f"{_W}p", f"{_W}tr", _FALLBACK))
    for _, element in events:
        events.skip_subtree()
        if element.tag == f"{_W}tr":
            cells = (" ".join(_text(cell).split()) for cell in element.iter(f"{_W}tc"))
            draft.add(" | ".join(cell for cell in cells if cell))
        elif element.tag == f"{_W}p":
            style = element.find(f"{_W}pPr/{_W}pStyle")
            draft.add(_text(element), levels.get(style.get(f"{_W}val"), 0) if style is not None else 0)


def _text(element: etree._Element) -> str:
    """The text as it shows: insertions yes, deletions and hidden runs no."""
    pieces: list[str] = []
    events = etree.iterwalk(element, events=("start", "end"))
    for event, child in events:
        if event == "start":
            if child.tag == _FALLBACK or (child.tag == f"{_W}r" and _hidden(child)):
                events.skip_subtree()
            elif child.tag == f"{_W}t":
                pieces.append(child.text or "")
            elif child.tag in _SPACES:
                pieces.append(_SPACES[child.tag])
        elif child.tag == f"{_W}p":
            pieces.append("\n")
    return "".join(pieces)


def _hidden(run: etree._Element) -> bool:
    vanish = run.find(f"{_W}rPr/{_W}vanish")
    return vanish is not None and vanish.get(f"{_W}val") not in ("0", "false", "off")
