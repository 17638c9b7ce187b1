"""Every prompt template, with its fingerprint: what a calibrator was fitted on must be what is asked."""

from __future__ import annotations

import hashlib

from codex.types import Message

CHECK = (
    "Check your answer. Is every part of it right? "
    "If it is, give the same answer again; if it is not, give the right one."
)


def ask(question: str) -> list[Message]:
    """The first asking: the question as it stands, under the model's own chat template."""
    return [Message("user", question)]


def reflect(question: str, answer: str) -> list[Message]:
    """The second asking: the model sees its own answer and is asked to check it."""
    return [*ask(question), Message("assistant", answer), Message("user", CHECK)]


def fingerprint() -> str:
    """Changes when any template changes; 12 hexadecimal digits."""
    return hashlib.sha256(CHECK.encode()).hexdigest()[:12]
