"""Small whole numbers as English words."""

from __future__ import annotations

_COUNTED = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen twenty
"""
_WORDS = _COUNTED.split()
NUMBERS = {word: number for number, word in enumerate(_WORDS)}
"""Of each word its number, zero to twenty."""


def word_of(number: int) -> str | None:
    """The word of a number from zero to twenty; None for any other."""
    return _WORDS[number] if 0 <= number < len(_WORDS) else None
