"""How much of an accepted answer a text says, word by word."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from codex.grading.wording import plain

_WORDS_LEFT_OUT = (
    "and are as at be by for from her his in into is it its of on or that their this to was were with"
)
STOP_WORDS = frozenset(_WORDS_LEFT_OUT.split())
STEM = 6
"""Letters at least that two words share which differ in their ending alone, and """
ENDING = 2
"""letters at most of either ending: Russia and Russians, but not Niger and Nigeria."""


def word_recall(question: str, accepted: Sequence[str], text: str) -> float:
    """The largest share of an accepted answer's own words that the text says, in [0, 1].

    Its own are the words that are neither stop words nor in the question. A word may differ in its ending.
    Of an answer with a number that the text does not say nothing counts: 14 July is not 10 July. An answer
    without words of its own ("The Who", of which band ...) counts where all of it stands in the text.
    """
    asked, said = frozenset(_words(question)), frozenset(_words(text))
    # What the text repeats of the question is no other form of a word of the answer.
    new = said - asked
    most = 0.0
    for answer in accepted:
        own = [word for word in _words(answer) if word not in STOP_WORDS and word not in asked]
        most = max(most, _recall(own, said, new) if own else float(contains(answer, text)))
    return most


def contains(answer: str, text: str) -> bool:
    """Whether the answer stands in the text, word for word."""
    words = plain(answer)
    return bool(words) and f" {words} " in f" {plain(text)} "


def _recall(own: Sequence[str], said: frozenset[str], new: frozenset[str]) -> float:
    there = [word in said or any(same(word, other) for other in new) for word in own]
    if any(word[0].isdigit() and not found for word, found in zip(own, there, strict=True)):
        return 0.0
    return sum(there) / len(own)


def same(one: str, other: str, least: int = STEM) -> bool:
    """Whether two words differ in their ending alone. least: letters that they share."""
    if one[:least] != other[:least] or min(len(one), len(other)) < least or one.isdigit():
        return False
    stem = max(least, len(one) - ENDING, len(other) - ENDING)
    return one[:stem] == other[:stem]


@lru_cache(maxsize=1024)
def _words(text: str) -> tuple[str, ...]:
    return tuple(singular(word) for word in plain(text).split())


def singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
