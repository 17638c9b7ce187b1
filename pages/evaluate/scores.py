"""What runs come to: their scores, computed once in the background, and each question's confidence."""

from __future__ import annotations

import json
import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from codex.calibration.prior import estimated_confidences
from codex.datasets.library import datasets
from codex.errors import NotFound
from codex.evaluation.item_columns import ItemColumns, item_columns
from codex.evaluation.scoring import Scores, confidences_of, score
from codex.jobs import Job, Jobs
from codex.pages.background import Background, Outdated, Result
from codex.pages.kept import Kept
from codex.store import Store
from codex.store.evaluation.runs import RunSummary
from codex.store.evaluation.table import Lines, Table

T = TypeVar("T")
KEPT_SCORES = 4096
"""More runs than anybody has: one that is forgotten is measured again at the next look."""
MOMENT = 0.3
"""Seconds for which a page is let wait, rather than told to ask again."""
KEPT_TABLES = 8
"""Tables and lists of runs that stay in memory; a table of 10,000 questions with 50 signals is 10 MB."""


@dataclass(frozen=True, slots=True)
class Judged:
    """How sure each answer of a run's table is said to be."""

    values: NDArray[np.float64]
    """[n]; NaN: nothing can be said."""
    source: str
    """In words."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a run's answers show."""

    scores: Scores
    confidence: Judged


class RunScores:
    """Scores and tables of the runs of a store. Thread-safe."""

    def __init__(self, store: Store, jobs: Jobs, folder: Path) -> None:
        """folder: where scores are kept for the next start."""
        self._store = store
        self._kept = Kept(folder)
        self._background: Background[Measured] = Background(
            jobs, "score", "Measuring the runs", self._measure, KEPT_SCORES
        )
        self._tables: OrderedDict[str, Table | Lines | ItemColumns] = OrderedDict()
        self._failures: dict[str, str] = {}
        self._lock = threading.Lock()

    def get(self, summary: RunSummary) -> Result[Measured] | None:
        """A run's scores; None while they are not known."""
        return self._background.get(_key(summary)) or _hopeless(summary)

    def want(self, *summaries: RunSummary, first: bool = False) -> None:
        """Have runs measured; first: before others."""
        keys = [_key(one) for one in summaries if _hopeless(one) is None]
        self._background.want(keys, first=first)

    def soon(self, summary: RunSummary) -> Result[Measured] | None:
        """A run's scores, before those of others; None where that takes longer than a moment."""
        return self.get(summary) or self._background.soon(_key(summary), MOMENT)

    @property
    def busy(self) -> bool:
        """Whether runs are being measured."""
        return self._background.job is not None

    def table(self, summary: RunSummary) -> Table:
        """The graded records of a run. Raises NotFound."""
        return self._read("table", summary, self._store.runs.table)

    def lines(self, summary: RunSummary) -> Lines:
        """All records of a run, in few words. Raises NotFound."""
        return self._read("lines", summary, self._store.runs.lines)

    def item_columns(self, summary: RunSummary, home: Path) -> ItemColumns:
        """What the dataset of a run says of its questions, as it is now."""
        lines, name = self.lines(summary), summary.run.dataset
        there = [each.path.stat().st_mtime_ns for each in datasets(home) if each.name == name]
        return self._read(f"columns {there}", summary, lambda _: item_columns(name, home, lines))

    def _read(self, kind: str, summary: RunSummary, read: Callable[[str], T]) -> T:
        """What is in memory of a run as it is, else what is read, kept where the run is still as it was."""
        run, key = summary.run.id, f"{kind} {_key(summary)}"
        with self._lock:
            known: Any = self._tables.get(key)
        if known is not None:
            return known
        found: Any = read(run)
        if _key(self._store.runs.get(run)) == _key(summary):
            with self._lock:
                self._tables[key] = found
                while len(self._tables) > KEPT_TABLES:
                    self._tables.popitem(last=False)
        return found

    def confidence(self, summary: RunSummary) -> Judged:
        """Each graded answer's confidence: cross-fitted where it is known, else estimated."""
        table, found = self.table(summary), self._background.get(_key(summary))
        if found and found.value and len(found.value.confidence.values) == len(table.correct):
            return found.value.confidence
        return _estimated(table)

    def failure(self, summary: RunSummary) -> str:
        """Why every question so far failed, by the first of them; "" when not all did."""
        if not 0 < summary.failed == summary.done:
            return ""
        run = summary.run.id
        with self._lock:
            known = self._failures.get(run)
        if known is not None:
            return known
        try:
            first = next((record.error for record in self._store.runs.records(run)), "")
        except NotFound:  # Deleted since it was listed.
            return ""
        with self._lock:
            return self._failures.setdefault(run, first)

    def _measure(self, key: str, job: Job) -> Measured:
        return self._kept.recall(f"scores {key}", lambda: self._score(key, job), _written, _read)

    def _score(self, key: str, job: Job) -> Measured:
        run = key.split(" ")[0]
        table = self.table(self._store.runs.get(run))
        # Read under this key or the one after it: where somebody has graded since, it is asked for again.
        if _key(self._store.runs.get(run)) != key:
            raise Outdated
        found = confidences_of(table)
        scores = score(table, confidences=found, cancel=job.cancel)
        if found.values is None:
            return Measured(scores, _estimated(table))
        return Measured(scores, Judged(found.values.mean(axis=0), "cross-fitted on this run"))


def noted(found: Result[Measured] | None) -> str:
    """Why a run has no metrics, or not all of them, in words."""
    if found is None:
        return ""
    return found.value.scores.note if found.value else found.note


def _written(measured: Measured) -> str:
    scores, judged = measured.scores, measured.confidence
    values = [value if math.isfinite(value) else None for value in judged.values.tolist()]
    return json.dumps({"scores": scores.model_dump(mode="json"), "values": values, "source": judged.source})


def _read(text: str) -> Measured:
    """Raises ValueError."""
    kept = json.loads(text)
    values = np.array([math.nan if value is None else value for value in kept["values"]], dtype=np.float64)
    return Measured(Scores.model_validate(kept["scores"]), Judged(values, kept["source"]))


def _estimated(table: Table) -> Judged:
    return Judged(estimated_confidences(table.signals, len(table.correct)), "estimated")


def _key(summary: RunSummary) -> str:
    counts = f"{summary.run.id} {summary.done} {summary.correct} {summary.incorrect}"
    return f"{counts} {summary.labels}" if summary.labels else counts


def _hopeless(summary: RunSummary) -> Result[Measured] | None:
    """Why a run cannot be measured, in words; None when it can."""
    if summary.correct + summary.incorrect == 0:
        return Result(
            None, "No answer has been graded yet." if not summary.done else "No answer could be graded."
        )
    return None
