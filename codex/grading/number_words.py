"""Numbers as English words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

_COUNTED = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen twenty
"""
_WORDS = _COUNTED.split()
NUMBERS = {word: number for number, word in enumerate(_WORDS)}
"""Of each word its number, zero to twenty."""

_TENS = {
    word: 10 * at
    for at, word in enumerate(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], start=2
    )
} | {"fourty": 40}
_SCALES = {
    word: 10**power
    for words, power in (
        ("thousand", 3),
        ("lakh", 5),
        ("million", 6),
        ("crore", 7),
        ("billion", 9),
        ("trillion", 12),
    )
    for word in (words, f"{words}s")
}
_ORDINAL_WORDS = """
zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth
fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth
"""
ORDINALS = (
    {word: number for number, word in enumerate(_ORDINAL_WORDS.split())}
    | {re.sub("y$", "ieth", word): number for word, number in _TENS.items()}
    | {"hundredth": 100, "thousandth": 1000}
)
"""Of each ordinal word its number: those to twenty, and the tens, a hundred and a thousand."""
_PARTS = {"half": 2, "halves": 2, "quarter": 4, "quarters": 4} | {
    word: number for ordinal, number in ORDINALS.items() if number >= 3 for word in (ordinal, f"{ordinal}s")
}
_SMALL = {word: number for word, number in NUMBERS.items() if number < 20}
_TIMES = {"once": 1, "twice": 2, "thrice": 3}
_BARE = frozenset({"one", *_PARTS, *_SCALES, *_TIMES})
_VOCABULARY = {*_SMALL, *_TENS, *_SCALES, *ORDINALS, *_PARTS, "hundred", "dozen", "dozens", "point", *_TIMES}

_ANY = "|".join(sorted(_VOCABULARY, key=len, reverse=True))
# Between two words: a blank, a hyphen, "and", or the comma of "one thousand, two hundred".
_BETWEEN = r"(?:\s+|-|(?<=thousand),\s+|(?<=million),\s+|(?<=billion),\s+)(?:and\s+)?(?:an?\s+)?"
_RUN = re.compile(rf"\b(?:(?:a|an)\s+)?(?:{_ANY})\b(?:{_BETWEEN}(?:{_ANY})\b)*", re.IGNORECASE)
_WORD = re.compile(r"[a-z]+", re.IGNORECASE)


class Spoken(NamedTuple):
    """A spelled-out number: text[start:end]."""

    start: int
    end: int
    value: Fraction
    ordinal: bool
    bare: bool
    """A single word that is often none: one, half, third, second, ..."""


def word_of(number: int) -> str | None:
    """The word of a number from zero to twenty; None for any other."""
    return _WORDS[number] if 0 <= number < len(_WORDS) else None


def spoken(text: str) -> Iterator[Spoken]:
    """The spelled-out numbers of a text, in order: "three hundred and forty-two", "two and a half"."""
    for run in _RUN.finditer(text):
        last: Spoken | None = None
        for found in _numbers(text, run.start(), run.end()):
            if last is not None and (joined := _joined(last, found, text)):
                last = joined
                continue
            if last is not None:
                yield last
            last = found
        if last is not None:
            yield last


def _numbers(text: str, start: int, end: int) -> Iterator[Spoken]:
    words = [(m.start(), m.end(), m[0].lower()) for m in _WORD.finditer(text, start, end)]
    at = 0
    while at < len(words):
        reader, begun = _Reader(), at
        while at < len(words) and reader.take(words[at][2]):
            at += 1
        # A trailing "and" or "a" is no part of it.
        last = at
        while last > begun and words[last - 1][2] in {"and", "a", "an"}:
            last -= 1
        value = reader.value()
        if value is not None and last > begun:
            bare = last - begun == 1 and (reader.ordinal or words[begun][2] in _BARE)
            yield Spoken(words[begun][0], words[last - 1][1], value, reader.ordinal, bare)
        at = max(last, begun + 1)


