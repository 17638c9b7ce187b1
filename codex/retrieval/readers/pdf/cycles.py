"""PDF pages whose drawings draw themselves: PDFium would draw them for years."""

from __future__ import annotations

import contextlib
import io
from typing import Any

from pypdf import PdfReader
from pypdf.generic import DictionaryObject, IndirectObject

_DEEPEST = 40
"""Drawings within drawings that are followed."""


def endless_pages(data: bytes) -> frozenset[int]:
    """The pages, from 0, that draw a form which draws itself; none of a file that pypdf cannot read."""
    if b"/Form" not in data and b"/ObjStm" not in data:
        return frozenset()
    found = set[int]()
    # PDFium reads more broken files than pypdf does; the time limit holds for those in any case.
    with contextlib.suppress(Exception):
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted:
            reader.decrypt("")
        harmless = set[int]()
        for index, page in enumerate(reader.pages):
            if _has_cycle(page.get("/Resources"), (), harmless):
                found.add(index)
    return frozenset(found)


def _has_cycle(resources: Any, path: tuple[int, ...], harmless: set[int]) -> bool:
    """Whether a form below these resources is on the path to itself. harmless: forms known not to be."""
    drawings = _dictionary(_dictionary(resources).get("/XObject"))
    for entry in drawings.values() if len(path) < _DEEPEST else ():
        number = entry.idnum if isinstance(entry, IndirectObject) else 0
        if number in path:
            return True
        form = _dictionary(entry)
        if not number or number in harmless or form.get("/Subtype") != "/Form":
            continue
        # A form without resources of its own takes those of the page.
        if _has_cycle(form.get("/Resources", resources), (*path, number), harmless):
            return True
        harmless.add(number)
    return False


def _dictionary(entry: Any) -> DictionaryObject:
    found = entry.get_object() if isinstance(entry, IndirectObject) else entry
    return found if isinstance(found, DictionaryObject) else DictionaryObject()
