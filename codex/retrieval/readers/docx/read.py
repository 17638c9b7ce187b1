"""DOCX: headers, paragraphs with their notes, headings by style, tables by row, footers."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree  # type: ignore[import-untyped]

from codex.retrieval.readers.docx.package import (
    MC,
    Package,
    Part,
    R,
    W,
    is_on,
)
from codex.retrieval.readers.docx.text import Beside, Source, chosen
from codex.retrieval.readers.draft import Draft, counted
from codex.retrieval.readers.margins import is_page_number
from codex.retrieval.readers.reading import Reading
from codex.retrieval.readers.scripts import Piece, joined

_TAKEN_OUT = frozenset((f"{W}del", f"{W}moveFrom"))
_ALMOST_A_NUMBER = 24
"""Characters of a footer with the field of the page's number, that says nothing else."""


def read_docx(data: bytes, name: str) -> Reading:
    """The document in its order. Raises UnreadableDocument."""
    package = Package(data, name)
    draft = Draft(name)
    writer = _Writer(Source(package), draft)
    for part in _margins(package, "header"):
        writer.margin(part)
    writer.blocks(package.body, package.main)
    for part in _margins(package, "footer"):
        writer.margin(part)
    writer.source.left["comment"] += _comments(package)
    left = writer.source.left
    return draft.reading(
        counted(left["image"], "image", "without text"),
        counted(left["form field"], "form field", "empty"),
        counted(left["comment"], "comment", "left out"),
        counted(left["tracked deletion"], "tracked deletion", "left out"),
        counted(left["symbol"], "symbol", "unknown"),
        counted(left["embedded document"], "embedded document", "left out"),
        "hidden text left out" if left["hidden text"] else "",
    )


class _Writer:
    """Adds blocks to a draft: paragraphs, rows of tables, and what stands beside them."""

    def __init__(self, source: Source, draft: Draft) -> None:
        self.source = source
        self._draft = draft
        self._seen: set[str] = set()
        self._carried: list[Piece] = []
        """The text of a paragraph whose end was deleted: it continues in the next."""

    def blocks(self, container: etree._Element, part: Part | None = None) -> None:
        """Add what stands in a body, a text box or a cell. part: where it stands, when that is another."""
        if part is not None:
            self.source.within(part)
        for block in _blocks(container):
            if block.tag == f"{W}tbl":
                self._table(block)
            elif block.tag == f"{W}altChunk":
                self.source.left["embedded document"] += 1
            else:
                self._paragraph(block)

    def margin(self, part: Part) -> None:
        """Add what a header or footer says, unless another one said the same."""
        self.source.within(part)
        self._margin(part.root)

    def _margin(self, container: etree._Element) -> None:
        for block in _blocks(container):
            for paragraph in block.iter(f"{W}p") if block.tag == f"{W}tbl" else [block]:
                pieces, beside = self.source.paragraph(paragraph)
                text = " ".join(joined(pieces).split())
                for line in (*([] if _numbers_pages(paragraph, text) else [text]), *beside.lines):
                    if line not in self._seen:
                        self._seen.add(line)
                        self._draft.add(line)
                for box in beside.boxes:
                    self._margin(box)

    def _paragraph(self, paragraph: etree._Element) -> None:
        pieces, beside = self.source.paragraph(paragraph)
        pieces = [*self._carried, *pieces]
        self._carried = []
        mark = paragraph.find(f"{W}pPr/{W}rPr")
        if mark is not None and any(mark.find(tag) is not None for tag in _TAKEN_OUT) and pieces:
            self._carried = pieces
        else:
            self._draft.add(joined(pieces), self.source.level(paragraph))
        self._add_beside(beside)

    def _add_beside(self, beside: Beside) -> None:
        for mark, note in beside.notes:
            self._draft.add(f"[{mark}] {self.source.note(note)}")
        for line in beside.lines:
            self._draft.add(line)
        for box in beside.boxes:
            self.blocks(box)

    def _table(self, table: etree._Element) -> None:
        rows = [list(_inside(row, f"{W}tc")) for row in _inside(table, f"{W}tr") if not _is_deleted(row)]
        if all(len(cells) == 1 for cells in rows):
            # A frame around text.
            for (cell,) in rows:
                self.blocks(cell)
            return
        for cells in rows:
            nested: list[etree._Element] = []
            beside: list[Beside] = []
            texts = [self._cell(cell, nested, beside) for cell in cells]
            # Empty cells keep their places before those that are filled.
            self._draft.add(" | ".join(texts).rstrip(" |"))
            for others in beside:
                self._add_beside(others)
            for inner in nested:
                self._table(inner)

    def _cell(self, cell: etree._Element, nested: list[etree._Element], beside: list[Beside]) -> str:
        """The paragraphs of a cell in one line. nested: takes the tables in it."""
        texts: list[str] = []
        for block in _blocks(cell):
            if block.tag == f"{W}tbl":
                nested.append(block)
            elif block.tag == f"{W}p":
                pieces, others = self.source.paragraph(block)
                texts.append(joined(pieces))
                beside.append(others)
        return " ".join(" ".join(texts).split())


def _blocks(container: etree._Element) -> Iterator[etree._Element]:
    """Paragraphs and tables, also those in controls and choices; not those that were taken out."""
    for child in container:
        if child.tag in (f"{W}p", f"{W}tbl", f"{W}altChunk"):
            yield child
        elif child.tag == f"{MC}AlternateContent":
            yield from _blocks(chosen(child))
        elif isinstance(child.tag, str) and child.tag not in _TAKEN_OUT and not child.tag.endswith("Pr"):
            yield from _blocks(child)


def _inside(parent: etree._Element, tag: str) -> Iterator[etree._Element]:
    """The rows of a table or the cells of a row, also those in controls, but not those of nested tables."""
    for child in parent:
        if child.tag == tag:
            yield child
        elif isinstance(child.tag, str) and child.tag not in (
            f"{W}p",
            f"{W}tbl",
            f"{W}tc",
            f"{W}tr",
            *_TAKEN_OUT,
        ):
            yield from _inside(child, tag)


def _is_deleted(row: etree._Element) -> bool:
    return row.find(f"{W}trPr/{W}del") is not None


def _margins(package: Package, kind: str) -> Iterator[Part]:
    """The headers or footers that show, each once."""
    settings = package.of_kind("settings")
    even = settings is not None and is_on(settings.root.find(f"{W}evenAndOddHeaders"))
    seen = set[str]()
    for section in package.main.root.iter(f"{W}sectPr"):
        first = is_on(section.find(f"{W}titlePg"))
        for reference in section.findall(f"{W}{kind}Reference"):
            shown = {"first": first, "even": even}.get(reference.get(f"{W}type", ""), True)
            path = package.main.targets.get(reference.get(f"{R}id", ""), "")
            if shown and path not in seen and (part := package.part(path)) is not None:
                seen.add(path)
                yield part


def _numbers_pages(paragraph: etree._Element, text: str) -> bool:
    """Whether a line of a header or footer is the page's number alone."""
    if is_page_number(text):
        return True
    codes = [it.text or "" for it in paragraph.iter(f"{W}instrText")]
    codes += [it.get(f"{W}instr", "") for it in paragraph.iter(f"{W}fldSimple")]
    return len(text) < _ALMOST_A_NUMBER and any("PAGE" in code for code in codes)


def _comments(package: Package) -> int:
    part = package.of_kind("comments")
    return sum(1 for _ in part.root.iter(f"{W}comment")) if part is not None else 0
