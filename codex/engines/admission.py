"""Who may decode now: rows and cache cells are limited, and nobody may take what another counts on."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

_PATIENCE = 0.05
"""Seconds between two looks at whether one that waits still wants its turn."""
MOST_PASSED = 16
"""A request that so many later ones were put before is next, however large it is."""

_client: ContextVar[str | None] = ContextVar("client", default=None)


@contextmanager
def on_behalf_of(client: str | None) -> Iterator[None]:
    """Decodes that are begun inside are the client's; None: this process's own."""
    token = _client.set(client)
    try:
        yield
    finally:
        _client.reset(token)


def current_client() -> str | None:
    """Whose decode is begun here."""
    return _client.get()


@dataclass(eq=False, slots=True)
class _Ticket:
    number: int
    rows: int
    cells: int
    client: str | None
    passed: int = 0
    """Later requests that went first."""


class Admission:
    """Hands out rows (sequences decoded at once) and cells (tokens held in the key-value cache).

    First comes who holds least, then the smaller request, so that a new question's first token waits neither
    for another question's samples nor for a long answer; among equals one row before many, then first come,
    first served. A client that holds something gets no more than half of the cells, so that the others find
    some. Requests larger than the whole would wait for ever: callers split them.
    """

    def __init__(self, rows: int, cells: int) -> None:
        self._rows = rows
        self._cells = cells
        self._share = cells // 2
        self._held: Counter[str | None] = Counter()
        self._single: deque[_Ticket] = deque()
        self._many: deque[_Ticket] = deque()
        self._count = 0
        self._freed = threading.Condition()

    @contextmanager
    def taken(
        self, rows: int, cells: int, given_up: Callable[[], bool], client: str | None = None
    ) -> Iterator[bool]:
        """Hold rows and cells inside; yields False, holding nothing, when `given_up()` came first.

        client: whose share they are of; None: nobody's, who may have them all.
        """
        ticket, admitted = self._wait(rows, cells, client, given_up)
        try:
            yield admitted
        finally:
            if admitted:
                with self._freed:
                    self._hold(ticket, -1)
                    self._freed.notify_all()

    def _wait(
        self, rows: int, cells: int, client: str | None, given_up: Callable[[], bool]
    ) -> tuple[_Ticket, bool]:
        queue = self._single if rows == 1 else self._many
        with self._freed:
            self._count += 1
            ticket = _Ticket(self._count, rows, cells, client)
            queue.append(ticket)
            try:
                while not self._is_next(ticket):
                    if given_up():
                        return ticket, False
                    self._freed.wait(_PATIENCE)
                for other in (*self._single, *self._many):
                    other.passed += other.number < ticket.number
                self._hold(ticket, 1)
                return ticket, True
            finally:
                queue.remove(ticket)
                self._freed.notify_all()

    def _hold(self, ticket: _Ticket, sign: int) -> None:
        self._rows -= sign * ticket.rows
        self._cells -= sign * ticket.cells
        self._held[ticket.client] += sign * ticket.cells
        if not self._held[ticket.client]:
            del self._held[ticket.client]

    def _is_next(self, ticket: _Ticket) -> bool:
        if ticket.rows > self._rows or ticket.cells > self._cells:
            return False
        waiting = [it for it in (*self._single, *self._many) if self._may_have(it)]
        return bool(waiting) and ticket is min(waiting, key=self._order)

    def _may_have(self, ticket: _Ticket) -> bool:
        held = self._held[ticket.client]
        return ticket.client is None or not held or held + ticket.cells <= self._share

    def _order(self, ticket: _Ticket) -> tuple[int, int, int, int, int]:
        if ticket.passed >= MOST_PASSED:
            return (0, 0, 0, 0, ticket.number)
        return (1, self._held[ticket.client], ticket.cells, int(ticket.rows > 1), ticket.number)
