"""The templates of the checks: whether an answer is right, stands in the passages, says the same."""

from __future__ import annotations

from collections.abc import Sequence

from codex.types import Message

# The wording of the stored answers that P(True) was measured on; Kadavath et al. 2022, arXiv:2207.05221.
VERIFY = "Is the proposed answer correct? Reply with exactly one word, True or False."
CANDIDATES = "Here are some brainstormed answers:\n{candidates}\nProposed answer: {answer}\n" + VERIFY
# The judge sees the question with its passages, and not the turn in which it answered: there it agrees with
# itself, and what it says of right and of wrong answers is nearly the same. Asked whether an answer is
# supported, or contradicted, a small model says True to both, so that it has to choose. These two are the
# best of sixteen wordings on 84 questions of SQuAD 2.0.
ANSWERED = (
    "Not every question is answered by the quotes. Do the quotes answer exactly this question? "
    "Reply with exactly one word, True or False."
)
SUPPORT = (
    "What do the quotes answer?\nA. {sentence}\nB. Something else.\nC. Nothing: they do not say.\n"
    "Reply with exactly one letter, A, B or C."
)
SAME = (
    "Question: {question}\nFirst answer: {first}\nSecond answer: {second}\n"
    "Does the first answer say the same as the second? Reply with exactly one word, True or False."
)

TEMPLATES = (VERIFY, CANDIDATES, ANSWERED, SUPPORT, SAME)
"""Everything that the fingerprint covers."""


def verify(conversation: Sequence[Message], answer: str, candidates: Sequence[str] = ()) -> list[Message]:
    """Whether the answer is right, asked in the conversation that led to it.

    candidates: other answers, which are shown as brainstormed ideas.
    """
    listed = "\n".join(candidates)
    asked = CANDIDATES.format(candidates=listed, answer=answer) if candidates else VERIFY
    return [*conversation, Message("assistant", answer), Message("user", asked)]


def answered(conversation: Sequence[Message]) -> list[Message]:
    """Whether the passages that a conversation begins with answer its question; True or False."""
    return _instead_of_answer(conversation, ANSWERED)


def support(conversation: Sequence[Message], sentence: str) -> list[Message]:
    """Whether these passages answer the question with a sentence, A, with something else, B, or not, C."""
    return _instead_of_answer(conversation, SUPPORT.format(sentence=" ".join(sentence.split())))


def same(question: str, first: str, second: str) -> list[Message]:
    """Whether one answer says what another says; to be asked both ways."""
    return [Message("user", SAME.format(question=question, first=first, second=second))]


def _instead_of_answer(conversation: Sequence[Message], asked: str) -> list[Message]:
    """The conversation up to its first question, which goes on with what is asked."""
    first = next(at for at, message in enumerate(conversation) if message.role == "user")
    return [*conversation[:first], Message("user", f"{conversation[first].content}\n{asked}")]
