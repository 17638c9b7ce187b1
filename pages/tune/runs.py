"""Runs that are looked at: their tables in memory, and the confidence that each is judged by."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from codex.calibration import Calibrator
from codex.calibration.prior import estimated_confidences
from codex.evaluation.seen import seen
from codex.pages.tune.table import Floats, Mask, SortedTable
from codex.signals.text import normalise
from codex.store import Store
from codex.store.evaluation.runs import RunSummary
from codex.store.evaluation.table import Table
from codex.types import Run

KEPT_RUNS = 2
"""Tables in memory; one of a million rows with fifty signals has half a gigabyte."""


@dataclass(frozen=True, slots=True)
class RunConfidences:
    """Where a table's confidences come from."""

    values: Floats
    calibrator: Calibrator | None
    """None: estimated."""
    why: str
    """Why the active calibrator is not used; "" where it is."""


@dataclass(frozen=True)
class OpenRun:
    """A run as it was when it was read."""

    key: str
    summary: RunSummary
    rows: SortedTable
    confidences: RunConfidences

    @property
    def seen(self) -> bool:
        """Whether the calibrator was fitted on a part of the answers."""
        return bool(self._seen.any())

    @cached_property
    def held_out(self) -> Mask:
        """[n], as in `rows`: the answers that a guarantee may rest on.

        Each question once, and none that the calibrator was fitted on.
        """
        asked, free = set[str](), ~self._seen
        for at, question in enumerate(self.rows.table.questions):
            words = normalise(question)
            free[at] &= words not in asked
            asked.add(words)
        return free[self.rows.order]

    @property
    def why_unproven(self) -> str:
        """Why nothing can be guaranteed here, where the calibrator holds nothing out of this run; "" else."""
        calibrator = self.confidences.calibrator
        return calibrator.why_unproven if calibrator and self.seen else ""

    @cached_property
    def _seen(self) -> Mask:
        """[n], as in the table: the answers that the calibrator was fitted on."""
        table, calibrator = self.rows.table, self.confidences.calibrator
        if calibrator is None:
            return np.zeros(len(table.ids), dtype=np.bool_)
        return seen(calibrator, table, [self.summary.run.id])


class OpenRuns:
    """The last runs that were looked at. Thread-safe."""

    def __init__(
        self, store: Store, calibrator: Callable[[Run], Calibrator | None], kept: int = KEPT_RUNS
    ) -> None:
        """calibrator: the one that a run is judged by, where it holds; kept: tables in memory."""
        self.store, self._calibrator, self._most = store, calibrator, kept
        self._open: OrderedDict[str, OpenRun] = OrderedDict()
        self._lock, self._reading = threading.Lock(), threading.Lock()

    def key(self, summary: RunSummary) -> str:
        """Changes when the run grows or a person grades in it, and when another calibrator becomes active."""
        by = self._calibrator(summary.run)
        return f"{summary.run.id} {summary.done} {summary.labels} {by.version if by else ''}"

    def open(self, run_id: str) -> OpenRun:
        """The run as it is now. Raises NotFound."""
        return self.at(run_id, self.key(self.store.runs.get(run_id)))

    def at(self, run_id: str, key: str) -> OpenRun:
        """The run as it was under that key while that is in memory, else as it is now. Raises NotFound.

        A movement of a slider asks no database, so that it is quick while an evaluation writes.
        """
        found = self._kept(key)
        if found is None:
            with self._reading:
                found = self._kept(key) or self._read(self.store.runs.get(run_id))
        self.keep(found)
        return found

    def forget_others(self, run_ids: Collection[str]) -> None:
        """Give back the memory of runs that are gone."""
        with self._lock:
            for key in [key for key, one in self._open.items() if one.summary.run.id not in run_ids]:
                del self._open[key]

    def keep(self, opened: OpenRun) -> None:
        """Keep a run in memory as the last that was looked at, in the place of what it was before."""
        with self._lock:
            run_id = opened.summary.run.id
            for key in [key for key, one in self._open.items() if one.summary.run.id == run_id]:
                del self._open[key]
            self._open[opened.key] = opened
            while len(self._open) > self._most:
                self._open.popitem(last=False)

    def _kept(self, key: str) -> OpenRun | None:
        with self._lock:
            return self._open.get(key)

    def _read(self, summary: RunSummary) -> OpenRun:
        key = self.key(summary)
        table = self.store.runs.table(summary.run.id)
        confidences = self._confidences(summary.run, table)
        return OpenRun(key, summary, SortedTable(table, confidences.values), confidences)

    def _confidences(self, run: Run, table: Table) -> RunConfidences:
        """The calibrator's where it holds for the run, else the estimate of the prior."""
        calibrator = self._calibrator(run)
        estimated = estimated_confidences(table.signals, len(table.ids))
        if calibrator is None:
            return RunConfidences(estimated, None, "No calibrator is active.")
        why = calibrator.mismatch(run.origin)
        if why:
            return RunConfidences(estimated, None, why)
        return RunConfidences(calibrator.confidences(table.signals), calibrator, "")
