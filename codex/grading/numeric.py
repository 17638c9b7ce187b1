"""The grader of numbers and quantities."""

from __future__ import annotations

import itertools
import math
import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

from codex.grading import dates
from codex.grading.final_answer import final_part, marked
from codex.grading.quantities import Quantity, quantities, readable
from codex.grading.stance import denied
from codex.grading.terms import plain_text, terms
from codex.items import Item

TOLERANCE = Fraction(1, 10**6)
"""Of numbers, relative to the accepted one."""
ROUNDING = Fraction(1, 50)
"""How far, relative to it, a rounded number may be from the exact one that a text gives beside it."""
HALF_A_DAY = 12 * 3600

_SENTENCE_END = re.compile(r"(?<=[.!?。！？])\s+|\n+")
_CONCLUSION = re.compile(
    r"^\W*(?:so|therefore|thus|hence|finally|consequently|altogether|overall|in\s+(?:total|all|conclusion)|"
    r"as\s+a\s+result|(?:the\s+)?(?:total|result))\b|\b(?:therefore|in\s+total|altogether|left|remain(?:s|ing)?)\b",
    re.IGNORECASE,
)
_DERIVED = re.compile(
    r"\b(?:so|then|therefore|thus|hence|leaving|leaves|means|plus|minus|times|divided|multiply|multiplying"
    r"|adding|subtract|subtracting|gives|remaining|remain|altogether)\b|\d\s*[+*×÷/-]\s*\d",
    re.IGNORECASE,
)
_COUNTED = re.compile(r"\b(?:how\s+many|number\s+of)\s+((?:\w+\s*){1,3})", re.IGNORECASE)
_IN_PARENTHESES = re.compile(r"\s*[(,]?\s*(?:or|=|about|approximately|roughly|i\.e\.)?\s*\(?")
_AMBIGUOUS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")
_DECADE = re.compile(r"\d0'?s$")
_LEFT_OUT = """
a an the is are was were be been do does did has have had can could will would there in of on at to for and by
with he she it they we you i
"""
_NO_NOUN = frozenset(_LEFT_OUT.split())
_EQUALS = re.compile(r"=|≈|\bequals?\b")
_OPERATOR = re.compile(
    r"[ \t]*(?:[+*×÷/x]|[ \t]-[ \t]|plus|minus|times|divided by|multiplied by)[ \t]*|(?<=[ \t])-[ \t]",
    re.IGNORECASE,
)
_ABOUT_EQUAL = re.compile(r"\s*(?:≈|≃|~|=)\s*")
_OUT_OF = re.compile(r"\s(?:out of|in)\s", re.IGNORECASE)
_BOUND = re.compile(r"(?<!\bno\s)(?<!\bnot\s)\b(?:more|fewer|less|greater)\s+than\s+$", re.IGNORECASE)
_NONE_OF = re.compile(
    r"\b(?:none|neither|nobody|no\s?one|not\s+(?:a\s+single\s+)?one)\s+of\s+"
    r"(?:(?:all|the|these|those|its|his|her|their)\s+)*$",
    re.IGNORECASE,
)
# Unlike a step or chapter, what these nouns number can be asked for.
_LABEL = re.compile(
    r"\b(version|season|episode|volume|level|grade|round|lesson|unit|section|room|floor|platform|gate|flight"
    r"|route|highway|phase|war)\s$",
    re.IGNORECASE,
)
_PARTITIVE = re.compile(
    r"(?:(?:\s+\w+){0,2}\s+out\s+of|(?:\s+(?:is|are|was|were|remain|remained|remaining|left))*\s+of)"
    r"\s+(?:(?:all|the|these|those|its|his|her|their|original)\s+)*",
    re.IGNORECASE,
)
_REPAIR = re.compile(
    r"""
    (?:\s+[^\W\d][\w'-]*){0,3}[\s"'*)]*[-,.;:!?(]+[-,.;:!?(\s]*
    (?:(?:oh|well|hmm?|but|or)[\s,.]+)*
    (?:no(?!\.)|wait|sorry|oops|actually|rather|correction|i\s+mean|scratch\s+that|make\s+that)\b
    (?:[-,.;:!\s]|(?:no|wait|sorry|actually|rather|i|mean|it|it's|that|that's|there|is|are|should|be|not|right|wrong
      |the|correct|answer)\b)*
    """,
    re.VERBOSE | re.IGNORECASE,
)
LONGEST_REPAIR = 60
"""Characters between a number and the one that replaces it."""
_OR = re.compile(r"\s*,?\s*\bor\b\s*(?:about\s+|maybe\s+|perhaps\s+|even\s+)?|\s*/\s*", re.IGNORECASE)
_TO = re.compile(r"\s*(?:-|to|through|and)\s*")
_BETWEEN = re.compile(r"\b(?:between|from|either)\s+$", re.IGNORECASE)
_YEAR_BEFORE = re.compile(
    r"(?:\b(?:in|since|as\s+of|until|till|year|during|circa|c\.|from|between|before|after|by)\s+"
    r"(?:the\s+year\s+)?|\(|\b[12]\d{3}\s?(?:and|to|until|-)\s?)$",
    re.IGNORECASE,
)
_OF_A_YEAR = re.compile(r"\s+(?:study|survey|report|census|estimate|season|edition|paper)\b", re.IGNORECASE)
_WHEN = re.compile(
    r"\bwhen\s+(?:did|do|does|was|were|is|are|will|has|had|have|would)\b|\b(?:year|years|date|born|died)\b",
    re.IGNORECASE,
)
_HOW_MANY = re.compile(r"\bhow\s+(?:many|much|long|far|tall|high|old|big|large|heavy|fast)\b", re.IGNORECASE)
_PERCENT_ASKED = re.compile(r"%|\bper\s?cent|\bpercentage\b", re.IGNORECASE)
_APPROXIMATION = re.compile(
    r"^\W*(?:about|around|approximately|roughly|some|nearly|almost|over|exactly)\s+", re.IGNORECASE
)


