"""Who may decode now."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from codex.engines.admission import MOST_PASSED, Admission, current_client, on_behalf_of


class Visitor(threading.Thread):
    """Takes its share in a thread of its own, and holds it until `done` is set."""

    def __init__(
        self,
        admission: Admission,
        rows: int,
        cells: int,
        order: list[str],
        name: str,
        client: str | None = None,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._share = (admission, rows, cells, client)
        self._order = order
        self.done = threading.Event()
        self.given_up = threading.Event()
        self.admitted: bool | None = None
        self.start()

    def run(self) -> None:
        admission, rows, cells, client = self._share
        with admission.taken(rows, cells, self.given_up.is_set, client) as self.admitted:
            if self.admitted:
                self._order.append(self.name)
                self.done.wait(10)


def eventually(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 5  # far more than any wait here takes
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.fixture
def order() -> list[str]:
    return []


def test_one_row_goes_before_many_and_equals_in_the_order_they_came(order: list[str]) -> None:
    admission = Admission(rows=10, cells=100)
    first = Visitor(admission, 10, 10, order, "first")
    eventually(lambda: order == ["first"])
    waiting = []
    for rows, name in ((10, "many"), (5, "more"), (1, "one"), (1, "another")):
        waiting.append(Visitor(admission, rows, 10, order, name))
        eventually(lambda: len(admission._single) + len(admission._many) == len(waiting))
    for visitor in [first, *waiting]:
        visitor.done.set()
    for visitor in waiting:
        visitor.join(5)
    assert order == ["first", "one", "another", "many", "more"]


def test_nobody_gets_cells_that_another_holds(order: list[str]) -> None:
    admission = Admission(rows=10, cells=100)
    first = Visitor(admission, 1, 60, order, "first")
    eventually(lambda: order == ["first"])
    second = Visitor(admission, 1, 60, order, "second")
    time.sleep(0.1)  # two looks of the one that waits
    assert order == ["first"]
    first.done.set()
    eventually(lambda: order == ["first", "second"])
    second.done.set()


def test_one_that_gives_up_holds_nothing_and_lets_the_next_go(order: list[str]) -> None:
    admission = Admission(rows=10, cells=100)
    first = Visitor(admission, 8, 10, order, "first")
    eventually(lambda: order == ["first"])
    large = Visitor(admission, 9, 10, order, "large")
    eventually(lambda: len(admission._many) == 1)
    small = Visitor(admission, 2, 10, order, "small")
    eventually(lambda: len(admission._many) == 2)
    large.given_up.set()
    eventually(lambda: order == ["first", "small"])
    large.join(5)
    assert large.admitted is False
    first.done.set()
    small.done.set()
    small.join(5)
    eventually(lambda: (admission._rows, admission._cells) == (10, 100))


def waiting(admission: Admission) -> int:
    return len(admission._single) + len(admission._many)


def test_who_holds_nothing_goes_before_who_came_first(order: list[str]) -> None:
    admission = Admission(rows=10, cells=100)
    hog = [Visitor(admission, 1, 40, order, f"hog {i}", "hog") for i in range(8)]
    eventually(lambda: len(order) == 1 and waiting(admission) == 7)
    other = Visitor(admission, 1, 50, order, "other", "other")
    eventually(lambda: order[1:] == ["other"])
    for visitor in (other, *hog):
        visitor.done.set()
    for visitor in hog:
        visitor.join(5)
    assert len(order) == 9


def test_who_holds_something_gets_no_more_than_half(order: list[str]) -> None:
    admission = Admission(rows=10, cells=100)
    first = Visitor(admission, 1, 80, order, "more than half alone", "hog")
    eventually(lambda: len(order) == 1)
    second = Visitor(admission, 1, 10, order, "too much together", "hog")
    eventually(lambda: waiting(admission) == 1)
    other = Visitor(admission, 1, 20, order, "other", "other")
    eventually(lambda: order[1:] == ["other"])
    first.done.set()
    eventually(lambda: order[2:] == ["too much together"])
    for visitor in (second, other):
        visitor.done.set()


def test_a_small_request_goes_before_large_ones_but_not_for_ever(order: list[str]) -> None:
    admission = Admission(rows=1, cells=100)
    first = Visitor(admission, 1, 10, order, "first")
    eventually(lambda: order == ["first"])
    large = Visitor(admission, 1, 90, order, "large")
    eventually(lambda: waiting(admission) == 1)
    small = []
    for i in range(MOST_PASSED + 2):
        small.append(Visitor(admission, 1, 5, order, f"small {i}"))
        eventually(lambda: waiting(admission) == len(small) + 1)
    for visitor in (first, large, *small):
        visitor.done.set()
    for visitor in small:
        visitor.join(5)
    assert order.index("large") == 1 + MOST_PASSED


def test_a_decode_knows_whose_it_is() -> None:
    assert current_client() is None
    with on_behalf_of("somebody"):
        assert current_client() == "somebody"
    assert current_client() is None
