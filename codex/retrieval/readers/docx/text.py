"""The text of a Word document's paragraphs as it shows, and what stands beside it: notes, boxes, pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree  # type: ignore[import-untyped]

from codex.retrieval.readers.docx.drawings import drawing
from codex.retrieval.readers.docx.math import M, formula
from codex.retrieval.readers.docx.package import (
    MC,
    W14,
    Package,
    Part,
    W,
    is_on,
)
from codex.retrieval.readers.docx.styles import Lists, Styles, lists, numeral, outline_level
from codex.retrieval.readers.scripts import Height, Piece, appended, joined
from codex.retrieval.readers.symbol_fonts import symbol

_SPACES = {f"{W}tab": "\t", f"{W}ptab": "\t", f"{W}br": "\n", f"{W}cr": "\n", f"{W}noBreakHyphen": "-"}
_PROPERTIES = ("pPr", "rPr", "sdtPr", "sdtEndPr", "tblPr", "tblGrid", "trPr", "tcPr", "sectPr")
_INSTRUCTIONS = ("instrText", "delText", "delInstrText", "annotationRef", "footnoteRef", "endnoteRef")
_SIGNLESS = ("separator", "continuationSeparator", "softHyphen", "rt")
_UNSEEN = frozenset(f"{W}{name}" for name in (*_PROPERTIES, *_INSTRUCTIONS, *_SIGNLESS))
_TAKEN_OUT = frozenset((f"{W}del", f"{W}moveFrom"))
_DRAWN = frozenset((f"{W}drawing", f"{W}pict", f"{W}object"))
_BLANK_FIELD = "\u2002" * 5
"""What Word shows where a form field of the old kind is empty."""


@dataclass(slots=True)
class Beside:
    """What belongs to a paragraph and comes after it."""

    notes: list[tuple[str, etree._Element]] = field(default_factory=list)
    """The mark and the note of each reference."""
    boxes: list[etree._Element] = field(default_factory=list)
    """Text boxes, each with paragraphs and tables."""
    lines: list[str] = field(default_factory=list)
    """What charts and diagrams say."""


class Source:
    """A document whose paragraphs are read one after the other."""

    def __init__(self, package: Package) -> None:
        self.package = package
        self.styles = Styles(package.of_kind("styles"))
        self.lists: Lists = lists(package.of_kind("numbering"))
        self.left: Counter[str] = Counter()
        """What is left out: the noun -> how many."""
        settings = package.of_kind("settings")
        self._notes = {kind: _notes(package.of_kind(f"{kind}s"), kind) for kind in ("footnote", "endnote")}
        self._forms = {kind: _form(kind, settings, package.main) for kind in self._notes}
        self._counts: Counter[str] = Counter()
        self._part = package.main

    def within(self, part: Part) -> Source:
        """Read on in another part, whose pictures and charts have relationships of their own."""
        self._part = part
        return self

    def paragraph(self, paragraph: etree._Element) -> tuple[list[Piece], Beside]:
        """The pieces of its text with the number of its list, and what stands beside it."""
        pieces: list[Piece] = []
        beside = Beside()
        number = self._number(paragraph)
        self._add(paragraph, pieces, beside)
        if number and any(letters.strip() for _, letters in pieces):
            pieces.insert(0, ("", f"{number} "))
        return pieces, beside

    def level(self, paragraph: etree._Element) -> int:
        """Of a heading; 0 for other text."""
        return outline_level(paragraph) or self.styles.level(_style(paragraph, "p"))

    def note(self, note: etree._Element) -> str:
        """The text of a footnote."""
        texts = (joined(self.paragraph(paragraph)[0]) for paragraph in note.iter(f"{W}p"))
        return " ".join(" ".join(texts).split())

    def _number(self, paragraph: etree._Element) -> str:
        own = paragraph.find(f"{W}pPr/{W}numPr")
        style = _style(paragraph, "p")
        held = own if own is not None else self.styles.property(style, f"{W}pPr/{W}numPr")
        if held is None:
            return ""
        number, level = held.find(f"{W}numId"), held.find(f"{W}ilvl")
        if number is None:
            number = self.styles.property(style, f"{W}pPr/{W}numPr/{W}numId")
        depth = level.get(f"{W}val", "0") if level is not None else "0"
        key = number.get(f"{W}val", "") if number is not None else ""
        return self.lists.next(key, int(depth)) if depth.isdecimal() and len(depth) < 3 else ""

    def _add(self, element: etree._Element, pieces: list[Piece], beside: Beside) -> None:
        for child in element:
            tag = child.tag
            if tag == f"{W}r":
                self._add_run(child, pieces, beside)
            elif tag in _TAKEN_OUT:
                self.left["tracked deletion"] += tag == f"{W}del"
            elif tag == f"{W}sdt":
                self._add_control(child, pieces, beside)
            elif tag == f"{MC}AlternateContent":
                self._add(chosen(child), pieces, beside)
            elif tag in (f"{M}oMath", f"{M}oMathPara"):
                text = formula(child)
                before = pieces[-1][1][-1:] if pieces else ""
                appended(pieces, "", f" {text}" if before.isalnum() and text[:1].isalnum() else text)
            elif isinstance(tag, str) and tag not in _UNSEEN:
                self._add(child, pieces, beside)

    def _add_control(self, control: etree._Element, pieces: list[Piece], beside: Beside) -> None:
        """A content control; one that shows what to type there is empty."""
        if is_on(control.find(f"{W}sdtPr/{W}showingPlcHdr")):
            self.left["form field"] += 1
            return
        content = control.find(f"{W}sdtContent")
        box = control.find(f"{W}sdtPr/{W14}checkbox/{W14}checked")
        if box is not None:
            appended(pieces, "", "[x]" if box.get(f"{W14}val") in ("1", "true") else "[ ]")
        elif content is not None:
            self._add(content, pieces, beside)

    def _add_run(self, run: etree._Element, pieces: list[Piece], beside: Beside) -> None:
        if self._is_hidden(run):
            self.left["hidden text"] += bool("".join(run.itertext()).strip())
            return
        height = self._height(run)
        for child in self._shown(run):
            tag = child.tag
            if tag == f"{W}t":
                text = child.text or ""
                self.left["form field"] += _BLANK_FIELD in text
                appended(pieces, height, text)
            elif tag in _SPACES:
                appended(pieces, "", _SPACES[tag])
            elif tag == f"{W}sym":
                appended(pieces, height, self._symbol(child))
            elif tag in (f"{W}footnoteReference", f"{W}endnoteReference"):
                self._add_note(child, run, pieces, beside)
                if _has_own_mark(child):
                    return
            elif tag in _DRAWN:
                self._add_drawing(child, pieces, beside)
            elif tag == f"{W}fldChar":
                appended(pieces, "", _old_field(child))

    def _shown(self, run: etree._Element) -> Iterator[etree._Element]:
        """What a run consists of, also what stands in a choice or a ruby."""
        for child in run:
            if child.tag == f"{MC}AlternateContent":
                yield from self._shown(chosen(child))
            elif child.tag in (f"{W}ruby", f"{W}rubyBase", f"{W}r"):
                yield from self._shown(child)
            elif isinstance(child.tag, str) and child.tag not in _UNSEEN:
                yield child

    def _add_note(
        self, reference: etree._Element, run: etree._Element, pieces: list[Piece], beside: Beside
    ) -> None:
        kind = "footnote" if reference.tag == f"{W}footnoteReference" else "endnote"
        if _has_own_mark(reference):
            mark = "".join(text.text or "" for text in run.iter(f"{W}t")).strip() or "*"
        else:
            self._counts[kind] += 1
            mark = numeral(self._counts[kind], self._forms[kind])
        found = self._notes[kind].get(reference.get(f"{W}id"))
        if found is not None:
            appended(pieces, "note", mark)
            beside.notes.append((mark, found))

    def _add_drawing(self, element: etree._Element, pieces: list[Piece], beside: Beside) -> None:
        found = drawing(element, self._part, self.package)
        beside.boxes += found.boxes
        beside.lines += found.lines
        self.left["image"] += found.silent
        if found.said:
            appended(pieces, "", f"[{found.said}]")

    def _symbol(self, element: etree._Element) -> str:
        code = element.get(f"{W}char", "")
        try:
            found = symbol(element.get(f"{W}font", ""), int(code, 16))
        except ValueError:
            found = ""
        self.left["symbol"] += not found
        return found

    def _height(self, run: etree._Element) -> Height:
        aligned = self._run_property(run, "vertAlign")
        match aligned.get(f"{W}val") if aligned is not None else "":
            case "superscript":
                return "raised"
            case "subscript":
                return "lowered"
        return ""

    def _is_hidden(self, run: etree._Element) -> bool:
        return is_on(self._run_property(run, "vanish"))

    def _run_property(self, run: etree._Element, name: str) -> etree._Element | None:
        own = run.find(f"{W}rPr/{W}{name}")
        if own is not None:
            return own
        style = run.find(f"{W}rPr/{W}rStyle")
        return (
            self.styles.property(style.get(f"{W}val", ""), f"{W}rPr/{W}{name}") if style is not None else None
        )


def chosen(alternatives: etree._Element) -> etree._Element:
    """The one of several contents that is read: the first that is not for old programs alone."""
    choice = alternatives.find(f"{MC}Choice")
    if choice is not None and len(choice):
        return choice
    fallback = alternatives.find(f"{MC}Fallback")
    return fallback if fallback is not None else alternatives


def _style(paragraph: etree._Element, kind: str) -> str:
    style = paragraph.find(f"{W}{kind}Pr/{W}{kind}Style")
    return str(style.get(f"{W}val", "")) if style is not None else ""


def _has_own_mark(reference: etree._Element) -> bool:
    """Whether the run continues with the mark that somebody chose for a note."""
    return reference.get(f"{W}customMarkFollows") in ("1", "true", "on")


def _notes(part: Part | None, kind: str) -> dict[str | None, etree._Element]:
    """The notes of a kind by their ids."""
    return {note.get(f"{W}id"): note for note in part.root.iter(f"{W}{kind}")} if part else {}


def _form(kind: str, settings: Part | None, main: Part) -> str:
    """How notes are numbered."""
    for root in (main.root, settings.root if settings else None):
        found = root.find(f".//{W}{kind}Pr/{W}numFmt") if root is not None else None
        if found is not None:
            return str(found.get(f"{W}val", "decimal"))
    return "decimal" if kind == "footnote" else "lowerRoman"


def _old_field(mark: etree._Element) -> str:
    """What a form field of the old kind holds: a box, ticked or not, or the choice from a list."""
    box, choices = mark.find(f"{W}ffData/{W}checkBox"), mark.find(f"{W}ffData/{W}ddList")
    if box is not None:
        state = box.find(f"{W}checked")
        return "[x]" if is_on(state if state is not None else box.find(f"{W}default")) else "[ ]"
    if choices is not None:
        entries = [entry.get(f"{W}val", "") for entry in choices.findall(f"{W}listEntry")]
        result = choices.find(f"{W}result")
        place = result.get(f"{W}val", "0") if result is not None else "0"
        return (
            entries[int(place)] if place.isdecimal() and len(place) < 4 and int(place) < len(entries) else ""
        )
    return ""
