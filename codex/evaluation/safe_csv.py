"""Cells of a CSV file that a spreadsheet will not run as formulas."""

from __future__ import annotations

import unicodedata

_BEGINS = ("=", "+", "-", "@", "|", "%", "\t", "\r", "\n")


def cell(value: object) -> object:
    """A value for `csv.writer`: text that a spreadsheet could take for a formula gets a ' before it.

    Numbers stay numbers, written as text too ("-0.31"). OWASP, "CSV Injection"; full-width signs and
    leading white space count, since some programs strip or fold them.
    """
    if not isinstance(value, str):
        return value
    begin = unicodedata.normalize("NFKC", value.lstrip(" \u00a0\ufeff\u200b"))[:1]
    return f"'{value}" if begin in _BEGINS and begin and not _is_number(value) else value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "\n" not in text and "\t" not in text and "\r" not in text
