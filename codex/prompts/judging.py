"""The templates of the checks: whether an answer is right, stands in the passages, says the same."""

from __future__ import annotations

from collections.abc import Sequence

from codex.types import Message

# The wording of the stored answers that P(True) was measured on; Kadavath et al. 2022, arXiv:2207.05221.
VERIFY = "Is the proposed answer correct? Reply with exactly one word, True or False."
CANDIDATES = "Here are some brainstormed answers:\n{candidates}\nProposed answer: {answer}\n" + VERIFY
SUPPORT = (
    "You said: “{sentence}”\nDo the passages support this answer to the question? "
    "Reply with exactly one word, True or False."
)
CONTRADICT = (
    "You said: “{sentence}”\nDo the passages say something else, so that it cannot be right? "
    "Reply with exactly one word, True or False."
)
SAME = (
    "Question: {question}\nFirst answer: {first}\nSecond answer: {second}\n"
    "Does the first answer say the same as the second? Reply with exactly one word, True or False."
)

TEMPLATES = (VERIFY, CANDIDATES, SUPPORT, CONTRADICT, SAME)
"""Everything that the fingerprint covers."""


def verify(conversation: Sequence[Message], answer: str, candidates: Sequence[str] = ()) -> list[Message]:
    """Whether the answer is right, asked in the conversation that led to it.

    candidates: other answers, which are shown as brainstormed ideas.
    """
    listed = "\n".join(candidates)
    asked = CANDIDATES.format(candidates=listed, answer=answer) if candidates else VERIFY
    return [*conversation, Message("assistant", answer), Message("user", asked)]


def support(conversation: Sequence[Message], answer: str, sentence: str) -> list[Message]:
    """Whether the passages of the conversation support a sentence of the answer."""
    asked = SUPPORT.format(sentence=sentence)
    return [*conversation, Message("assistant", answer), Message("user", asked)]


def contradict(conversation: Sequence[Message], answer: str, sentence: str) -> list[Message]:
    """Whether the passages of the conversation contradict a sentence of the answer."""
    asked = CONTRADICT.format(sentence=sentence)
    return [*conversation, Message("assistant", answer), Message("user", asked)]


def same(question: str, first: str, second: str) -> list[Message]:
    """Whether one answer says what another says; to be asked both ways."""
    return [Message("user", SAME.format(question=question, first=first, second=second))]
