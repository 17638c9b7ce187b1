"""Words: how a text is cut into them, and when two texts count as the same answer."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

# `\w` leaves out combining marks, without which Hindi and Thai words fall apart.
_MARKS = "".join(
    chr(code)
    for code in range(0x300, 0x20000)
    if unicodedata.category(chr(code))[0] == "M" and not 0xFE00 <= code <= 0xFE0F
)
_WORD = rf"""
    (?=\S)(?:
      [A-Za-z]{{2,}}+(?=[\s.,;:?!)]|\Z)                                           # most words, found faster
    | (?<!\w)[^\W\d](?:\.[^\W\d])+(?!\w)                                         # U.S, D.C
    | (?:(?<![^\s(=:*"'])[-−])?\d+(?:[.,]\d+)*(?:%|[\w{_MARKS}]+)?               # -5, 1,000, 3.14, 50%, 3rd
    | [\w{_MARKS}]+(?:['’][\w{_MARKS}]+)*(?:[+\#]+(?!\w))?                       # Muscat, isn't, C++
    | [^\w\s]                                                                    # a symbol, or punctuation
    )"""
_ANY_WORD = re.compile(_WORD, re.VERBOSE)
# Of ASCII text it finds the same, in a tenth of the time. There \s lacks the separators of files and records.
_ASCII_WORD = re.compile(_WORD.replace(_MARKS, "").replace(r"\s", r"\s\x1c-\x1f"), re.VERBOSE | re.ASCII)
# Thai and its neighbours write no spaces either, but one of their letters says too little.
_SPACELESS = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_CHARACTER = re.compile(f"[{_SPACELESS}]")
_UNIT = re.compile(rf"[{_SPACELESS}][{_MARKS}]*|[^{_SPACELESS}]+")
_THOUSANDS = re.compile(r"-?\d{1,3}(?:,\d{3})+(?![\d,])")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]")
_SUFFIX = re.compile(r"'(?:s|m|re|ve|d|ll)$")
_ARTICLES = frozenset({"a", "an", "the"})


class Word(NamedTuple):
    """A word of a text: text[start:end] is how it stands there."""

    start: int
    end: int
    key: str
    """Its form for comparing: without case, width, dots of abbreviations and commas of thousands."""


@lru_cache(maxsize=256)
def words(text: str) -> tuple[Word, ...]:
    """The words of a text in order; punctuation is none, a symbol such as = or € is one.

    In Chinese and Japanese, which write no spaces, each character is a word.
    """
    return tuple(
        [
            tuple.__new__(Word, (start, end, key))
            for start, end in _spans(text.replace("_", " "))
            if (key := _key(text[start:end]))
        ]
    )


def stem(word: Word) -> str:
    """The word's key without a possessive or a shortened verb: "oman" of "Oman's"."""
    return _SUFFIX.sub("", word.key) if "'" in word.key else word.key


def is_spaceless(word: Word) -> bool:
    """Whether the word is a Chinese or Japanese character."""
    return _CHARACTER.match(word.key) is not None


def is_sign(word: Word) -> bool:
    """Whether the word is a sign of arithmetic or of a currency, such as = or €."""
    return len(word.key) == 1 and unicodedata.category(word.key) in {"Sm", "Sc"}


@lru_cache(maxsize=256)
def normalise(text: str) -> str:
    """A text as it is compared: its words, without case, punctuation and articles.

    "The  Beatles." = "beatles", "1,000" = "1000", "-5" stays apart from "5". A text of nothing but
    punctuation stands for itself. An article that ends the text is a name ("vitamin A") and stays.
    """
    plain = text if text.isascii() else _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    keys = [word.key for word in words(plain)]
    kept = [key for key in keys[:-1] if key not in _ARTICLES] + keys[-1:]
    return " ".join(kept) or plain.strip().casefold()


def same_normalised_text(texts: Sequence[str]) -> list[int]:
    """The class of each text by its normalised form, numbered in order of appearance."""
    numbers: dict[str, int] = {}
    return [numbers.setdefault(normalise(text), len(numbers)) for text in texts]


def _spans(text: str) -> Iterator[tuple[int, int]]:
    if text.isascii():
        yield from map(re.Match.span, _ASCII_WORD.finditer(text))
        return
    for match in _ANY_WORD.finditer(text):
        if match[0].isascii():
            yield match.span()
        else:
            yield from (unit.span() for unit in _UNIT.finditer(text, *match.span()))


@lru_cache(maxsize=16384)
def _key(word: str) -> str:
    if len(word) == 1 and not word.isalnum():
        category = unicodedata.category(word)
        return word if category[0] == "S" and category != "Sk" else ""
    key = unicodedata.normalize("NFKC", word).casefold().replace("−", "-").replace("’", "'")
    if _THOUSANDS.match(key):
        return key.replace(",", "")
    return key if any(map(str.isdigit, key)) else key.replace(".", "")
