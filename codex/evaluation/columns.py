"""Which columns of a table hold what, and what a row of it asks."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from codex.errors import InvalidInput
from codex.evaluation.formats import answers as accepted
from codex.evaluation.formats import cells, choice_columns, keys
from codex.evaluation.formats.answers import How
from codex.evaluation.formats.cells import squeezed
from codex.evaluation.formats.choice_columns import ChoiceColumns
from codex.evaluation.formats.choices import Choices, inline, is_flagged, of_value
from codex.evaluation.formats.keys import Numbered
from codex.evaluation.formats.passages import flattened
from codex.evaluation.grading.grades import known
from codex.evaluation.items import GraderName, Item, content_id, letter

NAMES: dict[str, tuple[str, ...]] = {
    "question": (
        "question",
        "query",
        "questiontext",
        "questionstem",
        "instruction",
        "prompt",
        "problem",
        "utterance",
        "input",
        "sentence",
        "goal",
        "startphrase",
        "ctx",
    ),
    "answers": (
        "bestanswer",
        "answers",
        "answer",
        "aliases",
        "answeraliases",
        "possibleanswers",
        "goldenanswers",
        "correctanswers",
        "acceptedanswers",
        "acceptableanswers",
        "shortanswers",
        "answersspans",
        "validatedanswers",
    ),
    "context": (
        "context",
        "passage",
        "evidence",
        "contexts",
        "passages",
        "paragraphs",
        "paragraph",
        "article",
        "story",
        "support",
        "background",
        "documents",
        "document",
        "ctxs",
    ),
    "choices": choice_columns.ONE,
    "id": ("id", "qid", "questionid", "queryid", "uid"),
    "group": ("group", "set", "category", "subject", "topic"),
    "answerable": ("answerable", "hasanswer"),
    "is_impossible": ("isimpossible", "impossible", "unanswerable"),
    "grader": ("grader",),
}
"""Of each field the columns that are taken for it, whatever their case and signs; of answers all of them."""
OTHER_ANSWERS = (
    "target",
    "targets",
    "targetvalue",
    "gold",
    "ideal",
    "reference",
    "references",
    "answerkey",
    "label",
    "correctanswer",
    "correctoption",
    "correctchoice",
    "correct",
    "finalanswer",
    "finalans",
    "expectedanswer",
    "groundtruth",
    "finaldecision",
    "answeridx",
    "answerindex",
    "correctanswerid",
    "correctanswerindex",
    "correctindex",
    "correctidx",
    "cop",
    "key",
    "solution",
    "output",
    "expectedoutput",
)
"""The first one there is taken where there is no column of answers; of choices, where that holds nothing."""
CODE: tuple[frozenset[str], ...] = tuple(
    map(
        frozenset,
        (
            {"canonicalsolution"},
            {"entrypoint", "test"},
            {"testlist"},
            {"inputoutput", "solutions"},
            {"publictestcases"},
            {"publictests", "privatetests"},
            {"referencecode", "codecontext"},
            {"testpatch"},
            {"testcases"},
            {"unittests"},
            {"tests", "stoptokens"},
        ),
    )
)
"""The columns by which a set of programming tasks is recognised: HumanEval's, MBPP's, APPS' and others'."""
LONGEST_ID = 200

Given = Mapping[str, str | Sequence[str]]
"""Of a field the column, or columns, that hold it."""


class Columns(NamedTuple):
    """The names of the columns that hold what; of `answers` there may be several."""

    of: dict[str, tuple[str, ...]]
    choices: ChoiceColumns | None
    keys: tuple[str, ...]
    """The columns that say which choice is correct; the first that holds one counts."""
    given: bool
    """The user said which columns hold the answers."""
    squeezed: frozenset[str]

    def value(self, field: str, values: Mapping[str, object]) -> object:
        """What a row has in the field; None where there is no such column."""
        return values.get(self.of[field][0]) if field in self.of else None


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
    choices = choice_columns.found(there, of.get("choices"))
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
    _check(of, listed)
    own = tuple(name for name in of.get("answers", ()) if choices is None or name not in choices.names)
    rest = () if is_given else tuple(name for name in others if name not in own)
    return Columns(of, choices, own + rest, is_given, frozenset(there))


def draft(values: Mapping[str, object], found: Columns, group: str, split: str | None = None) -> Draft:
    """The question of a row. Raises InvalidInput with the reason why there is none.

    split: what parts several answers, or choices, in one text.
    """
    question = cells.text(found.value("question", values), "question").strip()
    if not question:
        raise InvalidInput("the question is empty")
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
    item = Item(
        id=own_id or content_id(question, context, texts),
        question=question,
        answers=answers,
        group=cells.text(found.value("group", values), "group").strip() or group,
        context=context,
        answerable=answerable,
        grader=_grader(values, found, texts),
        choices=texts,
        labels=choices.labels if choices else (),
    )
    return Draft(item, choices, places)


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
    labels = [keys.bare(answer) for answer in answers]
    if len(labels) != 1 or len(labels[0]) != 1:
        return question, None
    stem, choices = inline(question)
    marks = choices and [
        keys.bare(label) for label in choices.labels or map(letter, range(len(choices.texts)))
    ]
    if marks and labels[0].upper() in marks:
        return stem, choices
    is_key = any(squeezed(name) == "answerkey" for name in found.of.get("answers", ()))
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
    # A passage and an empty list beside it say that it does not hold the answer.
    is_empty_list = context is not None and len(held) == 1 and isinstance(held[0], list) and not held[0]
    return not is_empty_list and not any(map(accepted.is_empty_span, held))


def _grader(values: Mapping[str, object], found: Columns, choices: tuple[str, ...]) -> GraderName | None:
    named = cells.text(found.value("grader", values), "grader").strip()
    if named:
        return known(named)
    return "choice" if choices else None
