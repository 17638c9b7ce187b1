"""Answers that wait for labels: who labels which one next, and what the labels so far say of all."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from codex.ask.request import new_id
from codex.ask.workbench import Workbench
from codex.calibration.prior import estimated_confidences
from codex.errors import InvalidInput, NotFound
from codex.jobs import Job, JobProgress, Jobs
from codex.labelling.agreement import Agreement, agreement
from codex.labelling.progress import Progress, progress
from codex.labelling.recalibrating import Recalibrated, check_enough, recalibrate
from codex.labelling.sampling import ORDERS, Order, ranks, weights
from codex.store.labelling.labels import LONGEST, Label
from codex.store.labelling.queues import SOURCES, Found, LabelQueue, Pool, Source
from codex.store.names import checked_name
from codex.types import Observation

KIND = "recalibrate"
"""Of the jobs that fit on labels."""
LEASE = 15 * 60.0
"""Seconds for which nobody else is given an answer, from when it was last seen."""
MOST_LABELLERS = 20
MOST_FOUND = 20
"""Answers that a search shows."""
Key = tuple[str, str]
"""Run and question of an answer."""


@dataclass(frozen=True, slots=True)
class Card:
    """An answer to be labelled."""

    key: Key
    question: str
    accepted: tuple[str, ...]
    """Accepted answers; none where they are not known."""
    observation: Observation


class Labelling:
    """The queues of a workbench. Thread-safe."""

    def __init__(self, workbench: Workbench, clock: Callable[[], float] = time.monotonic) -> None:
        self._workbench = workbench
        self._store = workbench.store
        self._clock = clock
        self._leases: dict[tuple[str, Key], tuple[str, float]] = {}
        """Queue and answer -> labeller, and when the lease ends."""
        self._lock = threading.Lock()

    def create(
        self,
        name: str,
        source: str,
        *,
        run_id: str = "",
        order: str = "mixed",
        overlap: int = 1,
    ) -> tuple[LabelQueue, str]:
        """Make a queue of the answers that there are; returns it, and what was left out, in a sentence.

        source: one of SOURCES; run_id: for "run". overlap: labellers for each answer.
        Raises InvalidInput, NotFound, Conflict.
        """
        if source not in SOURCES:
            raise InvalidInput(f"A queue is of {', '.join(SOURCES)}, not {source!r}.", ["source"])
        if order not in ORDERS:
            raise InvalidInput(f"An order is one of {', '.join(ORDERS)}, not {order!r}.", ["order"])
        if not 1 <= overlap <= MOST_LABELLERS:
            raise InvalidInput(f"1 to {MOST_LABELLERS} labellers for each answer.", ["overlap"])
        if source == "run":
            self._store.runs.get(run_id)
        queue = LabelQueue(
            new_id(),
            checked_name(name, "queue"),
            source,
            run_id if source == "run" else "",
            order,
            overlap,
            datetime.now(UTC),
        )
        pool = self._pool(queue)
        if not pool.keys:
            raise InvalidInput(_nothing(source, pool.unreadable), ["source"])
        self._store.label_queues.create(queue)
        self._add(queue, pool)
        return queue, _left_out(pool.unreadable)

    def renew(self, queue_id: str) -> int:
        """Put the answers that came since into a queue; returns how many. Raises NotFound."""
        queue = self._store.label_queues.get(queue_id)
        return self._add(queue, self._pool(queue))

    def next(self, queue_id: str, labeller: str) -> Key | None:
        """The answer that a labeller is to label now: again the same one until they did. Raises NotFound.

        None: there is none, or others are labelling the last ones.
        """
        queue = self._store.label_queues.get(queue_id)
        with self._lock:
            now = self._clock()
            self._leases = {key: lease for key, lease in self._leases.items() if lease[1] > now}
            # Others may be at the same answer where it waits for several labellers.
            taken = {
                answer
                for (held, answer), (who, _) in self._leases.items()
                if held == queue_id and who != labeller
            }
            found = self._store.label_queues.next(queue, labeller, () if queue.overlap > 1 else taken)
            if found is not None:
                self._leases[queue_id, found] = (labeller, now + LEASE)
        return found

    def card(self, queue_id: str, labeller: str) -> Card | None:
        """`next` with what is shown of it. Raises NotFound."""
        while (key := self.next(queue_id, labeller)) is not None:
            try:
                return self.read(key)
            except NotFound:  # Deleted since: another one waits.
                self._store.label_queues.drop(queue_id, *key)
        return None

    def search(self, queue_id: str, text: str, labeller: str) -> Sequence[Found]:
        """Answers of a queue whose question or answer holds a text, MOST_FOUND at most. Raises NotFound."""
        self._store.label_queues.get(queue_id)
        text = text.strip()[:LONGEST]
        return self._store.label_queues.search(queue_id, text, labeller, MOST_FOUND) if text else ()

    def read(self, key: Key) -> Card:
        """An answer by its key. Raises NotFound."""
        run, question = key
        if run:
            record = self._store.runs.record(run, question)
            return Card(key, record.observation.question, record.answers, record.observation)
        kept, trace = self._store.question(question), self._store.load(question)
        return Card(key, kept or "", (), trace.last.observation)

    def put(self, queue_id: str, label: Label) -> Label:
        """Keep a label of an answer of a queue; where labellers differ, it decides.

        Raises InvalidInput, NotFound, Conflict.
        """
        queue = self._store.label_queues.get(queue_id)
        kept = self._store.labels.put(replace(label, adjudicated=queue.source == "differing"))
        with self._lock:
            self._leases.pop((queue_id, (label.run_id, label.question_id)), None)
        return kept

    def progress(self, queue_id: str) -> Progress:
        """How far a queue is, and what its labels say of all its answers. Raises NotFound."""
        queues = self._store.label_queues
        queues.get(queue_id)
        return progress(queues.standing(queue_id), queues.labels_made(queue_id))

    def agreement(self, queue_id: str) -> Agreement:
        """How far the labellers of a queue agree. Raises NotFound."""
        queue = self._store.label_queues.get(queue_id)
        held = self._store.label_queues.held(queue_id)
        runs = {run for run, _ in held} | {queue.run_id}
        said = (each for run in sorted(runs) for each in self._store.labels.of_run(run))
        return agreement(each for each in said if (each.run_id, each.question_id) in held)

    def recalibrate(self, queue_id: str, name: str, jobs: Jobs) -> Job:
        """Fit a calibrator to the labels of a queue in the background; see `recalibrating.recalibrate`.

        Raises NotFound, Conflict; InvalidInput where the labels are too few.
        """
        self._store.label_queues.get(queue_id)
        check_enough(self._store.label_queues.standing(queue_id))

        def work(job: Job) -> Recalibrated:
            def progress(done: int, total: int) -> None:
                job.report(JobProgress(done, total, "fits"))

            embed = self._workbench.embed_questions
            return recalibrate(self._workbench, queue_id, name, progress, job.cancel, embed)

        return jobs.start(KIND, "Recalibrating", work, queue_id)

    def recalibrated(self, queue_id: str, jobs: Jobs) -> Recalibrated | None:
        """The outcome of the last one that was begun; None: it is under way, or there was none.

        Raises what it failed by; NotFound where the queue is gone.
        """
        self._store.label_queues.get(queue_id)
        job = next((job for job in jobs.list(KIND) if job.about == queue_id), None)
        if job is not None and job.error is not None:
            raise job.error
        return job.result if job is not None and job.state == "done" else None

    def _add(self, queue: LabelQueue, pool: Pool) -> int:
        order: Order = queue.ordering  # type: ignore[assignment]  # checked when it was made
        place = ranks(order, pool.confidence, pool.made_at, np.random.default_rng())
        return self._store.label_queues.add(queue.id, pool, place, weights(order, pool.confidence))

    def _pool(self, queue: LabelQueue) -> Pool:
        """The answers that belong into a queue and are not in it."""
        queues = self._store.label_queues
        if queue.source == "run":
            return self._of_run(queue)
        if queue.source == "differing":
            return queues.differing(queue.id)
        return queues.asked(queue.source, queue.id)

    def _of_run(self, queue: LabelQueue) -> Pool:
        """The answers of a run, with the confidence that Codex would show for them now."""
        runs = self._store.runs
        summary, lines, table = runs.get(queue.run_id), runs.lines(queue.run_id), runs.table(queue.run_id)
        active = self._workbench.active
        calibrator = active.calibrator
        if calibrator is None or calibrator.mismatch(summary.run.origin):
            known = estimated_confidences(table.signals, len(table.ids))
        else:
            known = calibrator.confidences(table.signals)
        by_id = dict(zip(table.ids, known.tolist(), strict=True))
        held = self._store.label_queues.held(queue.id)
        keys = [
            (queue.run_id, question)
            for question, error in zip(lines.ids, lines.errors, strict=True)
            if not error and (queue.run_id, question) not in held
        ]
        return Pool(
            tuple(keys),
            np.array([by_id.get(question, np.nan) for _, question in keys], dtype=np.float64),
            np.arange(len(keys), dtype=np.float64),
        )


def _nothing(source: Source, unreadable: int) -> str:
    none = {
        "deferred": "No question was deferred yet.",
        "asked": "No question was asked yet.",
        "incorrect": "No answer is marked as incorrect yet.",
        "run": "The run has no answer yet.",
        "differing": "Labellers differ on no answer.",
    }[source]
    return _left_out(unreadable) or none


def _left_out(unreadable: int) -> str:
    if not unreadable:
        return ""
    what = "1 answer is" if unreadable == 1 else f"{unreadable:,} answers are"
    return f"{what} left out: the question was not saved. Choose on the Ask page what is kept of a question."
