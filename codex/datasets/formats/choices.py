"""The choices of a question, whatever holds them: a list, an object, labelled texts, columns side by side."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from codex.datasets.formats import cells
from codex.datasets.formats.cells import squeezed
from codex.errors import InvalidInput
from codex.items import letter
from codex.text import sha256

LABELS = ("label", "labels", "key", "letter", "id")
TEXTS = ("text", "texts", "choices", "choice", "value", "option", "content", "answer")
CORRECT = ("correct", "is_correct", "iscorrect", "isanswer", "is_answer", "is_true")
"""The keys of an object of choices, or of one of them."""
_PREFIXED = re.compile(r"\(?\s*([A-Za-z]|\d{1,2})\s*[).:]\s*(\S.*)", re.DOTALL)
_MARK = re.compile(r"(?:^|(?<=[\s,;]))\(?([A-Za-z])\s{0,2}[).]\s{0,2}")
_INLINE = re.compile(r"(?:\(([A-Z1-9])\)|(?:^|(?<=\n))[ \t]{0,4}([A-Z1-9])[ \t]?[).:])\s")
MOST = 26
"""A question has a letter for each choice."""


class Choices(NamedTuple):
    """The choices of a question, in order."""

    texts: tuple[str, ...]
    labels: tuple[str, ...] = ()
    """As the set names them; (): it does not, or by the letters from A."""
    lettered: bool = False
    """The set names them by the letters from A."""
    correct: tuple[int, ...] | None = None
    """The places of those that are correct, where the choices themselves say so."""
    numeric: bool = False
    """The texts are numbers in the file, not texts."""
    names: tuple[str, ...] = ()
    """The columns that they come from, squeezed."""
    from_zero: bool = False
    """The set counts them from 0: their columns do, or it is one that is known to."""


def of_value(value: object, split: str | None = None) -> Choices | None:
    """The choices in a cell; None: it has none. Raises InvalidInput for what cannot be read as choices."""
    held = cells.opened(value, "choices")
    if cells.is_blank(held):
        return None
    if isinstance(held, Mapping):
        return _of_mapping(held)
    if isinstance(held, str):
        return _of_text(held, split)
    if not isinstance(held, list | tuple):
        raise InvalidInput(f"its choices are a {type(held).__name__}, not a list")
    held = _filled(held)
    if not held:
        return None
    if all(isinstance(each, Mapping) for each in held):
        return _of_mappings(held)
    if all(isinstance(each, list | tuple) and len(each) == 2 for each in held):
        return _of_pairs([(each[0], each[1]) for each in held if isinstance(each, list | tuple)])
    numeric = all(isinstance(each, int | float) and not isinstance(each, bool) for each in held)
    return _listed(held, numeric)


def is_flagged(value: object) -> bool:
    """Whether it is an object of a text and whether that is correct."""
    if not isinstance(value, Mapping):
        return False
    names = {str(name).casefold() for name in value}
    return bool(names & set(CORRECT)) and bool(names & set(TEXTS))


def inline(question: str) -> tuple[str, Choices | None]:
    """A question and the choices that stand in its text: `Which? (A) Iron (B) Neon`, or a line for each."""
    for first in "A1":
        begins: list[re.Match[str]] = []
        for found in _INLINE.finditer(question):
            if (found[1] or found[2]) == chr(ord(first) + len(begins)):
                begins.append(found)
        stem = question[: begins[0].start()].strip() if begins else ""
        if len(begins) < 2 or not stem:
            continue
        ends = [*(found.start() for found in begins[1:]), len(question)]
        texts = [
            question[found.end() : end].strip(" \t\r\n,;") for found, end in zip(begins, ends, strict=True)
        ]
        if all(texts):
            return stem, named(tuple(texts), [found[1] or found[2] for found in begins])
    return question, None


def of_columns(values: Mapping[str, object], names: Sequence[str], labels: Sequence[str]) -> Choices | None:
    """The choices in columns side by side, of which the last ones may be empty. labels: (): none."""
    held = _filled([values.get(name) for name in names])
    if not held:
        return None
    found = named(_texts(held), labels[: len(held)])
    return found._replace(names=tuple(map(squeezed, names)), from_zero=names[0].strip().endswith("0"))


def with_distractors(correct: object, others: Sequence[object]) -> Choices | None:
    """The correct answer among incorrect ones, in an order that does not tell which it is."""
    said = cells.text(correct, "answers").strip()
    wrong = [text for text in _texts(others, blank=True) if text]
    if not said or not wrong:
        return None
    texts = tuple(sorted(dict.fromkeys([said, *wrong]), key=sha256))
    return Choices(texts, correct=(texts.index(said),))


def of_targets(value: object) -> Choices | None:
    """TruthfulQA's choices, each with whether it is true: two lists, or an object by text."""
    held = cells.opened(value, "choices")
    if cells.is_blank(held):
        return None
    if not isinstance(held, Mapping):
        raise InvalidInput("its targets are no object of choices and labels")
    if isinstance(held.get("choices"), list | tuple):
        texts, flags = _texts(held["choices"]), held.get("labels")
    else:
        texts, flags = _texts(list(held)), list(held.values())
    return Choices(texts, correct=_marked(flags, len(texts)))


def named(texts: tuple[str, ...], labels: Sequence[str]) -> Choices:
    """Choices with labels. Raises InvalidInput where two have the same, or one has none."""
    said = tuple(label.strip() for label in labels)
    if not said:
        return Choices(texts)
    if len(said) != len(texts):
        raise InvalidInput(f"it has {len(texts)} choices and {len(said)} labels")
    if not all(said) or len({label.casefold() for label in said}) < len(said):
        raise InvalidInput(f"its labels {', '.join(said)[:40]!r} do not tell its choices apart")
    if tuple(label.upper() for label in said) == tuple(map(letter, range(len(said)))):
        return Choices(texts, lettered=True)
    return Choices(texts, said)


