"""Sessions and labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from operator import attrgetter
from pathlib import Path

import pytest

from codex.errors import NotFound
from codex.store import Store
from codex.types import Action, Decision, Gate
from tests.support.traces import make_trace


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "codex.duckdb", "full") as opened:
        yield opened


def test_sessions_are_listed_last_used_first(store: Store) -> None:
    for number, session in enumerate(["a", "b", "c", "a"]):
        store.save(make_trace(number, session=session, question=f"question {number}"))
    sessions = store.sessions.list()
    assert [(s.id, s.title, s.questions) for s in sessions] == [
        ("a", "question 0", 2), ("c", "question 2", 1), ("b", "question 1", 1),
    ]  # fmt: skip
    assert sessions[0].created_at == make_trace(0).created_at
    assert sessions[0].last_used_at == make_trace(3).created_at
    assert [s.id for s in store.sessions.list(limit=1, offset=1)] == ["c"]


def test_a_session_shows_what_was_decided_last(store: Store) -> None:
    first = make_trace(1)
    abstained = Decision(Action.ABSTAIN, Gate.ABSTAIN, "top1_prob 0.1 < 0.2: abstain")
    checked = replace(first.last, kind="reflect", decision=abstained)
    store.save(replace(first, steps=(first.last, checked)))
    assert store.sessions.list()[0].last_action is Action.ABSTAIN
    assert [(t.action, t.gate) for t in store.sessions.traces("s")] == [(Action.ABSTAIN, Gate.ABSTAIN)]


def test_a_branch_is_listed_but_is_no_question(store: Store) -> None:
    store.save(make_trace(1))
    store.save(replace(make_trace(2), parent_id="trace-1"))
    assert store.sessions.list()[0].questions == 1
    assert [(t.id, t.parent_id) for t in store.sessions.traces("s")] == [
        ("trace-1", None), ("trace-2", "trace-1"),
    ]  # fmt: skip


def test_a_session_without_its_question_is_named_by_what_the_model_wrote(store: Store) -> None:
    store.privacy = "hash"
    trace = replace(make_trace(1), answer="I am not sure enough to answer.")
    store.save(trace)
    written = trace.steps[0].observation.generation.text
    assert store.sessions.list()[0].title == written[:127]
    summary = store.sessions.traces("s")[0]
    assert summary.question is None
    assert (summary.answer, summary.model_answer) == (trace.answer, written)


def test_deleting_a_session_leaves_nothing_of_it_and_all_of_the_others(store: Store) -> None:
    store.save(make_trace(1, session="gone"))
    store.save(make_trace(2, session="stays"))
    store.label("trace-1", True)
    store.label("trace-2", True)
    store.delete_session("gone")
    with pytest.raises(NotFound):
        store.load("trace-1")
    with pytest.raises(NotFound):
        store.sessions.traces("gone")
    assert [s.id for s in store.sessions.list()] == ["stays"]
    assert store.load("trace-2") == make_trace(2, session="stays")
    assert store.sessions.traces("stays")[0].correct is True
    store.save(make_trace(1, session="gone"))
    assert store.sessions.traces("gone")[0].correct is None


@pytest.mark.parametrize("call", ["sessions.traces", "delete_session"])
def test_what_is_not_there_is_not_found(store: Store, call: str) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        attrgetter(call)(store)("nowhere")


def test_a_label_is_kept_changed_and_taken_back(store: Store) -> None:
    store.save(make_trace(1))
    seen = []
    for label in (True, False, None):
        store.label("trace-1", label)
        seen.append(store.sessions.traces("s")[0].correct)
    assert seen == [True, False, None]
    with pytest.raises(NotFound, match="nowhere"):
        store.label("nowhere", True)


def test_every_trace_comes_with_its_label_oldest_first(store: Store) -> None:
    for number, session in ((3, "b"), (1, "a"), (2, "b")):
        store.save(make_trace(number, session=session))
    store.label("trace-1", False)
    assert [(trace.id, correct) for trace, correct in store.labelled_traces()] == [
        ("trace-3", None), ("trace-1", False), ("trace-2", None),
    ]  # fmt: skip
