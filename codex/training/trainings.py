"""Trainings in the background of a server: started, watched and stopped."""

from __future__ import annotations

import time
from collections.abc import Sequence

from codex.ask.workbench import Workbench
from codex.errors import Conflict
from codex.jobs import Job, JobProgress, Jobs
from codex.signals.probes import Probes
from codex.store.names import checked_name
from codex.training.probe import runs_to_train_on, train_probes

KIND = "train"
"""Of the jobs; each is about the version that it made, once it has ended."""


class Trainings:
    """The trainings of a workbench as jobs, one at a time and none beside an evaluation. Thread-safe."""

    def __init__(self, workbench: Workbench, jobs: Jobs) -> None:
        self._workbench = workbench
        self._jobs = jobs

    def probes(
        self, run_ids: Sequence[str], name: str = "probe", layers: Sequence[float] | None = None
    ) -> Job:
        """Fit probes to the answers of runs, and save them; its result is the Probes.

        layers: as of `train_probes`.

        Raises what `train_probes` raises of the runs; InvalidInput for the name; Conflict while an evaluation
        or another training runs.
        """
        workbench, title = self._workbench, checked_name(name, "probe")
        self.check_free()
        runs = [run.id for run in runs_to_train_on(workbench, run_ids)]

        def work(job: Job) -> Probes:
            made = train_probes(workbench, runs, title, layers, _Reading(job), job.cancel)
            job.about = made.version
            return made

        return self._jobs.start(KIND, f"Training {title}", work)

    @property
    def busy(self) -> str:
        """Why no training can be started now, as a sentence; "": one can."""
        for kind in (KIND, "evaluate"):
            if (running := self._jobs.running(kind)) is not None:
                return f"{running.title} is under way; start a training when it has ended."
        status = self._workbench.model.status
        if status.state == "loading":
            return "The model is loading."
        return f"The model cannot be used: {status.error}" if status.state == "error" else ""

    def check_free(self) -> None:
        """Raises Conflict while no training can be started."""
        if busy := self.busy:
            raise Conflict(busy)


class _Reading:
    """Tells a job how many answers are read, and when the fit begins."""

    def __init__(self, job: Job) -> None:
        self._job, self._began = job, time.monotonic()
        job.report(JobProgress(text="Loading the model"))

    def __call__(self, done: int, total: int) -> None:
        if done == 0:
            self._began = time.monotonic()
        if done == total:
            self._job.report(JobProgress(done, total, "answers", text="Fitting the probes"))
            return
        rate = done / max(time.monotonic() - self._began, 1e-9)
        left = (total - done) / rate if done else None
        self._job.report(
            JobProgress(done, total, "answers", rate or None, "answers", left, "Reading the answers")
        )
