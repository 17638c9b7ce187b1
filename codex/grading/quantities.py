"""Numbers and quantities of a text, as exact values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

from codex.grading.notation import written
from codex.grading.number_words import spoken
from codex.grading.units import CURRENCY, INCH, Unit, currency, unit_at

LARGEST_POWER = 400
"""Decimal digits beyond which a power is not worked out; a text may ask for any."""
LONGEST = 400
"""Digits of a number; what is longer is no answer to a question."""


HOUR = 3600
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number that a text names: text[start:end] of the text as `written` returns it."""

    start: int
    end: int
    value: Fraction
    """As it is written: 50 of 50 %."""
    unit: Unit | None = None
    percent: bool = False
    clock: str = ""
    """Of a time of day, whose value is in seconds since midnight: "24h", "am", "pm"; else ""."""
    ordinal: bool = False
    incidental: bool = False
    """Likely no answer: the "one" of "one of them", an ordinal in words, the number of a list's line."""
    digits: str = ""
    """The figures alone, "" of a number in words."""

    @property
    def year(self) -> bool:
        """Whether it can be a year: four figures from 1000 to 2100 without a unit."""
        plain = len(self.digits) == 4 and self.digits.isdigit() and 1000 <= self.value <= 2100
        return plain and not (self.unit or self.percent or self.clock or self.ordinal)


_GROUPED = "|".join(
    (
        r"\d{1,3}(?:,\d{3})+(?:\.\d+)?",
        r"\d{1,2}(?:,\d{2})+,\d{3}(?:\.\d+)?",
        r"\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:\.\d{3}){2,}",
        r"\d{1,3}(?:[ ']\d{3})+(?:[.,]\d+)?",
    )
)
_PLAIN = r"\d+\.\d+|(?<!,)\d+,\d+(?!,\d)|\d+|\.\d+"
_FIGURES = re.compile(
    rf"""
    (?<![\w^_])(?<!\w[.:/^])(?<!\^[-+])
    (?P<sign>(?:(?<![^\s(\[=:*~≈"'<>])|(?<=^))[-+](?=\s?\S))?
    (?P<currency>{CURRENCY}\s?)?(?P<inner>-)?
    (?P<number>(?:{_GROUPED})(?![\d])|{_PLAIN})
    (?P<exponent>[eE][-+]?\d{{1,4}}(?!\w))?
    (?P<power>\s?(?:[×xX*·]\s?10(?:\^|\*\*)|\^|\*\*)\(?[-+]?\d{{1,4}}\)?)?
    """,
    re.VERBOSE,
)
_FRACTION = re.compile(r"\s?/\s?(\d{1,12})(?![\d/]|[.,]\d)")
_MIXED = re.compile(r"(?:\s|-|\sand\s)(\d{1,6})\s?/\s?(\d{1,6})(?![\d/])")
_HALF = re.compile(r"\s(?:and\s)a\s(half|quarter|third)\b", re.IGNORECASE)
_HALVES = {"half": Fraction(1, 2), "quarter": Fraction(1, 4), "third": Fraction(1, 3)}
_MINUTES_AFTER_POINT = re.compile(r"[0-5]\d")
_MINUTES = re.compile(r":([0-5]\d)(?::([0-5]\d))?(?![\d:])")
_OCLOCK = re.compile(r"\s?o'?\s?clock\b", re.IGNORECASE)
_MERIDIEM = re.compile(r"\s?([ap])(?:\.\s?m\.|\.?m)(?![\w])", re.IGNORECASE)
_PAST = re.compile(r"[\s-]+(?:past|(?P<to>to))\s+", re.IGNORECASE)
_NOUN_AFTER = re.compile(
    r"\s+(?!(?:in|on|at|every|each|and|sharp|today|tonight|tomorrow)\b)[^\W\d]", re.IGNORECASE
)
_ORDINAL = re.compile(r"(?:st|nd|rd|th)\b|[ºª]", re.IGNORECASE)
_DECADE = re.compile(r"'?s\b")
_PERCENT = re.compile(
    r"\s?-?(?:%|per[\s-]?cent(?:age)?\b|pct\b|prozent\b|pour\s?cent\b|por\s?(?:ciento|cento)\b)",
    re.IGNORECASE,
)
_TIMES = re.compile(r"[x×](?!\w)")
_MAGNITUDES = {
    10**3: "thousand thousands tausend mille mil тысяч 千",
    10**4: "万 萬",
    10**5: "lakh lakhs",
    10**6: "million millions mn mln mio millionen millón millones milioni milhão milhões 百万",
    10**7: "crore crores 千万",
    10**8: "億 亿",
    10**9: "billion billions bn bln milliard milliards milliarde milliarden миллиард миллиардов",
    10**12: "trillion trillions tn trn 兆",
}
_MAGNITUDE_OF = {word: size for size, words in _MAGNITUDES.items() for word in words.split()} | {
    "hundred": 100,
    "dozen": 12,
}
_MAGNITUDE = re.compile(
    rf"[\s-]?({'|'.join(sorted(_MAGNITUDE_OF, key=len, reverse=True))})(?![a-zA-Zà-ÿ])", re.IGNORECASE
)
_LETTERS = {"k": 10**3, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}
_LETTER = re.compile(r"([kKMBT])(?![\w^/])")
_MONEY_LETTER = re.compile(r"\s?([kKmMbBtT])(?![\w^/])")
_LIST_LINE = re.compile(r"(?:^|\n)[ \t]*[*-]?[ \t]*(?:\*\*)?(?:step\s+)?$", re.IGNORECASE)
_FOOTNOTE = re.compile(r"(?<=\S)\s?\[\^?(?:note\s)?\d{1,3}\](?:,?\s?\[\d{1,3}\])*", re.IGNORECASE)
_EMPHASIS = re.compile(r"(?<!\d)(?:\*\*|__)|(?:\*\*|__)(?!\d)")
_NEGATIVE = re.compile(r"\b(?:minus|negative)[\s-]$", re.IGNORECASE)
_AND = re.compile(r",?\s*(?:and\s+)?", re.IGNORECASE)
_UNDERSCORE = re.compile(r"(?<=\d)_(?=\d{3}(?!\d))")
_TOUCHING = re.compile(r"(?<=[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3])(?=[-+]?\d)")
_INCHES = re.compile(r"\s?(?:in\b\.?|\"|″)")
_OF = re.compile(r"\s+of\b", re.IGNORECASE)
_ENUMERATED = re.compile(r"[.):](?=\s|\*)")
_LABELLED = re.compile(
    r"\b(?:step|method|option|example|problem|question|exercise|chapter|figure|table|part|note|footnote|page|"
    r"case|equation)\s#?$",
    re.IGNORECASE,
)


