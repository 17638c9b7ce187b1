"""Results that are computed in the background: once, in the order that is wanted, with errors in words."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from codex.errors import NotFound
from codex.jobs import Job, Jobs
from codex.pages.background import Background, Outdated, Result


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    jobs = Jobs()
    yield jobs
    jobs.close()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_each_key_is_computed_once_and_the_urgent_ones_first(jobs: Jobs) -> None:
    computed: list[str] = []
    go = threading.Event()

    def compute(key: str, job: Job) -> str:
        go.wait(20)
        computed.append(key)
        return key.upper()

    book = Background(jobs, "book", "Computing", compute)
    book.want(["a", "b", "c"])
    until(lambda: book.job is not None)
    book.want(["c"], first=True)
    assert book.get("a") is None
    go.set()
    until(lambda: book.get("b") is not None)
    book.want(["a", "b", "c"])
    until(lambda: book.job is None)
    assert sorted(computed) == ["a", "b", "c"]
    assert computed.index("c") < computed.index("b")
    found = book.get("a")
    assert found is not None
    assert (found.value, found.note) == ("A", "")


def test_what_cannot_be_computed_says_why_and_the_next_goes_on(jobs: Jobs) -> None:
    def compute(key: str, job: Job) -> str:
        if key == "gone":
            raise NotFound("It was deleted.")
        if key == "broken":
            raise ValueError("secret")
        return key

    book = Background(jobs, "book", "Computing", compute)
    book.want(["gone", "broken", "good"])
    until(lambda: book.get("good") is not None)
    notes = {key: found.note for key in ("gone", "broken", "good") if (found := book.get(key))}
    assert notes["gone"] == "It was deleted."
    assert notes["broken"].startswith("Computing failed inside Codex")
    assert notes["good"] == ""


def test_the_oldest_outcomes_are_forgotten_and_can_be_computed_again(jobs: Jobs) -> None:
    book = Background(jobs, "book", "Computing", lambda key, job: key, kept=2)
    for key in ("a", "b", "c"):
        book.want([key])
        until(lambda key=key: book.get(key) is not None)  # type: ignore[misc]
        until(lambda: book.job is None)
    assert book.get("a") is None
    book.want(["a"])
    until(lambda: book.get("a") is not None)


def test_a_cancelled_job_leaves_what_is_wanted_to_be_asked_for_again(jobs: Jobs) -> None:
    started = threading.Event()

    def compute(key: str, job: Job) -> str:
        started.set()
        assert job.cancel.wait(20)
        return key

    book = Background(jobs, "book", "Computing", compute)
    book.want(["a", "b"])
    assert started.wait(20)
    running = book.job
    assert running is not None
    jobs.cancel(running.id)
    until(lambda: book.job is None)
    assert book.get("a") is not None
    assert book.get("b") is None


def test_what_is_outdated_when_it_is_computed_is_not_kept(jobs: Jobs) -> None:
    states = iter([Outdated(), None])

    def compute(key: str, job: Job) -> str:
        if state := next(states):
            raise state
        return key

    book = Background(jobs, "book", "Computing", compute)
    assert book.soon("a", 20) is None
    assert book.soon("a", 20) == Result("a")
