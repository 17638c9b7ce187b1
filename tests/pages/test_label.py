"""The calls of the Label page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from codex.ask.workbench import Workbench
from codex.errors import InvalidInput, NotFound
from codex.labelling.queues import Labelling
from codex.pages.label.page import LabelPage
from codex.settings import load_settings
from codex.store import Store
from codex.store.labels import Label
from tests.support.evaluated import put_run
from tests.support.scripted import Script, ScriptedEngine

ANSWERS = 6


@pytest.fixture
def page(tmp_path: Path) -> Iterator[LabelPage]:
    settings = load_settings([f"home={tmp_path}", "store.privacy=full", "ask.n_samples=1"])
    store = Store(tmp_path / "codex.duckdb", "full")
    workbench = Workbench(settings, ScriptedEngine(lambda _: Script(["Paris"])), store)
    put_run(store, "run-1", name="mine", graded=ANSWERS)
    yield LabelPage(workbench, Labelling(workbench))
    workbench.close()


def made(page: LabelPage, **wanted: object) -> str:
    told = {"name": "", "source": "run", "run": "run-1", "order": "mixed", "overlap": 1, **wanted}
    return str(page.create(told)["id"])


def asked(queue: str, **more: object) -> dict[str, object]:
    return {"queue": queue, "labeller": "", **more}


def test_a_queue_without_a_name_is_called_after_its_answers(page: LabelPage) -> None:
    for _ in range(3):
        made(page)
    seen = page.look({})
    assert [queue["name"] for queue in seen["queues"]] == ["run 3", "run 2", "run"]
    assert seen["queues"][0]["about"] == "the run mine; mixed: the less certain more often"
    assert seen["runs"] == [("run-1", "mine")]


def test_what_would_sway_a_labeller_comes_with_the_verdict_alone(page: LabelPage) -> None:
    queue = made(page, overlap=2)
    card = page.next(asked(queue))["card"]
    assert set(card) == {"key", "question", "answer", "accepted", "passages", "own"}
    page.workbench.store.labels.put(Label(*card["key"], "partly", "Ada"))
    said = page.put(asked(queue, key=card["key"], verdict="correct"))["said"]
    grader = page.workbench.store.runs.record(*card["key"]).grader_correct
    assert said == f"You: correct; Ada: partly correct; the grader: {'correct' if grader else 'incorrect'}"


def test_of_an_answer_of_the_ask_page_the_confidence_is_told_afterwards(page: LabelPage) -> None:
    page.workbench.answer("What is the capital of France?")
    queue = made(page, source="asked")
    card = page.next(asked(queue))["card"]
    assert (card["question"], card["answer"]) == ("What is the capital of France?", "Paris")
    said = page.put(asked(queue, key=card["key"], verdict="correct"))["said"]
    assert said.startswith("You: correct; Codex: ")
    assert said.endswith("% likely correct")


def test_what_was_said_is_read_changed_and_taken_back(page: LabelPage) -> None:
    queue = made(page)
    card = page.next(asked(queue))["card"]
    label = {"verdict": "incorrect", "correction": "Lyon", "note": "hm"}
    page.put(asked(queue, key=card["key"], **label))
    assert page.card({"key": card["key"], "labeller": ""})["own"] == label
    assert page.card({"key": card["key"], "labeller": "Ada"})["own"] is None
    page.undo({"key": card["key"], "labeller": ""})
    assert page.next(asked(queue))["card"] == card


def test_questions_that_were_asked_since_come_at_the_end(page: LabelPage) -> None:
    page.workbench.answer("What is the capital of France?")
    queue = made(page, source="asked")
    first = page.next(asked(queue))["card"]
    page.put(asked(queue, key=first["key"], verdict="correct"))
    assert page.next(asked(queue))["card"] is None
    page.workbench.answer("What is the capital of Spain?")
    now = page.next(asked(queue))
    assert now["card"]["question"] == "What is the capital of Spain?"
    assert now["progress"]["answers"] == 2


def test_an_agreement_that_is_not_defined_is_told_as_missing(page: LabelPage) -> None:
    queue = made(page)
    assert [row["value"] for row in page.agreement({"queue": queue})["rows"]] == [None] * 3


def test_bad_input_says_what_to_do(page: LabelPage) -> None:
    with pytest.raises(InvalidInput, match="labellers for each answer"):
        made(page, overlap=None)
    with pytest.raises(NotFound):
        made(page, run="gone")
    queue = made(page)
    card = page.next(asked(queue))["card"]
    with pytest.raises(InvalidInput, match="A verdict is one of"):
        page.put(asked(queue, key=card["key"], verdict="good"))
    page.delete({"queue": queue})
    with pytest.raises(NotFound):
        page.next(asked(queue))
