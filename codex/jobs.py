"""Long work in the background: its progress, its end, and a way to stop it, seen from any page."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from codex.errors import Cancelled, CodexError, Conflict, NotFound

JobState = Literal["running", "done", "failed", "cancelled"]
KEPT_JOBS = 50
"""Ended jobs that can still be looked at; the oldest go first."""
EXCLUSIVE = frozenset({"evaluate", "train"})
"""Kinds that keep the model busy: of all of them together one job runs at a time."""

log = logging.getLogger(__name__)

OnProgress = Callable[[int, int], None]
"""Called with what is done and what there is in all: fits, or bytes."""


@dataclass(frozen=True, slots=True)
class JobProgress:
    """How far a job is."""

    done: int = 0
    total: int | None = None
    """None: not known yet."""
    unit: str = ""
    """What is counted, in the plural: "files"."""
    rate: float | None = None
    """Of `rate_unit` a second."""
    rate_unit: str = ""
    seconds_left: float | None = None
    text: str = ""
    """What is under way, in one line."""


Work = Callable[["Job"], Any]
"""Runs in a thread of its own: reports now and then, stops when job.cancel is set, returns the result."""


@dataclass(eq=False)
class Job:
    """One piece of work. Written by its own thread; every field may be read at any time."""

    kind: str
    title: str
    about: str = ""
    """The id of what it works on."""
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    state: JobState = "running"
    progress: JobProgress = JobProgress()
    result: Any = None
    """What the work returned. A cancelled job may return what it had done, or raise Cancelled."""
    error: CodexError | None = None
    """Why it failed, in words for the user."""
    cancel: threading.Event = field(default_factory=threading.Event)
    """Set when the work should stop."""

    def report(self, progress: JobProgress) -> None:
        """Say how far the work is."""
        self.progress = progress


class Jobs:
    """The jobs of this process; one of a kind, or of EXCLUSIVE, runs at a time. Thread-safe."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._threads: dict[str, threading.Thread] = {}
        self._lock = threading.Lock()
        self._closed = False

    def start(self, kind: str, title: str, work: Work, about: str = "") -> Job:
        """Begin work in the background. Raises Conflict beside a job that excludes it, or after close."""
        job = Job(kind, title, about)
        # Not waited for at exit: a job must leave its data whole even when the process is killed.
        thread = threading.Thread(target=self._run, args=(job, work), name=f"codex-{kind}", daemon=True)
        with self._lock:
            if self._closed:
                raise Conflict("Codex is shutting down.")
            if running := next((job for job in self._jobs.values() if _excludes(job, kind)), None):
                raise Conflict(f"{running.title} is under way; wait for its end, or cancel it.")
            self._jobs[job.id], self._threads[job.id] = job, thread
            ended = [job for job in self._jobs.values() if job.state != "running"]
            for old in ended[: max(0, len(ended) - KEPT_JOBS)]:
                del self._jobs[old.id]
            thread.start()
        return job

    def get(self, job_id: str) -> Job:
        """A job by its id. Raises NotFound."""
        with self._lock:
            if job_id not in self._jobs:
                raise NotFound(f"No job {job_id!r} in this process.")
            return self._jobs[job_id]

    def list(self, kind: str | None = None) -> list[Job]:
        """The jobs, of one kind or all, newest first."""
        with self._lock:
            return [job for job in reversed(self._jobs.values()) if kind in (None, job.kind)]

    def running(self, kind: str) -> Job | None:
        """The job of that kind that runs now."""
        with self._lock:
            return next((job for job in self._jobs.values() if _runs(job, kind)), None)

    def cancel(self, job_id: str) -> None:
        """Ask a job to stop; it ends at its next step. Does nothing when it has ended. Raises NotFound."""
        self.get(job_id).cancel.set()

    def wait(self, job_id: str, seconds: float | None = None) -> Job:
        """The job, at its end or after so many seconds. Raises NotFound."""
        job = self.get(job_id)
        with self._lock:
            thread = self._threads.get(job_id)
        if thread is not None:
            thread.join(seconds)
        return job

    def close(self, seconds: float = 10.0) -> None:
        """Stop everything and wait for it, at most so many seconds; nothing can be started any more."""
        with self._lock:
            self._closed = True
            threads = list(self._threads.values())
            for job in self._jobs.values():
                job.cancel.set()
        deadline = time.monotonic() + seconds
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self, job: Job, work: Work) -> None:
        state: JobState = "done"
        try:
            job.result = work(job)
            if job.cancel.is_set():
                state = "cancelled"
        except Cancelled:
            state = "cancelled"
        except CodexError as error:
            state, job.error = "failed", error
        except Exception as error:
            log.exception("%s failed", job.title, exc_info=error)
            state = "failed"
            job.error = CodexError(f"{job.title} failed inside Codex; its log says why.")
        job.state = state
        with self._lock:
            del self._threads[job.id]


def _runs(job: Job, kind: str) -> bool:
    return job.kind == kind and job.state == "running"


def _excludes(job: Job, kind: str) -> bool:
    """Whether a job of that kind cannot begin beside a job."""
    return _runs(job, kind) or (job.state == "running" and {job.kind, kind} <= EXCLUSIVE)
