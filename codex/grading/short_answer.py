"""The grader of short answers: names, things and phrases."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from codex.grading import dates, numeric
from codex.grading.final_answer import final_part, marked
from codex.grading.scripts import is_written_together, stands_in
from codex.grading.stance import alternatives, denied, may_deny
from codex.grading.terms import Term, keys, number_keys, plain_text, terms
from codex.grading.word_recall import STEM, STOP_WORDS, contains, same
from codex.grading.wording import plain
from codex.items import Item

_ANTONYMS = """
left right|upper lower|inner outer|male female|maximum minimum|positive negative|increase decrease
before after|above below|inside outside|first last|highest lowest|largest smallest|higher lower|more less
old new|early late|major minor|internal external|domestic foreign|public private|black white|day night
"""
_OPPOSITE = {
    one: other
    for pair in _ANTONYMS.replace("\n", "|").split("|")
    if pair
    for one, other in (pair.split(), pair.split()[::-1])
}
_EXPLICIT = re.compile(
    r"\banswer\b|####|\\boxed|respuesta|réponse|antwort|resposta|risposta|ответ|答案|答え|正解|정답|الإجابة|الجواب",
    re.IGNORECASE,
)
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})
_POINTS = ("north", "south", "east", "west")
_FRONT = frozenset(("new", *_POINTS, *(f"{point}ern" for point in _POINTS), "equatorial", "papua"))
"""Words that make another name of the one behind them."""
_OWN_DENIAL = frozenset({"not", "or", "nor", "never", "neither", "either", "without"})
_WHO = re.compile(r"\bwho(?:m|se)?\b", re.IGNORECASE)
_SUFFIXES = frozenset({"junior", "senior", "esq"})
_PART_BEFORE = re.compile(r"(?:\b(?:non|anti|pseudo|quasi|semi|neo|pre|post|ex)|[A-Z]\w*)-$")
_PART_AFTER = re.compile(r"-[A-Z]")
WORD = 40
"""Letters of a word before a hyphen that are read."""
LEAST_GLUED = 3
"""Letters of an answer that a text may write apart or in one."""
INFLECTED_STEM = 4
"""Letters that two forms of a word share in Slavic languages, which inflect their names: Москва, Москве."""


def score(item: Item, text: str) -> float:
    """How much of an accepted answer the text gives, in [0, 1]; correct above one half.

    Accepted dates, numbers and quantities are graded as such. Of any other answer more than half of its own
    words have to be there, those that are neither stop words nor in the question, and among them each number,
    unit, compass point and negation; no other name may stand in the place of one. What the text denies, or
    leaves open between several, does not count.
    """
    part = _answering(final_part(text, item.question))
    best = 0.0
    for answer in item.answers:
        for spelling in _spellings(answer):
            best = max(best, _score(item, prepared(spelling), part))
        if best == 1:
            break
    return best


def _answering(text: str) -> str:
    """What a text gives as its answer in so many words; else all of it."""
    if not _EXPLICIT.search(text):
        return text
    return next(reversed(marked(text, bold=False)), text)


def _spellings(answer: str) -> tuple[str, ...]:
    """The answer, and as it is written where there are no umlauts: Zuerich for Zürich."""
    return (answer,) if answer.isascii() else tuple({answer, answer.translate(_UMLAUTS)})


@dataclass(frozen=True, slots=True)
class Prepared:
    """An accepted answer, as it is looked for."""

    text: str
    kind: Literal["number", "date", "together", "words"]
    terms: tuple[Term, ...]
    has_numbers: bool
    glued: str
    """Its words without blanks."""


@lru_cache(maxsize=16384)
def prepared(answer: str) -> Prepared:
    """What kind of answer it is, and its terms."""
    if numeric.is_quantity(answer):
        return Prepared(answer, "number", (), True, "")
    if dates.is_date(answer):
        return Prepared(answer, "date", (), True, "")
    if is_written_together(answer):
        return Prepared(answer, "together", (), False, "")
    found = terms(answer)
    has_numbers = any(term.key[0] in "#@" for term in found)
    return Prepared(answer, "words", found, has_numbers, "".join(_glue(answer)))


def _score(item: Item, answer: Prepared, text: str) -> float:
    match answer.kind:
        case "number":
            return _known(numeric.matches(item.question, (answer.text,), text))
        case "date":
            return _known(dates.matches(item.question, (answer.text,), text))
        case "together":
            return float(stands_in(answer.text, text))
        case "words":
            return _words(item, answer, text)


def _known(score: float) -> float:
    """An ambiguous number or date does not count."""
    return 0.0 if math.isnan(score) else score


def _words(item: Item, answer: Prepared, text: str) -> float:
    asked, said = keys(item.question), keys(text)
    if answer.has_numbers:
        asked, said = asked | number_keys(item.question, False), said | number_keys(text)
    own = [term for term in answer.terms if term.key not in STOP_WORDS and term.key not in asked]
    if not own:
        return float(contains(answer.text, text))
    there = [term for term in own if term.key in said or (term.other and term.other in said)]
    if len(there) < len(own):
        # What the text repeats of the question is no form of the answer: "Afghan", of Afghanistan's afghani.
        new = {word for word in said if not any(other.startswith(word) for other in asked)}
        there = [term for term in own if term in there or (not term.needed and _has_form(term.key, new))]
    recall = len(there) / len(own)
    if recall <= 0.5 or any(term.needed and term not in there for term in own):
        return float(_is_glued(answer.glued, text)) or min(recall, 0.5)
    if len(there) < len(own) and _differs(item.question, answer, own, there, text):
        return 0.0
    if recall == 1 and (_is_longer_name(item, answer, text) or _is_part(answer.text, text)):
        return 0.0
    return recall if _is_stated(item, answer, there, text) else 0.0


def _has_form(key: str, words: Set[str]) -> bool:
    if key.isascii():
        return len(key) >= STEM and any(same(key, other) for other in words)
    return any(same(key, other, INFLECTED_STEM if _is_cyrillic(key) else STEM) for other in words)


def _is_cyrillic(key: str) -> bool:
    return all("\u0400" <= letter <= "\u052f" for letter in key)


def _is_glued(answer: str, text: str) -> bool:
    """Whether the text writes the answer's words as one, or its one word as several: B12, B-12, Spiderman."""
    if len(answer) < LEAST_GLUED and not (answer[:1].isdigit() and answer[1:].isalpha()):
        return False
    glued, starts = _without_blanks(text)
    at = glued.find(answer)
    while at >= 0:
        if at in starts and at + len(answer) in starts:
            return True
        at = glued.find(answer, at + 1)
    return False


