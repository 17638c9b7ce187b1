"""The text of a page, block by block, as a browser shows it."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass, field

from lxml import etree  # type: ignore[import-untyped]

from codex.retrieval.readers.html.hidden import style_of
from codex.retrieval.readers.html.rows import CELLS, Rows, is_flat
from codex.retrieval.readers.mathml import math_text
from codex.retrieval.readers.raised import LOOKED_BACK, lowered, raised

BLOCKS = CELLS | {
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "dialog",
    "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5",
    "h6", "header", "hgroup", "hr", "iframe", "legend", "li", "listing", "main", "menu", "nav", "noscript",
    "ol", "p", "plaintext", "pre", "search", "section", "select", "summary", "svg", "table", "tbody",
    "textarea", "tfoot", "thead", "tr", "ul", "xmp",
}  # fmt: skip
_VERBATIM = frozenset({"pre", "code", "listing", "plaintext", "textarea", "xmp"})
_SPACED = frozenset({"button", "option"})
_PARAGRAPHS = frozenset({"p", "li", "td", "th", "span", "label", "summary", "b", "strong", "a"})
_SHOWN_AS_BLOCKS = frozenset({"block", "flex", "grid", "list-item", "table", "table-row"})
_LEVEL = re.compile(r"h([1-6])")
_NOTE = re.compile(r"footnote|reference|noteref|fnref|\bfn\b|\bcite", re.IGNORECASE)
_NAMES_OF_FILES = re.compile(
    r"\S+\.(?:png|jpe?g|gif|svg|webp)|(?:image|logo|icon|photo|picture|img)\W*\d*", re.IGNORECASE
)
_FORMULA = re.compile(r"math|latex|\btex\b|equation|emoji", re.IGNORECASE)
_SPACES = re.compile(r" {2,}")


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a heading, a row or an item."""

    text: str
    level: int = 0
    """As a heading; 0: none."""
    between: str = "\n\n"
    """What separates it from the block before."""


def blocks_of(root: etree._Element, left_out: Container[etree._Element]) -> tuple[list[Block], int]:
    """The blocks of a page, and how many images say nothing. left_out: elements that are not read."""
    reader = _Reader()
    walk = etree.iterwalk(root, events=("start", "end"))
    for event, element in walk:
        if not isinstance(element.tag, str):
            continue
        if event == "start":
            if element in left_out or reader.replace(element):
                walk.skip_subtree()
                reader.skipped.add(element)
            else:
                reader.begin(element)
        elif element in reader.skipped:
            reader.skipped.discard(element)
            reader.put(element.tail)
        else:
            reader.end(element)
    reader.flush()
    return reader.blocks, reader.silent_images


@dataclass
class _Raised:
    """An open superscript or subscript."""

    element: etree._Element
    start: int
    """The piece it begins with."""


