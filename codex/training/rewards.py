"""Rewards: what an answer is worth to a model that learns by reinforcement."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from codex import plugins
from codex.errors import CodexError, InvalidInput
from codex.grading.grades import grade
from codex.grounding.stated import read_stated
from codex.items import Item
from codex.plugins import Plugin
from codex.text import nearest

log = logging.getLogger(__name__)


class Reward(Protocol):
    """Gives each answer a number: the higher, the more the model learns to answer so."""

    @property
    def name(self) -> str:
        """What settings, files of metrics and people call it."""
        ...

    def __call__(
        self, prompts: Sequence[str], answers: Sequence[str], references: Sequence[Item]
    ) -> Sequence[float]:
        """One finite number for each answer.

        prompts: as the model read them. references: the questions with their accepted answers.
        """
        ...


@dataclass(frozen=True, slots=True)
class Correctness:
    """1 for a correct answer, else 0; the line that states a confidence is no part of it."""

    grader: str | None = None
    """One of the evaluation's; None: the one of the question, see `kinds.grader_of`."""
    name: str = "correctness"

    def __call__(
        self, prompts: Sequence[str], answers: Sequence[str], references: Sequence[Item]
    ) -> list[float]:
        """See Reward. What the grader cannot tell counts as incorrect."""
        return [
            float(bool(is_correct(item, read_stated(text).answer, self.grader)))
            for text, item in zip(answers, references, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Brier:
    """Correctness minus the Brier score of the stated confidence: correct - (confidence - correct)².

    In [-1, 1]; RLCR, Damani et al. 2025, arXiv:2507.16806. An answer without a readable confidence gets the
    lowest, -1. Brier and not log-loss, which is unbounded and can pay for incorrect answers.
    """

    grader: str | None = None
    """As of Correctness."""
    name: str = "brier"

    def __call__(
        self, prompts: Sequence[str], answers: Sequence[str], references: Sequence[Item]
    ) -> list[float]:
        """See Reward."""
        found = []
        for text, item in zip(answers, references, strict=True):
            stated = read_stated(text)
            correct = float(bool(is_correct(item, stated.answer, self.grader)))
            given = stated.confidence
            found.append(-1.0 if given is None else correct - (given - correct) ** 2)
        return found


@dataclass(frozen=True, slots=True)
class Length:
    """0 for an answer of at most `target` characters, falling in a line to -1 for one of twice as many.

    Alone it pays for empty answers: add another reward.
    """

    target: int = 100
    name: str = "length"

    def __call__(
        self, prompts: Sequence[str], answers: Sequence[str], references: Sequence[Item]
    ) -> list[float]:
        """See Reward."""
        return [-min(max(len(text) / self.target - 1, 0.0), 1.0) for text in answers]


@dataclass(frozen=True, slots=True)
class AddedReward:
    """A function `(prompts, answers, references) -> one number each` of a plug-in."""

    plugin: Plugin
    measure: Callable[[Sequence[str], Sequence[str], Sequence[Item]], object]

    @property
    def name(self) -> str:
        return self.plugin.name

    def __call__(
        self, prompts: Sequence[str], answers: Sequence[str], references: Sequence[Item]
    ) -> list[float]:
        """See Reward. Raises PluginError where it fails: a training must not learn from made-up numbers."""
        try:
            found = [
                float(each) for each in cast(Sequence[float], self.measure(prompts, answers, references))
            ]
        except Exception as wrong:
            raise self.plugin.error(f"failed: {type(wrong).__name__}: {wrong}") from wrong
        if len(found) != len(answers) or not all(map(math.isfinite, found)):
            raise self.plugin.error(f"gave {found} for {len(answers)} answers, not one finite number each")
        return found


def _verifier(grader: str | None) -> Reward:
    from codex.training.verifier_reward import VerifierReward  # With it comes torch.

    return VerifierReward()


SHIPPED: dict[str, Callable[[str | None], Reward]] = {
    "correctness": Correctness,
    "brier": Brier,
    "length": lambda grader: Length(),
    "verifier": _verifier,
}
"""The rewards that ship with Codex, by name; each is made with the name of a grader, or None."""


def names() -> tuple[str, ...]:
    """Every reward: those that ship, then those of plug-ins. Nothing is imported."""
    return tuple(dict.fromkeys((*SHIPPED, *plugins.names("rewards"))))


def reward(name: str, grader: str | None = None) -> Reward:
    """The reward of that name; one of a plug-in is imported. Raises InvalidInput, PluginError.

    grader: of the rewards that grade; None: the one of each question. A `module:object` is known only where
    it was taken.
    """
    if name in SHIPPED:
        return SHIPPED[name](grader)
    if name in names():
        return added_reward(name)
    there = names()
    raise InvalidInput(
        f"There is no reward {name!r}{nearest(name, there)} There are: {', '.join(there)}.", ["reward"]
    )


def taken(name: str, grader: str | None = None) -> Reward:
    """As `reward`, and a `module:object` is taken. For the command line of this machine alone."""
    if plugins.is_target(name):
        plugins.take("rewards", name)
    return reward(name, grader)


def added_reward(name: str) -> Reward:
    """The reward of a plug-in. Raises PluginError."""
    plugin, measure = plugins.load("rewards", name)
    if not callable(measure):
        raise plugin.error("is no function of prompts, answers and references")
    return AddedReward(plugin, measure)


def is_correct(item: Item, text: str, grader: str | None = None) -> bool | None:
    """None where no grader can tell, or it fails: a row that cannot be graded must not end a training."""
    try:
        return grade(item, text, grader).correct
    except CodexError as error:
        log.warning("An answer to %r is not graded: %s", item.question[:80], error)
        return None
