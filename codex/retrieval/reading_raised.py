"""Raised and lowered text in plain characters: exponents, footnote marks and ordinals stay what they are."""

from __future__ import annotations

import re

_LONGEST = 40
"""Characters before a mark that are looked at."""
_ORDINALS = frozenset({"st", "nd", "rd", "th", "er", "ère", "re", "e", "ème", "eme", "d", "de"})
_SHAPED = {"tm": "™", "sm": "℠", "r": "®", "c": "©"}
_LENGTHS = {"mm", "cm", "dm", "km", "nm", "µm", "μm", "um", "in", "ft", "yd", "mi", "px"}
_OTHER_UNITS = {"sec", "min", "hr", "kg", "mg"}
_FUNCTIONS = {"sin", "cos", "tan", "cot", "log", "ln"}
_UNITS = frozenset(_LENGTHS | _OTHER_UNITS | _FUNCTIONS)
"""Words that have a power more likely than a footnote."""
_LETTERS = re.compile(r"[^\W\d_]+\Z")
_NUMBER = re.compile(r"\d(?:[\d.,]*\d)?\Z")
_SIGNED = re.compile(r"[-+−–±][\d.,/]*[^\W\d_]?\Z|[\d]+[-+−]\Z")
_NOTES = re.compile(r"\d{1,3}(?:\s?[,;–-]\s?\d{1,3})*\Z")
_FORMULA = re.compile(r"[-+−–*/=·×^ ]")
_FACTOR = re.compile(r"[×·⋅*]\s*\d+\Z|(?:\d|\b)\s*x\s*\d+\Z")
_OPERAND = re.compile(r"[=+×·/<>−]\s*[^\W\d_]{1,3}\Z")
_SMALL_BASE = 3
"""Digits of a number that has a power more likely than a footnote."""


def raised(before: str, mark: str) -> str:
    """What stands for raised text: "^6" after "10", " [4]" after "1998", "st" after "1".

    before: the text of the line up to the mark. A mark that begins a line is followed by a space.
    """
    mark, before = " ".join(mark.split()), before[-_LONGEST:]
    if not mark:
        return ""
    if not mark[0].isalnum() and mark[0] not in "-+−–±([":
        return mark  # asterisks, daggers, primes and degrees say by themselves what they are
    if mark[0] in "([":
        return mark if before[-1:].isspace() or not before else f" {mark}"
    if not before or before[-1].isspace():
        return f"[{mark}] " if _NOTES.match(mark) else mark
    if mark.isalpha():
        return _raised_letters(before, mark)
    if _NOTES.match(mark) and not _has_power(before, mark):
        return f" [{mark}]"
    return _power(mark)


def lowered(before: str, mark: str) -> str:
    """What stands for lowered text: "2" in "H2O"; "_2" where it would lengthen a number."""
    mark = " ".join(mark.split())
    if before[-1:].isdigit() and mark[:1].isdigit():
        return f"_{mark}"
    return mark


def _raised_letters(before: str, mark: str) -> str:
    last = before[-1]
    if last.isdigit():
        if mark == "o":
            return "°"
        if mark.lower() in _ORDINALS:
            return mark
        number = _NUMBER.search(before)
        return f" [{mark}]" if number and len(number[0]) > _SMALL_BASE else _power(mark)
    if mark.lower() in _SHAPED and (len(mark) == 2 or mark.isupper()) and _word(before):
        return _SHAPED[mark.lower()]
    word = _word(before)
    if len(mark) > 1:
        # Abbreviations such as Mme and nos end in raised letters.
        return (
            mark if last.isalpha() and len(mark) < 4 and (len(word) > 1 or last.isupper()) else _power(mark)
        )
    if len(word) > 2 or last in '.,;:!?"”’':
        return f" [{mark}]"
    return _power(mark)


def _has_power(before: str, mark: str) -> bool:
    """Whether digits above the last character are an exponent, not the mark of a note."""
    last = before[-1]
    if last.isdigit():
        if _FACTOR.search(before):
            return True
        number = _NUMBER.search(before)
        return number is not None and number[0].isdigit() and len(number[0]) < _SMALL_BASE
    if last in ")]}|":
        return _is_formula(before)
    word = _word(before)
    return len(mark) <= 2 and (len(word) == 1 or word in _UNITS or _OPERAND.search(before) is not None)


def _is_formula(before: str) -> bool:
    """Whether the bracket that closes here holds a formula: no word of prose in it."""
    opening = max(before.rfind(bracket) for bracket in "([{|")
    return (opening >= 0 or len(before) < 8) and not re.search(r"[^\W\d_]{3}", before[max(opening, 0) :])


def _power(mark: str) -> str:
    if len(mark) == 1 or _SIGNED.match(mark) or not _FORMULA.search(mark):
        return f"^{mark}"
    return f"^({mark})"


def _word(before: str) -> str:
    found = _LETTERS.search(before)
    return found[0] if found else ""
