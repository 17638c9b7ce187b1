"""Results that take seconds: computed in the background, one after another, and kept."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from codex.errors import Cancelled, CodexError, Conflict
from codex.jobs import Job, Jobs
from codex.redaction import masked

T = TypeVar("T")
KEPT = 64

log = logging.getLogger(__name__)


class Outdated(Exception):
    """What a key stands for is no longer so: nothing is kept under it."""


@dataclass(frozen=True, slots=True)
class Result(Generic[T]):
    """What a computation came to."""

    value: T | None
    note: str = ""
    """Why there is no value, in words for people."""


class Background(Generic[T]):
    """Results by key; a key stands for everything that the outcome depends on. Thread-safe."""

    def __init__(
        self, jobs: Jobs, kind: str, title: str, compute: Callable[[str, Job], T], kept: int = KEPT
    ) -> None:
        """compute(key, job): runs in a job of that kind; reports and stops as every work of a job does.

        It raises Outdated where the key is no longer the state of things.
        """
        self._jobs, self._kind, self._title, self._compute, self._kept = jobs, kind, title, compute, kept
        self._results: OrderedDict[str, Result[T]] = OrderedDict()
        self._wanted: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._working = False

    def get(self, key: str) -> Result[T] | None:
        """The outcome; None while it is not known."""
        with self._lock:
            if key in self._results:
                self._results.move_to_end(key)
            return self._results.get(key)

    def want(self, keys: Iterable[str], *, first: bool = False) -> None:
        """Have outcomes computed in time; first: before all others that are wanted."""
        with self._lock:
            for key in keys:
                if key not in self._results and key not in self._wanted:
                    self._wanted[key] = None
                if first and key in self._wanted:
                    self._wanted.move_to_end(key, last=False)
            if self._working or not self._wanted:
                return
            self._working = True
        try:
            self._jobs.start(self._kind, self._title, self._work)
        except Conflict:  # Codex is shutting down, or another page's work runs: it is asked for again.
            with self._lock:
                self._working = False

    def soon(self, key: str, seconds: float) -> Result[T] | None:
        """Have an outcome computed before all others, and wait a moment for it; None while it is unknown."""
        self.want([key], first=True)
        with self._changed:
            self._changed.wait_for(lambda: key in self._results or not self._working, seconds)
        return self.get(key)

    @property
    def job(self) -> Job | None:
        """The job that computes now."""
        return self._jobs.running(self._kind)

    def _work(self, job: Job) -> None:
        try:
            while (key := self._next()) is not None and not job.cancel.is_set():
                outcome = self._result(key, job)
                with self._lock:
                    if outcome is not None:
                        self._results[key] = outcome
                    self._wanted.pop(key, None)
                    while len(self._results) > self._kept:
                        self._results.popitem(last=False)
                    self._changed.notify_all()
        finally:
            with self._lock:
                self._working = False
                self._changed.notify_all()
                if job.cancel.is_set():
                    self._wanted.clear()

    def _next(self) -> str | None:
        with self._lock:
            return next(iter(self._wanted), None)

    def _result(self, key: str, job: Job) -> Result[T] | None:
        try:
            return Result(self._compute(key, job))
        except Cancelled:
            raise
        except Outdated:
            return None
        except CodexError as error:
            return Result(None, masked(str(error)))
        except Exception as error:
            log.exception("%s failed", self._title, exc_info=error)
            return Result(None, f"{self._title} failed inside Codex; its log says why.")
