"""The templates of the askings: the first, with passages, and after a look at the own answer."""

from __future__ import annotations

from codex.types import Message

# Of six system prompts the one under which the default model named most countries' facts right (0.50 of
# 80; with none 0.43), in the fewest words.
SYSTEM = "You are a helpful assistant. Answer briefly."

CHECK = (
    "Check your answer. Is every part of it right? "
    "If it is, give the same answer again; if it is not, give the right one."
)


def ask(question: str) -> list[Message]:
    """The first asking."""
    return [Message("system", SYSTEM), Message("user", question)]


def reflect(question: str, answer: str) -> list[Message]:
    """The second asking: the model sees its own answer and is asked to check it."""
    return [*ask(question), Message("assistant", answer), Message("user", CHECK)]


TEMPLATES = (SYSTEM, CHECK)
"""Everything that the fingerprint covers."""
