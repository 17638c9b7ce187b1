"""The grader of calendar dates."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from codex.grading.calendar_dates import Date, dates, folded
from codex.grading.final_answer import final_part, marked
from codex.grading.stance import denied
from codex.items import Item

_WEEKDAY = re.compile(
    r"^[\s\"'(]*(?:(?:on|in|the|since|by|around|about|circa|ca?\.)\s+)*(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day,?\s*)?(?:the\s+)?|[\s\"'.)]+$",
    re.IGNORECASE,
)
_OR = re.compile(r"[\s,]*\b(?:or|oder|ou|o)\b[\s,]*(?:on|in|the|maybe|perhaps|possibly)?\s*", re.IGNORECASE)
_LISTED = re.compile(r"\s*(?:,|/|;)\s*")
_EITHER = re.compile(r"\b(?:either|between)\s+(?:on\s+|in\s+)?$", re.IGNORECASE)
MANY = 3
"""Dates in a row, with nothing but commas between them, that are a list and no answer."""


def score(item: Item, text: str) -> float:
    """Whether the text gives an accepted date: 0, 1, or NaN where the order of day and month is ambiguous.

    Every part of the accepted date (year, month, day) has to be there; the text may say more, not less. A
    year that the text leaves out is taken from the rest of it or from the question, where these name one.
    """
    return matches(item.question, item.answers, text)


def matches(question: str, answers: Sequence[str], text: str) -> float:
    """As `score`, of a question and its accepted answers."""
    accepted = [date for answer in answers for date in dates(folded(answer))[:1]]
    best = 0.0
    for date in _given(text, question):
        for other in accepted:
            match = _match(date, other)
            if match == 1:
                return 1.0
            if math.isnan(match):
                best = match
    return best


@lru_cache(maxsize=16384)
def is_date(text: str) -> bool:
    """Whether an accepted answer is a date and nothing else: a month with a day or year, a year, a decade."""
    plain = _WEEKDAY.sub("", folded(text))
    found = dates(plain)
    return len(found) == 1 and not found[0].several and (found[0].start, found[0].end) == (0, len(plain))


def spans(text: str) -> list[tuple[int, int]]:
    """Where dates with more than a year stand in a text."""
    return [(each.start, each.end) for each in dates(text) if each.month]


def _given(text: str, question: str) -> list[Date]:
    """The dates that a text gives as its answer."""
    part = folded(final_part(text, question))
    everywhere = dates(part)
    for span in reversed(marked(part)):
        plain = folded(span)
        if found := dates(plain):
            return _completed(_stated(plain, found), everywhere, question)
    return _completed(_stated(part, everywhere), everywhere, question)


def _stated(text: str, found: Sequence[Date]) -> list[Date]:
    """Those that are neither denied nor one of several to choose from."""
    left_open = set()
    row = 1
    for at, (one, other) in enumerate(itertools.pairwise(found)):
        between = text[one.end : other.start]
        row = row + 1 if _LISTED.fullmatch(between) else 1
        if _OR.fullmatch(between) or _EITHER.search(text[max(0, one.start - 12) : one.start]):
            left_open |= {at, at + 1}
        if row >= MANY:
            left_open |= {at - 1, at, at + 1}
    return [
        date
        for at, date in enumerate(found)
        if at not in left_open and not denied(text, date.start, date.end)
    ]


def _completed(found: Iterable[Date], everywhere: Sequence[Date], question: str) -> list[Date]:
    """With the year that the text or the question names elsewhere."""
    years = {date.year for date in everywhere if date.year is not None}
    if not years:
        years = {date.year for date in dates(folded(question)) if date.year is not None}
    year = next(iter(years)) if len(years) == 1 else None
    return [date.in_year(year) if date.year is None and year is not None else date for date in found]


def _match(said: Date, accepted: Date) -> float:
    """1, 0, or NaN where it depends on the order of day and month."""
    if said.written == accepted.written:
        return 1.0
    verdicts = {one.is_within(other) for one in said.readings for other in accepted.readings}
    if len(said.readings) > 1 or len(accepted.readings) > 1:
        return math.nan if len(verdicts) > 1 else float(verdicts.pop())
    return float(verdicts.pop())
