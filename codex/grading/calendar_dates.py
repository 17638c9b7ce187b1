"""Calendar dates of a text, in the forms and orders that people write them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from codex.grading.notation import written
from codex.grading.number_words import ORDINALS
from codex.grading.wording import unaccented

_MONTHS = """
january января jan januar janvier enero ene gennaio gen janeiro januari
february февраля feb februar fevrier fevr fev febrero febbraio febbr fevereiro februari
march марта mar marz maerz mars marzo marco maart mrz
april апреля apr avril avr abril abr aprile
may мая mai mayo maggio mag maio mei
june июня jun juni juin junio giugno giu junho
july июля jul juli juillet juil julio luglio lug julho
august августа aug aout agosto ago augustus
september сентября sept sep septembre septiembre setiembre settembre setembro
october октября oct oktober okt octobre octubre ottobre ott outubro
november ноября nov novembre noviembre novembro
december декабря dec dezember dez decembre diciembre dic dicembre dezembro
"""
MONTHS = {name: at for at, line in enumerate(_MONTHS.strip().splitlines(), start=1) for name in line.split()}
"""Of each month's name its number, without accents: English, German, French, Spanish, Italian, Portuguese,
Dutch, Russian."""
DAYS = {1: 31, 2: 29, 3: 31, 4: 30, 5: 31, 6: 30, 7: 31, 8: 31, 9: 30, 10: 31, 11: 30, 12: 31}


@dataclass(frozen=True, slots=True)
class Date:
    """A date that a text names at text[start:end]; None for a part that it does not say."""

    start: int
    end: int
    written: str
    """As it stands there."""
    year: int | None = None
    """Negative before Christ; of two figures alone, '69, those."""
    month: int | None = None
    day: int | None = None
    decade: bool = False
    """The ten years from `year` on."""
    several: bool = False
    """Several days, 20-21 July; `day` is None."""
    ambiguous: bool = False
    """Day and month may have to change places: 03/04/2020."""

    @property
    def readings(self) -> tuple[Date, ...]:
        """What it can mean."""
        if not self.ambiguous:
            return (self,)
        return replace(self, ambiguous=False), replace(self, ambiguous=False, month=self.day, day=self.month)

    def in_year(self, year: int) -> Date:
        return replace(self, year=year)

    def is_within(self, other: Date) -> bool:
        """Whether it says every part that the other says, and the same."""
        if other.year is not None:
            if self.year is None or (self.decade and not other.decade):
                return False
            if other.decade:
                if not _same_year(self.year // 10 * 10, other.year):
                    return False
            elif not _same_year(self.year, other.year):
                return False
        return (other.month is None or self.month == other.month) and (
            other.day is None or self.day == other.day
        )


def _same_year(one: int, other: int) -> bool:
    if 0 <= one < 100 <= other or 0 <= other < 100 <= one:
        return one % 100 == other % 100
    return one == other


@lru_cache(maxsize=1024)
def folded(text: str) -> str:
    """A text as its dates are read: plain notation, without accents; its length may change."""
    return unaccented(written(text).replace("**", ""))


_MONTH = rf"(?P<month>{'|'.join(sorted(MONTHS, key=len, reverse=True))})\b\.?"
_DECADES = {
    word: 10 * at
    for at, word in enumerate(
        ("twenties", "thirties", "forties", "fifties", "sixties", "seventies", "eighties", "nineties"),
        start=2,
    )
}
_ORDINAL_DAYS = {word: number for word, number in ORDINALS.items() if 1 <= number <= 20} | {"thirtieth": 30}
for _tens, _value in (("twenty", 20), ("thirty", 30)):
    for _word, _number in ORDINALS.items():
        if 1 <= _number <= 9 and _value + _number <= 31:
            _ORDINAL_DAYS[f"{_tens}-{_word}"] = _ORDINAL_DAYS[f"{_tens} {_word}"] = _value + _number
_SPOKEN_DAY = "|".join(sorted(_ORDINAL_DAYS, key=len, reverse=True))
_DAY = rf"(?P<day>\d{{1,2}}(?:st|nd|rd|th|er|o|a|\.)?|{_SPOKEN_DAY})"
_TO_DAY = r"(?P<until>\s?(?:-|to|and|/)\s?\d{1,2}(?:st|nd|rd|th)?\b(?!\s?[/:]))?"
_ERA = r"(?P<era>\s?(?:B\.?\s?C\.?(?:\s?E\b\.?)?|A\.?\s?D\b\.?|C\.?E\b\.?))"
_YEAR = r"(?P<year>(?<!\d)\d{4}(?!\d|,\d)|\d{1,4}(?=\s?(?:B\.?C|A\.?D|C\.?E))|'\d{2}\b)" + f"{_ERA}?"
_OF = r"(?:\s*,\s*|\s+)(?:(?:of|de|del|di|d'|in|the\s+year)\s+)?"

_Part = Callable[[re.Match[str]], Date | None]


def _date(
    found: re.Match[str], month: str | int, day: str | None, year: str | None, era: str | None
) -> Date | None:
    number = MONTHS[month.lower()] if isinstance(month, str) else month
    on = None if day is None else _ORDINAL_DAYS.get(day.lower()) or int(re.sub(r"\D", "", day))
    if on is not None and not 1 <= on <= DAYS[number]:
        return None
    return Date(*found.span(), found[0].lower(), _year(year, era), number, on)


def _year(year: str | None, era: str | None) -> int | None:
    if year is None:
        return None
    number = int(year.lstrip("'"))
    # There is no year 0: 1 BC is told apart from 1 AD by its sign.
    return -number if era and era.strip().upper().startswith("B") else number


def _with_month(found: re.Match[str]) -> Date | None:
    groups = found.groupdict()
    date = _date(found, found["month"], groups.get("day"), groups.get("year"), groups.get("era"))
    return replace(date, day=None, several=True) if date and groups.get("until") else date


def _iso(found: re.Match[str]) -> Date | None:
    return _numbers(found, int(found["year"]), int(found["month"]), int(found["day"]))


def _month_in_figures(found: re.Match[str]) -> Date | None:
    return Date(*found.span(), found[0], int(found["year"]), int(found["month"]))


def _numbers(found: re.Match[str], year: int, month: int, day: int, ambiguous: bool = False) -> Date | None:
    if not (1 <= month <= 12 and 1 <= day <= DAYS[month]):
        return None
    return Date(*found.span(), found[0].lower(), year, month, day, ambiguous=ambiguous)


def _slashed(found: re.Match[str]) -> Date | None:
    first, second, year = int(found["one"]), int(found["two"]), int(found["year"])
    if first > 12 or found["sign"] == ".":
        return _numbers(found, year, second, first)
    return _numbers(found, year, first, second, ambiguous=second <= 12 and first != second)


def _east_asian(found: re.Match[str]) -> Date | None:
    year, month, day = (int(found[part]) if found[part] else None for part in ("year", "month", "day"))
    return Date(*found.span(), found[0], year, month, day) if year or month else None


def _year_alone(found: re.Match[str]) -> Date | None:
    era = found["era"] or found["before"]
    year = _year(found["year"], era)
    if year is None or (not era and not 1000 <= year <= 2100):
        return None
    return Date(*found.span(), found[0].lower(), year)


def _spoken_decade(found: re.Match[str]) -> Date:
    return Date(*found.span(), found[0].lower(), _DECADES[found["decade"].lower()], decade=True)


def _decade(found: re.Match[str]) -> Date | None:
    return Date(*found.span(), found[0].lower(), int(found["year"]), decade=True)


_FORMS: tuple[tuple[re.Pattern[str], _Part], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), read)
    for pattern, read in (
        (r"(?<![\d-])(?P<year>\d{4})([-/.])(?P<month>\d{1,2})\2(?P<day>\d{1,2})(?![\d-])", _iso),
        (r"(?<!\d)(?P<year>1\d{3}|20\d\d)(?P<month>0[1-9]|1[0-2])(?P<day>[0-2]\d|3[01])(?!\d)", _iso),
        (
            r"(?<![\d/.-])(?P<one>\d{1,2})(?P<sign>[-/.])\s?(?P<two>\d{1,2})(?P=sign)\s?(?P<year>\d{4}|\d\d)(?![\d/])",
            _slashed,
        ),
        (
            rf"(?<![\w/]){_DAY}{_TO_DAY}(?:\s?-\s?|\s*)(?:day\s+)?(?:(?:of|de|di|d')\s+)?{_MONTH}(?:(?:{_OF}|-){_YEAR})?",
            _with_month,
        ),
        (
            rf"(?<![^\W_]){_MONTH}\s*(?:the\s+)?{_DAY}(?![\d:]|,\d{{3}}|\.\d){_TO_DAY}(?:(?:{_OF}){_YEAR})?",
            _with_month,
        ),
        (rf"(?<![^\W_]){_MONTH}(?:{_OF}|-){_YEAR}", _with_month),
        (rf"(?<![\w/]){_DAY}\s?-?{_MONTH}[\s-]?(?P<year>\d\d)(?=[.,;)]|\s*$)", _with_month),
        (r"(?<![\d/-])(?P<year>(?:19|20)\d\d)[-/](?P<month>0[1-9])(?![\d/-])", _month_in_figures),
        (r"(?<![\d/.-])(?P<month>0?[1-9]|1[0-2])/(?P<year>(?:1[5-9]|20)\d\d)(?![\d/])", _month_in_figures),
        (
            r"(?P<year>\d{4})\s?[年년](?:\s?(?P<month>\d{1,2})\s?[月월](?:\s?(?P<day>\d{1,2})\s?[日号일])?)?",
            _east_asian,
        ),
        (
            r"(?P<year>\d{4}(?=\d))?(?<!\d)(?P<month>\d{1,2})\s?[月월]\s?(?P<day>\d{1,2})\s?[日号일]",
            _east_asian,
        ),
        # A footnote's number that stuck to the year: "in 19834."
        (r"(?<![\w.,$€£])(?P<year>1\d{3}|20\d\d)(?P<era>)(?P<before>)\d{1,2}(?=[.,;]?(?:\s|$))", _year_alone),
        (rf"\bthe\s(?:nineteen[\s-])?(?P<decade>{'|'.join(_DECADES)})\b", _spoken_decade),
        (r"(?<!\bhis )(?<!\bher )(?<!\w)'?(?P<year>\d0)s\b", _decade),
        (r"(?<![\w.,$€£])(?P<year>\d{3}0)(?:'?s\b|ies\b|-?er\s?jahre)", _decade),
        (
            rf"(?:(?P<before>\bA\.?D\.?\s))?(?<![\d.,$€£#/_A-Z])(?P<year>\d{{1,4}})(?:{_ERA}(?![a-z])|(?![\d%°$€£/]|[.,:]\d|\s?(?:%|percent|million|billion|people|km|miles|dollars)))",
            _year_alone,
        ),
    )
)
_ANY = re.compile(r"\d|th\b|ties\b|first|second|third", re.IGNORECASE)


@lru_cache(maxsize=1024)
def dates(text: str) -> tuple[Date, ...]:
    """The dates of a `folded` text in order, the longest where they overlap. Linear in the text."""
    if not _ANY.search(text):
        return ()
    found = sorted(_all(text), key=lambda date: (date.start, -date.end))
    kept: list[Date] = []
    for date in found:
        if not kept or date.start >= kept[-1].end:
            kept.append(date)
        elif _parts(date) > _parts(kept[-1]):
            kept[-1] = date
    return tuple(kept)


def _parts(date: Date) -> int:
    return sum(part is not None for part in (date.year, date.month, date.day))


def _all(text: str) -> Iterator[Date]:
    for pattern, read in _FORMS:
        for match in pattern.finditer(text):
            date = read(match)
            if date is not None:
                yield date
