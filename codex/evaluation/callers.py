"""The questions of a run asked by the workbench's own engine, several at once, after the live ones."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from codex.ask.workbench import Workbench
from codex.engines.base import Engine
from codex.errors import Cancelled
from codex.evaluation.course import Course, OnJobProgress
from codex.evaluation.records import options_of, record_of
from codex.items import Item
from codex.types import Passage, Record, Run, Step

# Nine questions with five samples by the default model on two cores took 19.6 s of processor time with one
# caller, 17.8 s with two, 16.1 s with three and 17.5 s with four.
CALLERS = {"llama_cpp": 3}
"""Questions asked at once, by engine; see `callers_for`."""
MOST_CALLERS = 256
MOST_RESTARTS = 3
"""A question that was stopped for live ones so often is asked to its end the next time."""


def callers_for(engine: Engine) -> int:
    """Questions that a run asks at once: as many as servers take."""
    served = min(engine.slots, MOST_CALLERS) if engine.name == "openai_api" else 1
    return CALLERS.get(engine.name, served)


class Callers(Course):
    """So many callers, each with a question after the other."""

    def __init__(
        self,
        workbench: Workbench,
        run: Run,
        items: Iterator[Item],
        callers: int,
        progress: OnJobProgress | None = None,
        cancel: threading.Event | None = None,
    ) -> None:
        super().__init__(workbench, run, callers, progress, cancel)
        self._items = items
        self._asked: set[threading.Event] = set()
        """Each stops a question that is under way."""
        self._taking = threading.Lock()

    def stop(self) -> None:
        super().stop()
        with self._taking:
            for stop in self._asked:
                stop.set()

    def work(self, put: Callable[[Record], None]) -> None:
        while not self.halt.is_set():
            with self._taking:
                item = next(self._items, None)
            if item is None:
                return
            put(self._record(item))

    def _record(self, item: Item) -> Record:
        def observe(passages: Sequence[Passage]) -> tuple[Step, float]:
            return self._observe(item, passages)

        return record_of(self.workbench, self.run, item, observe)

    def _observe(self, item: Item, passages: Sequence[Passage]) -> tuple[Step, float]:
        """Ask a question while nobody waits for a live one, and when it began; raises as `observe`.

        A live question stops it within a token, and it is asked again after it, the same way.
        """
        for restarts in itertools.count():
            stop = threading.Event()
            with self._taking:
                self._asked.add(stop)
            try:
                with self.workbench.model.priority.background(stop, self.halt):
                    begun = time.monotonic()
                    cancel = stop if restarts < MOST_RESTARTS else self.halt
                    options = options_of(self.run, item, cancel)
                    return self.workbench.observe(item.asked, passages, **options), begun
            except Cancelled:
                if self.halt.is_set() or not stop.is_set():
                    raise
            finally:
                with self._taking:
                    self._asked.discard(stop)
        raise AssertionError("not reached")
