"""Who uses the loaded model, so that another one takes its place only when nobody does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from codex.errors import Busy, Conflict

PATIENCE = 120.0
"""Seconds that a change of the model waits for the questions under way."""
_RETRY = 5


class ModelUse:
    """Uses of the model and changes of it, one change at a time. Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._users = 0
        self._held: list[str] = []
        self._changing: str | None = None

    @property
    def changing(self) -> str | None:
        """What is being done, in words; None: the model is not being changed."""
        return self._changing

    @contextmanager
    def using(self) -> Iterator[None]:
        """The model stays while the block runs; a change waits for its end. Raises Busy during a change."""
        with self._changed:
            if self._changing is not None:
                raise Busy(f"{self._changing}; try again in a moment.", _RETRY)
            self._users += 1
        try:
            yield
        finally:
            with self._changed:
                self._users -= 1
                self._changed.notify_all()

    @contextmanager
    def held(self, work: str) -> Iterator[None]:
        """The model stays while the block runs, and a change is refused. Raises Conflict during a change.

        work: as it is named to whoever wants another model.
        """
        with self._changed:
            if self._changing is not None:
                raise Conflict(f"{self._changing}; start it again after that.")
            self._held.append(work)
        try:
            yield
        finally:
            with self._changed:
                self._held.remove(work)

    @contextmanager
    def change(self, doing: str, make_way: Callable[[], None], patience: float = PATIENCE) -> Iterator[None]:
        """Nobody uses the model while the block runs: waits for those who do, and no more may begin.

        doing: as it is named to whoever comes meanwhile. make_way: stops those that can begin again.
        Raises Conflict while the model is held or changed by another, and when somebody still uses it
        after `patience` seconds.
        """
        with self._changed:
            if self._changing is not None:
                raise Conflict(f"{self._changing} already; wait for that.")
            if self._held:
                raise Conflict(f"{self._held[0]} needs the loaded model; wait for its end, or cancel it.")
            self._changing = doing
        try:
            make_way()
            self._wait_for_users(patience)
            yield
        finally:
            with self._changed:
                self._changing = None

    def _wait_for_users(self, patience: float) -> None:
        until = time.monotonic() + patience
        with self._changed:
            while self._users:
                if not self._changed.wait(max(0.0, until - time.monotonic())) and self._users:
                    raise Conflict(
                        f"{self._users} requests still use the model after {patience:g} s, so it was not "
                        "changed. Stop them, or try again."
                    )
