"""Questions of a dataset, each with the answers that are accepted."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from codex import plugins
from codex.text import sha256
from codex.types import Message

ShippedGrader = Literal[
    "exact",
    "contains",
    "recall",
    "f1",
    "rouge_l",
    "short",
    "numeric",
    "date",
    "boolean",
    "choice",
    "regex",
    "refusal",
    "judge",
]
GRADERS: tuple[ShippedGrader, ...] = get_args(ShippedGrader)
"""The graders that ship with Codex."""
GraderName = str
"""The name of a grader, one that ships or a plug-in's; see `named`."""


@dataclass(frozen=True, slots=True)
class Item:
    """A question and what counts as a correct answer to it."""

    id: str
    """Unique in its dataset."""
    question: str
    answers: tuple[str, ...]
    """Every accepted wording, the usual one first; of a multiple choice the text of the correct one."""
    group: str
    """The dataset it comes from, or a part of it."""
    context: str | None = None
    """The passage that the question is about."""
    answerable: bool = True
    """False: only a refusal is correct."""
    grader: GraderName | None = None
    """What it has to be graded by; None: the default."""
    choices: tuple[str, ...] = ()
    """Of a multiple choice, in order."""
    labels: tuple[str, ...] = ()
    """What the set calls its choices, e.g. 1, 2, 3, in their order; (): A, B, C ..."""

    history: tuple[Message, ...] = ()
    """What was said before the question, oldest first; (): it is a first question."""

    meta: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    """What else its row says, such as a topic: names of columns and their values."""

    @property
    def marks(self) -> tuple[str, ...]:
        """What each choice is called: the set's own labels, else letters."""
        return self.labels or letters(len(self.choices))

    @property
    def asked(self) -> str:
        """What the model is asked: the question, and the choices under it with their labels."""
        return self.question + _listed(self.marks, self.choices)

    def as_row(self, dataset: str = "") -> dict[str, object]:
        """As it is stored in a dataset, one JSON object a line; what it does not have is left out."""
        row: dict[str, object] = {
            "id": self.id,
            "question": self.question,
            "answers": list(self.answers),
            "answerable": self.answerable,
        }
        if self.grader:
            row["grader"] = self.grader
        if self.group != dataset:
            row["group"] = self.group
        if self.context is not None:
            row["context"] = self.context
        if self.choices:
            row["choices"] = list(self.choices)
        if self.labels:
            row["labels"] = list(self.labels)
        if self.history:
            row["history"] = [{"role": said.role, "content": said.content} for said in self.history]
        if self.meta:
            row["meta"] = dict(self.meta)
        return row

    @staticmethod
    def of_row(row: Mapping[str, Any], group: str) -> Item:
        """The item that `as_row` wrote. Raises KeyError or TypeError for any other row."""
        return Item(
            id=str(row["id"]),
            question=str(row["question"]),
            answers=tuple(map(str, row["answers"])),
            group=str(row.get("group") or group),
            context=row.get("context"),
            answerable=bool(row.get("answerable", True)),
            grader=row.get("grader"),
            choices=tuple(map(str, row.get("choices", ()))),
            labels=tuple(map(str, row.get("labels", ()))),
            history=tuple(Message(said["role"], str(said["content"])) for said in row.get("history", ())),
            meta=tuple((str(name), str(value)) for name, value in row.get("meta", {}).items()),
        )


def without_choices(asked: str, choices: tuple[str, ...], labels: tuple[str, ...] = ()) -> str:
    """The question of an item from what was asked, without the choices under it."""
    return asked.removesuffix(_listed(labels or letters(len(choices)), choices))


def _listed(marks: tuple[str, ...], choices: tuple[str, ...]) -> str:
    return "".join(f"\n{mark}. {choice}" for mark, choice in zip(marks, choices, strict=True))


def graders() -> tuple[GraderName, ...]:
    """Every grader: those that ship, then those of plug-ins. Nothing is imported."""
    return tuple(dict.fromkeys((*GRADERS, *plugins.names("graders"))))


def named(name: object) -> GraderName | None:
    """The grader of that name; None where there is none."""
    if not isinstance(name, str):
        return None
    return name if name in GRADERS or name in plugins.names("graders") else None


def letters(count: int) -> tuple[str, ...]:
    """The names of so many choices where their set has none."""
    return tuple(map(letter, range(count)))


def letter(at: int) -> str:
    """The letter of a choice: 0 is A."""
    return chr(ord("A") + at)


def content_id(
    question: str,
    context: str | None = None,
    choices: tuple[str, ...] = (),
    history: tuple[Message, ...] = (),
) -> str:
    """A name for a question by what is asked: 16 hexadecimal digits of SHA-256.

    Case and white space do not matter; everything else does.
    """
    parts = (question, context or "", *choices, *(said.content for said in history))
    plain = "\0".join(" ".join(unicodedata.normalize("NFKC", part).casefold().split()) for part in parts)
    return sha256(plain)[:16]
