"""What a dataset says of a run's questions beside what was asked: the columns of the user's file."""

from __future__ import annotations

from pathlib import Path

from codex.datasets.library import find, items
from codex.errors import InvalidInput, NotFound
from codex.store.evaluation.table import Lines

MOST_VALUES = 50
"""Of texts in a column; one with more does not group questions."""

ItemColumns = dict[str, list[str]]
"""[n] of each name, as the lines of a run; "" where there is no value."""


def item_columns(dataset: str, home: Path, lines: Lines) -> ItemColumns:
    """The columns of a stored set, for the questions of a run; none where the set is not there any more.

    A question of the set that is not worded as the run asked it has no values.
    """
    places = {id_: at for at, id_ in enumerate(lines.ids)}
    found: ItemColumns = {}
    try:
        for item in items(find(dataset, home).name, home):
            at = places.pop(item.id, None)
            if at is not None and item.asked == lines.questions[at]:
                for name, value in item.meta:
                    found.setdefault(name, [""] * len(lines.ids))[at] = value
            if not places:
                break
    except (NotFound, InvalidInput):
        return {}
    return found


def as_numbers(values: list[str]) -> list[float] | None:
    """The values of a column as numbers, NaN where there is none; None where one is a text."""
    try:
        return [float(value) if value else float("nan") for value in values]
    except ValueError:
        return None
