"""Many rows, one after another or several at once: retried, told of, stopped by Ctrl-C, none lost."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import copy_context
from itertools import islice

from codex.classify.label_probabilities import Classified
from codex.errors import Busy, Cancelled, CodexError, ModelError

PAUSES = (1.0, 4.0, 15.0)
"""Seconds before a row is tried again, each time; a server that names a longer time gets it."""
MOST_PAUSE = 60.0
MOST_AT_ONCE = 256
"""Threads that wait for a server; each takes some memory."""
GIVEN_UP = 8
"""Rows in a row that fail for the same reason, after which the rest is not tried: the server is gone."""

Outcome = Classified | CodexError
Work = Callable[[int, threading.Event], Classified]
"""What classifies a row, by its index."""


def run(
    rows: Sequence[int],
    work: Work,
    *,
    at_once: int,
    retries: int,
    done: Callable[[int, Outcome], None],
    cancel: threading.Event | None = None,
) -> None:
    """Work on each row, at most `at_once` at the same time; `done` is told each row's outcome in this thread.

    It runs in threads, so that it works inside a running event loop too. Ctrl-C, or `cancel`, ends what is
    under way. Raises Cancelled, KeyboardInterrupt, and errors that are no CodexError.
    """
    stop = cancel or threading.Event()
    failing = _Failing()
    waiting = iter(rows)

    def attempt(row: int) -> Outcome:
        reason = failing.reason
        if reason is not None:
            return ModelError(f"Not tried, since {GIVEN_UP} rows before it failed: {reason}")
        outcome = _tried(row, work, retries, stop)
        failing.note(outcome)
        return outcome

    if at_once <= 1:
        for row in waiting:
            done(row, attempt(row))
            _raise_where_cancelled(stop)
        return
    with ThreadPoolExecutor(min(at_once, MOST_AT_ONCE), thread_name_prefix="codex-classify") as pool:
        under_way: dict[Future[Outcome], int] = {}
        try:
            while True:
                for row in islice(waiting, min(at_once, MOST_AT_ONCE) - len(under_way)):
                    under_way[pool.submit(copy_context().run, attempt, row)] = row
                if not under_way:
                    return
                for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                    done(under_way.pop(future), future.result())
                _raise_where_cancelled(stop)
        except BaseException:
            stop.set()
            raise


class _Failing:
    """Whether the last rows all failed, and why. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self.reason: str | None = None

    def note(self, outcome: Outcome) -> None:
        with self._lock:
            gone = isinstance(outcome, ModelError | Busy)
            self._count = self._count + 1 if gone else 0
            if self._count >= GIVEN_UP:
                self.reason = str(outcome)


def _tried(row: int, work: Work, retries: int, stop: threading.Event) -> Outcome:
    for attempt in range(retries + 1):
        try:
            return work(row, stop)
        except Cancelled as cancelled:
            return cancelled
        except (Busy, ModelError) as error:
            if attempt == retries:
                return error
            pause = PAUSES[min(attempt, len(PAUSES) - 1)]
            if isinstance(error, Busy):
                pause = min(max(pause, error.retry_after), MOST_PAUSE)
            if stop.wait(pause):
                return Cancelled("Classifying was cancelled.")
        except CodexError as error:
            return error
    raise AssertionError("unreachable")


def _raise_where_cancelled(stop: threading.Event) -> None:
    if stop.is_set():
        raise Cancelled("Classifying was cancelled; what is done is kept.")


@contextmanager
def progress(total: int, shown: bool | None) -> Iterator[Callable[[], None]]:
    """A bar of rows on standard error, to be told of each; shown: None: on a terminal alone."""
    from tqdm import tqdm

    hidden = not (sys.stderr.isatty() if shown is None else shown)
    with tqdm(total=total, unit="row", disable=hidden or not total, desc="classifying") as bar:
        yield lambda: bar.update() and None


def first_of_each(keys: Sequence[str]) -> dict[str, int]:
    """The first index of each key: equal rows are classified once."""
    found: dict[str, int] = {}
    for at, key in enumerate(keys):
        found.setdefault(key, at)
    return found
