"""Who may decode now: rows and cache cells are limited, and nobody may take what another counts on."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_PATIENCE = 0.05
"""Seconds between two looks at whether one that waits still wants its turn."""


@dataclass(eq=False, slots=True)
class _Ticket:
    rows: int
    cells: int


class Admission:
    """Hands out rows (sequences decoded at once) and cells (tokens held in the key-value cache).

    A request for one row goes before requests for many, so that a new question's first token does not
    wait for another question's samples; among equals, first come, first served. Requests larger than
    the whole would wait for ever: callers split them.
    """

    def __init__(self, rows: int, cells: int) -> None:
        self._rows = rows
        self._cells = cells
        self._single: deque[_Ticket] = deque()
        self._many: deque[_Ticket] = deque()
        self._freed = threading.Condition()

    @contextmanager
    def taken(self, rows: int, cells: int, given_up: Callable[[], bool]) -> Iterator[bool]:
        """Hold rows and cells inside; yields False, holding nothing, when `given_up()` came first."""
        ticket = _Ticket(rows, cells)
        admitted = self._wait(ticket, given_up)
        try:
            yield admitted
        finally:
            if admitted:
                with self._freed:
                    self._rows += rows
                    self._cells += cells
                    self._freed.notify_all()

    def _wait(self, ticket: _Ticket, given_up: Callable[[], bool]) -> bool:
        queue = self._single if ticket.rows == 1 else self._many
        with self._freed:
            queue.append(ticket)
            try:
                while not self._is_next(ticket):
                    if given_up():
                        return False
                    self._freed.wait(_PATIENCE)
                self._rows -= ticket.rows
                self._cells -= ticket.cells
                return True
            finally:
                queue.remove(ticket)
                self._freed.notify_all()

    def _is_next(self, ticket: _Ticket) -> bool:
        first = self._single[0] if self._single else self._many[0]
        return ticket is first and ticket.rows <= self._rows and ticket.cells <= self._cells
