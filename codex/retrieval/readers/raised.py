"""Renders superscripts and subscripts as unambiguous plain text: 10^6 not 106, "1998 [4]" not 19984."""

from __future__ import annotations

import re

LOOKED_BACK = 40
"""Characters before a superscript that decide what it is."""

_NUMBERS = re.compile(r"[-−–+]?\d{1,4}(?:[.,]\d{1,3})?")
_MARKERS = re.compile(r"\[?\(?(?:\d{1,3}|[a-z])(?:\s?[,;–-]\s?(?:\d{1,3}|[a-z]))*\)?\]?")
_BRACKETED = re.compile(r"[\[(].*[\])]")
_ENDS = (" ", ",", ".", ";", ":", ")", "\n")
_BASE_NUMBER = re.compile(r"(?:^|[^\w.,])(\d[\d.,'’]*)$")
_BASE_WORD = re.compile(r"([^\W\d_]+)$")
_GROUP = re.compile(r"\(([^()]{0,30})\)$")
_ROMAN = re.compile(r"[IVXLCDMivxlcdm]+")
_ION = re.compile(r"\d{0,2}[+\-−]")
_SIMPLE = re.compile(r"[-−–+]?(?:\w+(?:[.,]\w+)?|[*′″°†‡])[+\-−]?")
_ORDINALS = frozenset({
    "st", "nd", "rd", "th", "er", "re", "e", "è", "ème", "eme", "ième", "ère", "nde", "os", "as", "o", "a",
    "º", "ª", "de", "ste", "me", "mes", "lle", "lles", "gr",
})  # fmt: skip
_SIGNS = {
    "tm": "™",
    "(tm)": "™",
    "sm": "℠",
    "r": "®",
    "(r)": "®",
    "®": "®",
    "™": "™",
    "°": "°",
    "º": "°",
    "o": "º",
}
_UNITS = frozenset({
    "m", "cm", "mm", "km", "dm", "nm", "µm", "μm", "in", "ft", "yd", "mi", "ha", "s", "ms", "min", "h",
    "kg", "g", "mg", "t", "l", "L", "ml", "N", "Pa", "J", "W", "K", "C", "A", "V", "Hz", "mol", "cd", "rad",
    "sr", "px", "feet", "inch", "inches", "meter", "metre", "meters", "metres", "sin", "cos", "tan", "log",
    "ln", "exp", "lim",
})  # fmt: skip
_SMALL_WORDS = frozenset({
    "in", "is", "it", "of", "to", "on", "at", "by", "we", "he", "no", "so", "up", "us", "me", "my", "be",
    "do", "go", "an", "am", "as", "or", "if",
})  # fmt: skip


def raised(before: str, text: str, after: str = "", *, note: bool = False) -> str:
    """What stands for a superscript, from its separating space on.

    before: the text in front of it (the last 40 characters suffice). after: what follows at once. note: it
    is known to be a footnote's mark.
    """
    text = " ".join(text.split())
    if not text:
        return ""
    bare = not before or before[-1].isspace()
    apart = "" if bare else " "
    if _BRACKETED.fullmatch(text) and text[1:-1].strip() and text.lower() not in _SIGNS:
        return f"{apart}[{text[1:-1].strip()}]" if _MARKERS.fullmatch(text) else f"{apart}{text}"
    if note and _MARKERS.fullmatch(text):
        return f"{apart}[{text}]"
    if bare and before.strip() and after.startswith(_ENDS) and _MARKERS.fullmatch(text):
        return f"[{text}]"
    if bare or before[-1] in "⁄/|":
        return text
    if after[:1] in ("⁄", "/") and text.isdigit():
        return f" {text}" if before[-1].isdigit() else text
    if text.lower() in _SIGNS and not (text == "r" and len(before) > 1 and not before[-2].isalpha()):
        return _sign(before, text, after)
    if not any(letter.isalnum() for letter in text):
        return f"^{text}" if _ION.fullmatch(text) else text
    if _NUMBERS.fullmatch(text) or _ION.fullmatch(text):
        return _apart_from(after, f"^{text}" if _is_power(before, text) else f" [{text}]")
    if _MARKERS.fullmatch(text) and len(text) > 2 and not text.isalpha() and not _is_variable(before):
        return f" [{text}]"
    return _letters(before, text)


