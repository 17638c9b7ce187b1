"""The calls of people's answers on the Label page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from codex.ask.people.answers import end_of
from codex.ask.workbench import Workbench
from codex.errors import InvalidInput
from codex.pages.label.answers import AnswersView, answer_view
from codex.settings import load_settings
from codex.store import Store
from codex.store.labelling.people import PersonsAnswer
from codex.types import Action
from tests.support.scripted import Script, ScriptedEngine
from tests.support.traces import make_trace

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.fixture
def page(tmp_path: Path) -> Iterator[AnswersView]:
    settings = load_settings([f"home={tmp_path}"])
    store = Store(tmp_path / "codex.duckdb", "full")
    workbench = Workbench(settings, ScriptedEngine(lambda _: Script(["Paris"])), store)
    yield AnswersView(workbench)
    workbench.close()


def put(page: AnswersView, **told: str) -> str:
    given = {"question": "", "trace": "", "answer": "42", "author": "Ada", "source": "", "expires": ""}
    return str(page.put(given | told)["id"])


def test_what_waits_is_listed_once_and_goes_when_it_is_answered(page: AnswersView) -> None:
    store = page.workbench.store
    for number in (1, 2):
        store.save(make_trace(number))
    store.save(make_trace(3, question="How near is the sun?"))
    waiting = page.look({"trace": ""})["waiting"]
    assert [(each["question"], each["trace"]) for each in waiting] == [
        ("How near is the sun?", "trace-3"),
        ("How far is the moon?", "trace-2"),
    ]
    assert waiting[0]["action"] is Action.DEFER
    kept = put(page, trace="trace-1")
    assert [each["trace"] for each in page.look({"trace": ""})["waiting"]] == ["trace-3"]
    page.withdraw({"id": kept})
    assert [each["trace"] for each in page.look({"trace": ""})["waiting"]] == ["trace-3", "trace-2"]
    page.delete({"id": kept})
    assert page.look({"trace": ""})["answers"] == []


@pytest.mark.parametrize(("privacy", "waits"), [("hash", []), ("preview", ["short?"])])
def test_a_question_waits_only_as_far_as_it_was_kept(
    page: AnswersView, privacy: str, waits: list[str]
) -> None:
    store = page.workbench.store
    store.privacy = privacy  # type: ignore[assignment]
    store.save(make_trace(1, question="short?"))
    store.save(make_trace(2, question="long " * 40))
    look = page.look({"trace": "trace-2"})
    assert [each["question"] for each in look["waiting"]] == waits
    assert look["asked"] == {"trace": "trace-2", "question": ""}
    assert page.look({"trace": "nowhere"})["asked"] is None


def test_an_answer_is_edited(page: AnswersView) -> None:
    kept = put(page, question="How far is the moon?", expires="2999-01-31")
    [each] = page.look({"trace": ""})["answers"]
    assert (each["state"], each["expires"], each["question"]) == (
        "given",
        "2999-01-31",
        "How far is the moon?",
    )
    page.edit({"id": kept, "answer": "384,400 km", "author": "Bob", "source": "NASA", "expires": ""})
    [each] = page.look({"trace": ""})["answers"]
    assert (each["answer"], each["author"], each["source"], each["expires"]) == (
        "384,400 km",
        "Bob",
        "NASA",
        "",
    )


@pytest.mark.parametrize(
    ("expires", "withdrawn", "state"),
    [
        (None, None, "given"),
        (NOW + timedelta(days=1), None, "given"),
        (NOW, None, "expired"),
        (None, NOW, "withdrawn"),
        (NOW, NOW, "withdrawn"),
    ],
)
def test_the_list_says_whether_an_answer_is_given(
    expires: datetime | None, withdrawn: datetime | None, state: str
) -> None:
    given = PersonsAnswer("1", None, "", "42", "Ada", "", None, False, NOW, None, expires, withdrawn)
    assert answer_view(given, NOW)["state"] == state


def test_the_last_day_is_given_to_its_end() -> None:
    local = end_of(date(2027, 1, 31)).astimezone()
    assert (local.month, local.day, local.hour) == (2, 1, 0)
    with pytest.raises(InvalidInput, match="earlier day"):
        end_of(date.max)


@pytest.mark.parametrize("typed", ["tomorrow", "2027-02-30"])
def test_what_is_no_day_is_said_so(page: AnswersView, typed: str) -> None:
    with pytest.raises(InvalidInput, match="no day"):
        put(page, question="q", expires=typed)
