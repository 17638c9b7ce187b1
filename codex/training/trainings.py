"""Trainings in the background of a server: started, watched and stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from codex.ask.verifying import stored
from codex.ask.workbench import Workbench
from codex.errors import Conflict
from codex.grounding.trained import InUse, TrainedVerifier
from codex.jobs import Job, JobProgress, Jobs
from codex.signals.probes import Probes
from codex.store.names import checked_name
from codex.training.probe import runs_to_train_on, train_probes
from codex.training.verified_runs import verify_run
from codex.training.verifier import Epoch
from codex.training.verifier_models import (
    answers_to_learn,
    readout_answers,
    teach_readout,
    teach_verifier,
    verifying_engine,
)
from codex.training.verifier_options import FitOptions

KIND = "train"
"""Of the jobs; each is about the version that it made or applied, once it has ended."""


class Trainings:
    """The trainings of a workbench as jobs, one at a time and none beside an evaluation. Thread-safe."""

    def __init__(self, workbench: Workbench, jobs: Jobs) -> None:
        self._workbench = workbench
        self._jobs = jobs
        self._epochs: tuple[str, list[Epoch]] = ("", [])
        self._lock = threading.Lock()

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
            made = train_probes(
                workbench, runs, title, layers, _Counted(job, "Reading the answers", LAST), job.cancel
            )
            job.about = made.version
            return made

        return self._jobs.start(KIND, f"Training {title}", work)

    def readout(self, run_ids: Sequence[str], name: str = "verifier") -> Job:
        """Train a verifier's readouts on the answers of runs, and save it; its result is the TrainedVerifier.

        Raises what `readout_answers` raises; InvalidInput for the name; Conflict while an evaluation or
        another training runs.
        """
        workbench, title = self._workbench, checked_name(name, "verifier")
        self.check_free()
        settings, store = workbench.model.settings, workbench.store
        answering, engine = workbench.model.engine.fingerprint, workbench.model.grounder.verifier
        runs = [run.id for run in readout_answers(store, settings, run_ids, answering, engine)[0]]

        def work(job: Job) -> TrainedVerifier:
            counted = _Counted(job, "Reading the answers", "Fitting the readouts")

            def tell(what: str, done: int, total: int) -> None:
                if what == "reading":
                    counted(done, total)

            with workbench.model.holding(f"The training of {title!r}"):
                workbench.model.load()
                made = teach_readout(store, settings, runs, answering, engine, title, tell, job.cancel)
            job.about = made.version
            return made

        return self._jobs.start(KIND, f"Training {title}", work)

    def verifier(
        self,
        run_ids: Sequence[str],
        name: str = "verifier",
        options: FitOptions | None = None,
        upper: float = 1 / 3,
    ) -> Job:
        """Train a verifier's adapter on the answers of runs, and save it; its result is the TrainedVerifier.

        options, upper: as of `train_verifier`. Raises what `answers_to_learn` raises; InvalidInput for the
        name; Conflict while an evaluation or another training runs.
        """
        workbench, title = self._workbench, checked_name(name, "verifier")
        self.check_free()
        settings = workbench.model.settings
        runs = [run.id for run in answers_to_learn(workbench.store, settings, run_ids)[0]]

        def work(job: Job) -> TrainedVerifier:
            epochs: list[Epoch] = []
            with self._lock:
                self._epochs = (job.id, epochs)
            told = _Staged(job, epochs)
            with workbench.model.holding(f"The training of {title!r}"):
                made = teach_verifier(
                    workbench.store,
                    settings,
                    runs,
                    title,
                    options,
                    upper,
                    told,
                    job.cancel,
                    epochs.append,
                )
            job.about = made.version
            return made

        return self._jobs.start(KIND, f"Training {title}", work)

    def epochs(self, job_id: str) -> list[Epoch]:
        """How a verifier came along, epoch by epoch; empty for other jobs and all but the last training."""
        with self._lock:
            of, epochs = self._epochs
        return list(epochs) if of == job_id else []

    def verify(self, version: str, run_ids: Sequence[str]) -> Job:
        """Verify the answers of runs by a trained verifier, so that a calibrator can be fitted on that.

        Raises NotFound; Conflict while an evaluation or a training runs.
        """
        workbench = self._workbench
        self.check_free()
        settings, store = workbench.model.settings, workbench.store
        saved = store.verifiers.load(version)
        runs = [store.runs.get(run_id).run for run_id in dict.fromkeys(run_ids)]
        in_use, form = InUse(stored(saved), settings.home), settings.grounding.verifier_form

        def work(job: Job) -> None:
            told, before = _Counted(job, "Verifying the answers", "Saving"), 0
            total = sum(run.total for run in runs)
            with workbench.model.holding(f"The verification by {saved.title}"):
                own = in_use.verifier.method == "lora"
                for run in runs:
                    # A readout changes nothing of the model that answers; adapters are loaded beside another.
                    engine = verifying_engine(settings) if own else workbench.model.grounder.verifier

                    def count(done: int, before: int = before) -> None:
                        told(before + done, total)

                    verify_run(store, run, engine, form, in_use, count, job.cancel)
                    before += run.total

        return self._jobs.start(KIND, f"Verifying with {saved.title}", work, saved.version)

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


LAST = "Fitting the probes"
"""What is done when all answers are read."""


class _Counted:
    """Tells a job how many answers are done, at which rate, and what comes last."""

    def __init__(self, job: Job, doing: str, last: str) -> None:
        self._job, self._doing, self._last, self._began = job, doing, last, time.monotonic()
        job.report(JobProgress(text="Loading the model"))

    def __call__(self, done: int, total: int) -> None:
        if done == 0:
            self._began = time.monotonic()
        if done == total:
            self._job.report(JobProgress(done, total, "answers", text=self._last))
            return
        rate = done / max(time.monotonic() - self._began, 1e-9)
        left = (total - done) / rate if done else None
        self._job.report(JobProgress(done, total, "answers", rate or None, "answers", left, self._doing))


class _Staged:
    """Tells a job what a training of a verifier is at, and what its last epoch brought."""

    def __init__(self, job: Job, epochs: Sequence[Epoch]) -> None:
        self._job, self._epochs, self._stage, self._began = job, epochs, "", 0.0
        job.report(JobProgress(text="Loading the model"))

    def __call__(self, what: str, done: int, total: int) -> None:
        stage = what.split(" ", 1)[0]
        if stage != self._stage:
            self._stage, self._began = stage, time.monotonic()
        if stage not in ("reading", "training"):
            self._job.report(JobProgress(text=what.capitalize()))
            return
        rate = done / max(time.monotonic() - self._began, 1e-9)
        # How many epochs there are is known at their end alone.
        left = (total - done) / rate if done and stage == "reading" else None
        text = "Reading the answers" if stage == "reading" else self._trained(what)
        self._job.report(JobProgress(done, total, "answers", rate or None, "answers", left, text))

    def _trained(self, what: str) -> str:
        now = self._epochs[-1]
        told = f"held-out loss {now.heldout:.3f}, AUROC {now.auroc:.3f}, ECE {now.ece:.3f}"
        return f"{what.capitalize()}; after epoch {now.number}: {told}"