def lowered(before: str, text: str, after: str = "") -> str:
    """What stands for a subscript: H2O as it is, but 1011_2, whose digits would run together."""
    text = " ".join(text.split())
    digits = text[:1].isdigit() and before[-1:].isdigit()
    return _apart_from(after, f"_{text}" if digits else text)


def grouped(text: str) -> str:
    """A term that keeps together: in brackets unless it is one already."""
    return text if _SIMPLE.fullmatch(text) or _GROUP.fullmatch(text) else f"({text})"


def _apart_from(after: str, text: str) -> str:
    return f"{text} " if after[:1].isdigit() and text[-1:].isdigit() else text


def _sign(before: str, text: str, after: str) -> str:
    sign = _SIGNS[text.lower()]
    if sign != "º":
        return sign
    if before[-1].isdigit():
        return "°" if after.lstrip()[:1] in ("C", "F", "N", "S", "E", "W") and after[:1] else "º"
    return "º" if before[-1] in "nN" else _letters(before, text)


def _is_power(before: str, text: str) -> bool:
    """Whether a raised number is an exponent or a charge; else it is the mark of a footnote."""
    if text[0] in "-−–+" or text[-1] in "-−+":
        return True
    if number := _BASE_NUMBER.search(before):
        base = number[1].rstrip(".,'’")
        if base != number[1]:
            return False
        if base == "10" or base.endswith(("×10", "·10")):
            return True
        # Growth factors such as 1.05 and probabilities have exponents, other decimals have footnotes.
        return (base.isdigit() and len(base) <= 3) or base.startswith(("1.0", "1,0", "0.", "0,"))
    if group := _GROUP.search(before):
        return not re.search(r"[^\W\d_]{3}", group[1])
    return before[-1] in ")]|" or _is_variable(before)


def _is_variable(before: str) -> bool:
    """Whether the text ends in a unit, a symbol or a formula."""
    word = _BASE_WORD.search(before)
    if word is None:
        # A formula such as SO4, x2.
        return bool(re.search(r"(?:^|[^\w])[A-Z]\w{0,8}$", before)) and not before[-5:].isdigit()
    name, preceding = word[1], before[: word.start()].rstrip()
    if name in _UNITS and (name not in _SMALL_WORDS or preceding[-1:].isdigit()):
        return True
    if len(name) == 1:
        return name not in ("a", "I")
    # mc, πr, Ca, cm: no word is that short, with few exceptions.
    return len(name) == 2 and name.lower() not in _SMALL_WORDS


def _letters(before: str, text: str) -> str:
    """Of letters: an ordinal's ending or the rest of an abbreviation, an exponent, a footnote's letter."""
    word = _BASE_WORD.search(before)
    year = re.search(r"(?:^|\D)\d{4}$", before)
    if before[-1].isdigit() and text.lower() in _ORDINALS and not (year and len(text) == 1):
        return text
    if word and _ROMAN.fullmatch(word[1]) and text.lower() in _ORDINALS:
        return text
    if word and word[1] in ("M", "Mc", "Mac", "D", "S", "n", "N", "C", "B", "V") and text.lower() in (
        "me", "mes", "lle", "lles", "gr", "r", "te", "ie", "os", "o",
    ):  # fmt: skip
        return text
    if len(text) == 1 and text.islower() and (year or (word and len(word[1]) > 2)):
        return f" [{text}]"
    if word and len(word[1]) > 2:
        return f" {text}"
    return f"^{grouped(text)}"
