"""The grader of numbers and quantities."""

from __future__ import annotations

import math
import re

from codex.evaluation.grading.number_words import NUMBERS
from codex.evaluation.items import Item

TOLERANCE = 1e-6
"""Of numbers, relative to the accepted one."""

_NUMBER = re.compile(r"(?<![\w.])[-−]?\$?\d+(?:[,  ’']\d{3})*(?:\.\d+)?(?:[eE][-+]?\d+)?")
_NUMBER_WORD = re.compile(rf"\b(?:{'|'.join(NUMBERS)})\b", re.IGNORECASE)


def score(item: Item, text: str) -> float:
    """Whether the number that a text gives as its answer is an accepted one: 0 or 1."""
    said = last_number(text)
    accepted = [number for answer in item.answers if (number := last_number(answer)) is not None]
    return float(
        said is not None and any(math.isclose(said, number, rel_tol=TOLERANCE) for number in accepted)
    )


def is_quantity(text: str) -> bool:
    """Whether an accepted answer is a number or a quantity and nothing else."""
    return _NUMBER.fullmatch(text.strip()) is not None


def last_number(text: str) -> float | None:
    """The last number of a text, in figures or, up to twenty, in a word; None where there is none."""
    found = [*_NUMBER.finditer(text), *_NUMBER_WORD.finditer(text)]
    if not found:
        return None
    last = max(found, key=lambda match: match.start())[0]
    if last.lower() in NUMBERS:
        return float(NUMBERS[last.lower()])
    return float(re.sub("[$,  ’']", "", last).replace("−", "-"))