def _glue(text: str) -> list[str]:
    return [word.replace("'", "") for word in plain(text).split()]


@lru_cache(maxsize=1024)
def _without_blanks(text: str) -> tuple[str, frozenset[int]]:
    """The words of a text in one, and where in it a word begins or the last one ends."""
    said = _glue(text)
    return "".join(said), frozenset(itertools.accumulate(map(len, said), initial=0))


def _differs(question: str, answer: Prepared, own: Sequence[Term], there: Sequence[Term], text: str) -> bool:
    """Whether the text says something else in the place of what is missing of the answer."""
    missing = [term for term in own if term not in there]
    if any(_OPPOSITE.get(term.key) in keys(text) for term in missing) or (
        _WHO.search(question) and _lacks_surname(own, missing)
    ):
        return True
    return any(term.capital for term in missing) and _is_replaced(answer, missing, text)


def _lacks_surname(own: Sequence[Term], missing: Sequence[Term]) -> bool:
    """Whether a name of three words or more lacks its last: Martin Luther for Martin Luther King."""
    names = [term for term in own if term.key not in _SUFFIXES and not term.needed]
    return len(names) > 2 and all(term.capital for term in own) and names[-1] in missing


def _is_replaced(answer: Prepared, missing: Sequence[Term], text: str) -> bool:
    """Whether another name stands between two of the answer: George H. W. Bush for George W. Bush."""
    there = terms(text, answer.has_numbers)
    for before, term, after in zip(answer.terms, answer.terms[1:], answer.terms[2:], strict=False):
        if term not in missing or not term.capital:
            continue
        for first, middle, last in zip(there, there[1:], there[2:], strict=False):
            between = first.key == before.key and last.key == after.key and middle.capital
            if between and not _is_shorter(term, middle):
                return True
    return False


def _is_shorter(one: Term, other: Term) -> bool:
    """Whether one of two names is the initial of the other."""
    return one.initials != other.initials and one.key[0] == other.key[0]


def _is_stated(item: Item, answer: Prepared, there: Sequence[Term], text: str) -> bool:
    """Whether the text names the answer at least once without denying it or leaving it open."""
    bare = plain_text(text)
    # An answer that denies something itself, "Not in education", is not denied by it.
    if not may_deny(bare) or any(term.key in _OWN_DENIAL for term in answer.terms):
        return True
    mentions = _mentions(there, terms(text, answer.has_numbers))
    return not mentions or any(
        not denied(bare, start, end) and not _is_open(item, bare, start, end) for start, end in mentions
    )


def _is_part(answer: str, text: str) -> bool:
    """Whether the text has the answer only inside another word: fiction in non-fiction."""
    said, wanted = plain_text(text), plain_text(answer)
    if "-" not in said:
        return False
    found = list(re.finditer(re.escape(wanted), said, re.IGNORECASE))
    return bool(found) and all(
        _PART_BEFORE.search(said, max(0, each.start() - WORD), each.start())
        or _PART_AFTER.match(said, each.end())
        for each in found
    )


def _is_longer_name(item: Item, answer: Prepared, text: str) -> bool:
    """Whether the text names only another place, whose name ends in the answer: New Mexico for Mexico."""
    if not answer.terms[0].capital:
        return False
    there = terms(text, answer.has_numbers)
    known: frozenset[str] | None = None
    found = False
    for at, term in enumerate(there):
        if term.key != answer.terms[0].key:
            continue
        before = there[at - 1] if at else None
        if before is None or not before.capital or before.key not in _FRONT or before.end + 1 < term.start:
            return False
        known = known or keys(item.question).union(*map(keys, item.answers))
        if before.key in known:
            return False
        found = True
    return found


def _is_open(item: Item, text: str, start: int, end: int) -> bool:
    """Whether something else than an accepted answer is named to choose from."""
    others = alternatives(text, start, end)
    if not others:
        return False
    known = keys(item.question).union(*map(keys, item.answers))
    return any(keys(other).isdisjoint(known) for other in others)


def _mentions(there: Sequence[Term], text: Sequence[Term]) -> list[tuple[int, int]]:
    """Where the text names the most words of the answer in a row."""
    wanted = {term.key for term in there} | {term.other for term in there if term.other}
    rows: list[tuple[int, int, int]] = []
    row: list[Term] = []
    for term in text:
        if term.key in wanted or term.other in wanted or any(same(term.key, key) for key in wanted):
            row.append(term)
        elif row and term.key not in STOP_WORDS:
            rows.append((len({each.key for each in row}), row[0].start, row[-1].end))
            row = []
    if row:
        rows.append((len({each.key for each in row}), row[0].start, row[-1].end))
    most = max((count for count, _, _ in rows), default=0)
    return [(start, end) for count, start, end in rows if count == most]
