"""Rows of tables: cells side by side, each in its column, also where one reaches over several rows."""

from __future__ import annotations

from dataclasses import dataclass, field

from lxml import etree  # type: ignore[import-untyped]

CELLS = frozenset({"td", "th"})
SHORT = 300
"""Characters of a cell of several paragraphs that is still one of data, and of one that is repeated."""
MOST_SPAN = 1000
MOST_REPEATED = 1_000_000
"""Characters of a page that are repeated, so that a small page does not unfold into a large one."""

_INNER = frozenset(
    {"p", "div", "ul", "ol", "li", "dl", "dt", "dd", "center", "address", "figure", "blockquote"}
)


def is_flat(row: etree._Element, blocks: frozenset[str]) -> bool:
    """Whether it is a row of data: words and short paragraphs in its cells. Others only lay out the page."""
    return all(_is_data(cell, blocks) for cell in row if isinstance(cell.tag, str))


def _is_data(cell: etree._Element, blocks: frozenset[str]) -> bool:
    inner = 0
    for child in cell.iterdescendants():
        if child.tag in blocks:
            if child.tag not in _INNER:
                return False
            inner += 1 if child.tag in ("p", "li", "dt", "dd") else 0
            if inner > 8:
                return False
    return inner < 2 or sum(len(text) for text in cell.itertext()) <= SHORT


@dataclass
class Rows:
    """The cells of a table's rows, as they are read."""

    _cells: list[str] = field(default_factory=list)
    _open: dict[int, tuple[int, str]] = field(default_factory=dict)
    """By column: the further rows that a cell reaches into, and its text."""
    _repeated: int = 0

    def begin_table(self) -> None:
        """No cell reaches from one table into another."""
        self._open.clear()

    def begin(self) -> None:
        """A row."""
        self._cells.clear()

    def add(self, cell: etree._Element, text: str) -> None:
        """A cell of the row."""
        self._fill()
        column = len(self._cells)
        self._cells.append(text)
        further = _span(cell, "rowspan") - 1
        wide = _span(cell, "colspan")
        if wide > 1:
            # Its other columns are there only for what stands below.
            self._cells += [""] * (wide - 1) if self._open or further > 0 else []
        if further > 0 and text and len(text) <= SHORT:
            self._open[column] = (further, text)

    def line(self) -> str:
        """The row as a line: empty cells keep their place, except at its end."""
        if not any(self._cells):
            return ""
        self._fill()
        cells = [cell.replace("\n", " ") for cell in self._cells]
        while cells and not cells[-1]:
            cells.pop()
        return " | ".join(cells)

    def _fill(self) -> None:
        """Put the cells of earlier rows that reach into this one."""
        while (at := len(self._cells)) in self._open and self._repeated < MOST_REPEATED:
            left, text = self._open.pop(at)
            self._cells.append(text)
            self._repeated += len(text)
            if left > 1:
                self._open[at] = (left - 1, text)


def _span(cell: etree._Element, name: str) -> int:
    value = cell.get(name, "1").strip()
    return min(int(value), MOST_SPAN) if value.isascii() and value.isdecimal() and len(value) < 6 else 1
