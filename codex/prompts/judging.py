"""The templates of the checks: whether an answer is right, stands in the passages, says the same."""

from __future__ import annotations

from collections.abc import Sequence

from codex.prompts.asking import QUESTION
from codex.types import Message

# The wording of the stored answers that P(True) was measured on; Kadavath et al. 2022, arXiv:2207.05221.
VERIFY = "Is the proposed answer correct? Reply with exactly one word, True or False."
CANDIDATES = "Here are some brainstormed answers:\n{candidates}\nProposed answer: {answer}\n" + VERIFY
# The judge sees the evidence without the turn in which it answered: in the conversation it agrees with
# itself, and what it says of right and of wrong answers is nearly the same.
PROPOSED = "The passages end here.\nQuestion: {question}\nProposed answer: {sentence}\n"
SUPPORT = PROPOSED + (
    "Do the passages support this answer to the question? Reply with exactly one word, True or False."
)
CONTRADICT = PROPOSED + (
    "Do the passages say otherwise, so that this answer is wrong? Reply with exactly one word, True or False."
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


def support(conversation: Sequence[Message], question: str, sentence: str) -> list[Message]:
    """Whether the passages of a conversation support a sentence as the answer to its question."""
    return _over_evidence(conversation, question, SUPPORT.format(question=question, sentence=sentence))


def contradict(conversation: Sequence[Message], question: str, sentence: str) -> list[Message]:
    """Whether the passages of a conversation contradict a sentence as the answer to its question."""
    return _over_evidence(conversation, question, CONTRADICT.format(question=question, sentence=sentence))


def same(question: str, first: str, second: str) -> list[Message]:
    """Whether one answer says what another says; to be asked both ways."""
    return [Message("user", SAME.format(question=question, first=first, second=second))]


def _over_evidence(conversation: Sequence[Message], question: str, asked: str) -> list[Message]:
    """The conversation up to its quoted passages, and then something else: the same cells of the cache."""
    first = next(at for at, message in enumerate(conversation) if message.role == "user")
    evidence = conversation[first].content.removesuffix(QUESTION.format(question=question))
    return [*conversation[:first], Message("user", evidence + asked)]
