"""What the styles of a Word document say of its text: headings, raised and hidden letters, lists."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from lxml import etree  # type: ignore[import-untyped]

from codex.retrieval.readers.docx.package import Part, W, is_on

_HEADING = re.compile(r"heading (\d)$", re.IGNORECASE)
_DEEPEST = 10
"""Styles that a style is based on, one on the other."""
_LEVEL = re.compile(r"%(\d)")
_ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"),
    (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip
_MOST_ROMAN = 4000
_SIGNS = "*†‡§"


class Styles:
    """The styles by their ids; "" is none."""

    def __init__(self, part: Part | None) -> None:
        self._styles = {
            style.get(f"{W}styleId"): style for style in (part.root.iter(f"{W}style") if part else ())
        }

    def level(self, style: str) -> int:
        """Of a heading: a title stands above them all, at 1; 0 for other text."""
        for current in self._chain(style):
            name = current.find(f"{W}name")
            said = name.get(f"{W}val", "") if name is not None else ""
            if found := _HEADING.match(said):
                return int(found[1]) + 1
            if said.lower() == "title":
                return 1
            if outline := outline_level(current):
                return outline
        return 0

    def property(self, style: str, path: str) -> etree._Element | None:
        """The nearest such property, of the style or those that it is based on. path: from the style on."""
        return next((it for current in self._chain(style) if (it := current.find(path)) is not None), None)

    def _chain(self, style: str) -> list[etree._Element]:
        chain: list[etree._Element] = []
        while style in self._styles and len(chain) < _DEEPEST:
            chain.append(self._styles[style])
            based = chain[-1].find(f"{W}basedOn")
            style = based.get(f"{W}val", "") if based is not None else ""
        return chain


def outline_level(element: etree._Element) -> int:
    """Of a paragraph or style that has one of its own: as that of a heading; else 0."""
    outline = element.find(f"{W}pPr/{W}outlineLvl")
    value = outline.get(f"{W}val", "") if outline is not None else ""
    return int(value) + 2 if value.isdigit() and int(value) < 9 else 0


@dataclass(slots=True)
class _Level:
    """A level of a list."""

    start: int = 1
    form: str = "decimal"
    text: str = ""


@dataclass(slots=True)
class Lists:
    """The numbers of list items, counted as Word counts them."""

    _levels: dict[str, dict[int, _Level]] = field(default_factory=dict)
    """By the number of the list."""
    _shared: dict[str, str] = field(default_factory=dict)
    """Lists that count on together have one key."""
    _counts: dict[str, Counter[int]] = field(default_factory=dict)

    def next(self, number: str, level: int) -> str:
        """What stands before the next item of a list, e.g. "2.1"; "" for bullets and what is no list."""
        levels = self._levels.get(number, {})
        if level not in levels or levels[level].form in ("bullet", "none"):
            return ""
        counts = self._counts.setdefault(self._shared[number], Counter())
        counts[level] = counts[level] + 1 if level in counts else levels[level].start
        for deeper in [it for it in counts if it > level]:
            del counts[deeper]

        def shown(mark: re.Match[str]) -> str:
            place = int(mark[1]) - 1
            at = levels.get(place, _Level())
            return numeral(counts.get(place, at.start), at.form)

        return _LEVEL.sub(shown, levels[level].text)


def lists(part: Part | None) -> Lists:
    """The lists that the numbering part defines."""
    found = Lists()
    if part is None:
        return found
    abstract = {it.get(f"{W}abstractNumId"): it for it in part.root.iter(f"{W}abstractNum")}
    for number in part.root.iter(f"{W}num"):
        key = number.get(f"{W}numId", "")
        reference = number.find(f"{W}abstractNumId")
        shared = reference.get(f"{W}val", "") if reference is not None else ""
        base = abstract.get(shared)
        levels = {} if base is None else _levels(base)
        overrides = number.findall(f"{W}lvlOverride")
        for override in overrides:
            place = _number(override.get(f"{W}ilvl"), 0)
            levels.update(_levels(override))
            start = override.find(f"{W}startOverride")
            if start is not None:
                levels[place] = levels.get(place, _Level())
                levels[place].start = _number(start.get(f"{W}val"), 1)
        found._levels[key] = levels
        found._shared[key] = f"{shared}/{key}" if overrides else shared
    return found


def _levels(parent: etree._Element) -> dict[int, _Level]:
    def value(level: etree._Element, name: str, default: str) -> str:
        element = level.find(f"{W}{name}")
        return element.get(f"{W}val", default) if element is not None else default

    return {
        _number(level.get(f"{W}ilvl"), 0): _Level(
            _number(value(level, "start", "1"), 1),
            value(level, "numFmt", "decimal"),
            value(level, "lvlText", ""),
        )
        for level in parent.findall(f"{W}lvl")
    }


def numeral(count: int, form: str) -> str:
    """A number as lists and notes show it; in digits where the form is not known."""
    match form:
        case "lowerLetter" | "upperLetter" if count > 0:
            # After z comes aa, then bb.
            letter = chr(ord("a") + (count - 1) % 26) * min((count - 1) // 26 + 1, 9)
            return letter.upper() if form == "upperLetter" else letter
        case "lowerRoman" | "upperRoman" if 0 < count < _MOST_ROMAN:
            roman = ""
            for value, letters in _ROMAN:
                roman += letters * (count // value)
                count %= value
            return roman.upper() if form == "upperRoman" else roman
        case "decimalZero":
            return f"{count:02}"
        case "chicago" if count > 0:
            return _SIGNS[(count - 1) % 4] * min((count - 1) // 4 + 1, 9)
        case _:
            return str(count)


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 7 else default


__all__ = ["Lists", "Styles", "is_on", "lists", "numeral", "outline_level"]
