"""Conversations: the turns that a follow-up is asked after, and what they take of the context."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from codex import prompts
from codex.ask.request import parted
from codex.engines.base import Engine
from codex.errors import Conflict, NotFound
from codex.types import Message, Passage, Trace

NO_TURNS = (
    "The turns before this question came with the request and were not kept, so that it can be neither asked "
    "again nor followed up. Send them again as `history`."
)
NO_TEXT = (
    "The text of a question in this conversation was not kept, so it cannot be continued. Ask a new one; "
    "store.privacy=full keeps the text."
)
GONE = "An earlier turn of this conversation was deleted, so it cannot be continued. Ask a new question."


@dataclass(frozen=True, slots=True)
class Budget:
    """How much of the context the turns before a follow-up take."""

    tokens: int | None
    """Of all of them; None: not known."""
    context: int | None
    """Tokens of prompt and answer that the model holds; None: not known."""


def earlier(trace: Trace) -> str | None:
    """The trace that a trace follows up; None: it began. Raises Conflict where its turns are no traces."""
    told = trace.params.conversation
    if told is not None and told.follows is None:
        raise Conflict(NO_TURNS)
    return told.follows if told else None


def turns_to(trace: Trace, read: Callable[[str], Trace]) -> list[Trace]:
    """The conversation that ends with a trace, oldest first.

    read: from an id to its trace. Raises Conflict where it is not whole.
    """
    turns = [trace]
    while (before := earlier(turns[-1])) is not None:
        try:
            turns.append(read(before))
        except NotFound as error:
            raise Conflict(GONE) from error
    if any(turn.question is None for turn in turns):
        raise Conflict(NO_TEXT)
    return turns[::-1]


def messages(turns: Sequence[Trace]) -> tuple[Message, ...]:
    """The history that turns are: each question with what the user was told.

    The question back stands in place of a withheld answer, and a person's answer in place of the model's.
    """
    return tuple(
        message
        for turn in turns
        for message in (Message("user", turn.question or ""), Message("assistant", turn.answer))
    )


def budget(engine: Engine, turns: Sequence[Trace]) -> Budget:
    """What these turns take of the context; not known while the model is not loaded."""
    if not engine.is_loaded:
        return Budget(None, None)
    return Budget(added_tokens(engine, "", history=messages(turns)), engine.context)


def added_tokens(
    engine: Engine, question: str, passages: Sequence[Passage] = (), history: Sequence[Message] = ()
) -> int | None:
    """Tokens that the turns of a history add to the prompt of a question; None: not known."""
    told, _ = parted(history)
    with_turns = engine.prompt_tokens(prompts.ask(question, passages, history))
    without = engine.prompt_tokens(prompts.ask(question, passages, told))
    return None if with_turns is None or without is None else with_turns - without
