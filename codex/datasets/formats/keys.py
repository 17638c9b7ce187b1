"""Which choice a key names: a label, a letter, a text, or a number whose base the whole file tells."""

from __future__ import annotations

import re
from dataclasses import dataclass
from numbers import Integral
from typing import Literal, NamedTuple

from codex.datasets.formats import cells
from codex.datasets.formats.answers import NO, YES
from codex.datasets.formats.cells import squeezed
from codex.datasets.formats.choices import Choices
from codex.errors import InvalidInput

KeyBase = Literal[0, 1, "text"]
"""What numbers count the choices from; or they are the texts of choices."""
LONGEST_NUMBER = 9
"""Digits of the number of a choice."""
_NUMBER = re.compile(r"\d+(?:\.0)?")
_BARE = re.compile(r"[(\[]?\s*(\w{1,3})\s*[)\].:]?")
_WITH_TEXT = re.compile(r"[(\[]?\s*(\w{1,3})\s*[)\].:]\s*(\S.*)", re.DOTALL)


class Numbered(NamedTuple):
    """A number that no label and no letter explains: a place from 0 or from 1, or the text of a choice."""

    number: int
    text: int | None
    """The place of the choice of which it is the text."""


class Undecided(InvalidInput):
    """Numbers for keys of which the file does not tell what they count from."""


@dataclass(slots=True)
class Evidence:
    """What the numbers of a file that are keys say about what they count from."""

    numbers: int = 0
    zero: int = 0
    """The first line with a 0; 0: there is none."""
    top: int = 0
    """The first line where the number is that of all choices; 0: there is none."""
    texts: int = 0
    """Numbers that are the text of a choice too."""
    only_texts: int = 0
    """Of these the ones that are no place."""
    named: int = 0
    """Keys that are labels, letters or texts."""
    from_zero: bool = False
    """The set is one that counts from 0."""
    largest: int = 0

    def add(self, key: Numbered | int, choices: Choices, line: int) -> None:
        """Note a key of a row."""
        if not isinstance(key, Numbered):
            self.named += 1
            return
        self.numbers += 1
        count = len(choices.texts)
        if key.number == 0:
            self.zero = self.zero or line
        if key.number == count:
            self.top = self.top or line
        self.from_zero = self.from_zero or choices.from_zero
        self.texts += key.text is not None
        self.only_texts += key.text is not None and key.number > count
        self.largest = max(self.largest, key.number)

    def base(self, said: KeyBase | None = None) -> KeyBase | None:
        """What the numbers count from; None: there are none.

        said: by the user. Raises Undecided where the file says nothing, or contradicts itself.
        """
        if not self.numbers:
            return None
        if said is not None:
            return said
        if self.only_texts or (self.texts == self.numbers and self.named):
            return "text"
        ask = "say which at the import, --key-base 0 or --key-base 1"
        if self.texts == self.numbers:
            raise Undecided(
                f"Its keys are numbers that may count choices or be their texts: {ask} or --key-base text.",
                ["key_base"],
            )
        if self.zero and self.top:
            raise Undecided(
                f"Its keys are numbers, from 0 in line {self.zero} up to the number of all choices in line "
                f"{self.top}: {ask}.",
                ["key_base"],
            )
        if self.zero or self.top:
            return 0 if self.zero else 1
        if self.from_zero:
            return 0
        raise Undecided(
            f"Its keys are numbers up to {self.largest}, never 0 and never the number of all choices: they "
            f"may count from 0 or from 1: {ask}.",
            ["key_base"],
        )


def read(value: object, choices: Choices) -> Numbered | int:
    """The place of the choice that a key names, or the number that it is.

    Raises InvalidInput where it names none of the choices.
    """
    while isinstance(value, list | tuple) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool):
        return _place([text.casefold() for text in choices.texts], YES if value else NO, str(value), choices)
    said = cells.text(value, "answers").strip()
    label = _of_label(said, choices)
    if label is not None:
        return label
    at = _of_text(said, choices)
    if at is None and choices.labels and all(label.isdecimal() for label in choices.labels):
        # Where the labels are numbers, another number is no place.
        at = _of_both(said, choices)
        if at is None and _NUMBER.fullmatch(said):
            raise _none(said, len(choices.texts))
    if _NUMBER.fullmatch(said):
        number = int(said[:LONGEST_NUMBER].split(".")[0]) if len(said) <= LONGEST_NUMBER else -1
        typed = isinstance(value, Integral | float)
        text = at if not typed or choices.numeric else None
        if 0 <= number <= len(choices.texts) or text is not None:
            return Numbered(number if number >= 0 else len(choices.texts) + 1, text)
        raise _none(said, len(choices.texts))
    if at is None:
        at = _of_letter(said, choices)
    if at is None and squeezed(said) in choices.names[: len(choices.texts)]:
        at = choices.names.index(squeezed(said))
    if at is None:
        at = _of_both(said, choices)
    if at is None:
        raise _none(said, len(choices.texts))
    return at


def settled(key: Numbered, base: KeyBase | None, count: int) -> int:
    """The place of the choice, once it is known what numbers count from. Raises InvalidInput for no place."""
    at = key.number - base if isinstance(base, int) else key.text
    if at is None or not 0 <= at < count:
        raise _none(str(key.number), count)
    return at


def _of_label(said: str, choices: Choices) -> int | None:
    if not choices.labels:
        return _letter_at(said, choices) if choices.lettered else None
    labels = [label.casefold() for label in choices.labels]
    for form in (said, bare(said)):
        if form.casefold() in labels:
            return labels.index(form.casefold())
    return None


def _of_text(said: str, choices: Choices) -> int | None:
    if said in choices.texts:
        return choices.texts.index(said)
    plain = [text.casefold() for text in choices.texts]
    return plain.index(said.casefold()) if plain.count(said.casefold()) == 1 else None


def _of_letter(said: str, choices: Choices) -> int | None:
    """By the letters from A, where the set's own labels are none."""
    if any(label.isalpha() for label in choices.labels):
        return None
    return _letter_at(said, choices)


def _letter_at(said: str, choices: Choices) -> int | None:
    mark = bare(said).upper()
    at = ord(mark) - ord("A") if len(mark) == 1 else -1
    return at if 0 <= at < len(choices.texts) else None


def _of_both(said: str, choices: Choices) -> int | None:
    """A label with the text behind it, `B) Iron`; they must agree."""
    found = _WITH_TEXT.fullmatch(said)
    if not found:
        return None
    at = _of_text(found[2].strip(), choices)
    label = _of_label(found[1], choices)
    if label is None:
        label = _of_letter(found[1], choices)
    return at if at is not None and (label is None or label == at) else None


def bare(said: str) -> str:
    """A label without the signs around it: `(B)` is B."""
    found = _BARE.fullmatch(said)
    return found[1] if found else said


def _place(texts: list[str], wanted: tuple[str, ...], said: str, choices: Choices) -> int:
    at = next((texts.index(each) for each in wanted if each in texts), None)
    if at is None:
        raise _none(said, len(choices.texts))
    return at


def _none(said: str, count: int) -> InvalidInput:
    return InvalidInput(f"its answer {said[:40]!r} is none of its {count} choices")
