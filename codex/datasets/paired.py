"""Questions of the sets that ship, each with a correct answer and a plausible incorrect one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle

from codex.items import Item

SHARES = {"arithmetic": 34, "capitals": 33, "elements": 33}
"""Questions of each set: its first, in order of id."""

OFF = (1, -1, 2, -2, 10)
"""How far an incorrect number is from the correct one, in turn."""


def pairs(sets: Mapping[str, Sequence[Item]]) -> Iterator[dict[str, str]]:
    """sets: every question of each of SHARES, in order of id. Nothing is drawn by chance."""
    for name, count in SHARES.items():
        off = cycle(OFF)
        for at, item in enumerate(sets[name][:count]):
            if item.answers[0].isdigit():
                incorrect = _number(int(item.answers[0]), next(off))
            else:
                incorrect = _of_another(item, sets[name][at + 1 :])
            yield {"question": item.question, "correct": item.answers[0], "incorrect": incorrect}


def _number(correct: int, off: int) -> str:
    """Of a number as small as the difference, more instead of less: no answer is negative."""
    return str(correct + off if correct + off >= 0 else correct - off)


def _of_another(item: Item, others: Sequence[Item]) -> str:
    """What is the answer to the next question that begins alike, and none to this one."""
    accepted = {answer.casefold() for answer in item.answers}
    start = item.question.split()[:4]
    return next(
        other.answers[0]
        for other in others
        if other.question.split()[:4] == start
        and not accepted & {answer.casefold() for answer in other.answers}
    )
