"""Work in the background: seen, stopped, and ended cleanly."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from codex.errors import Cancelled, CodexError, Conflict, NotFound, RetrievalError
from codex.jobs import KEPT_JOBS, Job, JobProgress, Jobs

SOON = 5.0
"""Seconds within which a thread that has nothing to do has surely ended."""


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    jobs = Jobs()
    yield jobs
    jobs.close()


def until_cancelled(job: Job) -> str:
    assert job.cancel.wait(SOON)
    return "half"


def test_a_job_is_seen_while_it_runs_and_keeps_its_result(jobs: Jobs) -> None:
    reported, go_on = threading.Event(), threading.Event()

    def work(job: Job) -> int:
        job.report(JobProgress(3, 10, "files", rate=1.5, seconds_left=4.7, text="c.txt"))
        reported.set()
        assert go_on.wait(SOON)
        return 42

    job = jobs.start("index", "Indexing", work)
    assert reported.wait(SOON)
    seen = jobs.get(job.id)
    assert (seen.state, seen.progress.done, seen.progress.total, seen.progress.text) == (
        "running",
        3,
        10,
        "c.txt",
    )
    assert jobs.running("index") is job
    go_on.set()
    ended = jobs.wait(job.id, SOON)
    assert (ended.state, ended.result, ended.error) == ("done", 42, None)
    assert jobs.running("index") is None


def test_one_of_a_kind_runs_at_a_time_and_kinds_beside_each_other(jobs: Jobs) -> None:
    first = jobs.start("index", "Indexing", until_cancelled)
    with pytest.raises(Conflict, match="Indexing is under way"):
        jobs.start("index", "Indexing again", until_cancelled)
    other = jobs.start("evaluate", "Evaluating", until_cancelled)
    assert [job.id for job in jobs.list()] == [other.id, first.id]
    assert jobs.list("index") == [first]
    jobs.cancel(first.id)
    jobs.wait(first.id, SOON)
    jobs.start("index", "Indexing again", until_cancelled)


def test_what_keeps_the_model_busy_runs_alone(jobs: Jobs) -> None:
    training = jobs.start("train", "Training probe", until_cancelled)
    with pytest.raises(Conflict, match="Training probe is under way"):
        jobs.start("evaluate", "Asking capitals", until_cancelled)
    jobs.start("index", "Indexing", until_cancelled)
    training.cancel.set()
    jobs.wait(training.id, SOON)
    jobs.start("evaluate", "Asking capitals", until_cancelled)
    with pytest.raises(Conflict, match="Asking capitals is under way"):
        jobs.start("train", "Training probe", until_cancelled)


def test_of_many_starts_at_once_one_wins(jobs: Jobs) -> None:
    together = threading.Barrier(16)
    lost: list[Conflict] = []

    def start() -> None:
        together.wait(SOON)
        try:
            jobs.start("index", "Indexing", until_cancelled)
        except Conflict as error:
            lost.append(error)

    threads = [threading.Thread(target=start) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    assert len(lost) == 15
    assert len(jobs.list()) == 1


def test_a_cancelled_job_may_stop_by_an_error(jobs: Jobs) -> None:
    def work(job: Job) -> None:
        until_cancelled(job)
        raise Cancelled("enough")

    job = jobs.start("index", "Indexing", work)
    jobs.cancel(job.id)
    assert jobs.wait(job.id, SOON).state == "cancelled"
    jobs.cancel(job.id)  # of an ended job: nothing


def test_a_cancelled_job_may_keep_what_it_has_done(jobs: Jobs) -> None:
    job = jobs.start("index", "Indexing", until_cancelled)
    jobs.cancel(job.id)
    ended = jobs.wait(job.id, SOON)
    assert (ended.state, ended.result) == ("cancelled", "half")


def test_a_failure_is_kept_in_its_own_words(jobs: Jobs) -> None:
    def work(job: Job) -> None:
        raise RetrievalError("The Chroma server is gone.")

    ended = jobs.wait(jobs.start("index", "Indexing", work).id, SOON)
    assert ended.state == "failed"
    assert isinstance(ended.error, RetrievalError)


def test_an_unforeseen_failure_is_logged_and_not_shown(jobs: Jobs, caplog: pytest.LogCaptureFixture) -> None:
    def work(job: Job) -> None:
        raise ZeroDivisionError("secret path")

    ended = jobs.wait(jobs.start("index", "Indexing", work).id, SOON)
    assert ended.state == "failed"
    assert type(ended.error) is CodexError
    assert "secret" not in str(ended.error)
    assert "secret path" in caplog.text


def test_an_unknown_job_is_not_found(jobs: Jobs) -> None:
    with pytest.raises(NotFound):
        jobs.cancel("nothing")


def test_only_the_last_ended_jobs_are_kept(jobs: Jobs) -> None:
    for _ in range(KEPT_JOBS + 5):
        jobs.wait(jobs.start("index", "Indexing", lambda job: None).id, SOON)
    # The one that was just started was not ended when the old ones were counted.
    assert len(jobs.list()) == KEPT_JOBS + 1


def test_closing_stops_everything_and_nothing_begins_after_it() -> None:
    jobs = Jobs()
    started = [jobs.start(kind, kind, until_cancelled) for kind in ("index", "evaluate")]
    jobs.close(SOON)
    assert [job.state for job in started] == ["cancelled", "cancelled"]
    with pytest.raises(Conflict, match="shutting down"):
        jobs.start("index", "Indexing", until_cancelled)


def test_a_job_that_never_ends_does_not_keep_the_process() -> None:
    code = (
        "import threading; from codex.jobs import Jobs; jobs = Jobs();"
        "jobs.start('index', 'Indexing', lambda job: threading.Event().wait()); jobs.close(0.1)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
