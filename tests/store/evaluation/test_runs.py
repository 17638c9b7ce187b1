"""Runs and their records."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pytest

from codex.errors import Conflict, InvalidInput, NotFound, StoreError
from codex.store import Store
from codex.types import Observation
from tests.support.records import make_record, make_run


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "codex.duckdb") as opened:
        yield opened


def test_a_run_comes_back_as_it_was_with_its_counts(store: Store) -> None:
    store.runs.create(make_run())
    store.runs.add("run-1", [make_record(1), make_record(2), make_record(3, error="too long")])
    store.runs.add("run-1", [replace(make_record(4), correct=None, grade=None)])
    store.runs.finish("run-1", "done")
    found = store.runs.get("run-1")
    assert found.run == replace(make_run(), state="done")
    assert (found.done, found.correct, found.incorrect, found.failed) == (4, 1, 1, 1)
    assert store.runs.ids("run-1") == {"q1", "q2", "q3", "q4"}


def test_records_come_back_as_they_were_in_the_order_they_came(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codex.store.evaluation.runs.PAGE", 3)
    records = [make_record(number) for number in (5, 3, 9, 1, 7, 2, 8)]
    store.runs.create(make_run())
    for record in records:
        store.runs.add("run-1", [record])
    assert list(store.runs.records("run-1")) == records
    assert store.runs.record("run-1", "q9") == records[2]


def test_runs_are_listed_the_newest_first_and_renamed(store: Store) -> None:
    for number in (2, 3, 1):
        store.runs.create(make_run(number))
    store.runs.rename("run-2", " capitals, warm ")
    assert [(it.run.id, it.run.name) for it in store.runs.list()] == [
        ("run-3", "run 3"), ("run-2", "capitals, warm"), ("run-1", "run 1"),
    ]  # fmt: skip
    with pytest.raises(InvalidInput, match="needs a name"):
        store.runs.rename("run-2", " ")


def test_the_table_holds_the_graded_records_as_columns(store: Store) -> None:
    store.runs.create(make_run())
    records = [make_record(number) for number in range(4)]
    store.runs.add("run-1", [*records, make_record(4, error="too long")])
    table = store.runs.table("run-1")
    assert table.ids == ("q0", "q1", "q2", "q3")
    assert table.questions[1] == "How far is the moon 1?"
    assert table.texts == tuple(record.observation.generation.text for record in records)
    assert table.groups.tolist() == ["even", "odd", "even", "odd"]
    assert table.correct.tolist() == [True, False, True, False]
    assert table.ungraded == 1
    assert table.graders == {"choice": 2, "numeric": 2}
    assert store.runs.answers("run-1") == [record.answers for record in records]
    np.testing.assert_array_equal(
        table.signals["avg_logprob"], [record.signals["avg_logprob"] for record in records]
    )
    assert np.isnan(table.signals["self_certainty"]).all()


def test_a_run_says_how_many_answers_each_grader_graded_the_most_first(store: Store) -> None:
    store.runs.create(make_run())
    assert store.runs.get("run-1").graders == {}
    records = [make_record(number) for number in (1, 2, 3)]
    store.runs.add("run-1", [*records, replace(make_record(5), grader=""), make_record(7, error="too long")])
    for counted in (store.runs.get("run-1").graders, store.runs.table("run-1").graders):
        assert list(counted.items()) == [("numeric", 2), ("", 1), ("choice", 1)]


def test_a_signal_that_came_later_is_missing_in_the_records_before(store: Store) -> None:
    store.runs.create(make_run())
    store.runs.add("run-1", [replace(make_record(1), signals={"a": 1.0})])
    store.runs.add("run-1", [replace(make_record(2), signals={"b": 2.0})])
    table = store.runs.table("run-1")
    np.testing.assert_array_equal(table.signals["a"], [1.0, np.nan])
    np.testing.assert_array_equal(table.signals["b"], [np.nan, 2.0])
    assert store.runs.record("run-1", "q1").signals == {"a": 1.0, "b": None}


def test_numbers_that_are_not_finite_are_missing(store: Store) -> None:
    store.runs.create(make_run())
    signals: dict[str, float | None] = {"a": float("nan"), "b": float("inf"), "c": 0.5}
    store.runs.add("run-1", [replace(make_record(1), signals=signals)])
    assert store.runs.record("run-1", "q1").signals == {"a": None, "b": None, "c": 0.5}


def test_a_question_has_one_record_in_a_run(store: Store) -> None:
    store.runs.create(make_run())
    store.runs.add("run-1", [make_record(1)])
    with pytest.raises(Conflict, match="q1"):
        store.runs.add("run-1", [make_record(2), make_record(1)])
    with pytest.raises(Conflict, match="q3"):
        store.runs.add("run-1", [make_record(3), make_record(3)])
    assert store.runs.ids("run-1") == {"q1"}
    with pytest.raises(Conflict, match="run-1"):
        store.runs.create(make_run())


def test_a_text_with_half_a_character_is_refused_and_nothing_is_kept(store: Store) -> None:
    store.runs.create(make_run())
    record = make_record(1)
    asked, half = record.observation, "half \ud83d"
    sampled = (replace(asked.samples[0], text=half), *asked.samples[1:])
    for broken in (replace(asked, question=half), replace(asked, samples=sampled)):
        with pytest.raises(InvalidInput, match="text"):
            store.runs.add("run-1", [make_record(2), replace(record, observation=broken)])
    assert store.runs.ids("run-1") == set()


@pytest.fixture
def damaged(tmp_path: Path) -> Callable[[str, str], Store]:
    """A store with a run in which something was stored that is refused today."""

    def make(what: str, by: str) -> Store:
        path = tmp_path / "old.duckdb"
        with Store(path) as new:
            new.runs.create(make_run())
            new.runs.add("run-1", [make_record(1)])
        with duckdb.connect(path) as db:
            db.execute(f"UPDATE run_records SET {what} = {by}")
        return Store(path)

    return make


def test_seconds_that_were_stored_as_no_number_are_missing(damaged: Callable[[str, str], Store]) -> None:
    with damaged("seconds", "'nan'::DOUBLE") as store:
        assert [record.seconds for record in store.runs.records("run-1")] == [0.0]


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('"prompt_tokens": ', '"prompt_tokens": "7", "was": ', "prompt_tokens is '7'"),
        ('"greedy"', '"other"', "there is no key 'greedy'"),
        ("{", "[", "Expecting"),
    ],
)
def test_a_record_that_cannot_be_read_is_named_with_its_run(
    damaged: Callable[[str, str], Store], before: str, after: str, says: str
) -> None:
    with damaged("observation", f"replace(observation, '{before}', '{after}')") as store:
        with pytest.raises(StoreError, match=rf"question 'q1' in the run 'run-1'.*{says}"):
            list(store.runs.records("run-1"))
        with pytest.raises(StoreError, match="q1"):
            store.runs.record("run-1", "q1")


@pytest.mark.parametrize(
    "call",
    [
        lambda runs: runs.get("nowhere"),
        lambda runs: runs.ids("nowhere"),
        lambda runs: runs.table("nowhere"),
        lambda runs: next(runs.records("nowhere")),
        lambda runs: runs.record("nowhere", "q1"),
        lambda runs: runs.add("nowhere", [make_record(1)]),
        lambda runs: runs.delete("nowhere"),
        lambda runs: runs.finish("nowhere", "done"),
    ],
)
def test_a_run_that_is_not_there_is_not_found(store: Store, call: object) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        call(store.runs)  # type: ignore[operator]


def test_a_run_that_is_deleted_while_it_is_read_is_not_found(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codex.store.evaluation.runs.PAGE", 1)
    for number in (1, 2):
        store.runs.create(make_run(number))
        store.runs.add(f"run-{number}", [make_record(1), make_record(2)])
    reading = store.runs.records("run-1")
    next(reading)
    store.runs.delete("run-1")
    with pytest.raises(NotFound, match="run-1"):
        next(reading)
    assert store.runs.ids("run-2") == {"q1", "q2"}


def test_a_deleted_run_may_come_again_under_its_id(store: Store) -> None:
    store.runs.create(make_run())
    store.runs.add("run-1", [make_record(1)])
    store.runs.delete("run-1")
    store.runs.create(make_run())
    assert store.runs.ids("run-1") == set()


def test_several_threads_add_to_one_run(store: Store) -> None:
    store.runs.create(make_run())

    def add(start: int) -> None:
        for number in range(start, start + 10):
            store.runs.add("run-1", [make_record(number)])

    threads = [threading.Thread(target=add, args=(start,)) for start in (0, 10, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.runs.ids("run-1") == {f"q{number}" for number in range(30)}
    assert len(store.runs.table("run-1").ids) == 30


def test_a_run_that_was_killed_no_longer_runs(tmp_path: Path) -> None:
    with Store(tmp_path / "codex.duckdb") as store:
        store.runs.create(make_run(1))
        store.runs.create(make_run(2))
        store.runs.finish("run-2", "done")
    with Store(tmp_path / "codex.duckdb") as store:
        assert [it.run.state for it in store.runs.list()] == ["done", "cancelled"]


def test_ten_thousand_records_are_columns_in_under_a_second(store: Store) -> None:
    store.runs.create(make_run(total=10_000))
    small = replace(make_record(1), signals={f"signal {at}": at / 60 for at in range(60)})
    small = replace(small, observation=Observation("?", small.observation.generation))
    store.runs.add("run-1", [replace(small, id=str(number)) for number in range(10_000)])
    started = time.perf_counter()
    table = store.runs.table("run-1")
    # Measured 0.03 s; the bound leaves room for a busy machine.
    assert time.perf_counter() - started < 1
    assert table.ids == tuple(str(number) for number in range(10_000))


def test_a_persons_verdict_counts_wherever_grades_are_read_until_it_is_taken_back(store: Store) -> None:
    store.runs.create(make_run())
    store.runs.add("run-1", [make_record(number) for number in range(4)])
    before = store.runs.get("run-1")
    assert (before.correct, before.incorrect, before.labels) == (2, 2, "")
    store.runs.label("run-1", "q1", True)
    store.runs.label("run-1", "q2", None)
    found, table = store.runs.get("run-1"), store.runs.table("run-1")
    assert (found.correct, found.incorrect, found.by_person, found.corrected) == (2, 1, 2, 2)
    assert found.graders["person"] == table.graders["person"] == 1
    assert table.ids == ("q0", "q1", "q3")
    assert table.correct.tolist() == [True, True, False]
    assert table.ungraded == 1
    assert len(store.runs.answers("run-1")) == 3
    verdicts = [(it.correct, it.by_person, it.grader_correct) for it in store.runs.records("run-1")]
    assert verdicts == [(True, False, None), (True, True, False), (None, True, True), (False, False, None)]
    assert store.runs.record("run-1", "q1").by_person
    assert store.runs.lines("run-1").correct == (True, True, None, False)
    assert store.runs.lines("run-1").grader_correct == (True, False, True, False)
    assert found.by_person_in_words == "2 grades corrected by a person"
    store.runs.add("run-1", [make_record(4)])  # as where the run is resumed
    assert store.runs.get("run-1").by_person == 2
    store.runs.label("run-1", "q2", True)
    assert store.runs.get("run-1").by_person_in_words == "1 grade corrected and 1 grade confirmed by a person"
    for question in ("q1", "q2"):
        store.runs.unlabel("run-1", question)
    after = store.runs.get("run-1")
    assert (after.correct, after.incorrect, after.by_person, after.labels) == (3, 2, 0, "")


def test_every_change_of_a_persons_verdicts_changes_what_results_are_kept_under(store: Store) -> None:
    store.runs.create(make_run())
    store.runs.add("run-1", [make_record(number) for number in range(4)])
    verdicts: list[tuple[str, bool | None]] = [("q1", True), ("q1", None), ("q2", False), ("q1", False)]
    seen = [""]
    for question, verdict in verdicts:
        store.runs.label("run-1", question, verdict)
        seen.append(store.runs.get("run-1").labels)
    assert len(set(seen)) == len(seen)


def test_a_persons_verdict_goes_with_its_run_and_needs_an_answer(store: Store) -> None:
    for _ in range(2):
        store.runs.create(make_run())
        store.runs.add("run-1", [make_record(1), make_record(3, error="too long")])
        assert store.runs.get("run-1").by_person == 0
        store.runs.label("run-1", "q1", True)
        with pytest.raises(Conflict, match="failed"):
            store.runs.label("run-1", "q3", True)
        with pytest.raises(NotFound, match="no question 'q9'"):
            store.runs.label("run-1", "q9", True)
        store.runs.delete("run-1")
    with pytest.raises(NotFound):
        store.runs.unlabel("run-1", "q1")


def test_records_that_come_with_a_persons_verdict_keep_it_beside_the_graders(store: Store) -> None:
    store.runs.create(make_run())
    record = replace(make_record(1), correct=None, by_person=True, grader_correct=False)
    store.runs.add("run-1", [record])
    assert store.runs.record("run-1", "q1") == record
    store.runs.unlabel("run-1", "q1")
    assert store.runs.record("run-1", "q1").correct is False


def test_runs_that_were_asked_one_of_the_questions_share_with_a_run(store: Store) -> None:
    shared = {1: make_record(1), 2: replace(make_record(1), id="other"), 3: make_record(3), 4: make_record(2)}
    elsewhere = replace(make_record(1), observation=make_record(5).observation, group="elsewhere")
    renamed = replace(make_record(1), observation=make_record(5).observation)
    for number, record in (shared | {5: elsewhere, 6: renamed}).items():
        store.runs.create(make_run(number))
        store.runs.add(f"run-{number}", [record])
    # The same words; and the same id in the same set. Run 5 has another text in another set.
    assert set(store.runs.sharing("run-1")) == {"run-2", "run-6"}
    assert list(store.runs.sharing("nowhere")) == []
