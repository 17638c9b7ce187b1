"""Whether two questions ask for the same thing, by their words.

A judge that is a model was measured to be no better than chance with the models that people have here
(docs/concepts/evidence.md), and vectors put "largest" beside "smallest". So the words of one question must
each have their counterpart in the other, and the other way round, beside the kind of question, its tense,
its order where that counts, and what is asked for. Names, numbers, units and negations are words like any
other: without a counterpart there is no match. Rules and word lists are English; a question in another
language is matched where it has the same words in the same order.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Literal

from rapidfuzz.distance import OSA

from codex.ask.people import question_words as english
from codex.signals.text import words

MOST_CHARACTERS = 2_000
"""A longer question is matched only where it is the same."""
MOST_MOVED = 12
"""Words of the longest question that may be put in another order."""
SHORTEST_MISTYPED = 5
"""Letters of a word that may be mistyped."""
SHORTEST_MISTYPED_NAME = 8
"""The same of a name: Johnson and Jonson are two."""

Tense = Literal["past", "present", "future", "any"]
_ARITHMETIC = (
    (re.compile(r"(?<=\d)(plus|minus|times|over)(?=\d)"), r" \1 "),
    (re.compile(r"(?<=\d)\s*[+]\s*(?=\d)"), " plus "),
    (re.compile(r"(?<=\d)\s*[-−–]\s*(?=\d)"), " minus "),
    (re.compile(r"(?<=\d)\s*[x×*·]\s*(?=\d)"), " times "),
    (re.compile(r"(?<=\d)\s*[/÷:]\s*(?=\d)"), " over "),
    (re.compile(r"(?<=\d)\s*%"), " percent "),
    (re.compile(r"=\s*[?]?\s*$"), " "),
)
_SHORTENED = (
    (re.compile(r"\b(what|who|where|when|how|why)'?s\b"), r"\1 is"),
    (re.compile(r"\b(which|that|there|it|he|she)'s\b"), r"\1 is"),
    (re.compile(r"\bcan(?:'t|not)\b"), "can not"),
    (re.compile(r"\bwon't\b"), "will not"),
    (re.compile(r"n't\b"), " not"),
    (re.compile(r"'re\b"), " are"),
    (re.compile(r"'ll\b"), " will"),
    (re.compile(r"\b(i|we|you|they|he|she)'d\b"), r"\1 would"),
    (re.compile(r"\bi'm\b"), "i am"),
    (re.compile(r"s' (?=\w)"), "s 's "),
    (re.compile(r"'s\b"), " 's "),
)
_RAISED = re.compile("[⁰¹²³⁴-⁹]+")
_FACTORIAL = re.compile(r"(?<=\d)!")
_PUNCTUATION = frozenset(".,;:?!'\"…¿¡‽、。？！")
"""Marks that say nothing of what is asked."""
_WH = frozenset("who whom whose what which when where why how".split())  # noqa: SIM905
_MARK = "ǂ"
"""Behind a small word that stands there as a name: the symbol In."""
_ARTICLES = frozenset(f"{article}{_MARK}" for article in ("the", "a", "an"))
"""Of a title; in a question that is typed without capitals there is no telling."""
_MENTIONS = frozenset("symbol letter letters word abbreviation code".split())  # noqa: SIM905
_SMALL_NAMES = frozenset("am as at be he in is no a an i".split())  # noqa: SIM905


@dataclass(frozen=True, slots=True)
class Form:
    """A question as it is compared."""

    words: tuple[str, ...]
    """What carries it, in order, each in its one form."""
    written: tuple[str, ...]
    """The same as they stand in the question, in lower case."""
    capital: tuple[bool, ...]
    """Whether they stand there with a capital."""
    asked: str
    """who, what, when, where, why, whose, how, how many, yes or no."""
    head: str | None
    """What kind of thing is asked for, where the question says so."""
    tense: Tense
    role: Literal["subject", "object"] | None
    """Of what is asked for, in a sentence with a verb of its own; None: not known."""
    plain: bool
    """Without a verb of its own, so that its parts may stand in any order."""
    directed: bool
    """Its order counts."""
    signs: tuple[str, ...]
    """What stands in it beside words and punctuation, such as @ and #."""


