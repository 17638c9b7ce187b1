"""Joins words hyphenated at the end of a line, where the joined word is likelier than the compound."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from functools import cache

from spellchecker import SpellChecker

_SOFT = "\u00ad"
HYPHENS = ("-", "\u2010", _SOFT)
"""That hyphenate a word at the end of a line."""
_LONGEST = 100
"""Characters of what stands on either side of a line's end that are inspected."""

_WORD = re.compile(r"[^\W\d_]+(?:[-\u2010][^\W\d_]+)*")
_CUT = re.compile(r"(?<=\w)[-\u2010\u00ad]\n(?=\w)")
_LEFT = re.compile(r"[^\W_]+\Z")
_RIGHT = re.compile(r"[^\W_]+")
_ADDRESS = re.compile(r"[@\\_=]|://|www\.|\w\.\w\w")
_AND = frozenset(
    {
        "and",
        "or",
        "nor",
        "to",
        "of",
        "versus",
        "vs",
        "und",
        "oder",
        "bzw",
        "bis",
        "sowie",
        "et",
        "ou",
        "y",
        "o",
    }
    | {"o", "e", "u", "ed", "og", "och", "eller", "en", "i", "lub"}
)
_SHORT_WORDS = frozenset(["by", "go", "in", "no", "on", "to", "up", "ex"])
"""Of two letters, that begin compounds; others are rather the first syllable of a word."""
_LANGUAGES = {
    "en": "the of and to in is that for with was are this",
    "de": "der die und das den von mit ist ein eine nicht auf",
    "nl": "de het een van en dat niet zijn voor met op wordt",
    "fr": "le la les des et est une dans que pour pas sur",
    "es": "el la los las de que y una por con para del",
    "pt": "o os da do que e uma para com não em dos",
    "it": "il di che la e un una per con non del della",
    "ru": "и в не на что с по как это из для от",
}
"""The commonest words of each language whose list of words is used."""
_COMPOUNDS_CLOSED = frozenset(("de", "nl"))
"""Languages that write compounds as one word."""
_LEAST_SHARE = 0.05
"""Of a text's words that are among the commonest of its language."""


def joined(pages: Sequence[str]) -> list[str]:
    """The pages, with words joined that were hyphenated at the end of a line.

    A hyphen that is part of the word stays, as it does in an address, a code or a range of numbers; the
    line's end after it goes. The rest of the document says which words there are, then a list does.
    """
    if not any(_CUT.search(page) for page in pages):
        return list(pages)
    words = _Words(pages)
    return [_CUT.sub(lambda cut: _between(cut, words), page) for page in pages]


def _between(cut: re.Match[str], words: _Words) -> str:
    """What replaces a hyphen and the line end after it."""
    page = cut.string
    before = page[max(0, cut.start() - _LONGEST) : cut.start()].rsplit(None, 1)[-1]
    after = page[cut.end() : cut.end() + _LONGEST].split(None, 1)[0]
    hyphen = cut[0][0]
    if hyphen == _SOFT:
        return ""
    if _ADDRESS.search(f"{before}{hyphen}{after}"):
        return hyphen
    left, right = _LEFT.search(before), _RIGHT.match(after)
    if left is None or right is None:
        return hyphen
    if not (left[0].isalpha() and right[0].isalpha()):
        return hyphen
    capitals = left[0].isupper() and right[0].isupper() and len(left[0]) > 1 < len(right[0])
    if not right[0][0].islower() and not capitals and right[0][0].upper() != right[0][0].lower():
        return hyphen
    first, second = left[0].lower(), right[0].lower()
    if second in _AND and not words.hold(first + second):
        return cut[0]  # "pre- and postwar"
    one = words.are_one(first, second)
    if one is None:
        # A compound of more parts, or one with a slash, has more of them likelier than not.
        one = not any(mark in before for mark in (*HYPHENS, "/"))
    return "" if one else hyphen


class _Words:
    """The words of a document, and of its language."""

    def __init__(self, pages: Sequence[str]) -> None:
        counts: Counter[str] = Counter()
        for page in pages:
            # What a line's end divides says nothing about itself.
            whole = _CUT.sub("\0", page)
            counts.update(
                word[0].lower().replace("\u2010", "-")
                for word in _WORD.finditer(whole)
                if "\0" not in whole[max(0, word.start() - 1) : word.end() + 1]
            )
        self._counts = counts
        total = max(sum(counts.values()), 1)
        share, self._language = max(
            (sum(counts[word] for word in common.split()) / total, language)
            for language, common in _LANGUAGES.items()
        )
        if share < _LEAST_SHARE:
            self._language = ""

    def hold(self, word: str) -> bool:
        """Whether a word, in lower case, is in the document or in the list of its language."""
        return word in self._counts or word in _listed(self._language)

    def are_one(self, left: str, right: str) -> bool | None:
        """Whether two parts, in lower case, make a word without a hyphen; None where nothing tells."""
        whole, compound = self._counts[left + right], self._counts[f"{left}-{right}"]
        if whole != compound:
            return whole > compound
        if len(left) == 1 or len(right) == 1:
            return False  # nobody divides a word after one letter
        if self._language in _COMPOUNDS_CLOSED or self.hold(left + right):
            return True
        words = (len(left) > 2 or left in _SHORT_WORDS) and len(right) > 2
        return False if words and self.hold(left) and self.hold(right) else None


@cache
def _listed(language: str) -> Collection[str]:
    """The words of a language."""
    return SpellChecker(language=language, distance=1).word_frequency.dictionary if language else ()
