"""Runs that are asked in the background of a server: started, resumed, watched, and stopped."""

from __future__ import annotations

from typing import Unpack

from codex.ask.request import AskOptions
from codex.ask.workbench import Workbench
from codex.errors import Conflict
from codex.evaluation import runner
from codex.jobs import Job, Jobs
from codex.store.evaluation.runs import RunSummary
from codex.types import Run, Side

KIND = "evaluate"
"""Of the jobs; each is about the run that it asks, by its id."""


class Evaluations:
    """The runs of a workbench that are asked as jobs, one at a time. Thread-safe."""

    def __init__(self, workbench: Workbench, jobs: Jobs) -> None:
        self._workbench = workbench
        self._jobs = jobs

    def start(
        self,
        dataset: str,
        *,
        name: str = "",
        limit: int | None = None,
        side: Side | None = None,
        grader: str | None = None,
        evidence: bool = False,
        **options: Unpack[AskOptions],
    ) -> Job:
        """Ask the questions of a set, as a new run. Raises Conflict, and what `runner.prepare` raises."""
        self.check_free()
        run = runner.prepare(
            self._workbench,
            dataset,
            name=name,
            limit=limit,
            side=side,
            grader=grader,
            evidence=evidence,
            **options,
        )
        try:
            return self._begin(run)
        except Conflict:
            self._workbench.store.runs.delete(run.id)
            raise

    def extend(self, run_id: str, limit: int) -> Job:
        """Ask a run the next questions of its set too, until it has `limit`.

        Raises NotFound; InvalidInput; Conflict, also where it was asked in another way or its set changed.
        """
        run = self._workbench.store.runs.get(run_id).run
        self.check_free()
        runner.check_same(self._workbench, run)
        return self._begin(runner.extend(self._workbench, run_id, limit))

    def resume(self, run_id: str) -> Job:
        """Ask what is left of a run. Raises NotFound; Conflict, also where it was asked in another way."""
        run = self._workbench.store.runs.get(run_id).run
        self.check_free()
        runner.check_same(self._workbench, run)
        return self._begin(run)

    def cancel(self, run_id: str) -> None:
        """Stop a run; what was answered stays. Raises NotFound; Conflict when it is not asked now."""
        self._workbench.store.runs.get(run_id)
        job = self._jobs.running(KIND)
        if job is None or job.about != run_id:
            raise Conflict("This run is not in progress, so there is nothing to cancel.")
        job.cancel.set()

    def delete(self, run_id: str) -> None:
        """Delete a run. Raises NotFound; Conflict while it is asked, or when a guarantee rests on it."""
        if run_id == self.running:
            raise Conflict("This run is in progress; cancel it first.")
        self._workbench.store.delete_run(run_id)

    def job(self, run_id: str) -> Job | None:
        """The newest job of this process that asked a run."""
        return next((job for job in self._jobs.list(KIND) if job.about == run_id), None)

    @property
    def running(self) -> str | None:
        """The run that is asked now."""
        job = self._jobs.running(KIND)
        return job.about if job else None

    @property
    def busy(self) -> str | None:
        """Why no run can be started now, in words."""
        if self.running is not None:
            return "A run is in progress; start the next one when it has ended."
        if (training := self._jobs.running("train")) is not None:
            return f"{training.title} is under way; start the run when it has ended."
        status = self._workbench.model.status
        if status.state == "loading":
            return "The model is loading."
        return f"The model cannot be used: {status.error}" if status.state == "error" else None

    def check_free(self) -> None:
        """Raises Conflict while no run can be started."""
        if busy := self.busy:
            raise Conflict(busy)

    def _begin(self, run: Run) -> Job:
        def work(job: Job) -> RunSummary:
            with self._workbench.model.holding(f"The evaluation {run.name!r}"):
                runner.measure(self._workbench, run, job.report, job.cancel)
                return runner.run(self._workbench, run.id, job.report, job.cancel)

        return self._jobs.start(KIND, f"Asking {run.name}", work, about=run.id)
