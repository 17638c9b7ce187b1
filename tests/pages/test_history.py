"""The calls of the Sessions page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from codex.ask.workbench import Workbench
from codex.errors import InvalidInput, NotFound
from codex.pages.ask.page import AskPage
from codex.pages.ask.runs import Runs
from codex.pages.history.page import HistoryView, filter_of
from codex.settings import load_settings
from codex.store import Store
from codex.types import Message
from tests.support.scripted import Script, ScriptedEngine


@pytest.fixture
def page(tmp_path: Path) -> Iterator[HistoryView]:
    settings = load_settings([f"home={tmp_path}", "store.privacy=full", "ask.n_samples=1"])
    store = Store(tmp_path / "codex.duckdb", "full")
    workbench = Workbench(settings, ScriptedEngine(lambda _: Script(["Paris"])), store)
    yield HistoryView(workbench, AskPage(workbench, Runs()))
    workbench.close()


def look(page: HistoryView, **typed: str) -> list[str]:
    seen = page.look({"filter": typed, "sort": "time", "down": True})
    return [row["question"] for row in seen["rows"]]


def test_what_is_typed_limits_the_list(page: HistoryView) -> None:
    for question in ("Which city?", "Which river?"):
        page.workbench.answer(question)
    assert look(page) == ["Which river?", "Which city?"]
    assert look(page, text="city", action="", model="") == ["Which city?"]
    assert look(page, low="100") == []
    assert look(page, since="2999-01-01T00:00:00Z") == []
    assert filter_of({"low": "12.5"}).low == 0.125


@pytest.mark.parametrize(("typed", "field"), [
    ({"low": "many"}, "low"),
    ({"low": "101"}, "low"),
    ({"since": "soon"}, "since"),
    ({"label": "maybe"}, "label"),
])  # fmt: skip
def test_what_cannot_be_typed_is_refused_by_its_name(
    page: HistoryView, typed: dict[str, str], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        look(page, **typed)
    assert field in caught.value.fields


def test_an_opened_trace_is_what_the_ask_page_shows_with_what_can_be_done_here(page: HistoryView) -> None:
    trace = page.workbench.answer("Which city?")
    shown = page.open({"trace": trace.id})
    assert [token["text"] for token in shown["last"]["tokens"]] == ["Paris"]
    assert (shown["question"], shown["no_replay"], shown["questions"]) == ("Which city?", None, 1)
    assert shown["rules"]
    with pytest.raises(NotFound):
        page.open({"trace": "none"})


def test_two_traces_are_compared_number_by_number(page: HistoryView) -> None:
    one, other = (page.workbench.answer(question) for question in ("Which city?", "Which river?"))
    found = page.compare({"first": one.id, "second": other.id})
    assert found["same"] == {"question": False, "answer": True, "model": True, "policy": True}
    confidence = found["differences"][0]
    assert (confidence["label"], confidence["change"]) == ("Confidence", 0)
    assert [view["id"] for view in found["traces"]] == [one.id, other.id]


def test_a_replay_is_a_new_trace_of_the_same_session(page: HistoryView) -> None:
    trace = page.workbench.answer("Which city?")
    *_, last = page.replay({"run": "r", "trace": trace.id})
    assert last["phase"] == "done"
    assert last["session"] == trace.session_id
    assert last["trace"] != trace.id
    *_, failed = page.replay({"run": "q", "trace": "none"})
    assert "No trace 'none'" in failed["error"]["message"]


def test_a_deleted_session_is_erased(page: HistoryView) -> None:
    trace = page.workbench.answer("Which city?")
    page.delete_session({"session": trace.session_id})
    assert page.workbench.store.erasure.wait().state == "none"
    assert page.erasure({})["state"] == "none"
    assert look(page) == []
    with pytest.raises(NotFound):
        page.delete_session({"session": trace.session_id})


def test_a_conversation_leads_from_turn_to_turn(page: HistoryView) -> None:
    bench = page.workbench
    first = bench.answer("One?")
    second = bench.answer("Two?", follows=first.id)
    third = bench.answer("Three?", follows=first.id)
    shown = page.open({"trace": first.id})["conversation"]
    assert (shown["turns"], shown["previous"], shown["next"]) == (0, None, [second.id, third.id])
    shown = page.open({"trace": second.id})["conversation"]
    assert (shown["turns"], shown["previous"], shown["next"]) == (1, first.id, [])
    assert page.open({"trace": bench.answer("Alone?").id})["conversation"] is None


def test_a_follow_up_is_asked_again_after_its_turns_or_it_is_said_why_not(page: HistoryView) -> None:
    bench = page.workbench
    first = bench.answer("One?")
    second = bench.answer("Two?", follows=first.id)
    assert page.open({"trace": second.id})["no_replay"] is None
    *_, last = page.replay({"run": "r", "trace": second.id})
    again = bench.traces.get(last["trace"]).params.conversation
    assert again is not None
    assert again.follows == first.id
    foreign = bench.answer("Two?", history=[Message("user", "One?"), Message("assistant", "1.")])
    assert "came with the request" in page.open({"trace": foreign.id})["no_replay"]