@lru_cache(maxsize=1024)
def readable(text: str) -> str:
    """A text as its quantities are read: plain notation, without footnotes' numbers and emphasis."""
    plain = _UNDERSCORE.sub("", written(text))
    if not plain.isascii():
        # In scripts without spaces a number touches the word before it.
        plain = _TOUCHING.sub(" ", plain)
    if "[" in plain:
        plain = _FOOTNOTE.sub("", plain)
    return _EMPHASIS.sub(" ", plain) if "**" in plain or "__" in plain else plain


@lru_cache(maxsize=2048)
def quantities(text: str) -> tuple[Quantity, ...]:
    """The numbers of a `readable` text in their order. Linear in the text."""
    found = sorted([*_in_figures(text), *_in_words(text)], key=lambda each: each.start)
    kept: list[Quantity] = []
    for each in found:
        if not kept:
            kept.append(each)
        elif each.start >= kept[-1].end:
            whole = _compound(kept[-1], each, text) or _time_past(kept[-1], each, text)
            kept[-1:] = [whole] if whole else [kept[-1], each]
    return tuple(kept)


def _compound(one: Quantity, other: Quantity, text: str) -> Quantity | None:
    """One quantity in two units: 1 hour and 30 minutes, 6 ft 2 in."""
    if one.unit is None or not _AND.fullmatch(text, one.end, other.start) or other.value < 0:
        return None
    unit, end = other.unit, other.end
    if unit is None and one.unit.name == "ft" and (inches := _INCHES.match(text, other.end)):
        unit, end = INCH, inches.end()
    if unit is None or unit.dimension != one.unit.dimension or unit.factor >= one.unit.factor or unit.offset:
        return None
    return replace(one, value=one.value + other.value * unit.factor / one.unit.factor, end=end, digits="")


