"""Which columns of a table hold the choices of a question."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from codex.datasets.formats import cells, choices
from codex.datasets.formats.cells import squeezed
from codex.datasets.formats.choices import Choices
from codex.items import letter

ONE = ("choices", "options", "choice", "endings", "alternatives", "answerchoices", "candidates")
HELLASWAG = "endings"
"""Its keys count from 0."""
TARGETS = ("mc1targets", "mc2targets", "targetscores")
"""TruthfulQA's, of both the first, which has one correct choice; and BIG-bench's."""
_LETTERED = re.compile(r"(|option|options|choice|answer|ans|opt|op|alternative)([a-j])")
_NUMBERED = re.compile(r"(option|choice|answer|ans|opt|sol|solution|ending|alternative)(\d{1,2})")
KEYS = frozenset(
    {
        "label",
        "answer",
        "correct",
        "correctanswer",
        "correctanswers",
        "correctoption",
        "answerkey",
        "key",
        "gold",
    }
)
"""Columns that may say which of answers side by side is correct: without one all of them are."""
PLACES = frozenset({"label", "correctanswerid", "correctanswerindex", "correctindex", "correctidx"})
"""Columns beside `answers` that say which of them is correct."""
_INCORRECT = re.compile(r"(?:distractor|incorrectanswer|wronganswer|falseanswer|incorrect|wrong)s?\d{0,2}")
_CORRECT = ("correctanswer", "rightanswer", "trueanswer", "correct", "answer")


class ChoiceColumns(NamedTuple):
    """The columns that hold the choices, and how."""

    how: Literal["one", "targets", "columns", "distractors"]
    names: tuple[str, ...]
    labels: tuple[str, ...] = ()
    """Of columns side by side that are named by them."""
    correct: str | None = None
    """The column of the correct one among distractors."""

    @property
    def used(self) -> frozenset[str]:
        """The columns that are no keys."""
        return frozenset(self.names) if self.how != "targets" else frozenset()

    def take(self, values: Mapping[str, object], split: str | None) -> Choices | None:
        """The choices of a row. Raises InvalidInput for what cannot be read as choices."""
        held = [values.get(name) for name in self.names]
        if self.how == "one":
            made = choices.of_value(held[0], split)
            return made and made._replace(from_zero=squeezed(self.names[0]) == HELLASWAG)
        if self.how == "targets":
            return choices.of_targets(held[0])
        if self.how == "columns":
            return choices.of_columns(values, self.names, self.labels)
        others = [text for each in held for text in _several(each)]
        return choices.with_distractors(values.get(self.correct or ""), others)


def found(there: Mapping[str, str], given: Sequence[str] | None = None) -> ChoiceColumns | None:
    """The columns of the choices; None: there are none.

    there: each column by its squeezed name, in order. given: the columns that the user named.
    """
    if given:
        names = tuple(given)
        return ChoiceColumns("one", names) if len(names) == 1 else ChoiceColumns("columns", names)
    for name in ONE:
        if name in there:
            return ChoiceColumns("one", (there[name],))
    if "answers" in there and "answer" not in there and there.keys() & PLACES:
        # ReClor and QuAIL call the choices answers.
        return ChoiceColumns("one", (there["answers"],))
    for name in TARGETS:
        if name in there:
            return ChoiceColumns("targets", (there[name],))
    return _side_by_side(there) or _distractors(there)


def _side_by_side(there: Mapping[str, str]) -> ChoiceColumns | None:
    """Columns of one stem with letters or numbers behind it, from the first on without a gap."""
    stems: dict[tuple[str, bool], dict[str, str]] = {}
    for name, column in there.items():
        for pattern in (_LETTERED, _NUMBERED):
            if match := pattern.fullmatch(name):
                stems.setdefault((match[1], pattern is _LETTERED), {})[match[2]] = column
    for (stem, lettered), marked in stems.items():
        marks = _in_sequence(marked, lettered)
        if len(marks) < 2 or (stem in ("answer", "ans") and not there.keys() & KEYS):
            continue
        labels = tuple(mark.upper() for mark in marks) if lettered else ()
        return ChoiceColumns("columns", tuple(marked[mark] for mark in marks), labels)
    return None


def _in_sequence(marked: Mapping[str, str], lettered: bool) -> list[str]:
    if lettered:
        wanted = [letter(at).lower() for at in range(len(marked))]
        return wanted if all(mark in marked for mark in wanted) else []
    numbers = {int(mark): mark for mark in marked}
    first = min(numbers)
    return (
        [numbers.get(first + at, "") for at in range(len(numbers))]
        if first <= 1 and _gapless(numbers)
        else []
    )


def _gapless(numbers: Mapping[int, str]) -> bool:
    return max(numbers) - min(numbers) == len(numbers) - 1


def _distractors(there: Mapping[str, str]) -> ChoiceColumns | None:
    if "correctanswers" in there or "bestanswer" in there:
        # TruthfulQA's answers in free words.
        return None
    wrong = tuple(column for name, column in there.items() if _INCORRECT.fullmatch(name))
    correct = next((there[name] for name in _CORRECT if name in there), None)
    return ChoiceColumns("distractors", wrong, correct=correct) if wrong and correct else None


def _several(value: object) -> Sequence[object]:
    held = cells.opened(value, "choices")
    return held if isinstance(held, list | tuple) else [held]
