"""The templates of the checks: whether an answer is right, stands in the passages, says the same."""

from __future__ import annotations

from collections.abc import Sequence

from codex.types import Message

# The wording of the stored answers that P(True) was measured on; Kadavath et al. 2022, arXiv:2207.05221.
VERIFY = "Is the proposed answer correct? Reply with exactly one word, True or False."
CANDIDATES = "Here are some brainstormed answers:\n{candidates}\nProposed answer: {answer}\n" + VERIFY
# The judge sees the question with its passages, and not the turn in which it answered: there it agrees with
# itself, and what it says of right and of wrong answers is nearly the same.
SUPPORT = (
    "Proposed answer: {sentence}\nDo the quotes support this answer to the question? "
    "Reply with exactly one word, True or False."
)
CONTRADICT = (
    "Proposed answer: {sentence}\nDo the quotes say otherwise, so that this answer is wrong? "
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


def support(conversation: Sequence[Message], sentence: str) -> list[Message]:
    """Whether the passages that a conversation begins with support a sentence as the answer."""
    return _instead_of_answer(conversation, SUPPORT.format(sentence=sentence))


def contradict(conversation: Sequence[Message], sentence: str) -> list[Message]:
    """Whether the passages that a conversation begins with contradict a sentence as the answer."""
    return _instead_of_answer(conversation, CONTRADICT.format(sentence=sentence))


def same(question: str, first: str, second: str) -> list[Message]:
    """Whether one answer says what another says; to be asked both ways."""
    return [Message("user", SAME.format(question=question, first=first, second=second))]


def _instead_of_answer(conversation: Sequence[Message], asked: str) -> list[Message]:
    """The conversation up to its first question, which goes on with what is asked."""
    first = next(at for at, message in enumerate(conversation) if message.role == "user")
    return [*conversation[:first], Message("user", f"{conversation[first].content}\n{asked}")]
