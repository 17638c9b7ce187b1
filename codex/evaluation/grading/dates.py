"""The grader of calendar dates."""

from __future__ import annotations

import re

from codex.evaluation.grading.word_recall import word_recall
from codex.evaluation.items import Item

_MONTH = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_DATE = re.compile(
    rf"\d{{4}}-\d{{2}}-\d{{2}}|\d{{1,2}} (?:{_MONTH})\w* \d{{4}}|(?:{_MONTH})\w* \d{{1,2}}, \d{{4}}",
    re.IGNORECASE,
)


def score(item: Item, text: str) -> float:
    """Whether the text gives an accepted date: 0 or 1."""
    return float(word_recall(item.question, item.answers, text) > 0.5)


def is_date(text: str) -> bool:
    """Whether an accepted answer is a calendar date and nothing else."""
    return _DATE.fullmatch(text.strip()) is not None
