"""What labellers say of answers, and what counts of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from codex.errors import Conflict, InvalidInput, NotFound
from codex.store import Store
from codex.store.database.migrations import MIGRATIONS
from codex.store.labelling.labels import LONGEST, MOST, Label, LabelVerdict
from tests.support.records import make_record, make_run
from tests.support.traces import make_trace
from tests.support.undone import UNDO


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "codex.duckdb", "full")
    store.save(make_trace(1))
    store.runs.create(make_run(1))
    store.runs.add("run-1", [make_record(1), make_record(2, error="too long")])
    return store


def said(
    store: Store, *words: tuple[str, LabelVerdict], adjudicated: LabelVerdict | None = None
) -> bool | None:
    """What counts of the trace after each labeller said a word."""
    for labeller, word in words:
        store.labels.put(Label("", "trace-1", word, labeller))
    if adjudicated:
        store.labels.put(Label("", "trace-1", adjudicated, "chief", adjudicated=True))
    ((_, correct),) = store.labelled_traces()
    return correct


def test_a_verdict_is_kept_with_all_that_belongs_to_it(store: Store) -> None:
    told = Label("run-1", "q1", "partly", "Ada", "Paris", "close", ("geo", "cities"), ((0, 2), (4, 4)))
    kept = store.labels.put(told)
    assert kept.made_at is not None
    assert store.labels.of("run-1", "q1") == [kept]
    assert replace(kept, made_at=None) == told


def test_the_second_verdict_of_a_labeller_takes_the_place_of_the_first(store: Store) -> None:
    assert said(store, ("Ada", "correct"), ("Ada", "incorrect")) is False
    assert [each.verdict for each in store.labels.of("", "trace-1")] == ["incorrect"]


@pytest.mark.parametrize(
    ("words", "adjudicated", "counts"),
    [
        ([("a", "correct")], None, True),
        ([("a", "partly")], None, False),
        ([("a", "unclear")], None, None),
        ([("a", "correct"), ("b", "incorrect")], None, None),
        ([("a", "correct"), ("b", "partly"), ("c", "incorrect")], None, False),
        ([("a", "correct"), ("b", "unclear")], None, True),
        ([("a", "correct"), ("b", "correct")], "incorrect", False),
        ([("a", "incorrect"), ("b", "incorrect")], "correct", True),
        ([("a", "correct"), ("b", "correct")], "unclear", None),
    ],
)
def test_the_adjudicated_verdict_counts_else_the_majority(
    store: Store, words: list[tuple[str, LabelVerdict]], adjudicated: LabelVerdict | None, counts: bool | None
) -> None:
    assert said(store, *words, adjudicated=adjudicated) is counts
    assert [each.correct for each in store.counted_labels()] == ([] if counts is None else [counts])


def test_labellers_who_differ_on_a_run_leave_its_answer_ungraded_until_one_decides(store: Store) -> None:
    for labeller, word in (("a", "correct"), ("b", "incorrect")):
        store.labels.put(Label("run-1", "q1", word, labeller))  # type: ignore[arg-type]
    summary = store.runs.get("run-1")
    assert (summary.correct, summary.incorrect, summary.by_person) == (0, 0, 1)
    store.labels.put(Label("run-1", "q1", "incorrect", "chief", adjudicated=True))
    assert store.runs.get("run-1").incorrect == 1
    assert store.runs.record("run-1", "q1").correct is False


def test_a_verdict_is_taken_back_and_goes_with_its_answer(store: Store) -> None:
    for run, question in (("", "trace-1"), ("run-1", "q1")):
        for labeller in ("Ada", "Bob"):
            store.labels.put(Label(run, question, "correct", labeller))
        store.labels.take_back(run, question, "Ada")
        assert [each.labeller for each in store.labels.of(run, question)] == ["Bob"]
    store.delete_run("run-1")
    store.delete_session(make_trace(1).session_id)
    assert store.labels.of_run("") == store.labels.of_run("run-1") == []


@pytest.mark.parametrize(
    ("verdict", "field"),
    [
        (Label("", "trace-1", "good"), "verdict"),  # type: ignore[arg-type]
        (Label("", "trace-1", "correct", note="x" * (LONGEST + 1)), "note"),
        (Label("", "trace-1", "correct", correction="x" * (LONGEST + 1)), "correction"),
        (Label("", "trace-1", "correct", labeller="x" * 65), "labeller"),
        (Label("", "trace-1", "correct", tags=("x" * 65,)), "tags"),
        (Label("", "trace-1", "correct", tags=tuple(map(str, range(MOST + 1)))), "tags"),
        (Label("", "trace-1", "correct", spans=((3, 2),)), "spans"),
        (Label("", "trace-1", "correct", spans=((-1, 2),)), "spans"),
    ],
)
def test_what_is_no_verdict_is_refused(store: Store, verdict: Label, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        store.labels.put(verdict)
    assert refused.value.fields == (field,)
    assert store.labels.of_run("") == []


def test_an_answer_that_is_gone_or_failed_has_no_verdict(store: Store) -> None:
    with pytest.raises(NotFound):
        store.labels.put(Label("", "trace-9", "correct"))
    with pytest.raises(NotFound):
        store.labels.put(Label("run-1", "q9", "correct"))
    with pytest.raises(Conflict):
        store.labels.put(Label("run-1", "q2", "correct"))


def test_the_labels_of_before_are_those_of_one_labeller(tmp_path: Path) -> None:
    path = tmp_path / "codex.duckdb"
    with Store(path, "full") as store:
        store.save(make_trace(1))
        store.runs.create(make_run(1))
        store.runs.add("run-1", [make_record(1)])
    with duckdb.connect(path) as db:
        for statement in [step for version in range(len(MIGRATIONS), 10, -1) for step in UNDO[version]]:
            db.execute(statement)
        db.execute("DELETE FROM schema_migrations WHERE version > 10")
        db.execute("INSERT INTO labels VALUES ('trace-1', false, '2026-01-02 03:04:05')")
        db.execute("INSERT INTO run_labels VALUES ('run-1', 'q1', NULL, '2026-01-02 03:04:05')")
    with Store(path, "full") as store:
        assert [(each.correct, each.labelled_at.year) for each in store.counted_labels()] == [(False, 2026)]
        assert [each.verdict for each in store.labels.of("run-1", "q1")] == ["unclear"]
        assert store.runs.record("run-1", "q1").correct is None
