"""Values out of JSON that anybody may have written: of the type that is needed, or an error in words."""

from __future__ import annotations

import math
import reprlib

MOST = 2**31 - 1
"""A count may be."""


def text(value: object, name: str) -> str:
    """The value, which must be a text that can be kept. Raises TypeError, ValueError."""
    if not isinstance(value, str):
        raise TypeError(f"{name} is {type(value).__name__}, not a text")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{name} holds half a character, a lone surrogate") from error
    return value


def real(value: object, name: str) -> float:
    """The value as a float, which NaN and the infinities are too. Raises TypeError, ValueError."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{name} is {reprlib.repr(value)}, not a number")
    try:
        return float(value)
    except OverflowError as error:
        raise ValueError(f"{name} is {reprlib.repr(value)}, more than a float holds") from error


def number(value: object, name: str) -> float:
    """The value, which must be a finite number. Raises TypeError, ValueError."""
    found = real(value, name)
    if not math.isfinite(found):
        raise ValueError(f"{name} is {found}, not a finite number")
    return found


def whole(value: object, name: str, least: int = 0, most: int = MOST) -> int:
    """The value, which must be a count, a place or a rank. Raises TypeError."""
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return value
    raise TypeError(f"{name} is {reprlib.repr(value)}, not a whole number from {least} to {most}")
