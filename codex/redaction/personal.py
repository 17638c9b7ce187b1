"""E-mail addresses, phone numbers and card numbers in a text."""

from __future__ import annotations

import re

from codex.redaction.spans import Span, united

_EMAIL = re.compile(r"\b[\w.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}\b", re.ASCII)
_PHONE = re.compile(
    r"(?<![\w+.-])(?:\+\d{1,3}[ ./-]?(?:\(\d{1,4}\)[ ./-]?)?\d(?:[ ./-]?\d){6,12}"
    r"|\(\d{2,5}\)[ ./-]?\d(?:[ ./-]?\d){5,9}|\d{3}[.-]\d{3}[.-]\d{4})(?![\w-]|\.\d)"
)
_NAMED_PHONE = re.compile(
    r"\b(?:tele(?:phone|fon)|phone|mobile|handy|tel|fax)(?: (?:number|no|nr))?\b[.:]{0,2} {0,2}(?:is |at )?"
    r"(?P<number>\d(?:[ ./-]?\d){6,13})(?![\w-]|\.\d)",
    re.IGNORECASE | re.ASCII,
)
_CARD = re.compile(r"(?<![\w.+/=-])[2-6]\d(?:[ -]?\d){11,17}(?![\w/=-]|\.\d)", re.ASCII)


def emails(text: str) -> list[Span]:
    """E-mail addresses."""
    if "@" not in text:
        return []
    return [Span(*found.span(), "e-mail") for found in _EMAIL.finditer(text)]


def phones(text: str) -> list[Span]:
    """International numbers, those with an area code in brackets, 555-123-4567, and what is called a number.

    Never a bare number, which may be an answer.
    """
    found = [Span(*each.span(), "phone") for each in _PHONE.finditer(text)]
    found += [Span(*each.span("number"), "phone") for each in _NAMED_PHONE.finditer(text)]
    return united(found)


def cards(text: str) -> list[Span]:
    """Numbers of payment cards: of a known network, of its length, with a correct check digit (Luhn)."""
    return [Span(*found.span(), "card") for found in _CARD.finditer(text) if _is_card(found[0])]


def personal(text: str) -> list[Span]:
    """All of these, in order, without overlap."""
    return united([*cards(text), *emails(text), *phones(text)])


def _is_card(written: str) -> bool:
    sizes = [len(group) for group in re.split("[ -]", written)]
    if len(sizes) > 1 and sizes not in ([4, 6, 5], [4, 6, 4]) and (set(sizes[:-1]) != {4} or sizes[-1] > 4):
        return False
    digits = re.sub("[ -]", "", written)
    return _of_network(digits) and luhn(digits)


def _of_network(digits: str) -> bool:
    """Whether the first digits and the length are those of Visa, Mastercard, American Express, Discover,
    Diners, JCB, UnionPay or Maestro (ISO/IEC 7812)."""
    four, length = int(digits[:4]), len(digits)
    if digits[0] == "4":
        return length in (13, 16, 19)
    if 5100 <= four <= 5599 or 2221 <= four <= 2720:
        return length == 16
    if digits[:2] in ("34", "37"):
        return length == 15
    if digits[:2] in ("36", "38") or 3000 <= four <= 3059:
        return length == 14
    return length >= 16 and (
        3528 <= four <= 3589 or four == 6011 or digits[:2] in ("50", "62", "64", "65", "67")
    )


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0
