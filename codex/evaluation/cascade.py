"""What a policy does that asks a larger model where it would defer: told of two runs on the same questions.

Pure: a threshold can be moved over the stored answers of both models, without either of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codex.errors import InvalidInput
from codex.evaluation.answered import Answered
from codex.policy import ACTIONS, Policy, decide
from codex.signals.text import normalise
from codex.store.evaluation.table import Table
from codex.types import Action

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
ANSWER, DEFER = ACTIONS.index(Action.ANSWER), ACTIONS.index(Action.DEFER)


@dataclass(frozen=True, slots=True)
class Answers:
    """A model's answers to the questions that both were asked; all arrays are [n]."""

    correct: Flags
    confidence: Floats
    """In [0, 1]; NaN: nothing can be said."""
    seconds: Floats
    """That each question took; NaN: not known."""
    signals: Mapping[str, Floats]


@dataclass(frozen=True, slots=True)
class Both:
    """The questions that a first and a larger model were asked, and that are graded of both, in one order."""

    first: Answers
    larger: Answers

    def __len__(self) -> int:
        return len(self.first.correct)


@dataclass(frozen=True, slots=True)
class Given(Answered):
    """The answers that are given, and what they cost."""

    seconds: float | None
    """Mean of a question, whether it is answered or not; None: not known of each."""


@dataclass(frozen=True, slots=True)
class Cascade:
    """Both models together, beside each of them alone. Nothing is guaranteed of any of them."""

    asked: int
    """Questions that the larger model is asked: the first one's answer would be deferred."""
    deferred: int
    """Questions that a person decides in the end."""
    by_larger: int
    """Answers given that are the larger model's."""
    together: Given
    first: Given
    """By the same policy, without a larger model."""
    larger: Given
    """The larger model asked every question, by its own threshold."""

    @property
    def share_asked(self) -> float:
        """Share of the questions that the larger model is asked."""
        return self.asked / self.together.questions if self.together.questions else 0.0


def both(first: Table, first_confidence: Floats, larger: Table, larger_confidence: Floats) -> Both:
    """The questions that stand in both runs under the same id and text, in the order of the first.

    first_confidence, larger_confidence: [rows] as the tables. Raises InvalidInput where there are none.
    """
    place = {key: at for at, key in enumerate(_keys(larger))}
    pairs = [(at, place[key]) for at, key in enumerate(_keys(first)) if key in place]
    if not pairs:
        raise InvalidInput(
            "The two runs have no graded question in common: choose runs of the same dataset.", ["larger"]
        )
    here, there = (np.array(column, dtype=np.intp) for column in zip(*pairs, strict=True))
    return Both(_answers(first, first_confidence, here), _answers(larger, larger_confidence, there))


def cascade(policy: Policy, asked: Both) -> Cascade:
    """What the policy does to these questions, as the service would.

    Raises InvalidInput where it asks no larger model.
    """
    of_larger = policy.for_larger
    if of_larger is None:
        raise InvalidInput("The policy asks no larger model: set larger_above.", ["policy.larger_above"])
    first, larger = asked.first, asked.larger
    decided = decide(policy, first.signals, first.confidence).action
    decided_larger = decide(of_larger, larger.signals, larger.confidence).action
    deferred = decided == DEFER
    given, by_larger = decided == ANSWER, deferred & (decided_larger == ANSWER)
    correct = np.where(deferred, larger.correct, first.correct)
    return Cascade(
        asked=int(np.count_nonzero(deferred)),
        deferred=int(np.count_nonzero(deferred & ~by_larger)),
        by_larger=int(np.count_nonzero(by_larger)),
        together=_given(given | by_larger, correct, first.seconds + np.where(deferred, larger.seconds, 0.0)),
        first=_given(given, first.correct, first.seconds),
        larger=_given(decided_larger == ANSWER, larger.correct, larger.seconds),
    )


def _keys(table: Table) -> list[tuple[str, str]]:
    return [(id_, normalise(text)) for id_, text in zip(table.ids, table.questions, strict=True)]


def _answers(table: Table, confidence: Floats, rows: NDArray[np.intp]) -> Answers:
    seconds = np.full(len(table.ids), np.nan) if table.seconds is None else table.seconds
    return Answers(
        correct=table.correct[rows],
        confidence=confidence[rows],
        # Of imported answers it is 0: nobody measured it.
        seconds=np.where(seconds > 0, seconds, np.nan)[rows],
        signals={name: column[rows] for name, column in table.signals.items()},
    )


def _given(given: Flags, correct: Flags, seconds: Floats) -> Given:
    """given: [n], which questions are answered; correct: [n], of the answer that would be given."""
    return Given(
        questions=len(given),
        answered=int(np.count_nonzero(given)),
        correct=int(np.count_nonzero(given & correct)),
        seconds=None if np.isnan(seconds).any() else float(seconds.mean()),
    )
