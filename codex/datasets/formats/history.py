"""What was said before the question of a row: a conversation of user and assistant."""

from __future__ import annotations

from codex.ask.request import checked_history
from codex.datasets.formats import cells
from codex.datasets.formats.chat import messages
from codex.errors import InvalidInput
from codex.types import Message


def history(value: object) -> tuple[Message, ...]:
    """The messages that a cell holds, as a list or as JSON text; (): none. Raises InvalidInput."""
    held = cells.opened(value, "history")
    if held is None or held == [] or (isinstance(held, str) and not held.strip()):
        return ()
    said = tuple(Message(role, text) for role, text in messages(held))
    if not said or not all(message.content.strip() for message in said):
        raise InvalidInput(
            "its history is no list of messages with role and content; --column history= leaves it out"
        )
    return checked_history(said)
