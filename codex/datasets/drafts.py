"""The question of a row, as far as the row tells it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from codex.datasets.columns import Columns
from codex.datasets.formats import answers as accepted
from codex.datasets.formats import cells, keys
from codex.datasets.formats.answers import How
from codex.datasets.formats.cells import squeezed
from codex.datasets.formats.choices import Choices, inline, is_flagged, of_value
from codex.datasets.formats.history import history
from codex.datasets.formats.keys import Numbered
from codex.datasets.formats.passages import flattened
from codex.datasets.meta import meta
from codex.errors import InvalidInput
from codex.grading.grades import known
from codex.items import GraderName, Item, content_id, letter

LONGEST_ID = 200
_FORMULA = re.compile(r"=\s*[+-]?\(*(?:[A-Z][A-Z.]*\(|\$?[A-Z]{1,3}\$?\d+\b)|#(?:REF|NAME\?|VALUE|N/A|DIV/0)")
"""A question that a spreadsheet would have computed, or what it says where it could not."""
_NO_ANSWER = "No Answer Present."
"""As MS MARCO has it."""


class Draft(NamedTuple):
    """A question of which perhaps it is not known yet what the numbers of its key count from."""

    item: Item
    """Without answers while there are numbers."""
    choices: Choices | None
    keys: tuple[Numbered | int, ...]
    """The places of the correct choices."""

    @property
    def numbers(self) -> tuple[Numbered, ...]:
        """The keys that are not known yet."""
        return tuple(key for key in self.keys if isinstance(key, Numbered))


def draft(
    values: Mapping[str, object],
    found: Columns,
    group: str,
    split: str | None = None,
    grader: GraderName | None = None,
) -> Draft:
    """The question of a row. Raises InvalidInput with the reason why there is none.

    split: what parts several answers, or choices, in one text. grader: of every question, whatever its row
    says; None: the row's.
    """
    question = cells.text(found.value("question", values), "question").strip()
    if not question:
        raise InvalidInput("the question is empty")
    if _FORMULA.match(question):
        raise InvalidInput("its question is a spreadsheet's formula: save the sheet with its values")
    context = flattened(found.value("context", values))
    answerable = _answerable(values, found, context)
    choices = found.choices.take(values, split) if found.choices else _flagged(values, found)
    answers: tuple[str, ...] = ()
    if answerable and not choices:
        answers = _answers(values, found, split)
        question, choices = _inline(question, answers, found)
    places: tuple[Numbered | int, ...] = ()
    if answerable and choices:
        places = choices.correct if choices.correct is not None else _keys(values, found, choices)
        answers = ()
    if answerable and not answers and not places:
        raise InvalidInput("it has no answer, and is not marked as not answerable")
    own_id = cells.text(found.value("id", values), "id").strip()
    if len(own_id) > LONGEST_ID:
        raise InvalidInput(f"its id is longer than {LONGEST_ID} characters")
    texts = choices.texts if choices else ()
    said = history(found.value("history", values))
    item = Item(
        id=own_id or content_id(question, context, texts, said),
        question=question,
        answers=answers,
        group=cells.text(found.value("group", values), "group").strip() or group,
        context=context,
        answerable=answerable,
        grader=_grader(values, found, texts, grader),
        choices=texts,
        labels=choices.labels if choices else (),
        history=said,
        meta=meta(values, found),
    )
    return Draft(item, choices, places)


def _answers(values: Mapping[str, object], found: Columns, split: str | None) -> tuple[str, ...]:
    texts: list[str] = []
    for name in found.of.get("answers", ()):
        texts += _accepted(values.get(name), squeezed(name), found, split)
    return tuple(dict.fromkeys(texts))


def _accepted(value: object, name: str, found: Columns, split: str | None) -> list[str]:
    if name == "targetvalue" and isinstance(value, str):
        return accepted.descriptions(value) or accepted.texts(value, "answers", How(split))
    if name == "label" and "passage" in found.squeezed and str(value) in ("0", "1"):
        # BoolQ, as SuperGLUE has it.
        return accepted.texts(str(value) == "1", "answers")
    if split is None and name in ("correctanswers", "incorrectanswers") and "bestanswer" in found.squeezed:
        # TruthfulQA's table; its lists are texts.
        split = ";"
    return accepted.texts(value, "answers", How(split, worked=name == "solution"))


def _keys(values: Mapping[str, object], found: Columns, choices: Choices) -> tuple[Numbered | int, ...]:
    """What the row says is correct: the first column that names a choice, or all that are given."""
    wrong: InvalidInput | None = None
    places: list[Numbered | int] = []
    for name in found.keys:
        value = cells.opened(values.get(name), "answers")
        if cells.is_blank(value) or value == []:
            continue
        try:
            held = value if isinstance(value, list | tuple) else [value]
            places += [keys.read(each, choices) for each in held if not cells.is_missing(each)]
        except InvalidInput as error:
            wrong = wrong or error
            if not found.given:
                continue
            raise
        if places and not found.given:
            break
    if wrong and not places:
        raise wrong
    return tuple(dict.fromkeys(places))


def _flagged(values: Mapping[str, object], found: Columns) -> Choices | None:
    """Choices in a column of answers, where each says whether it is correct."""
    for name in found.of.get("answers", ()):
        held = cells.opened(values.get(name), "answers")
        if isinstance(held, list | tuple) and held and all(is_flagged(each) for each in held):
            return of_value(held)
    return None


def _inline(question: str, answers: Sequence[str], found: Columns) -> tuple[str, Choices | None]:
    """The question without the choices that stand in it, where its answer is the label of one.

    Raises InvalidInput for a label without choices.
    """
    labels = [keys.bare(answer).upper() for answer in answers]
    if len(labels) != 1 or len(labels[0]) != 1:
        return question, None
    stem, choices = inline(question)
    marks = (choices.labels or tuple(map(letter, range(len(choices.texts))))) if choices else ()
    is_key = any(squeezed(name) == "answerkey" for name in found.of.get("answers", ()))
    # A number may be an answer, and (1) and (2) what it is about.
    if labels[0] in marks and (is_key or labels[0].isalpha()):
        return stem, choices
    if labels[0].isalpha() and (is_key or (found.choices and found.choices.labels)):
        raise InvalidInput(f"its answer {answers[0]!r} is the label of a choice, and it has no choices")
    return question, None


def _answerable(values: Mapping[str, object], found: Columns, context: str | None) -> bool:
    impossible = found.value("is_impossible", values)
    if not cells.is_blank(impossible):
        return not cells.truth(impossible, "is_impossible")
    answerable = found.value("answerable", values)
    if not cells.is_blank(answerable):
        return cells.truth(answerable, "answerable")
    held = [cells.opened(values.get(name), "answers") for name in found.of.get("answers", ())]
    if "wellformedanswers" in found.squeezed and held[:1] == [[_NO_ANSWER]]:
        return False
    # A passage and an empty list beside it say that it does not hold the answer.
    is_empty_list = context is not None and len(held) == 1 and isinstance(held[0], list) and not held[0]
    return not is_empty_list and not any(map(accepted.is_empty_span, held))


def _grader(
    values: Mapping[str, object], found: Columns, choices: tuple[str, ...], wanted: GraderName | None
) -> GraderName | None:
    if wanted == "choice" and not choices:
        raise InvalidInput("it has no choices to be graded by")
    if wanted:
        return wanted
    named = cells.text(found.value("grader", values), "grader").strip()
    if named:
        return known(named)
    return "choice" if choices else None