def score(item: Item, text: str) -> float:
    """Whether the number that a text gives as its answer is an accepted one: 0 or 1.

    Read are exact values, however they are written; units count where both sides have one. The answer is what
    the text marks as such, else the result of its last equation, else what its conclusion says. A text that
    leaves it open between two numbers gives none.
    """
    return matches(item.question, item.answers, text)


def matches(question: str, answers: Sequence[str], text: str) -> float:
    """As `score`, of a question and its accepted answers."""
    accepted = [number for answer in answers if (number := _accepted(answer)) is not None]
    if not accepted:
        return 0.0
    years = _years(question, accepted)
    if years:
        return dates.matches(question, answers, text)
    percent = bool(_PERCENT_ASKED.search(question))
    said = stated(text, question, years)
    if any(equal(one, number, percent) for one in said for number in accepted):
        return 1.0
    return math.nan if any(_may_be_equal(one, number) for one in said for number in accepted) else 0.0


def _may_be_equal(said: Quantity, accepted: Quantity) -> bool:
    """Whether it depends on a point or comma that separates thousands in one country, decimals in another."""
    if not _AMBIGUOUS.fullmatch(said.digits) or accepted.percent or accepted.clock:
        return False
    return _close(abs(said.value) * (1000 if "." in said.digits else Fraction(1, 1000)), accepted.value)


@lru_cache(maxsize=16384)
def is_quantity(text: str) -> bool:
    """Whether an accepted answer is a number or a quantity and nothing else."""
    plain = _APPROXIMATION.sub("", readable(text)).strip().rstrip(".")
    found = quantities(plain)
    if len(found) != 1 or len(plain) > 60 or _DECADE.search(plain):
        return False
    only = found[0]
    named = only.ordinal and not only.digits
    return only.start == 0 and only.end == len(plain) and not named


def equal(said: Quantity, accepted: Quantity, percent_asked: bool = False) -> bool:
    """Whether two quantities are one: with a common unit where both have one, else by their numbers.

    Of a percentage and a bare number of at most 1 the share counts: 50 % is 0.5, and 50 is 50 %.
    """
    if said.clock or accepted.clock:
        return _same_time(said, accepted)
    one, other = said.value, accepted.value
    if said.percent != accepted.percent:
        bare, percentage = (accepted, said) if said.percent else (said, accepted)
        if bare.unit is not None:
            return False
        as_share = _close(percentage.value / 100, bare.value)
        return as_share or ((abs(bare.value) > 1 or percent_asked or accepted.percent) and _close(one, other))
    if said.unit and accepted.unit:
        both = said.unit.alike(one, accepted.unit, other)
        return both is not None and _close(*both)
    return _close(one, other)


@lru_cache(maxsize=4096)
def _accepted(answer: str) -> Quantity | None:
    found = quantities(readable(answer))
    sure = [each for each in found if not each.incidental] or list(found)
    return sure[-1] if sure else None


def _years(question: str, accepted: Sequence[Quantity]) -> bool | None:
    """Whether years are asked for; None where the question leaves it open."""
    if _HOW_MANY.search(question):
        return False
    if _WHEN.search(question):
        return True if any(number.year for number in accepted) else None
    return None if all(number.year for number in accepted) else False


def _close(one: Fraction, other: Fraction) -> bool:
    return abs(one - other) <= abs(other) * TOLERANCE


def _same_time(said: Quantity, accepted: Quantity) -> bool:
    if not (said.clock and accepted.clock):
        return False
    if said.clock == "24h" and accepted.clock != "24h" and said.value < HALF_A_DAY + 3600:
        # The text leaves out which half of the day: 2:45 for 2:45 pm.
        return (said.value - accepted.value) % HALF_A_DAY == 0
    return said.value % (2 * HALF_A_DAY) == accepted.value % (2 * HALF_A_DAY)


