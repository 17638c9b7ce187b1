"""One going through the questions of a run: who asks them puts records out, and here they are kept."""

from __future__ import annotations

import queue
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from typing import ClassVar

from codex.ask.workbench import Workbench
from codex.errors import Cancelled, CodexError, NotFound
from codex.jobs import JobProgress
from codex.store.evaluation.runs import RunSummary
from codex.types import Record, Run

FLUSH_RECORDS = 8
FLUSH_SECONDS = 2.0
"""Records are written when there are so many of them, or when the first is so old."""
LOOK = 0.05
"""Seconds between two looks at whether the run is cancelled."""

OnJobProgress = Callable[[JobProgress], None]


class Course(ABC):
    """Asks what a run has no record of, by threads of its own; only the caller's thread writes the store."""

    abandons: ClassVar[bool] = False
    """Whether the process may end while a caller is still at work: nothing is lost by that."""

    def __init__(
        self,
        workbench: Workbench,
        run: Run,
        callers: int,
        progress: OnJobProgress | None,
        cancel: threading.Event | None,
    ) -> None:
        """callers: threads that put records out."""
        self.workbench = workbench
        self.run = run
        self.halt = threading.Event()
        """Set when the callers should stop: cancelled, or something broke."""
        self._callers = callers
        self._progress = progress or (lambda now: None)
        self._cancel = cancel or threading.Event()
        self._came: queue.Queue[Record | CodexError | None] = queue.Queue()
        """What the callers put out; None: one of them has ended."""

    @abstractmethod
    def work(self, put: Callable[[Record], None]) -> None:
        """Ask questions until none is left or `halt` is set, in a thread of the course.

        Raises what ends the run.
        """

    def stop(self) -> None:
        """End the callers, and the questions that they ask, within a token."""
        self.halt.set()

    def go(self, done: int) -> RunSummary:
        """Ask everything; done: how many have a record already. Raises what ends the run."""
        runs, run_id = self.workbench.store.runs, self.run.id
        runs.finish(run_id, "running")
        state = "failed"
        threads = [
            threading.Thread(target=self._call, name="codex-evaluate", daemon=self.abandons)
            for _ in range(self._callers)
        ]
        try:
            for thread in threads:
                thread.start()
            self._keep(done, len(threads))
            state = "cancelled" if self._cancel.is_set() else "done"
        except (Cancelled, KeyboardInterrupt):
            state = "cancelled"
            raise
        finally:
            self.stop()
            for thread in threads:
                if thread.ident is not None:
                    thread.join()
            with suppress(NotFound):  # It was deleted in the meantime.
                runs.finish(run_id, state)  # type: ignore[arg-type]
        return runs.get(run_id)

    def _keep(self, done: int, callers: int) -> None:
        """Write what comes, and say how far it is, until every caller has ended."""
        begun, first = time.monotonic(), done
        waiting: list[Record] = []
        since, failure = begun, None
        self._progress(_standing(done, self.run.total, 0, 0.0))
        while callers:
            if self._cancel.is_set():
                self.stop()
            with suppress(queue.Empty):
                came = self._came.get(timeout=LOOK)
                if came is None:
                    callers -= 1
                elif isinstance(came, CodexError):
                    failure = failure or came
                    self.stop()
                else:
                    since = since if waiting else time.monotonic()
                    waiting.append(came)
                    done += 1
                    self._progress(_standing(done, self.run.total, done - first, time.monotonic() - begun))
            late = time.monotonic() - since > FLUSH_SECONDS
            if waiting and (late or not callers or len(waiting) >= FLUSH_RECORDS):
                self.workbench.store.runs.add(self.run.id, waiting)
                waiting = []
        if failure is not None:
            raise failure

    def _call(self) -> None:
        """One caller."""
        try:
            self.work(self._came.put)
        except Cancelled:
            if not (self.halt.is_set() or self._cancel.is_set()):
                self._came.put(Cancelled("The model was given back while the run was under way."))
        except CodexError as error:
            self._came.put(error)
        except BaseException as error:
            self._came.put(CodexError(f"The run failed inside Codex: {error!r}."))
            raise
        finally:
            self._came.put(None)


def _standing(done: int, total: int, new: int, seconds: float) -> JobProgress:
    """How far a run is; new: questions asked in so many seconds."""
    rate = new / seconds if new and seconds else None
    return JobProgress(
        done=done,
        total=total,
        unit="questions",
        rate=rate,
        rate_unit="questions",
        seconds_left=(total - done) / rate if rate else None,
    )
