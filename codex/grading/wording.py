"""Texts as graders compare them, and whether a text declines to answer."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from codex.grading.number_words import NUMBERS
from codex.signals.text import normalise

_HYPHEN = re.compile(r"(?<=\w)[-–—/](?=\w)")
_FOOTNOTE = re.compile(r"(?<=[^\W\d]{3})(?=\d)")
_INITIALS = re.compile(r"(?<=\b[a-z]) (?=[a-z]\b)")
_POSSESSIVE = re.compile(r"['’]s\b")
_LETTERS = str.maketrans(
    {"ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "đ": "d", "Đ": "D"}
    | {"ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ß": "ss", "ẞ": "SS", "ı": "i", "ʻ": "", "ʼ": "'", "ـ": ""}
)
"""Letters that are no letter with an accent, and Arabic's stretching sign."""
_MARKS = re.compile("(?<=[\0-\u052f])[\u0300-\u036f]+|[\u0591-\u05bd\u05bf-\u05c7\u064b-\u065f\u0670]")


def unaccented(text: str) -> str:
    """A text without accents, in Latin, Greek and Cyrillic letters, and without Hebrew and Arabic points.

    Other scripts need theirs: in Japanese か and が are two letters.
    """
    if text.isascii():
        return text
    return unicodedata.normalize(
        "NFC", _MARKS.sub("", unicodedata.normalize("NFKD", text.translate(_LETTERS)))
    )


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """A text for comparing: words without case, punctuation, articles, accents and possessives.

    Small numbers in words become figures; words that a hyphen joins are two.
    """
    unjoined = _FOOTNOTE.sub(" ", _POSSESSIVE.sub("", _HYPHEN.sub(" ", text)))
    words = unaccented(normalise(unjoined))
    return " ".join(str(NUMBERS.get(word, word)) for word in _INITIALS.sub("", words).split())


_REFUSALS = re.compile(
    r"""
      \b(?:do|does|did|can|could|will|would|am|are|is|was|were|have|has)(?:\s*not|n['’]?t)\s+
        (?:\w+\s+){0,2}?(?:know|known(?!\s+(?:for|as))|able|aware|sure|certain|have|find|found|determine|determined|possible|
        provide|answer|tell|predict|predicted|exist|existed|available|familiar|access|confirm|say|clear|enough)\b
    | \b(?:cannot|can['’]?t|can\s+not|unable|impossible|unknown|unknowable|unanswerable|unclear|uncertain)\b
    | \b(?:there|that|this)\s+(?:is|was|are|were|has\s+been)\s+(?:no|none|not|never|nobody)\b
    | \bno\s+(?:such|information|record|records|evidence|answer|data|one|country|way)\b
    | \b(?:never|nobody|none)\b
    | \b(?:fictitious|made[-\s]up|imaginary|non-?existent)\b
    | \bfictional\s+(?:place|country|city|kingdom|republic|person|character|name|mathematician|writer)\b
    | \b(?:died|lived)\s+(?:long\s+)?before\b
    | \b(?:did|do|does)(?:\s+not|n['’]?t)\b
    | \b(?:is|was|are|were)(?:\s+not|n['’]?t)\s+(?:a|an|the|any|real|actual|actually|in)\b
    | \bas\s+an\s+ai\b | \bi['’]?m\s+sorry\b | \bi\s+apologi[sz]e\b
    | \b(?:false|wrong|incorrect|mistaken)\s+(?:premise|assumption|question)\b
    """,
    re.VERBOSE | re.IGNORECASE,
)


def refuses(text: str) -> bool:
    """Whether the text says that there is no answer, or that it does not know one."""
    return not text.strip() or _REFUSALS.search(text) is not None
