"""The words of a text as short answers are compared: numbers by their value, units by one spelling."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from codex.grading.quantities import Quantity, quantities, readable
from codex.grading.word_recall import singular
from codex.grading.wording import plain, unaccented
from codex.signals.text import words

_JOINED = re.compile(r"(?<=\w)[-/](?=\w)")
_POSSESSIVE = re.compile(r"'s\b")
_WORLD_WAR = re.compile(r"\bWW\s?(I{1,3}|[123])\b")
_NUMBER = re.compile(r"\b[Nn]o\.\s?(?=\d)|№\s?")
_BRITISH = re.compile(
    r"(?<=[a-z]{3})(?:is(?=(?:e|ed|es|er|ers|ing|ation|ations)$)|ys(?=(?:e|ed|es|er|ers|ing)$))"
)
_OUR = re.compile(r"(?<=[a-z]{3})our(?=(?:ed|ing|ful|less|ite|able)?$)")
_GLUED_FOOTNOTE = re.compile(r"(?<=[^\W\d]{3})(?=\d)")
_ROMAN = re.compile(r"(?:XL|L?X{0,3})(?:IX|IV|V?I{0,3})", re.IGNORECASE)
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50}
_NOT_ROMAN = frozenset({"vi", "xi", "li"})
"""Of lower case, words or names."""
_POINTS = ("north", "south", "east", "west", "northeast", "northwest", "southeast", "southwest")
_COMPASS = {point: f"{point}ern" for point in _POINTS} | {f"{point}ern": point for point in _POINTS}
_NEGATIONS = frozenset({"not", "no", "non", "never", "without", "cannot"})
_ERAS = frozenset({"bc", "bce"})
_TWO_SPELLINGS = """
grey gray|st saint|mt mount|ft fort|dr doctor|jr junior|sr senior|theatre theater|centre center|metre meter
litre liter|fibre fiber|aluminium aluminum|sulphur sulfur|programme program|bce bc|& and
"""
_ALSO = dict(pair.split() for pair in _TWO_SPELLINGS.strip().replace("\n", "|").split("|"))
_ARTICLES = frozenset({"a", "an", "the"})


@dataclass(frozen=True, slots=True)
class Term:
    """A word, number or unit: text[start:end] of `plain_text`."""

    start: int
    end: int
    key: str
    """Its form for comparing."""
    needed: bool
    """Whether an answer without it is another one: numbers, units, compass points, negations."""
    capital: bool
    """Whether it begins with a capital letter."""
    other: str = ""
    """Another form of it: "x" of X that is read as ten."""
    initials: bool = False
    """Whether it is the initials of a name."""


@lru_cache(maxsize=4096)
def plain_text(text: str) -> str:
    """A text in plain characters: without accents, with one kind of quotes and dashes, joined words apart."""
    bare = unaccented(readable(_written_out(text))).replace("’", "'")
    return _GLUED_FOOTNOTE.sub(" ", _POSSESSIVE.sub("  ", bare))


def _written_out(text: str) -> str:
    """A text without its abbreviations that hold a number: "WWII" is World War II, "No. 1" number 1."""
    return _NUMBER.sub("number ", _WORLD_WAR.sub(r"World War \1", text))


@lru_cache(maxsize=4096)
def keys(text: str) -> frozenset[str]:
    """The words of a text, each in its form for comparing."""
    found = {_spelling(singular(word)) for word in plain(_written_out(text)).split()}
    if any(word.endswith("n't") for word in found):
        found.add("not")
    return frozenset(found)


@lru_cache(maxsize=4096)
def number_keys(text: str, bare: bool = True) -> frozenset[str]:
    """The numbers and units of a text, each in its form for comparing. bare: with the one of "which one"."""
    return frozenset({term.key for term in terms(text) if term.key[0] in "#@" and (bare or term.needed)})


@lru_cache(maxsize=4096)
def terms(text: str, numbers: bool = True) -> tuple[Term, ...]:
    """The terms of a text in order, without articles, but for one that ends it.

    numbers: whether numbers and units are read by their value; else as the words that they are.
    """
    bare = plain_text(text)
    found = quantities(bare) if numbers else ()
    apart = _JOINED.sub(" ", bare)
    made: list[Term] = []
    at = 0
    for word in words(apart):
        while at < len(found) and found[at].end <= word.start:
            made += _measures(found[at])
            at += 1
        if at == len(found) or word.end <= found[at].start:
            made.append(_term(word.start, word.end, word.key, apart, made[-1] if made else None))
    for rest in found[at:]:
        made += _measures(rest)
    kept = [term for term in made[:-1] if term.key not in _ARTICLES] + made[-1:]
    return tuple(_with_initials(kept))


def _measures(number: Quantity) -> list[Term]:
    value = f"#{number.clock and 'time '}{number.value}"
    needed = bool(number.digits) or number.ordinal or not (number.incidental and number.value <= 1)
    made = [Term(number.start, number.end, value, needed, False)]
    if number.percent or number.unit:
        unit = "%" if number.percent else number.unit.name if number.unit else ""
        made.append(Term(number.start, number.end, f"@{unit}", True, False))
    return made


def _term(start: int, end: int, key: str, text: str, before: Term | None) -> Term:
    capital = text[start].isupper()
    if (value := _roman(text[start:end], before)) is not None:
        return Term(start, end, f"#{value}", True, capital, key)
    if key.endswith("n't"):
        return Term(start, end, "not", True, False)
    if any(map(str.isdigit, key)) or key in _NEGATIONS or key in _ERAS:
        return Term(start, end, _spelling(key), True, capital)
    if key in _COMPASS:
        return Term(start, end, key, True, capital, _COMPASS[key])
    return Term(start, end, _spelling(singular(key)), False, capital)


def _spelling(word: str) -> str:
    """One spelling of a word that has two: British and American, short and long."""
    if word in _ALSO:
        return _ALSO[word]
    if len(word) <= 5:
        return word
    return _OUR.sub("or", _BRITISH.sub(lambda found: f"{found[0][0]}z", word))


def _roman(word: str, before: Term | None) -> int | None:
    """The value of a Roman numeral up to 89: of several letters, or of one behind a name ("Henry V")."""
    if len(word) > 8 or not _ROMAN.fullmatch(word):
        return None
    if word.islower():
        if len(word) < 2 or word in _NOT_ROMAN:
            return None
    elif not word.isupper() or (len(word) == 1 and not (before and before.capital)):
        return None
    values = [_ROMAN_VALUES[letter] for letter in word.upper()]
    after = [*values[1:], 0]
    return sum(-one if one < other else one for one, other in zip(values, after, strict=True))


def _with_initials(found: list[Term]) -> list[Term]:
    """Single letters in a row as one term: J. R. R. Tolkien is JRR Tolkien."""
    made: list[Term] = []
    for term in found:
        letter = len(term.key) == 1 and term.key.isalpha()
        if letter and made and made[-1].initials and made[-1].end + 2 >= term.start - 1:
            last = made[-1]
            made[-1] = Term(last.start, term.end, last.key + term.key, False, True, initials=True)
        else:
            made.append(Term(term.start, term.end, term.key, term.needed, term.capital, term.other, letter))
    return made
