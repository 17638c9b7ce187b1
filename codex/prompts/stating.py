"""The prompt under which a model says how likely its answer is to be correct, in a last line."""

from __future__ import annotations

from collections.abc import Sequence

from codex.text import sha256
from codex.types import Message

SYSTEM = "Answer, then say how likely your answer is to be correct."
LINE = "Confidence: {percent}%"
"""The last line of an answer."""
LINE_BEGINS = "\nConfidence:"
"""Between an answer and the number."""
REQUEST = "How likely is your answer to be correct? Write one line, as above."
"""Where the line cannot be begun for the model."""

Shown = tuple[str, str, int]
"""An example: a question, its answer, a confidence in percent."""

EXAMPLES: tuple[Shown, ...] = (
    ("What is the capital of Italy?", "Rome", 90),
    ("How many moons does Neptune have?", "16", 30),
)
"""Of questions of any kind."""


def ask(prompt: Sequence[Message], examples: Sequence[Shown] = EXAMPLES) -> tuple[Message, ...]:
    """The prompt of a question, as `prompts.ask` makes it, with the format shown by examples before it."""
    shown: list[Message] = []
    for question, answer, percent in examples:
        shown += [Message("user", question), Message("assistant", stated(answer, percent))]
    turns = [said for said in prompt if said.role != "system"]
    return (Message("system", SYSTEM), *shown, *turns)


def begun(prompt: Sequence[Message], answer: str) -> tuple[Message, ...]:
    """The prompt of a question, as `ask`, and its answer up to where the number belongs."""
    return (*ask(prompt), Message("assistant", f"{answer}{LINE_BEGINS}"))


def of_answer(prompt: Sequence[Message], answer: str) -> tuple[Message, ...]:
    """The prompt of a question, as `ask`, with its answer and a request for the line alone."""
    return (*ask(prompt), Message("assistant", answer), Message("user", REQUEST))


def stated(answer: str, percent: int) -> str:
    """An answer with its confidence as it is to be written."""
    return f"{answer}\n{LINE.format(percent=percent)}"


def fingerprint(examples: Sequence[Shown] = EXAMPLES) -> str:
    """Changes with the prompt; 12 hexadecimal digits."""
    return sha256("\0".join((SYSTEM, LINE, REQUEST, repr(tuple(examples)))))[:12]
