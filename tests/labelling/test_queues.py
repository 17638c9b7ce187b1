"""Queues of answers: what they hold, who is given which one, and how far they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from codex.ask.workbench import Workbench
from codex.errors import Conflict, InvalidInput, NotFound
from codex.labelling.queues import LEASE, Labelling
from codex.settings import load_settings
from codex.store import Store
from codex.store.labelling.labels import Label, LabelVerdict
from codex.types import Action
from tests.support.evaluated import put_run
from tests.support.scripted import Script, ScriptedEngine
from tests.support.traces import make_trace

ANSWERS = 40


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    settings = load_settings([f"home={tmp_path}", "store.privacy=full"])
    workbench = Workbench(
        settings, ScriptedEngine(lambda _: Script(["Paris"])), Store(tmp_path / "codex.duckdb", "full")
    )
    yield workbench
    workbench.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def labelling(bench: Workbench, clock: Clock) -> Labelling:
    put_run(bench.store, "run-1", graded=ANSWERS, failed=2)
    return Labelling(bench, clock)


def label(
    labelling: Labelling, queue: str, labeller: str = "", word: LabelVerdict = "correct"
) -> tuple[str, str]:
    """Label what comes next."""
    found = labelling.next(queue, labeller)
    assert found is not None
    labelling.put(queue, Label(*found, word, labeller))
    return found


def deferred(store: Store, number: int, action: Action = Action.DEFER) -> None:
    trace = make_trace(number)
    last = replace(trace.steps[-1], decision=replace(trace.last.decision, action=action))
    store.save(replace(trace, steps=(*trace.steps[:-1], last)))


def test_a_run_is_labelled_once_each_and_then_it_is_done(labelling: Labelling) -> None:
    queue, note = labelling.create("mine", "run", run_id="run-1", order="random")
    seen = [label(labelling, queue.id) for _ in range(ANSWERS)]
    assert len(set(seen)) == ANSWERS
    assert labelling.next(queue.id, "") is None
    assert note == ""
    assert labelling.progress(queue.id).labelled == ANSWERS


def test_the_same_answer_comes_until_it_is_labelled_and_nobody_else_is_given_it(
    labelling: Labelling, clock: Clock
) -> None:
    queue, _ = labelling.create("mine", "run", run_id="run-1")
    first = labelling.next(queue.id, "Ada")
    assert labelling.next(queue.id, "Ada") == first
    second = labelling.next(queue.id, "Bob")
    assert second not in (None, first)
    clock.now = LEASE + 1
    assert labelling.next(queue.id, "Bob") == first  # Ada has left


def test_an_answer_waits_for_as_many_labellers_as_were_wanted(labelling: Labelling) -> None:
    queue, _ = labelling.create("both", "run", run_id="run-1", overlap=2)
    both = [[label(labelling, queue.id, name) for _ in range(ANSWERS)] for name in ("Ada", "Bob")]
    assert set(both[0]) == set(both[1])
    assert labelling.next(queue.id, "Cy") is None
    assert labelling.agreement(queue.id).answers == ANSWERS


def test_what_labellers_differ_on_is_a_queue_whose_verdict_decides(labelling: Labelling) -> None:
    queue, _ = labelling.create("both", "run", run_id="run-1", overlap=2)
    ada = label(labelling, queue.id, "Ada")
    assert label(labelling, queue.id, "Bob", "incorrect") == ada
    label(labelling, queue.id, "Ada")
    label(labelling, queue.id, "Bob")
    differing, _ = labelling.create("differing", "differing")
    assert label(labelling, differing.id, "Bob", "partly") == ada
    assert labelling.next(differing.id, "Ada") is None
    store = labelling._store
    assert store.runs.record(*ada).correct is False
    assert labelling.agreement(queue.id).differing == ()


def test_two_tabs_that_renew_at_once_put_an_answer_in_once(labelling: Labelling, bench: Workbench) -> None:
    deferred(bench.store, 1)
    queue, _ = labelling.create("left to me", "deferred")
    deferred(bench.store, 2)
    queues = bench.store.label_queues
    pools = [queues.asked("deferred", queue.id) for _ in range(2)]
    assert [queues.add(queue.id, pool, np.zeros(1), None) for pool in pools] == [1, 0]
    assert queues.counts()[queue.id] == (2, 0)


def test_deferred_questions_come_the_newest_first_and_later_ones_by_renewing(
    labelling: Labelling, bench: Workbench
) -> None:
    for number in (1, 2):
        deferred(bench.store, number)
    deferred(bench.store, 3, Action.ANSWER)
    queue, _ = labelling.create("deferred", "deferred", order="newest")
    assert labelling.next(queue.id, "") == ("", "trace-2")
    deferred(bench.store, 4)
    assert labelling.renew(queue.id) == 1
    assert labelling.renew(queue.id) == 0
    assert [label(labelling, queue.id)[1] for _ in range(3)] == ["trace-4", "trace-2", "trace-1"]
    assert bench.store.counted_labels()[0].correct is True


def test_answers_that_a_thumb_says_are_incorrect_are_a_queue(labelling: Labelling, bench: Workbench) -> None:
    for number in (1, 2):
        deferred(bench.store, number)
    bench.store.label("trace-1", False)
    bench.store.label("trace-2", True)
    queue, _ = labelling.create("thumbs", "incorrect", overlap=2)
    assert labelling.next(queue.id, "Ada") == ("", "trace-1")


def test_answers_whose_question_was_not_saved_are_left_out_and_said(
    labelling: Labelling, bench: Workbench
) -> None:
    bench.store.privacy = "hash"
    deferred(bench.store, 1)
    with pytest.raises(InvalidInput, match="1 answer is left out: the question was not saved"):
        labelling.create("deferred", "deferred")
    bench.store.privacy = "full"
    deferred(bench.store, 2)
    queue, note = labelling.create("deferred", "deferred")
    assert "1 answer is left out" in note
    assert label(labelling, queue.id) == ("", "trace-2")
    assert labelling.next(queue.id, "") is None


def test_an_estimate_is_made_of_what_was_drawn_in_order_alone(labelling: Labelling, bench: Workbench) -> None:
    queue, _ = labelling.create("mine", "run", run_id="run-1", order="mixed")
    drawn = [label(labelling, queue.id, word="incorrect") for _ in range(10)]
    found = labelling.progress(queue.id)
    assert found.correct is not None
    assert (found.answers, found.labelled, found.correct.value, found.correct.labelled) == (40, 10, 0, 10)
    # Of the others one, on the run's page: that was no random choice.
    waiting = labelling.next(queue.id, "")
    held = bench.store.label_queues.held(queue.id) - {*drawn, waiting}
    bench.store.runs.label(*max(held), True)
    now = labelling.progress(queue.id)
    assert now.labelled == 11
    assert now.correct == found.correct
    assert "of all 40 are correct" in now.note


def test_nothing_is_said_of_all_answers_where_the_order_is_not_random(labelling: Labelling) -> None:
    queue, _ = labelling.create("mine", "run", run_id="run-1", order="uncertainty")
    label(labelling, queue.id)
    found = labelling.progress(queue.id)
    assert (found.labelled, found.correct, found.ece) == (1, None, None)
    assert "not random" in found.note


def test_the_least_certain_come_first(labelling: Labelling, bench: Workbench) -> None:
    queue, _ = labelling.create("mine", "run", run_id="run-1", order="uncertainty")
    for _ in range(ANSWERS):
        label(labelling, queue.id)
    standing = bench.store.label_queues.standing(queue.id)
    assert standing.labelled == ANSWERS
    distance = np.abs(standing.confidence - 0.5)
    assert (np.diff(distance) >= -1e-9).all()


def test_all_labels_of_a_random_order_say_what_the_run_says(labelling: Labelling) -> None:
    queue, _ = labelling.create("mine", "run", run_id="run-1", order="mixed")
    words = [label(labelling, queue.id, word="correct" if i % 4 else "incorrect") for i in range(ANSWERS)]
    found = labelling.progress(queue.id)
    assert len(words) == ANSWERS
    assert found.correct is not None
    assert found.correct.value == pytest.approx(0.75)
    assert found.ece is not None


def test_an_answer_that_is_deleted_leaves_its_queues(labelling: Labelling, bench: Workbench) -> None:
    deferred(bench.store, 1)
    queue, _ = labelling.create("deferred", "deferred")
    bench.store.delete_session(make_trace(1).session_id)
    assert labelling.next(queue.id, "") is None
    run, _ = labelling.create("mine", "run", run_id="run-1")
    bench.store.delete_run("run-1")
    assert labelling.next(run.id, "") is None
    with pytest.raises(NotFound):
        labelling.renew(run.id)


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"source": "elsewhere"}, "source"),
        ({"source": "run", "run_id": "run-1", "order": "best"}, "order"),
        ({"source": "run", "run_id": "run-1", "overlap": 0}, "overlap"),
        ({"source": "deferred"}, "source"),
        ({"source": "differing"}, "source"),
    ],
)
def test_what_is_no_queue_is_refused(labelling: Labelling, wanted: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        labelling.create("mine", **wanted)  # type: ignore[arg-type]
    assert refused.value.fields == (field,)


def test_a_queue_has_a_name_of_its_own_and_is_deleted_without_its_labels(
    labelling: Labelling, bench: Workbench
) -> None:
    queue, _ = labelling.create("mine", "run", run_id="run-1")
    with pytest.raises(Conflict):
        labelling.create("Mine", "run", run_id="run-1")
    with pytest.raises(NotFound):
        labelling.create("other", "run", run_id="run-9")
    labelled = label(labelling, queue.id)
    bench.store.label_queues.delete(queue.id)
    assert bench.store.label_queues.list() == []
    assert len(bench.store.labels.of(*labelled)) == 1
    with pytest.raises(NotFound):
        labelling.next(queue.id, "")