def stated(text: str, question: str = "", years: bool | None = False) -> list[Quantity]:
    """The quantity that a text gives as its answer, and the same in other units where these stand beside it.

    Empty where there is none or it is left open. years: None where the answer may be a year.
    """
    part = final_part(text, question)
    for span in reversed(marked(part)):
        plain = readable(span)
        if sure := _sure(plain, years, question):
            return _with_conversion(plain, _first(plain, sure), sure)
    plain = readable(part)
    if not quantities(plain):
        return _roman_numeral(plain)
    sure = _sure(plain, years, question)
    return _with_conversion(plain, _concluded(plain, sure, question), sure)


def _roman_numeral(text: str) -> list[Quantity]:
    """The only Roman numeral of a text without other numbers: "Louis XIV".

    It has two letters or more: I, V and X alone are mostly words and names.
    """
    plain = plain_text(text)
    found = [
        Quantity(term.start, term.end, Fraction(term.key[1:]))
        for term in terms(text, numbers=False)
        if term.key.startswith("#") and term.end - term.start > 1
    ]
    return [each for each in found if len(found) == 1 and not denied(plain, each.start, each.end)]


def _with_conversion(text: str, chosen: Quantity | None, sure: Sequence[Quantity]) -> list[Quantity]:
    """With the same in another form beside it: "12.9 km (8 miles)", "1/6 ≈ 0.167", "1 in 6"."""
    if chosen is None:
        return []
    found = [chosen]
    before = next((each for each in reversed(sure) if each.end <= chosen.start), None)
    if before and _ABOUT_EQUAL.fullmatch(text, before.end, chosen.start) and _is_rounded(before, chosen):
        found.append(before)
    after = next((each for each in sure if each.start > chosen.start), None)
    if after is None:
        return found
    if (
        _OUT_OF.fullmatch(text, chosen.end, after.start)
        and after.value > 0
        and not (chosen.unit or after.unit)
    ):
        found.append(replace(after, value=chosen.value / after.value, digits=""))
    elif _ABOUT_EQUAL.fullmatch(text, chosen.end, after.start) and _is_rounded(chosen, after):
        found.append(after)
    elif chosen.unit and after.unit and chosen.unit.dimension == after.unit.dimension:
        beside = _IN_PARENTHESES.fullmatch(text, chosen.end, after.start)
        found += [after] if beside and chosen.unit.name != after.unit.name else []
    return found


def _is_rounded(one: Quantity, other: Quantity) -> bool:
    return abs(one.value - other.value) <= abs(one.value) * ROUNDING


def _sure(text: str, years: bool | None, question: str) -> list[Quantity]:
    """The quantities that can be an answer; a label ("version 8") only where there is no other."""
    found = [each for each in quantities(text) if not each.incidental]
    if years is None:
        return found
    of_dates = {place for span in dates.spans(text) for place in range(*span)}
    undated = [each for each in found if each.start not in of_dates and not _is_year_of(each, text)]
    return [each for each in undated if not _is_label(text, each, question)] or undated


def _is_label(text: str, each: Quantity, question: str) -> bool:
    """Whether it numbers a thing that the question does not ask for."""
    noun = _LABEL.search(text, max(0, each.start - 12), each.start)
    return noun is not None and noun[1].lower() not in question.lower()


def _is_year_of(each: Quantity, text: str) -> bool:
    """Whether it says when something was: "in 2019"."""
    if not each.year:
        return False
    before = _YEAR_BEFORE.search(text[max(0, each.start - 16) : each.start])
    return before is not None or _OF_A_YEAR.match(text, each.end) is not None


def _first(text: str, sure: Sequence[Quantity]) -> Quantity | None:
    """The answer among the quantities of a marked part: the result of an equation, else the first."""
    results = _after_equals(text, sure) or _results(text, sure)
    kept = _meant(text, results, sure)
    return kept[0] if kept and not _open(text, kept[0], sure) else None


def _meant(text: str, results: Sequence[Quantity], sure: Sequence[Quantity]) -> list[Quantity]:
    """The results without those that the text denies or repairs, bounds, and the wholes of partitives.

    "More than 8" excludes 8, "at least 8" does not: Geurts and Nouwen 2007, doi:10.1353/lan.2007.0115.
    """
    dropped = {
        (one if repaired else other).start
        for one, other in itertools.pairwise(sure)
        if (repaired := _is_repaired(text, one, other)) or _is_partitive(text, one, other)
    }
    return [
        each
        for each in results
        if each.start not in dropped
        and not denied(text, each.start, each.end)
        and not _BOUND.search(text, max(0, each.start - 20), each.start)
        and not _NONE_OF.search(text, max(0, each.start - 40), each.start)
    ]


