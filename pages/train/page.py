"""The Train page: what the model knows, learned from runs; watched, compared, made active."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence

from codex.ask.workbench import Workbench
from codex.errors import CapabilityError
from codex.jobs import Job, Jobs
from codex.pages import JSON
from codex.pages.components import view
from codex.pages.job_view import job_view
from codex.pages.train.view import Sides, probes_view, run_choice, sides_of
from codex.signals.probes import Probes
from codex.store.evaluation.runs import RunSummary
from codex.store.versions.versions import SavedVersion
from codex.text import sha256
from codex.training.probe import check_engine, unfit
from codex.training.probe_fit import LEAST_OF_ALL
from codex.training.saved_probes import SavedProbes
from codex.training.trainings import KIND, Trainings

SidesKey = tuple[str, int, int, int, str]
"""Of a run: whatever changes with its labels."""


class TrainPage:
    """What the page can do, as plain calls: JSON in, JSON out. Gradio only carries them."""

    def __init__(self, workbench: Workbench, trainings: Trainings, jobs: Jobs) -> None:
        self.workbench = workbench
        self.trainings = trainings
        self.jobs = jobs
        self._sides: dict[SidesKey, Sides] = {}
        self._read: dict[str, SavedProbes] = {}
        self._lock = threading.Lock()

    def config(self) -> JSON:
        """What the page needs at the start."""
        return {"least": LEAST_OF_ALL}

    def look(self, wanted: JSON) -> JSON:
        """The training, and runs and probes if the page has others. wanted: {seen: version}."""
        store, model = self.workbench.store, self.workbench.model.engine.fingerprint
        job = next(iter(self.jobs.list(KIND)), None)
        found, saved = store.runs.list(), [self._saved(each) for each in store.probes.list()]
        names = {each.run.id: each.run.name for each in found}
        shown = {
            # Those that can be chosen first.
            "runs": sorted((self._choice(each) for each in found), key=lambda run: bool(run["problem"])),
            "probes": [probes_view(each, names, model) for each in saved],
            "back": any(not each.undone for each in store.probes.history()),
            "problem": self._problem(),
        }
        version = sha256(json.dumps(shown))[:16]
        same = wanted.get("seen") == version
        busy = "" if self.jobs.running(KIND) else self.trainings.busy
        return {
            "job": _training_view(job, saved) if job else None,
            "busy": busy,
            "version": version,
            **({} if same else shown),
        }

    def train(self, wanted: JSON) -> JSON:
        """Train probes and save them. wanted: {runs: ids, name}."""
        runs, name = [str(run) for run in wanted["runs"]], str(wanted.get("name") or "").strip()
        return _training_view(self.trainings.probes(runs, name or "probe"), [])

    def cancel(self, wanted: JSON) -> None:
        """Stop a training. wanted: {job}."""
        self.jobs.cancel(str(wanted["job"]))

    def activate(self, wanted: JSON) -> None:
        """Read hidden states by these probes, or by none. wanted: {version: or null}."""
        self.workbench.active.activate_probes(wanted["version"])

    def rollback(self, _: JSON) -> None:
        """Take the last activation back."""
        self.workbench.active.rollback_probes()

    def delete(self, wanted: JSON) -> None:
        """Delete probes that are not active. wanted: {version}."""
        self.workbench.store.probes.delete(str(wanted["version"]))

    def _problem(self) -> str:
        """Why this engine's model cannot be taught, as a sentence; "": it can."""
        try:
            check_engine(self.workbench.model.engine)
        except CapabilityError as error:
            return str(error)
        return ""

    def _choice(self, summary: RunSummary) -> JSON:
        run, engine = summary.run, self.workbench.model.engine
        if run.model != engine.fingerprint:
            problem = f"Of {run.model}, which is not loaded."
        elif run.state == "running":
            problem = "It is still running."
        else:
            problem = unfit(run, engine)
        sides = Sides(0, 0, 0) if problem else self._sides_of(summary)
        return run_choice(summary, sides, problem)

    def _sides_of(self, summary: RunSummary) -> Sides:
        key = (summary.run.id, summary.done, summary.correct, summary.incorrect, summary.labels)
        with self._lock:
            known = self._sides.get(key)
        if known is None:
            known = sides_of(self.workbench.store.runs.lines(summary.run.id))
            with self._lock:
                self._sides[key] = known
        return known

    def _saved(self, saved: SavedVersion) -> SavedProbes:
        """Saved probes; what was learned never changes, so it is read once."""
        with self._lock:
            if saved.version not in self._read:
                self._read[saved.version] = SavedProbes.of(saved)
            known = self._read[saved.version]
        return known.model_copy(update={"name": saved.name, "active": saved.active})


def _training_view(job: Job, saved: Sequence[SavedProbes]) -> JSON:
    done = job.result if isinstance(job.result, Probes) else None
    words = {"done": _end(done, saved) if done else None, "cancelled": "Stopped; nothing was saved."}
    return {**job_view(job, words.get(job.state)), "probes": done.version if done else None}


def _end(made: Probes, saved: Sequence[SavedProbes]) -> str:
    now = next((each for each in saved if each.version == made.version), None)
    if now is None:
        return f"{made.version} was saved, and deleted since"
    return f"{made.version} is saved{' and active' if now.active else ', not active'}"


def build(workbench: Workbench, trainings: Trainings, jobs: Jobs) -> None:
    """Put the page into the Blocks that are open."""
    page = TrainPage(workbench, trainings, jobs)
    calls = (page.look, page.train, page.cancel, page.activate, page.rollback, page.delete)
    view("train", page.config(), calls)