def normalised(question: str) -> str:
    """The question without case, spaces and marks at its end: what is the same question."""
    text = " ".join(_composed(question).casefold().split()).rstrip(" ?.")
    return text if _FACTORIAL.search(text) else text.rstrip(" ?.!")


def form(question: str, known: Container[str] = ()) -> Form | None:
    """The form of a question; None where it is too long, or nothing carries it.

    known: words that are spelled correctly.
    """
    if len(question) > MOST_CHARACTERS:
        return None
    tokens, names, signs, embedded = _tokens(question, known)
    asked, after = _asked(tokens)
    capital_is_near = "capital" in tokens
    kept: list[tuple[str, str]] = []
    head: str | None = None
    for at, token in enumerate(tokens):
        if (token in english.LEFT_OUT or token in _WH) and not _is_mentioned(tokens, at):
            if token in ("when", "where", "why", "how") and at > after:
                kept.append(("if" if token == "when" else token, token))
            continue
        if capital_is_near and token in ("city", "cities"):
            continue
        if token == "person" and asked == "who":
            continue
        word = _lemma(token)
        kept.append((word, token))
        if head is None and asked in ("what", "how many") and at >= after and not _is_rank(word):
            head = word
    if not kept:
        return None
    be = any(token in english.BE for token in tokens)
    passive = be and any(_is_participle(token) for token in tokens)
    helped = any(token in english.DO for token in tokens)
    progressive = be and any(len(token) > 5 and token.endswith("ing") for token in tokens)
    modal = any(token in english.MODAL for token in tokens)
    acting = passive or helped or modal or progressive
    # "The full name of the currency of Chad", which is no sentence, and English.
    phrase = not after and not {"of", "the"}.isdisjoint(tokens) and not any(map(_is_participle, tokens))
    verbless = not acting and (be or phrase or "has" in tokens or "have" in tokens)
    return Form(
        tuple(word for word, _ in kept),
        tuple(token for _, token in kept),
        tuple(token in names for _, token in kept),
        asked,
        head,
        _tense(tokens),
        None if verbless or modal or embedded else _role(tokens, asked, after, passive, helped),
        verbless and asked != "yes or no",
        any(token in english.DIRECTED for token in tokens),
        signs,
    )


def are_alike(one: Form, other: Form, known: Container[str] = ()) -> bool:
    """Whether an answer to the one question answers the other, in both directions."""
    return (
        one.signs == other.signs
        and _agree(one.asked, other.asked, "what")
        and (one.head is None or other.head is None or _same(one.head, other.head, one, other, known))
        and _agree(one.tense, other.tense, "any")
        and (one.role is None or other.role is None or one.role == other.role)
        and _covers(one, other, known)
        and _covers(other, one, known)
        and _in_order(one, other)
    )


def _agree(one: str, other: str, open_: str) -> bool:
    """Equal, or not said in one of them."""
    if open_ == "what":
        return one == other or {one, other} == {"what", "open"}
    return one == other or open_ in (one, other)


def _covers(one: Form, other: Form, known: Container[str]) -> bool:
    """Whether every word of one question has its counterpart in the other; one word may be mistyped."""
    left, right = _unmatched(one, other), _unmatched(other, one)
    if not left:
        return True
    return len(left) == len(right) == 1 and _is_slip(one, left[0], other, right[0], known)


def _unmatched(one: Form, other: Form) -> list[int]:
    """Places in `one` of the words that `other` lacks. A name is the same only as it is written."""
    lacking: list[int] = []
    free = list(range(len(other.words)))
    for at, word in enumerate(one.words):
        if word in _ARTICLES and not any(other.capital):
            continue
        for there in free:
            named = one.capital[at] or other.capital[there]
            if other.words[there] == word and (not named or one.written[at] == other.written[there]):
                free.remove(there)
                break
        else:
            lacking.append(at)
    return lacking


def _is_slip(one: Form, at: int, other: Form, there: int, known: Container[str]) -> bool:
    """Whether one of two words is the other one mistyped: a slip makes no word, and a name is no slip.

    A word that is spelled correctly, beside one that is not, begins alike and differs by one letter left out,
    added, exchanged, or swapped with its neighbour.
    """
    first, second = one.written[at], other.written[there]
    if not (first.isalpha() and second.isalpha()) or min(len(first), len(second)) < SHORTEST_MISTYPED:
        return False
    if first[0] != second[0] or (first in known) == (second in known):
        return False
    capitals = one.capital[at], other.capital[there]
    if capitals[first in known] or (any(capitals) and min(len(first), len(second)) < SHORTEST_MISTYPED_NAME):
        return False
    return OSA.distance(first, second) == 1