@dataclass
class _Reader:
    """The state of the walk."""

    blocks: list[Block] = field(default_factory=list)
    silent_images: int = 0
    skipped: set[etree._Element] = field(default_factory=set)
    _pieces: list[str] = field(default_factory=list)
    _levels: list[int] = field(default_factory=list)
    _lists: list[int | None] = field(default_factory=list)
    _marker: str = ""
    _terms: int = 0
    """1 while a term or its definition is read, 2 when one was the block before."""
    _verbatim: int = 0
    _was_verbatim: bool = False
    _row: etree._Element | None = None
    _cell_start: int = 0
    _rows: Rows = field(default_factory=Rows)
    _raised: list[_Raised] = field(default_factory=list)
    _annotations: list[str] = field(default_factory=list)

    def put(self, text: str | None) -> None:
        """Append text, its spaces as they are only within a pre."""
        if text:
            self._was_verbatim = self._was_verbatim or self._verbatim > 0
            self._pieces.append(text if self._verbatim else " ".join(("x" + text + "x").split())[1:-1])

    def flush(self, between: str = "\n\n") -> None:
        """End a block; within a row of data only a word ends."""
        if self._row is not None:
            if self._pieces[self._cell_start :]:
                self._pieces.append(" ")
            return
        block = "".join(self._pieces).strip()
        if not self._was_verbatim:
            block = _SPACES.sub(" ", block)
        self._pieces.clear()
        self._was_verbatim = self._verbatim > 0
        for it in self._raised:
            it.start = 0
        if block:
            self.blocks.append(Block(self._marker + block, self._levels[-1] if self._levels else 0, between))
            self._marker = ""

    def replace(self, element: etree._Element) -> bool:
        """Put what stands for an element as a whole, if it is one of those."""
        tag = element.tag
        if tag == "math":
            is_block = element.get("display") == "block"
            if is_block:
                self.flush()
            self.put(math_text(element))
            if is_block:
                self.flush()
            return True
        if tag == "img":
            self._image(element)
            return True
        if tag == "svg":
            self._drawing(element)
            return True
        if tag == "rt":
            self._annotations.append("".join(element.itertext()).strip())
            return True
        return False

    def begin(self, element: etree._Element) -> None:
        """An element opens."""
        tag = element.tag
        self._begin_block(element)
        if tag in ("ol", "ul", "menu"):
            self._lists.append(_first_number(element) if tag == "ol" else None)
        elif tag == "li":
            self._marker = self._next_marker(element)
        elif tag == "table" and self._row is None:
            self._rows.begin_table()
        elif tag == "br":
            self._pieces.append("\n")
        elif tag in _SPACED or element.get("role") == "tab":
            self._pieces.append(" ")
        elif tag == "q":
            self._pieces.append("“")
        if level := _level(element):
            self._levels.append(level)
        if _raises(element):
            self._raised.append(_Raised(element, len(self._pieces)))
        self._verbatim += tag in _VERBATIM
        self.put(element.text)

    def _begin_block(self, element: etree._Element) -> None:
        tag = element.tag
        if tag == "tr":
            self.flush()
            if self._row is None and is_flat(element, BLOCKS):
                self._row = element
                self._rows.begin()
        elif tag in CELLS and self._row is not None:
            self._cell_start = len(self._pieces)
        elif tag in ("dt", "dd"):
            self.flush()
            self._terms = 2 if self._terms and tag == "dd" else 0
        elif self._is_block(element):
            self.flush()

    def end(self, element: etree._Element) -> None:
        """An element closes."""
        tag = element.tag
        self._verbatim -= tag in _VERBATIM
        if self._raised and self._raised[-1].element is element:
            self._end_raised(self._raised.pop())
        if tag in CELLS and self._row is not None:
            text = "".join(self._pieces[self._cell_start :]).strip()
            del self._pieces[self._cell_start :]
            self._rows.add(element, _SPACES.sub(" ", text))
        elif element is self._row:
            self._row = None
            self._pieces.append(self._rows.line())
            self.flush()
        elif tag in ("dt", "dd"):
            self.flush("\n" if tag == "dd" and self._terms else "\n\n")
            self._terms = 2
        elif self._is_block(element):
            self.flush()
        if tag == "dl":
            self._terms = 0
        elif tag in ("ol", "ul", "menu"):
            self._lists.pop()
            self._marker = ""
        elif tag in _SPACED or element.get("role") == "tab":
            self._pieces.append("; " if tag == "option" and element.getnext() is not None else " ")
        elif tag == "q":
            self._pieces.append("”")
        elif tag == "ruby" and self._annotations:
            self._pieces.append(f"({''.join(self._annotations)})")
            self._annotations.clear()
        if _level(element):
            self._levels.pop()
        self.put(element.tail)

    def _is_block(self, element: etree._Element) -> bool:
        if element.tag in BLOCKS:
            return True
        if element.tag == "button":
            parent = element.getparent()
            return parent is None or not (parent.tag in _PARAGRAPHS or _LEVEL.fullmatch(str(parent.tag)))
        return "display" in element.get("style", "") and style_of(element).get("display") in _SHOWN_AS_BLOCKS

    def _end_raised(self, it: _Raised) -> None:
        text = "".join(self._pieces[it.start :])
        del self._pieces[it.start :]
        before = ""
        for piece in reversed(self._pieces):
            before = piece + before
            if len(before) >= LOOKED_BACK:
                break
        outer = it.element.getparent()
        linked = outer is not None and outer.tag == "a" and not outer.text and len(outer) == 1
        after = it.element.tail or (outer.tail if linked else "") or ""
        if _is_lowered(it.element):
            line = lowered(before, text, after)
        else:
            line = raised(before, text, after, note=_is_note(it.element))
        if line[:1] == " " and not before:
            line = line[1:]
        self._pieces.append(line)

    def _next_marker(self, item: etree._Element) -> str:
        if not self._lists or self._lists[-1] is None:
            return ""
        value = item.get("value", "")
        number = int(value) if value.isascii() and value.isdecimal() and len(value) < 9 else self._lists[-1]
        self._lists[-1] = number + 1
        parent = item.getparent()
        return f"{_numeral(number, parent.get('type', '1') if parent is not None else '1')}. "

    def _image(self, image: etree._Element) -> None:
        alt = " ".join(image.get("alt", "").split())
        if alt and not _NAMES_OF_FILES.fullmatch(alt):
            is_text = _FORMULA.search(image.get("class", "")) or len(alt) <= 2
            self.put(f" {alt} " if is_text else f" [{alt}] ")
        elif image.get("alt") is None or alt:
            small = any(image.get(side, "") in ("0", "1", "2") for side in ("width", "height"))
            self.silent_images += not small and image.get("role") not in ("presentation", "none")

    def _drawing(self, drawing: etree._Element) -> None:
        """The words of a drawing, each on a line."""
        words = [" ".join("".join(it.itertext()).split()) for it in drawing.iter("text", "foreignobject")]
        if any(words):
            self.flush()
            self.put("; ".join(filter(None, words)))
            self.flush()