def _joined(one: Spoken, other: Spoken, text: str) -> Spoken | None:
    """ "one and three quarters", "half a million", "seven and a half million" as one number."""
    between = text[one.end : other.start].split()
    if between == ["and"] and one.value.denominator == 1 and other.value < 1 and not one.ordinal:
        return Spoken(one.start, other.end, one.value + other.value, False, False)
    if not between and one.value.denominator > 1 and other.value in {12, 100, *_SCALES.values()}:
        return Spoken(one.start, other.end, one.value * other.value, False, False)
    return None


class _Reader:
    """Takes words as long as they continue one number."""

    def __init__(self) -> None:
        self._done = Fraction(0)
        """What thousands, millions, ... came to."""
        self._group: Fraction | None = None
        """The hundreds, tens and ones since."""
        self._room = 10**18
        """The next scale has to be smaller."""
        self._least = 10**18
        """The next word within the group has to be smaller: 100 after a hundred, 10 after tens."""
        self._decimals: str | None = None
        self._article = False
        self._joined = False
        """An "and" came last."""
        self._closed = False
        self.ordinal = False

    def take(self, word: str) -> bool:
        """Whether the word belongs to the number; it is then counted in."""
        if self._closed:
            return False
        if word in {"a", "an"}:
            # "a hundred" begins a number, "and a half" ends one.
            taken = self._empty or self._joined
            self._article = True
            return taken and not (self._empty and self._joined)
        if word == "and":
            self._joined = True
            return not self._empty
        taken = self._counted(word)
        self._article = self._joined = False
        return taken

    def value(self) -> Fraction | None:
        """The number; None where no word was taken."""
        if self._empty:
            return None
        whole = self._done + (self._group or 0)
        return whole + Fraction(f"0.{self._decimals}") if self._decimals else whole

    @property
    def _empty(self) -> bool:
        return self._group is None and not self._done

    def _counted(self, word: str) -> bool:
        if self._decimals is not None:
            return self._decimal(word)
        if word == "point":
            self._decimals = "" if not self._empty else None
            return not self._empty
        if word in _TIMES:
            self._closed = self._empty
            self._group = Fraction(_TIMES[word]) if self._empty else self._group
            return self._closed
        if word in _PARTS and self._part(word):
            return True
        if word in ORDINALS:
            taken = self._small(ORDINALS[word])
            self.ordinal = self._closed = taken
            return taken
        if word in _SMALL or word in _TENS:
            return self._small(_SMALL.get(word, _TENS.get(word, 0)))
        return self._scale(word)

    def _decimal(self, word: str) -> bool:
        if word not in _SMALL or _SMALL[word] > 9:
            return False
        self._decimals = f"{self._decimals}{_SMALL[word]}"
        return True

    def _small(self, number: int) -> bool:
        if self._group is None:
            self._group = Fraction(number)
        elif number and number < self._least:
            self._group += number
        elif 10 < self._group < 21 and 10 <= number < 100 and not self._joined and self._done == 0:
            # Years: nineteen eighty-four.
            self._group = self._group * 100 + number
        else:
            return False
        # After tens come ones; after ones and teens nothing, but a hundred or a scale.
        self._least = 10 if number >= 20 and number % 10 == 0 else 0
        return True

    def _scale(self, word: str) -> bool:
        if word == "hundred":
            if self._group is None and not self._article:
                return False
            if self._group is not None and (self._group >= 100 or self._group == 0):
                return False
            self._group = (self._group or Fraction(1)) * 100
            self._least = 100
            return True
        if word in {"dozen", "dozens"}:
            self._group = (self._group or Fraction(1)) * 12
            self._closed = True
            return bool(self._article or self._group > 12)
        size = _SCALES.get(word, 0)
        if not size or size >= self._room or (self._group is None and self._done):
            return False
        self._done += (self._group or 1) * size
        self._group, self._room, self._least = None, size, size
        return True

    def _part(self, word: str) -> bool:
        """A half, two thirds, two and a half, three quarters; of a thousand as well: half a million."""
        part = Fraction(1, _PARTS[word])
        if self._empty:
            if word in ORDINALS and not self._article:
                return False
            self._group = part
        elif self._joined and (self._article or word == "half"):
            self._group = (self._group or 0) + part
        elif (
            self._group is not None
            and 0 < self._group < 20
            and not self._joined
            and (word not in ORDINALS or self._group == 1)
        ):
            self._group *= part
        else:
            return False
        self._closed = True
        return True
