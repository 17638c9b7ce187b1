"""A run's graded answers in memory, the most confident first, and what a policy does to them.

Everything that a movement of a slider costs is here, without a database and without a page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from codex.evaluation.answered import Answered
from codex.policy import ACTIONS, GATES, Decisions, Policy, decide
from codex.store.evaluation.table import Table
from codex.types import Action, Gate

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

POINTS = 200
"""Of a risk-coverage curve, at most: one for every four pixels, and redrawn at every movement."""
KEPT_DECISIONS = 4
"""Policies whose decisions are kept: the moved one, the one before, and what they are compared with."""
ANSWER = ACTIONS.index(Action.ANSWER)
ABSTAIN, PROCEED = GATES.index(Gate.ABSTAIN), GATES.index(Gate.PROCEED)


@dataclass(frozen=True, slots=True)
class PolicyOutcome(Answered):
    """What a policy does to the answers of a run."""

    actions: Mapping[Action, int]
    gates: Mapping[Gate, int]
    rules: tuple[int, ...]
    """How often each rule is the first that holds."""
    correct_withheld: int
    """Of those not answered."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Risk against coverage while answer_above alone moves, from few answers to all; arrays are [points]."""

    coverage: Floats
    risk: Floats
    threshold: Floats


@dataclass(frozen=True, slots=True)
class Changes:
    """Which questions two policies decide differently."""

    rows: NDArray[np.intp]
    """[changed], the most confident first."""
    before: NDArray[np.int8]
    """[changed], as codes into ACTIONS."""
    after: NDArray[np.int8]


class SortedTable:
    """The graded answers of a run, by falling confidence; those without one come last."""

    def __init__(self, table: Table, confidence: Floats) -> None:
        """confidence: [n] in [0, 1], NaN where nothing can be said."""
        self.table = table
        self.order = np.argsort(-confidence, kind="stable")
        self.confidence: Floats = confidence[self.order]
        self.correct: Mask = table.correct[self.order]
        self._columns: dict[str, Floats] = {}
        self._decisions: dict[str, Decisions] = {}

    def __len__(self) -> int:
        return len(self.order)

    def column(self, name: str) -> Floats:
        """A signal's values in this order; NaN where they are missing, as in a run that never had it."""
        if name not in self._columns:
            values = self.table.signals.get(name)
            self._columns[name] = np.full(len(self), np.nan) if values is None else values[self.order]
        return self._columns[name]

    def decide(self, policy: Policy) -> Decisions:
        """The policy's decisions on every row; the last few are remembered."""
        key = policy.model_dump_json(exclude={"name", "guarantee"})
        found = self._decisions.pop(key, None)
        if found is None:
            columns = {rule.signal: self.column(rule.signal) for rule in policy.rules}
            found = decide(policy, columns, self.confidence)
        self._decisions[key] = found
        while len(self._decisions) > KEPT_DECISIONS:
            self._decisions.pop(next(iter(self._decisions)), None)
        return found

    def outcome(self, policy: Policy) -> PolicyOutcome:
        """What the policy does, counted."""
        decisions = self.decide(policy)
        answered = decisions.action == ANSWER
        correct = int(np.count_nonzero(answered & self.correct))
        return PolicyOutcome(
            questions=len(self),
            answered=int(np.count_nonzero(answered)),
            actions={a: int(np.count_nonzero(decisions.action == i)) for i, a in enumerate(ACTIONS)},
            gates={g: int(np.count_nonzero(decisions.gate == i)) for i, g in enumerate(GATES)},
            rules=tuple(int(np.count_nonzero(decisions.rule == i)) for i in range(len(policy.rules))),
            correct=correct,
            correct_withheld=self._correct - correct,
        )

    def open_rows(self, policy: Policy) -> Mask:
        """[n]: rows that the confidence decides on: it is known, and no rule abstains."""
        known: Mask = self.decide(policy).gate != ABSTAIN
        known[self._known :] = False
        return known

    def first_rows(self, policy: Policy) -> Mask:
        """[n]: the open rows whose answer stands as first given; guarantees are about these."""
        rows: Mask = self.open_rows(policy) & (self.decide(policy).gate == PROCEED)
        return rows

    def curve(self, policy: Policy) -> Curve:
        """Risk against coverage under the policy's rules, at most POINTS points."""
        open_rows = self.open_rows(policy)
        ends = self._ends
        answered = _sums(open_rows, ends)
        incorrect = _sums(open_rows & ~self.correct, ends)
        some = np.flatnonzero(answered)
        return Curve(
            coverage=answered[some] / max(1, len(self)),
            risk=incorrect[some] / answered[some],
            threshold=self.confidence[ends[some]],
        )

    def changes(self, before: Policy, after: Policy) -> Changes:
        """The questions that are decided differently from one policy to the other."""
        old, new = self.decide(before).action, self.decide(after).action
        rows = np.flatnonzero(old != new)
        return Changes(rows, old[rows], new[rows])

    def threshold_for(self, coverage: float, policy: Policy) -> float | None:
        """The highest answer_above that answers this share of the questions; None: the rules forbid it.

        coverage: in (0, 1].
        """
        wanted = max(1, int(np.ceil(coverage * len(self) - 1e-9)))
        rows = np.flatnonzero(self.open_rows(policy))
        return float(self.confidence[rows[wanted - 1]]) if wanted <= len(rows) else None

    @cached_property
    def _correct(self) -> int:
        return int(np.count_nonzero(self.correct))

    @cached_property
    def _known(self) -> int:
        """How many rows have a confidence."""
        return int(np.count_nonzero(~np.isnan(self.confidence)))

    @cached_property
    def _ends(self) -> NDArray[np.intp]:
        """The last rows of some groups of equal confidence; a threshold takes such a group whole."""
        known = self.confidence[: self._known]
        if not len(known):
            return np.empty(0, dtype=np.intp)
        ends = np.append(np.flatnonzero(known[1:] != known[:-1]), len(known) - 1)
        chosen = np.linspace(0, len(ends) - 1, min(POINTS, len(ends))).round().astype(np.intp)
        return ends[np.unique(chosen)]


def _sums(chosen: Mask, ends: NDArray[np.intp]) -> NDArray[np.int64]:
    """How many are chosen up to and with each end; ends: rising."""
    if not len(ends):
        return np.empty(0, dtype=np.int64)
    starts = np.append(0, ends[:-1] + 1)
    return np.cumsum(np.add.reduceat(chosen[: ends[-1] + 1], starts, dtype=np.int64))
