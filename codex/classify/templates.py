"""Templates as files: what the model is told of a row that it is to classify.

A template is a text file of turns, each under a line [system] or [user]. {row}, {labels}, {instructions} and
{examples} stand for what is put there; a line whose places are all empty is left out. Nothing that is put in
is read as a template again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

from codex.errors import InvalidInput, NotFound
from codex.types import Message, Role

FOLDER = Path(__file__).parent / "templates"
PLACES = ("row", "labels", "instructions", "examples")
_PLACE = re.compile(r"\{(\w+)\}")
_TURN = re.compile(r"^\[(\w+)\][ \t]*\n", re.MULTILINE)

ExampleForm = Literal["turns", "instructions"]
EXAMPLE_FORMS: tuple[ExampleForm, ...] = get_args(ExampleForm)
Example = tuple[str, str]
"""A row and its label."""


@dataclass(frozen=True, slots=True)
class Template:
    """The turns of a template file, in order; the last is the user's."""

    name: str
    turns: tuple[tuple[Role, str], ...]

    def messages(
        self,
        row: str,
        labels: Sequence[str],
        instructions: str = "",
        examples: Sequence[Example] = (),
        form: ExampleForm = "turns",
    ) -> list[Message]:
        """The conversation that asks for the label of a row.

        form: examples are turns before the row's, or stand within each user's turn that has {examples}.
        """
        shown = "".join(f"{text}\n-> {label}\n" for text, label in examples) if form == "instructions" else ""
        fixed = {"labels": ", ".join(labels), "instructions": instructions, "examples": shown.rstrip()}
        last = self.turns[-1][1]
        messages = [Message(role, _filled(text, fixed)) for role, text in self.turns[:-1]]
        if form == "turns":
            for text, label in examples:
                messages += [
                    Message("user", _filled(last, {**fixed, "row": text})),
                    Message("assistant", label),
                ]
        return [*messages, Message("user", _filled(last, {**fixed, "row": row}))]


@lru_cache(maxsize=64)
def template(name: str) -> Template:
    """A template that ships, by its name, or one of the user's, by its path.

    Raises NotFound, InvalidInput for a file that is no template.
    """
    path = FOLDER / f"{name}.txt"
    if not re.fullmatch(r"[\w-]+", name) or not path.is_file():
        path = Path(name)
    try:
        return _parsed(name, path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise NotFound(
            f"There is no template {name!r}: give a file, or one of {', '.join(names())}."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"The template {name} cannot be read: {error}.", ["template_name"]) from error


def names() -> list[str]:
    """Of the templates that ship."""
    return sorted(path.stem for path in FOLDER.glob("*.txt"))


def _parsed(name: str, text: str) -> Template:
    before, *parts = _TURN.split(text.replace("\r\n", "\n"))
    turns: list[tuple[Role, str]] = []
    for role, said in zip(parts[::2], parts[1::2], strict=True):
        if role not in ("system", "user"):
            raise _unusable(name, f"[{role}] is neither [system] nor [user]")
        turns.append(("system" if role == "system" else "user", said.strip("\n")))
    if before.strip() or not turns or turns[-1][0] != "user":
        raise _unusable(name, "its turns stand under lines [system] and [user], and the last is the user's")
    unknown = [place for _, said in turns for place in _PLACE.findall(said) if place not in PLACES]
    if unknown:
        raise _unusable(name, f"{{{unknown[0]}}} is none of {', '.join(f'{{{it}}}' for it in PLACES)}")
    if "{row}" not in turns[-1][1]:
        raise _unusable(name, "its last turn has no {row}")
    return Template(name, tuple(turns))


def _unusable(name: str, why: str) -> InvalidInput:
    return InvalidInput(f"The template {name} cannot be used: {why}.", ["template_name"])


def _filled(text: str, values: Mapping[str, str]) -> str:
    lines = []
    for line in text.split("\n"):
        places = _PLACE.findall(line)
        if places and not any(values.get(place) for place in places):
            continue
        lines.append(_PLACE.sub(lambda found: values.get(found[1], ""), line))
    return "\n".join(lines)
