"""The templates of the checks: whether an answer is right, stands in the passages, says the same."""

from __future__ import annotations

from collections.abc import Sequence

from codex.types import Message

# The wording of the stored answers that P(True) was measured on; Kadavath et al. 2022, arXiv:2207.05221.
VERIFY = "Is the proposed answer correct? Reply with exactly one word, True or False."
CANDIDATES = "Here are some brainstormed answers:\n{candidates}\nProposed answer: {answer}\n" + VERIFY
# The evidence is judged by the mean of two questions. Whether the question is answered at all is asked
# without the answer, which the model would only agree with. Of twenty wordings on 138 questions of SQuAD 2.0
# these two together ranked among the best, and neither alone.
ANSWERED = (
    "Not every question is answered by the quotes. Do the quotes answer exactly this question? "
    "Reply with exactly one word, True or False."
)
SUPPORT = "Do the quotes support this answer? Reply with exactly one word, True or False."
SUPPORT_PART = (
    "You said: “{sentence}”\nDo the quotes support this? Reply with exactly one word, True or False."
)
# Asked whether an answer is contradicted, a small model says True of right ones too; so it has to choose.
CONTRADICT = (
    "What do the quotes answer?\nA. {sentence}\nB. Something else.\nC. Nothing: they do not say.\n"
    "Reply with exactly one letter, A, B or C."
)
SAME = (
    "Question: {question}\nFirst answer: {first}\nSecond answer: {second}\n"
    "Does the first answer say the same as the second? Reply with exactly one word, True or False."
)
# Grades answers of an evaluation. No answer and no confidence depends on it, so no fingerprint covers it.
GRADE = (
    "Question: {question}\nAccepted answers: {accepted}\nProposed answer: {answer}\n"
    "Does the proposed answer say the same as an accepted one? Reply with exactly one word, True or False."
)

TEMPLATES = (VERIFY, CANDIDATES, ANSWERED, SUPPORT, SUPPORT_PART, CONTRADICT, SAME)
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


def support(conversation: Sequence[Message], answer: str, sentence: str) -> list[Message]:
    """Whether the passages support the answer, or one sentence of it; True or False."""
    asked = (
        SUPPORT if sentence.strip() == answer.strip() else SUPPORT_PART.format(sentence=_one_line(sentence))
    )
    return [*conversation, Message("assistant", answer), Message("user", asked)]


def contradict(conversation: Sequence[Message], sentence: str) -> list[Message]:
    """Whether the passages answer the question with the sentence, A, with something else, B, or not, C."""
    return _instead_of_answer(conversation, CONTRADICT.format(sentence=_one_line(sentence)))


def same(question: str, first: str, second: str) -> list[Message]:
    """Whether one answer says what another says; to be asked both ways."""
    return [Message("user", SAME.format(question=question, first=first, second=second))]


def grade(question: str, accepted: Sequence[str], answer: str) -> list[Message]:
    """Whether the answer is right, given the accepted ones; True or False."""
    listed = " | ".join(map(_one_line, accepted))
    return [Message("user", GRADE.format(question=question, accepted=listed, answer=_one_line(answer)))]


def _instead_of_answer(conversation: Sequence[Message], asked: str) -> list[Message]:
    """The conversation up to its first question, which goes on with what is asked."""
    first = next(at for at, message in enumerate(conversation) if message.role == "user")
    return [*conversation[:first], Message("user", f"{conversation[first].content}\n{asked}")]


def _one_line(sentence: str) -> str:
    return " ".join(sentence.split())