def _time_past(one: Quantity, other: Quantity, text: str) -> Quantity | None:
    """A time of day relative to the hour: half past seven, a quarter to 8 pm, ten minutes to 8."""
    found = _PAST.fullmatch(text, one.end, other.start)
    if not found or not (other.clock or _is_hour(other, text)):
        return None
    # "5 to 8" is a range.
    minutes = _minutes(one, alone=found["to"] is None)
    if minutes is None:
        return None
    hour = other.value if other.clock else other.value * HOUR
    seconds = hour + (-minutes if found["to"] else minutes) * 60
    if seconds < HOUR and not other.clock:
        # A quarter to one.
        seconds += 12 * HOUR
    kind = other.clock or "24h"
    return replace(other, start=one.start, value=seconds, clock=kind, digits="", incidental=False)


def _minutes(each: Quantity, alone: bool) -> Fraction | None:
    """The minutes of "half", "a quarter" or "ten minutes". alone: whether "ten" is enough."""
    if each.unit is None and each.value in _HALVES.values():
        return each.value * 60
    named = each.unit.name == "min" if each.unit else alone and not each.percent
    return each.value if named and each.value in range(1, 60) else None


def _is_hour(each: Quantity, text: str) -> bool:
    """Whether it can be an hour from 1 to 12: not the 8 of "a quarter to 8 friends"."""
    bare = not (each.unit or each.percent or each.ordinal)
    return bare and each.value in range(1, 13) and not _NOUN_AFTER.match(text, each.end)


def _in_words(text: str) -> Iterator[Quantity]:
    for number in spoken(text):
        each = Quantity(
            number.start, number.end, number.value, ordinal=number.ordinal, incidental=number.bare
        )
        if number.bare and (number.value >= 1000 or _OF.match(text, number.end)):
            continue
        yield _signed(_measured(_clock(each, text) or each, text), text)


def _in_figures(text: str) -> Iterator[Quantity]:
    at = 0
    while match := _FIGURES.search(text, at):
        found = _figure(match, text)
        at = max(match.end(), found.end if found else 0)
        if found:
            yield found


def _figure(match: re.Match[str], text: str) -> Quantity | None:
    value = _value(match)
    if value is None:
        return None
    start, end = match.start(), match.end()
    digits = match["number"] if match["power"] is None and match["exponent"] is None else ""
    each = Quantity(start, end, value, digits=digits)
    if match["currency"]:
        each = replace(each, unit=currency(match["currency"].strip()))
    each = _clock(each, text) or _fraction(each, text) or each
    if match["sign"] == "-" or match["inner"]:
        # A dash and a blank at the beginning of a line mark an item of a list.
        listed = text[start + 1 : start + 2].isspace()
        each = each if listed else replace(each, value=-each.value, digits="")
    each = _signed(_measured(each, text), text)
    if (text[each.end : each.end + 1].isalpha() and text[each.end].isascii()) or text[
        each.end : each.end + 1
    ] == "_":
        # 3D, 4chan: part of a name.
        return replace(each, incidental=True) if each.end > end else None
    return replace(each, incidental=each.incidental or _is_label(each, text))


def _value(match: re.Match[str]) -> Fraction | None:
    number = match["number"]
    if len(number) > LONGEST:
        return None
    value = Fraction(_decimal(number))
    if match["exponent"]:
        return _raised(value, Fraction(10), int(match["exponent"][1:]))
    if power := match["power"]:
        base, _, exponent = power.replace("**", "^").partition("^")
        times = int(exponent.strip("()"))
        return _raised(value, Fraction(10), times) if base.strip() else _raised(Fraction(1), value, times)
    return value


def _raised(factor: Fraction, base: Fraction, exponent: int) -> Fraction | None:
    size = max(len(str(base.numerator)), len(str(base.denominator)))
    if abs(exponent) * size > LARGEST_POWER or (not base and exponent < 0):
        return None
    return factor * base**exponent


def _decimal(number: str) -> str:
    """The number with a point for decimals and nothing for thousands."""
    number = re.sub("[ ']", "", number)
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", number) and not number.startswith("0,"):
        return number.replace(",", "")
    if number.count(",") > 1 or ("," in number and "." in number and number.rfind(".") > number.rfind(",")):
        return number.replace(",", "")
    if "," in number or number.count(".") > 1:
        return number.replace(".", "").replace(",", ".")
    return number


