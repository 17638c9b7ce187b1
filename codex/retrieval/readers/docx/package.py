"""The parts of a DOCX file and how they refer to each other; strict files read like usual ones."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lxml import etree  # type: ignore[import-untyped]

from codex.errors import UnreadableDocument

MOST_UNPACKED = 200_000_000
"""Bytes of all parts together."""
MOST_RATIO = 200
"""Compression ratio; deflated prose reaches 10, a zip bomb 1000."""
RATIO_MATTERS = 10_000_000
"""Bytes below which no ratio does harm."""

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
W14 = "{http://schemas.microsoft.com/office/word/2010/wordml}"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"

# ISO 29500 Strict differs from what everybody writes in its namespaces alone, as far as text goes.
_STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(wordprocessingml|officeDocument|drawingml)/")
_USUAL = rb"http://schemas.openxmlformats.org/\1/2006/"
_OFF = frozenset(("0", "false", "off", "none"))


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the package, parsed."""

    path: str
    root: etree._Element
    targets: dict[str, str]
    """Of its relationships: id -> path."""
    kinds: dict[str, tuple[str, ...]]
    """Of its relationships: the last word of the type -> paths."""


class Package:
    """A DOCX file. Raises UnreadableDocument where it is a bomb, or damaged in what its text needs."""

    def __init__(self, data: bytes, name: str) -> None:
        _check_size(data, name)
        with _corrupt_if_it_fails(name):
            self._archive = zipfile.ZipFile(io.BytesIO(data))
            self._names = {entry.lower(): entry for entry in self._archive.namelist()}
            starts = self._relations("")[1].get("officeDocument", ())
            self.main = self._parsed(next(iter(starts), "word/document.xml"))
            self.body = next(self.main.root.iter(f"{W}body"))

    def of_kind(self, kind: str) -> Part | None:
        """The part that the main one refers to by such a relationship: styles, footnotes, numbering, ..."""
        return next((part for path in self.main.kinds.get(kind, ()) if (part := self.part(path))), None)

    def part(self, path: str | None) -> Part | None:
        """A part that the text can do without; None where it is missing or damaged."""
        try:
            return self._parsed(path) if path else None
        except (KeyError, etree.XMLSyntaxError):
            return None

    def _parsed(self, path: str) -> Part:
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True, huge_tree=False
        )
        root = etree.fromstring(self._bytes(path), parser)
        targets, kinds = self._relations(path)
        return Part(path, root, targets, kinds)

    def _relations(self, path: str) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
        folder, name = posixpath.split(path)
        beside = posixpath.join(folder, "_rels", f"{name}.rels")
        if beside.lower() not in self._names:
            return {}, {}
        targets: dict[str, str] = {}
        kinds: dict[str, tuple[str, ...]] = {}
        for relation in etree.fromstring(self._bytes(beside), etree.XMLParser(resolve_entities=False)):
            if not isinstance(relation.tag, str) or relation.get("TargetMode") == "External":
                continue
            target = relation.get("Target", "").replace("\\", "/")
            target = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
            targets[relation.get("Id", "")] = target
            kind = relation.get("Type", "").rsplit("/", 1)[-1]
            kinds[kind] = (*kinds.get(kind, ()), target)
        return targets, kinds

    def _bytes(self, path: str) -> bytes:
        return _STRICT.sub(_USUAL, self._archive.read(self._names[path.lower()]))


def is_on(element: etree._Element | None) -> bool:
    """Whether a property is there and not switched off."""
    return element is not None and element.get(f"{W}val") not in _OFF


@contextmanager
def _corrupt_if_it_fails(name: str) -> Iterator[None]:
    """Reports whatever goes wrong as a corrupt file."""
    try:
        yield
    except (MemoryError, UnreadableDocument):
        raise
    except Exception as error:
        # A damaged package makes zipfile and lxml fail in ways of every kind.
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