def _of_mapping(held: Mapping[str, object]) -> Choices | None:
    by_name = {str(name).casefold(): value for name, value in held.items()}
    texts = _list(by_name, TEXTS)
    if texts is None:
        # An object by label, {"A": "Neon", "B": "Iron"}; a label without a text has no choice.
        return _of_pairs([(label, text) for label, text in held.items() if not cells.is_blank(text)])
    texts = _filled(texts)
    if not texts:
        return None
    labels, flags = _list(by_name, LABELS) or (), _list(by_name, CORRECT)
    found = named(_texts(texts), [cells.text(label, "labels") for label in labels[: len(texts)]])
    return found if flags is None else found._replace(correct=_marked(flags[: len(texts)], len(texts)))


def _list(by_name: Mapping[str, object], names: Sequence[str]) -> Sequence[object] | None:
    """The first list that stands under one of the names."""
    for name in names:
        held = by_name.get(name)
        if isinstance(held, list | tuple):
            return held
    return None


def _of_pairs(pairs: Sequence[tuple[object, object]]) -> Choices | None:
    """Labels with their texts."""
    labels = [cells.text(label, "labels") for label, _ in pairs]
    return named(_texts([text for _, text in pairs]), labels) if pairs else None


def _of_mappings(held: Sequence[object]) -> Choices | None:
    objects = [each for each in held if isinstance(each, Mapping)]
    rows = [{str(name).casefold(): value for name, value in each.items()} for each in objects]
    if all(len(row) == 1 and not row.keys() & {*TEXTS, *LABELS, *CORRECT} for row in rows):
        # A list of objects with one name each, [{"A": "Neon"}, {"B": "Iron"}].
        return _of_pairs([next(iter(each.items())) for each in objects])
    text_key = next((name for name in TEXTS if all(name in row for row in rows)), None)
    if text_key is None:
        raise InvalidInput("its choices are objects without text")
    label_key = next((name for name in LABELS if all(name in row for row in rows)), None)
    correct_key = next((name for name in CORRECT if any(name in row for row in rows)), None)
    labels = [cells.text(row[label_key], "labels") for row in rows] if label_key else []
    found = named(_texts([row[text_key] for row in rows]), labels)
    if correct_key is None:
        return found
    return found._replace(correct=_marked([row.get(correct_key, False) for row in rows], len(rows)))


def _of_text(said: str, split: str | None) -> Choices:
    parts = said.split(split) if split else (_lettered(said) or said.splitlines())
    parts = [part.strip() for part in parts if part.strip()]
    if len(parts) < 2:
        raise InvalidInput(
            f"its choices {said[:40]!r} are one text: say what stands between them, e.g. --split '|'"
        )
    return _listed(parts, False)


def _lettered(said: str) -> list[str]:
    """Choices in a line, each behind its letter: `a ) 38 , b ) 27`, `(A) Neon (B) Iron`."""
    begins: list[re.Match[str]] = []
    for found in _MARK.finditer(said):
        if found[1].upper() == letter(len(begins)) and len(begins) < MOST:
            begins.append(found)
    if len(begins) < 2 or said[: begins[0].start()].strip():
        return []
    ends = [*(found.start() for found in begins[1:]), len(said)]
    return [said[found.end() : end].strip(" \t\r\n,;") for found, end in zip(begins, ends, strict=True)]


def _filled(held: object) -> Sequence[object]:
    """A list without the empty texts at its end."""
    kept = list(held) if isinstance(held, list | tuple) else []
    while kept and cells.is_blank(kept[-1]):
        kept.pop()
    return kept


def _listed(held: Sequence[object], numeric: bool) -> Choices:
    texts = _texts(held)
    found = [_PREFIXED.fullmatch(text) for text in texts]
    labels = [match[1] for match in found if match]
    rest = tuple(match[2].strip() for match in found if match)
    if len(labels) == len(texts) > 1 and _in_sequence(labels):
        return named(rest, labels)
    return Choices(texts, numeric=numeric)


def _in_sequence(labels: Sequence[str]) -> bool:
    places = range(len(labels))
    said = [label.upper() for label in labels]
    return said in ([letter(at) for at in places], [str(at + 1) for at in places])


def _texts(held: Sequence[object], blank: bool = False) -> tuple[str, ...]:
    if len(held) > MOST:
        raise InvalidInput(f"it has {len(held)} choices, and the most are {MOST}")
    texts = tuple(_one(each) for each in held)
    empty = next((at for at, text in enumerate(texts, 1) if not text), None)
    if empty is not None and not blank:
        raise InvalidInput(f"choice {empty} of {len(texts)} is empty")
    return texts


def _one(value: object) -> str:
    depth = 0
    while isinstance(value, list | tuple) and len(value) == 1:
        value, depth = value[0], depth + 1
        if depth > cells.DEEPEST:
            raise cells.too_deep("choices")
    if isinstance(value, list | tuple | Mapping):
        raise InvalidInput("one of its choices is a list or an object")
    return cells.text(value, "choices").strip()


def _marked(flags: object, count: int) -> tuple[int, ...]:
    if not isinstance(flags, list | tuple) or len(flags) != count:
        raise InvalidInput("its choices and what tells the correct ones are not equally many")
    correct = tuple(
        at for at, flag in enumerate(flags) if not cells.is_blank(flag) and cells.truth(flag, "labels")
    )
    if not correct:
        raise InvalidInput("none of its choices is correct")
    return correct
