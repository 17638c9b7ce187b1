"""Which grader an item asks for, by the kind of answer that it accepts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from codex.grading.boolean import is_boolean
from codex.grading.dates import is_date
from codex.grading.numeric import is_quantity
from codex.items import GraderName, Item

DEFAULT: GraderName = "short"
"""Of answers of no other kind."""


def grader_of(item: Item) -> GraderName:
    """The grader of an item: refusal where nothing is accepted, its own, else the one of its kind of answer.

    Choices: choice. Accepted answers that are all yes or true, or all no or false: boolean; all numbers or
    quantities: numeric; all dates: date. Else DEFAULT.
    """
    if not item.answerable:
        return "refusal"
    if item.grader:
        return item.grader
    if item.choices:
        return "choice"
    if is_boolean(item.answers):
        return "boolean"
    if item.answers and all(map(is_quantity, item.answers)):
        return "numeric"
    if item.answers and all(map(is_date, item.answers)):
        return "date"
    return DEFAULT


def counted(items: Iterable[Item]) -> dict[str, int]:
    """How many of the items each grader grades; the most frequent first."""
    return dict(Counter[str](map(grader_of, items)).most_common())


def graded_as(counts: Mapping[str, int], which: str = "") -> str:
    """`told` with what it says. which: in words, where not all answers were counted."""
    return f"graded as{which}: {told(counts) or 'nothing'}"


def told(counts: Mapping[str, int]) -> str:
    """How many answers each grader graded, in a line: "choice 20, numeric 3"; "" counts those not known."""
    return ", ".join(f"{name or 'not recorded'} {count:,}" for name, count in counts.items())
