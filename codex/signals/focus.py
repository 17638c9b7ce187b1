"""The answer's focus: the words that carry it, without the question's own words and stop words.

Chat models wrap the answer in the question ("The capital of Oman is Muscat."), and an average over
all of it measures the wrapping. Stop words are English; in other languages the question's words still
fall away, and where nothing is left the whole answer is its own focus.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np

from codex.signals.text import Word, is_sign, is_spaceless, stem, words
from codex.text import COMMON_WORDS
from codex.types import Generation, Observation

# Only words that are never the answer: no modal that is also a name (may, will), no order or quantity.
_STOP = COMMON_WORDS | {
    "among", "answer", "correct", "mine", "onto", "ours", "per", "question", "theirs", "via", "yours",
}  # fmt: skip
_NEVER_NAMES = frozenset({"i", "the", "an"})
_VERDICT = frozenset({"yes", "no", "true", "false"})
_NEGATION = frozenset({"not", "never", "none", "nothing", "neither", "nor", "nobody", "nowhere", "cannot"})
_HYPHENS = frozenset("-‐‑")
_LIST_COMMA = re.compile(r",\s*(?:(?:an?|the)\s+)?")
_SENTENCE_END = re.compile(r"[.!?:\n]")


class _Given(NamedTuple):
    """What the question already says."""

    stems: frozenset[str]
    """Of its words, stop words and offered answers apart."""
    names: frozenset[str]
    """Its words that are stop words but written as names."""
    text: str


def focus_mask(observation: Observation) -> tuple[bool, ...]:
    """Which tokens of the answer carry it; all of them when nothing is left. As long as its tokens."""
    return token_mask(observation.question, observation.generation)


def token_mask(question: str, generation: Generation) -> tuple[bool, ...]:
    """Which tokens of a generation hold a byte of a focus word, as `focus_mask`.

    A word is taken whole, however many tokens it spans.
    """
    joined = b"".join(token.bytes for token in generation.tokens)
    shown = generation.text.encode()
    # The last token may reach past a stop string; what lies there is not part of the answer.
    text = (shown if joined.startswith(shown) else joined).decode("utf-8", "surrogateescape")
    every, at = words(text), _byte_offsets(text)
    carries = np.zeros(len(joined), dtype=np.bool_)
    for first, last in _focus_runs(question, text):
        carries[at[every[first].start] : at[every[last].end]] = True
    if not carries.any():
        return (True,) * len(generation.tokens)
    ends = np.cumsum([len(token.bytes) for token in generation.tokens])
    starts = np.concatenate([[0], ends[:-1]])
    before = np.concatenate([[0], np.cumsum(carries)])
    return tuple((before[ends] > before[starts]).tolist())


# The samples of one question often repeat each other.
@lru_cache(maxsize=256)
def focus_text(question: str, text: str) -> str:
    """The focus of a text, words in order; the whole text when nothing is left.

    Neighbouring words keep what stands between them ("José Ortega y Gasset", "東京").
    """
    every, runs = words(text), _focus_runs(question, text)
    if not runs:
        return text
    first, last = runs[0]
    parts = [text[every[first].start : every[last].end]]
    for (_, before), (first, last) in pairwise(runs):
        parts.append(text[every[before].end : every[first].start] if first == before + 1 else " ")
        parts.append(text[every[first].start : every[last].end])
    return "".join(parts)


def content_words(text: str) -> list[Word]:
    """The words of a text without stop words and signs; all of them when nothing is left."""
    every = words(text)
    content = [
        word
        for i, word in enumerate(every)
        if not is_sign(word) and (stem(word) not in _STOP or _is_name(i, every, text))
    ]
    return content or list(every)


@lru_cache(maxsize=256)
def _focus_runs(question: str, text: str) -> list[tuple[int, int]]:
    """First and last index of each focus word or hyphenated compound; one part brings in the whole."""
    given, every = _given(question), words(text)
    carrying = [_carries(i, every, text, given) for i in range(len(every))]
    return [(first, last) for first, last in _compounds(every, text) if True in carrying[first : last + 1]]


def _carries(i: int, every: Sequence[Word], text: str, given: _Given) -> bool:
    word = every[i]
    key, kind = _kind(word.key)
    match kind:
        case "plain":
            return key not in given.stems
        case "verdict":
            return True
        case "negation":
            # After "No," a "not" says the same again; on its own it is the answer.
            return stem(every[0]) not in _VERDICT
        case "character":
            # One character is too little to know a word by: it must stand beside the same neighbour there.
            pairs = text[max(0, word.start - 1) : word.end], text[word.start : word.end + 1]
            return not any(len(pair) > word.end - word.start and pair in given.text for pair in pairs)
        case "stop":
            return _is_name(i, every, text) and text[word.start : word.end] not in given.names
        case "sign":
            return False


@lru_cache(maxsize=16384)
def _kind(
    word_key: str,
) -> tuple[str, Literal["plain", "verdict", "negation", "character", "stop", "sign"]]:
    """The stem of a word and how it is told whether the word carries the answer."""
    word = Word(0, len(word_key), word_key)
    key = stem(word)
    if key in _VERDICT:
        return key, "verdict"
    if key in _NEGATION or key.endswith("n't"):
        return key, "negation"
    if is_spaceless(word):
        return key, "character"
    if key in _STOP:
        return key, "stop"
    return key, "sign" if is_sign(word) else "plain"


def _is_name(i: int, every: Sequence[Word], text: str) -> bool:
    """Whether a stop word is written as a name is: US anywhere, WHO, Who or A inside a sentence."""
    word = text[every[i].start : every[i].end]
    if not word[0].isupper() or every[i].key in _NEVER_NAMES or text.isupper():
        return False
    if word.isupper() and len(word) > 1:
        return True
    return i > 0 and not _SENTENCE_END.search(text, every[i - 1].end, every[i].start)


def _compounds(every: Sequence[Word], text: str) -> list[tuple[int, int]]:
    """First and last index of the words joined by hyphens; most stand alone."""
    if not any(hyphen in text for hyphen in _HYPHENS):
        return [(i, i) for i in range(len(every))]
    runs: list[tuple[int, int]] = []
    for i, word in enumerate(every):
        if i and every[i - 1].end == word.start - 1 and text[word.start - 1] in _HYPHENS:
            runs[-1] = (runs[-1][0], i)
        else:
            runs.append((i, i))
    return runs


@lru_cache(maxsize=1024)
def _given(question: str) -> _Given:
    every = words(question)
    content = [word for word in every if word.key == "or" or stem(word) not in _STOP]
    names = {
        question[word.start : word.end]
        for i, word in enumerate(every)
        if stem(word) in _STOP and _is_name(i, every, question)
    }
    offered = {stem(word) for word in _offered(content, question)}
    return _Given(frozenset(map(stem, content)) - offered, frozenset(names), question)


def _offered(content: list[Word], question: str) -> list[Word]:
    """The words that the question offers as answers: those beside "or", and the list that leads to it."""
    offered: list[Word] = []
    for i in [i for i, word in enumerate(content) if word.key == "or"]:
        offered += content[max(0, i - 1) : i] + content[i + 1 : i + 2]
        for word, earlier in pairwise(reversed(content[:i])):
            if not _LIST_COMMA.fullmatch(question, earlier.end, word.start):
                break
            offered.append(earlier)
    return offered


def _byte_offsets(text: str) -> list[int]:
    """Where each character starts in the encoded text, and at last where the text ends."""
    if text.isascii():
        return list(range(len(text) + 1))
    sizes = [len(character.encode("utf-8", "surrogateescape")) for character in text]
    return [0, *np.cumsum(sizes, dtype=int).tolist()]
