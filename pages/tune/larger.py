"""A larger model on the Tune page: what a policy does that asks it before a person."""

from __future__ import annotations

import threading

from codex.ask.models.larger import calibrator_version, load_calibrator
from codex.calibration import Calibrator
from codex.errors import CodexError
from codex.evaluation.cascade import Both, Cascade, Given, both, cascade
from codex.pages import JSON
from codex.pages.tune.runs import OpenRun, OpenRuns
from codex.policy import Policy
from codex.store import Store
from codex.types import Run


class LargerRuns:
    """The larger model's run that was looked at last, joined with the first model's. Thread-safe."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.runs = OpenRuns(store, self._calibrator, kept=1)
        self._joined: tuple[tuple[str, str], Both] | None = None
        self._joining = threading.Lock()

    def look(self, opened: OpenRun, policy: Policy, wanted: JSON | None) -> JSON | None:
        """Both models together, under the policy. wanted: {run, key: as it was given before}.

        None where no run is chosen, or the policy asks no larger model. A run that is gone, or of other
        questions, is said in `error`.
        """
        if not wanted or policy.larger_above is None:
            return None
        try:
            larger = self.runs.at(str(wanted["run"]), str(wanted.get("key")))
            return _view(larger, cascade(policy, self._both(opened, larger)))
        except CodexError as error:
            return {"run": str(wanted["run"]), "key": None, "error": str(error)}

    def _both(self, first: OpenRun, larger: OpenRun) -> Both:
        key = (first.key, larger.key)
        with self._joining:
            if self._joined is None or self._joined[0] != key:
                tables = (one for run in (first, larger) for one in (run.rows.table, run.confidences.values))
                self._joined = (key, both(*tables))
            return self._joined[1]

    def _calibrator(self, run: Run) -> Calibrator | None:
        """That of the run's own model, as the service takes it for a larger model."""
        version = calibrator_version(self._store, run.model)
        return load_calibrator(self._store, version) if version else None


def _view(larger: OpenRun, found: Cascade) -> JSON:
    calibrator = larger.confidences.calibrator
    return {
        "run": larger.summary.run.id,
        "key": larger.key,
        "error": None,
        "model": larger.summary.run.model,
        "questions": found.together.questions,
        "calibrator": calibrator.version if calibrator else None,
        "seen": larger.seen,
        "asked": found.asked,
        "deferred": found.deferred,
        "by_larger": found.by_larger,
        "together": _given(found.together),
        "first": _given(found.first),
        "larger": _given(found.larger),
    }


def _given(given: Given) -> JSON:
    return {
        "coverage": given.coverage,
        "accuracy": given.accuracy,
        "interval": given.interval,
        "seconds": given.seconds,
    }
