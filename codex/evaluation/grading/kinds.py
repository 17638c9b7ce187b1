"""Which grader an item asks for, by the kind of answer that it accepts."""

from __future__ import annotations

from codex.evaluation.items import GraderName, Item

DEFAULT: GraderName = "recall"
"""Of answers of no other kind."""


def grader_of(item: Item) -> GraderName:
    """The item's own grader where it names one, else the one of its kind of answer."""
    if item.grader:
        return item.grader
    return "choice" if item.choices else DEFAULT
