"""The calls of the Label page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from codex.ask.workbench import Workbench
from codex.errors import InvalidInput, NotFound
from codex.jobs import Jobs
from codex.labelling.queues import Labelling
from codex.pages.label.page import LabelPage
from codex.settings import load_settings
from codex.store import Store
from codex.store.labelling.labels import Label
from tests.support.evaluated import put_run
from tests.support.scripted import Script, ScriptedEngine
from tests.support.traces import make_trace

ANSWERS = 6


@pytest.fixture
def page(tmp_path: Path) -> Iterator[LabelPage]:
    settings = load_settings([f"home={tmp_path}", "store.privacy=full", "ask.n_samples=1"])
    store = Store(tmp_path / "codex.duckdb", "full")
    workbench = Workbench(settings, ScriptedEngine(lambda _: Script(["Paris"])), store)
    put_run(store, "run-1", name="mine", graded=ANSWERS)
    jobs = Jobs()
    yield LabelPage(workbench, Labelling(workbench), jobs)
    jobs.close()
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
    told = {"key", "question", "answer", "accepted", "passages", "own"}
    assert set(card) == told | {"tokens", "units", "sentences", "seen"}
    assert all(isinstance(text, str) for text in card["tokens"])
    page.workbench.store.labels.put(Label(*card["key"], "partly", "Ada"))
    kept = page.put(asked(queue, key=card["key"], verdict="correct"))
    assert kept["card"]["key"] == page.next(asked(queue))["card"]["key"] != card["key"]
    said = kept["said"]
    grader = page.workbench.store.runs.record(*card["key"]).grader_correct
    assert said == f"You: correct; Ada: partly correct; the grader: {'correct' if grader else 'incorrect'}"


def test_the_card_shows_what_the_answer_rests_on(page: LabelPage) -> None:
    trace = make_trace(1)
    page.workbench.store.save(trace)
    card = page.card({"key": ("", trace.id), "labeller": ""})
    shown = [[passage.document, passage.text] for passage in trace.last.observation.passages]
    assert shown
    assert card["passages"] == shown


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
    label = {"verdict": "incorrect", "correction": "Lyon", "note": "hm", "tags": ["city"], "spans": [[0, 1]]}
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
    assert page.progress({"queue": queue})["answers"] == 2


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


def test_a_label_of_another_tab_is_not_replaced_unseen(page: LabelPage) -> None:
    queue = made(page)
    card = page.next(asked(queue))["card"]
    assert card["seen"] is None
    page.put(asked(queue, key=card["key"], verdict="correct", seen=None))
    other = page.put(asked(queue, key=card["key"], verdict="incorrect", seen=None))
    assert other["taken"].startswith("This answer was labelled in another tab: correct.")
    (label,) = page.workbench.store.labels.of(*card["key"])
    assert label.verdict == "correct"
    assert "said" in page.put(asked(queue, key=card["key"], verdict="incorrect", seen=other["seen"]))
    (label,) = page.workbench.store.labels.of(*card["key"])
    assert label.verdict == "incorrect"


def test_sentences_and_tokens_are_those_that_spans_are_stored_by(page: LabelPage) -> None:
    card = page.next(asked(made(page)))["card"]
    assert "".join(card["tokens"]) == card["answer"]
    assert card["units"][-1] == len(card["tokens"])
    assert card["sentences"] == [(0, len(card["tokens"]) - 1)]


def test_a_queue_is_searched_in_questions_and_answers(page: LabelPage) -> None:
    queue = made(page)
    card = page.next(asked(queue))["card"]
    page.put(asked(queue, key=card["key"], verdict="partly"))
    found = page.search(asked(queue, text=card["question"].upper()))
    assert [(each["key"], each["said"]) for each in found] == [(card["key"], "partly correct")]
    assert len(page.search(asked(queue, text="the capital"))) == ANSWERS
    assert len(page.search(asked(queue, text="Sydney"))) == 1
    assert page.search(asked(queue, text="  ")) == page.search(asked(queue, text="%")) == []
    assert page.card({"key": found[0]["key"], "labeller": ""})["question"] == card["question"]


def test_labels_recalibrate_and_a_click_activates(page: LabelPage) -> None:
    store = page.workbench.store
    queue = made(page)
    with pytest.raises(InvalidInput, match="0 labels are too few"):
        page.recalibrate({"queue": queue})
    put_run(store, "run-2", graded=30, n_samples=0)
    queue = made(page, run="run-2", order="random")
    while card := page.next(asked(queue))["card"]:
        is_correct = store.runs.record(*card["key"]).correct
        page.put(asked(queue, key=card["key"], verdict="correct" if is_correct else "incorrect"))
    now = page.recalibrate({"queue": queue})
    while "job" in now:
        assert now["words"].startswith("Fitting")
        now = page.recalibrating({"job": now["job"]})
    assert [row["name"] for row in now["rows"]] == ["AUROC", "ECE", "Brier"]
    assert "Fitted on all 30 labels, so that none is left to prove a guarantee" in now["note"]
    assert "30 labelled answers" in now["note"]
    assert page.activate({"version": now["version"]}) == {"active": now["version"]}
    active = page.workbench.active.calibrator
    assert active is not None
    assert active.version == now["version"]


def test_an_answer_that_was_deleted_leaves_the_queue_and_the_next_one_comes(page: LabelPage) -> None:
    queue = made(page)
    card = page.next(asked(queue))["card"]
    page.workbench.store.delete_run("run-1")
    assert "deleted" in page.put(asked(queue, key=card["key"], verdict="correct"))["gone"]
    page.delete({"queue": queue})
    with pytest.raises(NotFound):
        page.put(asked(queue, key=card["key"], verdict="correct"))
