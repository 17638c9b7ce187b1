"""Rows whose question is a conversation, as chat models are asked: one turn of a user becomes a text."""

from __future__ import annotations

from collections.abc import Mapping

from codex.datasets.formats import cells
from codex.datasets.formats.cells import squeezed
from codex.errors import InvalidInput
from codex.types import Role

_WHOLE = ("messages", "conversations", "conversation")
"""Columns, squeezed, that hold a question and its answer."""
_ASKED = ("question", "prompt", "input")
"""Columns, squeezed, that hold a question, as a text or as a conversation."""
_ROLES: dict[str, Role] = {
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "system": "system",
}
_WORDINGS = (("role", "content"), ("from", "value"))
"""The names under which a message says who speaks, and what."""

Message = tuple[Role, str]
"""Who speaks, and the text."""


def plain(values: Mapping[str, object], named: Mapping[str, str]) -> Mapping[str, object]:
    """The row with texts for a conversation of one turn; any other row as it is.

    named: the columns by their squeezed names. Raises InvalidInput for a conversation of several turns.
    """
    for column in [named[name] for name in _ASKED if name in named][:1]:
        if said := messages(values[column]):
            return {**values, column: _said(said, "user")}
    if any(name in named for name in _ASKED):
        return values
    for column in (named[name] for name in _WHOLE if name in named):
        if said := messages(values[column]):
            rest = {name: held for name, held in values.items() if name != column}
            return {**rest, "question": _said(said, "user"), "answer": _said(said, "assistant")}
    return values


def messages(value: object) -> list[Message]:
    """The messages of a conversation; []: it is none."""
    is_written = isinstance(value, str) and value.lstrip().startswith("[{")
    held = cells.opened(value, "question") if is_written else value
    if not isinstance(held, list | tuple) or not held:
        return []
    messages = [_message(each) for each in held]
    return [each for each in messages if each] if all(messages) else []


def _message(value: object) -> Message | None:
    if not isinstance(value, Mapping):
        return None
    for who, what in _WORDINGS:
        role, text = _ROLES.get(squeezed(str(value.get(who)))), value.get(what)
        if role and isinstance(text, str):
            return role, text
    return None


def _said(messages: list[Message], role: str) -> str:
    """What a speaker says in its only message."""
    texts = [text for who, text in messages if who == role]
    if len(texts) != 1:
        raise InvalidInput(f"its conversation has {len(texts)} messages of the {role}, not one")
    return texts[0]