def _level(element: etree._Element) -> int:
    if found := _LEVEL.fullmatch(element.tag):
        return int(found[1])
    if element.get("role") == "heading":
        level = element.get("aria-level", "2")
        return int(level) if level in ("1", "2", "3", "4", "5", "6") else 2
    return 0


def _raises(element: etree._Element) -> bool:
    if element.tag in ("sup", "sub"):
        return True
    if element.tag == "a" and element.get("href", "").startswith("#") and not len(element):
        # A footnote's mark that only a style raises.
        return _is_note(element) and (element.text or "").strip(" []()").isdigit()
    return "vertical-align" in element.get("style", "") and (
        style_of(element).get("vertical-align") in ("super", "sub")
        and next(element.iter("sup", "sub"), None) is None
    )


def _is_lowered(element: etree._Element) -> bool:
    return element.tag == "sub" or (
        element.tag != "sup" and style_of(element).get("vertical-align", "") == "sub"
    )


def _is_note(element: etree._Element) -> bool:
    """Whether a superscript is a link into the page, or says that it is the mark of a footnote."""
    near = [element, *element.iterancestors("a", "sup"), *element.iter("a")]
    for it in near:
        if it.get("role") == "doc-noteref" or _NOTE.search(it.get("class", "")):
            return True
        if it.tag == "a" and "#" in it.get("href", "") and it is not element:
            return True
    return False


def _first_number(numbered: etree._Element) -> int | None:
    """None: its items are shown without numbers."""
    if "reversed" in numbered.attrib or "none" in style_of(numbered).get("list-style", ""):
        return None
    if style_of(numbered).get("list-style-type") == "none":
        return None
    start = numbered.get("start", "1").strip()
    return int(start) if start.isascii() and start.isdecimal() and len(start) < 9 else 1


def _numeral(number: int, kind: str) -> str:
    """A number as a list shows it: 3, c, C, iii or III."""
    if kind in ("a", "A") and 1 <= number <= 26:
        return chr(ord(kind) + number - 1)
    if kind in ("i", "I") and 1 <= number < 40:
        tens, ones = divmod(number, 10)
        roman = "X" * tens + ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")[ones]
        return roman if kind == "I" else roman.lower()
    return str(number)