def _is_repaired(text: str, one: Quantity, other: Quantity) -> bool:
    """Whether an editing term lets the other replace the one: "8 - wait, 6", "8, no, 6".

    Source: Levelt 1983, Monitoring and self-repair in speech, doi:10.1016/0010-0277(83)90026-4.
    """
    if other.start - one.end > LONGEST_REPAIR or text.startswith(" of ", other.end):
        return False
    return _REPAIR.fullmatch(text, one.end, other.start) is not None


def _is_partitive(text: str, one: Quantity, other: Quantity) -> bool:
    """Whether the one counts a part of the other: "42 out of 50". Of "50% of 84" either can be asked."""
    if one.percent or one.value.denominator > 1:
        return False
    return _PARTITIVE.fullmatch(text, one.end, other.start) is not None


def _results(text: str, sure: Sequence[Quantity]) -> list[Quantity]:
    """Those that no sign of arithmetic joins to another: 8 of "0 + 8, which is 8"."""
    joined = {
        at + side
        for at, (one, other) in enumerate(itertools.pairwise(sure))
        if _OPERATOR.fullmatch(text, one.end, other.start)
        for side in (0, 1)
    }
    return [each for at, each in enumerate(sure) if at not in joined]


def _after_equals(text: str, sure: Sequence[Quantity]) -> list[Quantity]:
    last = max((found.end() for found in _EQUALS.finditer(text)), default=None)
    return [] if last is None else [each for each in sure if each.start >= last - 1]


def _concluded(text: str, sure: Sequence[Quantity], question: str) -> Quantity | None:
    everything = quantities(text)
    # A year alone answers where nothing else does.
    sure = sure or [each for each in everything if each.year] or everything
    kept = _meant(text, _results(text, sure), sure)
    if not kept:
        return None
    chosen = _chosen(text, kept, question)
    return None if _open(text, chosen, sure) else chosen


def _chosen(text: str, kept: Sequence[Quantity], question: str) -> Quantity:
    """Of a calculation its last result, of a statement the first number that the question does not name."""
    asked = {each.value for each in quantities(readable(question))}
    new = [each for each in kept if each.value not in asked] or kept
    equals = max((found.end() for found in _EQUALS.finditer(text)), default=-1)
    if equals < 0 and not _DERIVED.search(text):
        return _counting(text, kept, question) or new[0]
    fresh = {each.start for each in new}
    starts = [each.start for each in kept]
    result = next((each.value for each in kept if each.start >= equals - 1), None) if equals >= 0 else None
    for start, end in reversed(_sentences(text)):
        inside = kept[bisect_left(starts, start) : bisect_left(starts, end)]
        if start <= equals < end:
            after = [each for each in inside if each.start >= equals - 1]
            return (after or inside[::-1] or new[-1:])[0]
        if inside and (equals < 0 or _CONCLUSION.search(text[start:end])):
            # "50 - 8 = 42. So 42 are left after giving 8 away" repeats its result.
            repeated = [each for each in inside if each.value == result]
            return (repeated or [each for each in inside if each.start in fresh] or inside)[-1]
    return kept[-1]


def _counting(text: str, kept: Sequence[Quantity], question: str) -> Quantity | None:
    """The first that counts what is asked: in "how many episodes" one with the word episodes after it."""
    found = _COUNTED.search(question)
    if not found:
        return None
    nouns = [re.escape(word.rstrip("s")) for word in found[1].split() if word.lower() not in _NO_NOUN]
    if not nouns:
        return None
    counted = re.compile(rf"(?:[\s-]+[^\W\d][\w'-]*){{0,2}}[\s-]+(?:{'|'.join(nouns)})", re.IGNORECASE)
    return next((each for each in kept if counted.match(text, each.end)), None)


def _sentences(text: str) -> list[tuple[int, int]]:
    ends = [found.end() for found in _SENTENCE_END.finditer(text)]
    return list(zip([0, *ends], [*ends, len(text)], strict=True))


def _open(text: str, chosen: Quantity, sure: Sequence[Quantity]) -> bool:
    """Whether the text leaves it open between this and a neighbouring quantity: "5 or 6", "5 to 10"."""
    at = next((n for n, each in enumerate(sure) if each is chosen), None)
    if at is None:
        return False
    for first, second in ((at - 1, at), (at, at + 1)):
        if first < 0 or second >= len(sure):
            continue
        one, other = sure[first], sure[second]
        if equal(one, other):
            continue
        between = text[one.end : other.start]
        if _OR.fullmatch(between):
            return True
        if _TO.fullmatch(between) and (
            between.strip() != "and" or _BETWEEN.search(text[max(0, one.start - 12) : one.start])
        ):
            return True
    return False
