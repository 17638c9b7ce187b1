"""Questions to begin with, chosen by how the model was measured to answer them."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from codex.ask.active import Active
from codex.calibration.prior import estimated_confidences
from codex.policy import ACTIONS, GATES, decide
from codex.store import Store
from codex.store.evaluation.runs import RunSummary
from codex.store.evaluation.table import Table
from codex.types import Action, Gate

Kind = Literal["known", "unknown", "document"]

MOST = 2000
"""Answers of a run that is read for them."""
UNMEASURED = (
    "What is the capital of France?",
    "When did the Titanic sink?",
    "How much money did I spend yesterday?",
)
"""Where the model was not measured on questions that newcomers type."""
_OWN = re.compile(r"\bI\b")
"""A question about the person who asks, which only a document of theirs can answer."""


@dataclass(frozen=True, slots=True)
class Starter:
    """A question to begin with."""

    question: str
    kind: Kind | None
    """known: answered correctly; unknown: answered incorrectly, and withheld; document: only a document can
    tell, and the answer is withheld. None: nothing was measured."""


class Starters:
    """The questions for the model and the policy in use. Thread-safe."""

    def __init__(self, store: Store, active: Active) -> None:
        self._store, self._active = store, active
        self._lock = threading.Lock()
        self._found: tuple[str, tuple[Starter, ...]] = ("", ())

    def now(self) -> tuple[Starter, ...]:
        """One of each kind, from runs of the model in use that asked as the settings say; the newest first.

        Each is asked again as it was measured, so that it is answered, or withheld, as it was then: where
        temperature and seed are the same, so is the answer. Without such runs: UNMEASURED. Raises StoreError.
        """
        active, runs = self._active, list(self._measured())
        calibrator = active.calibrator.version if active.calibrator else ""
        key = " ".join([active.policy.version, calibrator, *(f"{it.run.id} {it.done}" for it in runs)])
        with self._lock:
            if self._found[0] != key:
                self._found = (key, self._chosen(runs))
            return self._found[1]

    def _measured(self) -> Iterator[RunSummary]:
        for summary in self._store.runs.list():
            if summary.run.origin == self._active.origin() and summary.run.total <= MOST:
                yield summary

    def _chosen(self, runs: list[RunSummary]) -> tuple[Starter, ...]:
        found: dict[Kind, str] = {}
        for summary in runs:
            for kind, question in self._of(summary, self._store.runs.table(summary.run.id)):
                found.setdefault(kind, question)
        kinds: tuple[Kind, ...] = ("known", "unknown", "document")
        if "known" not in found:
            return tuple(Starter(question, None) for question in UNMEASURED)
        return tuple(Starter(found[kind], kind) for kind in kinds if kind in found)

    def _of(self, summary: RunSummary, table: Table) -> Iterator[tuple[Kind, str]]:
        """The clearest question of each kind: the most confident that is known, the least of the others."""
        calibrator, policy = self._active.calibrator, self._active.policy
        if calibrator is None or calibrator.mismatch(summary.run.origin):
            confidence = estimated_confidences(table.signals, len(table.ids))
        else:
            confidence = calibrator.confidences(table.signals)
        decisions = decide(policy, table.signals, confidence)
        given = decisions.action == ACTIONS.index(Action.ANSWER)
        as_it_is = decisions.gate == GATES.index(Gate.PROCEED)
        newcomers, nobody = (table.groups == name for name in ("newcomers", "unanswerable"))
        own = np.array([bool(_OWN.search(question)) for question in table.questions], dtype=np.bool_)
        each: tuple[tuple[Kind, NDArray[np.intp]], ...] = (
            ("known", _rows(newcomers & table.correct & given & as_it_is, -confidence)),
            ("unknown", _rows(newcomers & ~table.correct & ~given, confidence)),
            ("document", _rows(nobody & own & ~table.correct & ~given, confidence)),
        )
        for kind, rows in each:
            if rows.size:
                yield kind, table.questions[rows[0]]


def _rows(these: NDArray[np.bool_], order: NDArray[np.float64]) -> NDArray[np.intp]:
    """The rows by rising order; those without a number come last."""
    rows = np.flatnonzero(these)
    return rows[np.argsort(order[rows], kind="stable")]