def _same(first: str, second: str, one: Form, other: Form, known: Container[str]) -> bool:
    if first == second:
        return True
    if first not in one.words or second not in other.words:
        return False
    return _is_slip(one, one.words.index(first), other, other.words.index(second), known)


def _in_order(one: Form, other: Form) -> bool:
    """Whether the words stand in the same order, or in one that says the same."""
    first, second = ([word for word in each.words if word not in _ARTICLES] for each in (one, other))
    if sum(a != b for a, b in zip(first, second, strict=True)) <= 1:
        return True  # One is mistyped.
    if one.directed or other.directed or len(first) > MOST_MOVED:
        return False
    if _numbers(first) != _numbers(second):
        return False
    return (one.plain and other.plain) or (one.role is not None and one.role == other.role)


def _numbers(found: Sequence[str]) -> list[str]:
    return [word for word in found if word[0].isdigit()]


def _composed(question: str) -> str:
    """The question in one form of each character; 10² is not 102."""
    raised = _RAISED.sub(lambda match: f"^{match[0]}", question)
    return unicodedata.normalize("NFKC", raised).replace("’", "'").replace("‘", "'")


def _tokens(question: str, known: Container[str]) -> tuple[list[str], frozenset[str], tuple[str, ...], bool]:
    """The words of a question in one form, its names, its signs, and whether it stands inside a sentence."""
    text, names = _named(_composed(question))
    text = text.lower()
    for pattern, other in (*_ARITHMETIC, *_SHORTENED):
        text = pattern.sub(other, text)
    signs = tuple(sorted([*filter(_is_sign, text), *_FACTORIAL.findall(text)]))
    text = " ".join(_straight(token, known) for token in text.split())
    text = english.TAILS.sub("", text)
    embedded = False
    while (opened := english.FRAMES.sub("", text, count=1)) != text and opened.strip():
        text, embedded = opened, True
    text = _possessives(text)
    for pattern, other in english.PHRASES:
        text = pattern.sub(other, text)
    text = english.OWNED.sub(r"\1 is the \2 of \3", text)
    if english.SUPERLATIVE.search(text):
        text = english.WORLD.sub("", text)
    return [word.key for word in words(text)], names, signs, embedded


def _is_sign(character: str) -> bool:
    """Whether it is neither part of a word nor punctuation."""
    kind = unicodedata.category(character)
    return kind[0] == "S" or (kind == "Po" and character not in _PUNCTUATION)


def _is_mentioned(tokens: Sequence[str], at: int) -> bool:
    """Whether a small word stands for itself: the symbol as."""
    here, before = tokens[at], tokens[at - 1] if at else ""
    if at == 0 and here not in _WH and tokens[1:2] and tokens[1] in english.BE:
        return True
    return before in _MENTIONS and here in _SMALL_NAMES and tokens[at + 1 : at + 2] != ["the"]


def _straight(token: str, known: Container[str]) -> str:
    """A small word without the slip of two neighbouring letters."""
    if token.isalpha() and len(token) > 2 and token not in known:
        for small in english.MISTYPED:
            if (
                len(small) == len(token)
                and sorted(small) == sorted(token)
                and OSA.distance(small, token) == 1
            ):
                return small
    return token


_INSIDE = re.compile(r"(?<=[^.?!:;]\s)[^\W\d_][\w]*")
"""A word that does not begin a sentence."""


def _named(text: str) -> tuple[str, frozenset[str]]:
    """The text with its small words that are names marked, and its words with a capital, in lower case.

    A small word with a capital inside a sentence is a name, or a part of one: the symbol As, The Take.
    Where all words have one, in capitals or like a title, that says nothing.
    """
    inside = _INSIDE.findall(text)
    small = [word for word in inside if word.lower() in english.LEFT_OUT]
    if text.upper() == text or (small and sum(word[0].isupper() for word in small) > len(small) / 2 > 1):
        return text, frozenset()

    def mark(match: re.Match[str]) -> str:
        is_name = match[0][0].isupper() and match[0].lower() in english.LEFT_OUT
        return match[0] + _MARK if is_name else match[0]

    return _INSIDE.sub(mark, text), frozenset(word.lower() for word in inside if word[0].isupper())


