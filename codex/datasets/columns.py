"""Which columns of a table hold what."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from codex.datasets.column_names import CODE, NAMES, OTHER_ANSWERS
from codex.datasets.formats import choice_columns
from codex.datasets.formats.cells import squeezed
from codex.datasets.formats.choice_columns import ChoiceColumns
from codex.errors import InvalidInput

Given = Mapping[str, str | Sequence[str]]
"""Of a field the column, or columns, that hold it; none where it is not to be looked for."""


def said(given: Iterable[str]) -> dict[str, list[str]]:
    """Fields with their columns, each said as FIELD=COLUMN; FIELD= says that no column holds it.

    Raises InvalidInput.
    """
    columns: dict[str, list[str]] = {}
    for each in given:
        field, sign, column = each.partition("=")
        if not sign:
            raise InvalidInput(f"A column is FIELD=COLUMN, e.g. question=Frage, not {each!r}.", ["column"])
        columns.setdefault(field.strip(), []).extend([column] if column.strip() else [])
    return columns


class Columns(NamedTuple):
    """The names of the columns that hold what; of `answers` there may be several."""

    of: dict[str, tuple[str, ...]]
    choices: ChoiceColumns | None
    keys: tuple[str, ...]
    """The columns that say which choice is correct; the first that holds one counts."""
    given: bool
    """The user said which columns hold the answers."""
    squeezed: frozenset[str]

    @property
    def used(self) -> frozenset[str]:
        """The names of all columns that hold something that Codex asks or grades by."""
        fields = {name for held in self.of.values() for name in held}
        return frozenset(fields | {*self.keys} | (self.choices.used if self.choices else frozenset()))

    def value(self, field: str, values: Mapping[str, object]) -> object:
        """What a row has in the field; None where there is no such column."""
        return values.get(self.of[field][0]) if field in self.of else None


def columns(names: Iterable[str], given: Given | None = None) -> Columns:
    """Find the columns by name.

    given: taken instead of those that `NAMES` would find. Raises InvalidInput where one is missing, or the
    columns are those of programming tasks.
    """
    names = list(names)
    there = {squeezed(name): name for name in reversed(names)}
    there = {squeezed(name): there[squeezed(name)] for name in names if squeezed(name)}
    listed = textwrap.shorten(", ".join(names), 300, placeholder=" …") or "none"
    of = _given(names, listed, given or {})
    if not {"question", "answers"} <= of.keys():
        _refuse_code(there)
    wanted = of.get("choices")
    choices = None if wanted == () else choice_columns.found(there, wanted)
    taken = choices.used if choices else frozenset()
    if choices and choices.how == "distractors" and choices.correct:
        of.setdefault("answers", (choices.correct,))
    for field, usual in NAMES.items():
        found = tuple(there[name] for name in usual if name in there and there[name] not in taken)
        if field == "context":
            found = tuple(name for name in found if name not in of.get("question", ()))
        if found and field not in of and field != "choices":
            of[field] = found if field == "answers" else found[:1]
    others = tuple(there[name] for name in OTHER_ANSWERS if name in there and there[name] not in taken)
    is_given = "answers" in (given or {})
    if "answers" not in of:
        of |= _other(there, others, choices)
    if choices:
        of["choices"] = choices.names
    of = {field: held for field, held in of.items() if held}
    _check(of, listed)
    own = tuple(name for name in of.get("answers", ()) if choices is None or name not in choices.names)
    rest = () if is_given else tuple(name for name in others if name not in own)
    return Columns(of, choices, own + rest, is_given, frozenset(there))


def _given(names: Sequence[str], listed: str, given: Given) -> dict[str, tuple[str, ...]]:
    there = {name.strip().casefold(): name for name in reversed(names)}
    of: dict[str, tuple[str, ...]] = {}
    for field, wanted in given.items():
        if field not in NAMES:
            raise InvalidInput(f"There is no field {field!r}. There are: {', '.join(NAMES)}.", ["column"])
        several = [wanted] if isinstance(wanted, str) else wanted
        missing = [name for name in several if name.strip().casefold() not in there]
        if missing:
            raise InvalidInput(f"There is no column {missing[0]!r}. There are: {listed}.", ["column"])
        of[field] = tuple(there[name.strip().casefold()] for name in several)
    return of


def _refuse_code(there: Mapping[str, str]) -> None:
    for signs in CODE:
        if signs <= there.keys():
            told = ", ".join(there[name] for name in sorted(signs))
            raise InvalidInput(
                f"These are programming tasks (column {told}): their answers are graded by running them, and "
                "Codex runs no code. To grade by text all the same, say --column question=NAME and "
                "--column answers=NAME.",
                ["column"],
            )


def _other(
    there: Mapping[str, str], others: Sequence[str], choices: ChoiceColumns | None
) -> dict[str, tuple[str, ...]]:
    if others:
        return {"answers": tuple(others[:1])}
    if {"text", "answerstart"} <= there.keys():
        # SQuAD as a flat table.
        return {"answers": (there["text"],)}
    numbered = tuple(there[name] for name in there if name[:-1] == "answer" and name[-1].isdigit())
    if numbered and not choices:
        return {"answers": numbered}
    # The choices may say themselves which of them is correct.
    return {"answers": choices.names} if choices and choices.how in ("targets", "one") else {}


def _check(of: Mapping[str, object], listed: str) -> None:
    for field in ("question", "answers"):
        if field not in of and not (field == "answers" and of.keys() & {"answerable", "is_impossible"}):
            raise InvalidInput(
                f"No column holds the {field}. There are: {listed}. Say which: --column {field}=NAME.",
                ["column"],
            )