def _clock(each: Quantity, text: str) -> Quantity | None:
    """A time of day, in seconds since midnight: 7:30, 7.30 pm, seven o'clock."""
    hour, point, after_point = each.digits.partition(".")
    if not each.digits and each.value.denominator == 1 and not each.ordinal:
        hour = str(each.value)
    if not hour.isdigit() or len(hour) > 2 or int(hour) > 24:
        return None
    if point and not _MINUTES_AFTER_POINT.fullmatch(after_point):
        return None
    minutes = _MINUTES.match(text, each.end) if each.digits and not point else None
    end = minutes.end() if minutes else each.end
    oclock = None if minutes else _OCLOCK.match(text, end)
    half = None if oclock else _MERIDIEM.match(text, end)
    if not (minutes or oclock or half) or (half and int(hour) > 12):
        return None
    seconds = int(hour) * HOUR + int(after_point or 0) * 60
    if minutes:
        seconds += int(minutes[1]) * 60 + int(minutes[2] or 0)
    if half:
        seconds = seconds % (12 * HOUR) + (12 * HOUR if half[1].lower() == "p" else 0)
    end = max(found.end() for found in (minutes, oclock, half) if found)
    kind = f"{half[1].lower()}m" if half else "24h"
    return replace(each, value=Fraction(seconds), end=end, clock=kind, digits="", incidental=False)


def _fraction(each: Quantity, text: str) -> Quantity | None:
    if each.digits.isdigit():
        if (found := _MIXED.match(text, each.end)) and int(found[1]) < int(found[2]):
            return _extended(each, each.value + Fraction(int(found[1]), int(found[2])), found.end())
        if (found := _FRACTION.match(text, each.end)) and int(found[1]) and not each.year:
            return _extended(each, each.value / int(found[1]), found.end())
        if found := _HALF.match(text, each.end):
            return _extended(each, each.value + _HALVES[found[1].lower()], found.end())
    return None


def _extended(each: Quantity, value: Fraction, end: int) -> Quantity:
    return replace(each, value=value, end=end, digits="")


def _measured(each: Quantity, text: str) -> Quantity:
    """With the ordinal's ending, magnitude, percent sign or unit that follows."""
    if each.clock:
        return each
    if each.digits and (found := _ORDINAL.match(text, each.end)):
        return replace(each, end=found.end(), ordinal=True)
    if each.digits and (found := _DECADE.match(text, each.end)) and each.value % 10 == 0:
        return replace(each, end=found.end(), digits="", incidental=True)
    size = 0
    if found := _MAGNITUDE.match(text, each.end):
        size = _MAGNITUDE_OF[found[1].lower()]
    elif each.unit and (found := _MONEY_LETTER.match(text, each.end)):
        size = _LETTERS.get(found[1]) or _LETTERS[found[1].upper()]
    elif each.digits and (found := _LETTER.match(text, each.end)):
        size = _LETTERS[found[1]]
    if found and size:
        each = replace(each, value=each.value * size, end=found.end(), digits="", incidental=False)
    if found := _PERCENT.match(text, each.end):
        return replace(each, end=found.end(), percent=True, incidental=False)
    if each.digits and (found := _TIMES.match(text, each.end)):
        return replace(each, end=found.end())
    if each.unit is None and not each.ordinal and (unit := unit_at(text, each.end)):
        return replace(each, unit=unit[0], end=unit[1], incidental=False)
    return each


def _signed(each: Quantity, text: str) -> Quantity:
    word = _NEGATIVE.search(text[max(0, each.start - 10) : each.start])
    if (
        word
        and not each.ordinal
        and not re.search(r"\d\s*$", text[max(0, each.start - 24) : each.start - len(word[0])])
    ):
        return replace(each, start=each.start - len(word[0]), value=-each.value, digits="")
    return each


def _is_label(each: Quantity, text: str) -> bool:
    """Whether it counts a line of a list or a step, and is not said of anything."""
    before = text[max(0, each.start - 40) : each.start]
    if each.digits.isdigit() and len(each.digits) < 3 and _LABELLED.search(before):
        return True
    more = len(text.rstrip()) > each.end + 1
    return bool(
        more and each.digits.isdigit() and len(each.digits) < 3 and _ENUMERATED.match(text, each.end)
    ) and (_LIST_LINE.search(before) is not None)