_STOPS = english.LEFT_OUT - {"the", "a", "an", "and"} | _WH | {"by", "from", "not"}


def _possessives(text: str) -> str:
    """France's capital, as the capital of France."""
    tokens = text.split()
    while "'s" in tokens:
        at = tokens.index("'s")
        start = at
        while start > 0 and tokens[start - 1].strip(",:;") == tokens[start - 1] not in _STOPS:
            start -= 1
        end = at + 1
        while end < len(tokens) and tokens[end] not in _STOPS:
            end += 1
            if tokens[end - 1][-1] in ",.?!;:":
                break
        owner, owned = tokens[start:at], tokens[at + 1 : end]
        if not owner or not owned:
            del tokens[at]
            continue
        last = owned[-1].rstrip(",.?!;:")
        owner[-1] += owned[-1][len(last) :]
        tokens[start:end] = [*owned[:-1], *([last] if last else []), "of", *owner]
    return " ".join(tokens)


def _asked(tokens: Sequence[str]) -> tuple[str, int]:
    """The kind of a question, and the place after its question word; 0 where it has none."""
    helpers = english.BE | english.DO | english.MODAL | {"has", "have", "had"}
    if tokens and tokens[0] in helpers and tokens[1:2] and tokens[1] not in english.BE:
        return "yes or no", 0
    for at, token in enumerate(tokens):
        if token not in _WH:
            continue
        if token == "how" and tokens[at + 1 : at + 2] and tokens[at + 1] in ("many", "much"):
            return "how many", at + 2
        if token in ("who", "whom"):
            return "who", at + 1
        return ("what" if token in ("what", "which") else token), at + 1
    return "open", 0


def _role(
    tokens: Sequence[str], asked: str, after: int, passive: bool, helped: bool
) -> Literal["subject", "object"] | None:
    if asked not in ("who", "what", "how many"):
        return None
    if passive:
        by = "by" in tokens
        agent = by and (tokens[after - 2 : after - 1] == ["by"] or tokens[-1] == "by")
        return "subject" if agent else "object"
    return "object" if helped else "subject"


def _tense(tokens: Sequence[str]) -> Tense:
    if any(token in english.AGENTS for token in tokens):
        return "any"
    for token in tokens:
        if token in english.FUTURE:
            return "future"
        if token in english.PAST:
            return "past"
        if token in english.PRESENT:
            return "present"
    return "past" if any(_is_participle(token) for token in tokens) else "present"


def _is_participle(token: str) -> bool:
    if token in english.IRREGULAR:
        return token not in english.NO_VERBS and not token.endswith("ing")
    return len(token) > 4 and token.endswith("ed") and not token.endswith("eed")


def _is_rank(word: str) -> bool:
    return (
        word in english.RANKS
        or word == "fullnam"
        or word in english.ORDINALS.values()
        or (len(word) > 4 and word.endswith("est"))
    )


def _lemma(token: str) -> str:
    """The one form of a word."""
    token = english.NUMBERS.get(token) or english.ORDINALS.get(token) or token
    if token[0].isdigit():
        return token
    token = english.SAME.get(token, token)
    token = english.IRREGULAR.get(token, token)
    token = english.SAME.get(token, token)
    if len(token) > 4 and token.endswith("ies"):
        token = token[:-3] + "y"
    elif len(token) > 4 and token.endswith(("sses", "shes", "ches", "xes", "zes")):
        token = token[:-2]
    elif len(token) > 3 and token.endswith("s") and not token.endswith(("ss", "us", "is")):
        token = token[:-1]
    token = english.SAME.get(token, token)
    for ending in ("ing", "ed"):
        if len(token) > len(ending) + 3 and token.endswith(ending):
            token = token[: -len(ending)]
            if len(token) > 3 and token[-1] == token[-2] and token[-1] not in "ls":
                token = token[:-1]
            break
    token = english.SAME.get(token, token)
    return token[:-1] if len(token) > 5 and token.endswith("e") else token
