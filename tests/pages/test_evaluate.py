"""The Evaluate page's calls: runs asked, stopped, gone on with, measured, opened and deleted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from codex.ask.workbench import Workbench
from codex.errors import Conflict, InvalidInput, NotFound
from codex.jobs import Jobs
from codex.pages.evaluate import downloads
from codex.pages.evaluate.page import EvaluatePage
from codex.pages.evaluate.view import PAGE
from codex.settings import load_settings
from codex.store import Store
from tests.support.evaluated import put_run
from tests.support.reliable import trust
from tests.support.scripted import Script, ScriptedEngine

WAIT = 60.0
"""Seconds in which a few scripted answers are surely given and measured, on a busy machine."""
ASKED = {
    "dataset": "capitals",
    "limit": 6,
    "n_samples": 2,
    "sample_temperature": 1.0,
    "max_tokens": 16,
    "name": "",
}


@pytest.fixture
def page(tmp_path: Path) -> Iterator[EvaluatePage]:
    settings = load_settings([f"home={trust(tmp_path)}"])
    engine = ScriptedEngine(lambda prompt: Script(["It", " is", " Paris", "."], samples=["Paris.", "Rome."]))
    workbench = Workbench(settings, engine, Store(tmp_path / "codex.duckdb"))
    jobs = Jobs()
    yield EvaluatePage(workbench, jobs)
    jobs.close()
    workbench.close()


def engine_of(page: EvaluatePage) -> ScriptedEngine:
    assert isinstance(page.workbench.engine, ScriptedEngine)
    return page.workbench.engine


def lines(page: EvaluatePage) -> dict[str, dict[str, Any]]:
    return {line["id"]: line for line in page.look({})["runs"]}


def opened(page: EvaluatePage, run: str) -> dict[str, Any]:
    """A run, once its metrics are there."""
    deadline = time.monotonic() + WAIT
    while (shown := page.open({"run": run}))["computing"]:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return shown


def listed(evaluate: EvaluatePage, run: str, **wanted: Any) -> list[str]:
    return [row["id"] for row in evaluate.questions({"run": run, **wanted})["rows"]]


def test_at_first_there_is_nothing_but_a_proposal(page: EvaluatePage) -> None:
    looked = page.look({})
    assert (looked["job"], looked["runs"], looked["busy"]) == (None, [], None)
    assert looked["example"] == {"dataset": "capitals", "limit": 100}
    assert page.look({"seen": looked["version"]})["runs"] is None
    assert "capitals" in [each["name"] for each in page.datasets({})]


def test_a_set_is_asked_and_every_question_kept(page: EvaluatePage) -> None:
    job = page.start({**ASKED, "name": "mine"})
    assert page.jobs.wait(job["id"], WAIT).state == "done"
    ended = page.look({})["job"]
    assert (ended["done"], ended["total"], ended["unit"]) == (6, 6, "questions")
    assert ended["summary"].startswith("6 answers graded")
    line = lines(page)[ended["run"]]
    assert (line["name"], line["state"], line["done"], line["resumable"]) == ("mine", "done", 6, False)
    facts = dict(page.open({"run": line["id"]})["facts"])
    assert facts["samples"] == "2 samples at temperature 1"


def test_a_run_that_is_stopped_goes_on_without_asking_twice(page: EvaluatePage) -> None:
    engine_of(page).delay = 0.05
    job = page.start(ASKED)
    with pytest.raises(Conflict, match="in progress"):
        page.start(ASKED)
    run = job["run"]
    deadline = time.monotonic() + WAIT
    while page.look({})["job"]["done"] < 2 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert lines(page)[run]["state"] == "running"
    with pytest.raises(Conflict, match="cancel it first"):
        page.delete({"run": run})
    page.cancel({"job": job["id"]})
    assert page.jobs.wait(job["id"], WAIT).state == "cancelled"
    line = lines(page)[run]
    assert (line["state"], line["resumable"]) == ("stopped", True)
    assert 2 <= line["done"] < 6
    engine_of(page).delay = 0.0
    assert page.jobs.wait(page.resume({"run": run})["id"], WAIT).state == "done"
    assert lines(page)[run]["done"] == 6
    assert len(lines(page)) == 1


def test_a_run_is_extended_and_its_scores_are_those_of_all_its_answers(page: EvaluatePage) -> None:
    job = page.start(ASKED)
    assert page.jobs.wait(job["id"], WAIT).state == "done"
    run = job["run"]
    assert lines(page)[run]["extendable"]
    opened(page, run)
    with pytest.raises(InvalidInput, match="at least 1"):
        page.extend({"run": run, "more": 0})
    longer = page.extend({"run": run, "more": 3})
    assert (longer["run"], page.jobs.wait(longer["id"], WAIT).state) == (run, "done")
    line = lines(page)[run]
    assert (line["done"], line["total"], line["graded"], line["state"]) == (9, 9, 9, "done")
    assert len(listed(page, run)) == 9
    put_run(page.workbench.store, "whole")
    assert not lines(page)["whole"]["extendable"]


def test_before_a_run_starts_it_is_said_what_it_is_good_for(page: EvaluatePage) -> None:
    put_run(page.workbench.store, model=page.workbench.engine.fingerprint)
    said = page.estimate({**ASKED, "limit": 60, "n_samples": 5})
    assert said[0].startswith("60 questions: about 15 seconds.")
    assert len(said) == 3
    with pytest.raises(InvalidInput):
        page.estimate({**ASKED, "max_tokens": 0})


def test_a_run_of_another_model_cannot_go_on_and_says_so(page: EvaluatePage) -> None:
    put_run(page.workbench.store, graded=3, total=5, state="cancelled", model="another:model:q4")
    with pytest.raises(Conflict, match="another:model:q4"):
        page.resume({"run": "run-1"})


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        ({"dataset": "none"}, NotFound),
        ({"limit": 0}, InvalidInput),
        ({"n_samples": 10_000}, InvalidInput),
        ({"max_tokens": 0}, InvalidInput),
        ({"sample_temperature": -1}, InvalidInput),
    ],
)
def test_what_cannot_be_asked_is_refused_and_leaves_no_run(
    page: EvaluatePage, wanted: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        page.start({**ASKED, **wanted})
    assert lines(page) == {}


def test_a_run_in_which_every_question_failed_is_a_failed_one_and_says_why(page: EvaluatePage) -> None:
    def refuse(prompt: str) -> Script:
        raise InvalidInput("It is too long.")

    engine_of(page).script = refuse
    job = page.start(ASKED)
    assert page.jobs.wait(job["id"], WAIT).state == "done"
    shown = page.look({})
    (line,) = shown["runs"]
    assert (line["state"], line["failure"], line["graded"]) == ("failed", "It is too long.", 0)
    assert (shown["job"]["state"], "It is too long." in shown["job"]["error"]) == ("failed", True)
    page.delete({"run": line["id"]})
    assert page.look({})["job"]["state"] == "failed"


def test_a_run_in_which_some_questions_failed_is_done(page: EvaluatePage) -> None:
    put_run(page.workbench.store, graded=3, failed=2)
    line = lines(page)["run-1"]
    assert (line["state"], line["failure"]) == ("done", "")


def test_a_run_is_measured_in_the_background_and_its_signals_ranked(page: EvaluatePage) -> None:
    put_run(page.workbench.store, graded=60)
    shown = opened(page, "run-1")
    scores = shown["scores"]
    ranked = [name for name, _ in scores["signals"]]
    assert set(ranked) > {"min_prob_focus", "answer_frequency_focus"}
    bars = scores["ranking"]["data"][0]
    # Answers are correct with the probability of their weakest token: an AUROC of 0.83 if there were many.
    assert max(bars["x"]) > 0.7
    assert len(bars["x"]) == len(ranked) + 1
    assert "Cross-fitted confidence" in bars["y"]
    line = lines(page)["run-1"]
    assert line["best_auroc"] >= line["auroc"] - 0.1
    assert 0 <= line["ece"] < 0.5
    assert shown["calibrate"]


@pytest.mark.parametrize(
    ("graded", "correct", "words"),
    [(12, None, "30"), (40, False, "incorrect"), (40, True, "correct"), (0, None, "graded")],
)
def test_what_cannot_be_measured_says_why(
    page: EvaluatePage, graded: int, correct: bool | None, words: str
) -> None:
    chosen = {} if correct is None else {"correct": lambda chance, rng: correct}
    put_run(page.workbench.store, graded=graded, failed=2, **chosen)
    shown = opened(page, "run-1")
    assert words in shown["note"]
    assert shown["run"]["failed"] == 2
    assert len(listed(page, "run-1")) == graded + 2


def test_questions_are_filtered_sorted_and_turned_in_pages(page: EvaluatePage) -> None:
    put_run(page.workbench.store, graded=PAGE + 5, failed=3)
    first = page.questions({"run": "run-1"})
    assert (len(first["rows"]), first["total"]) == (PAGE, PAGE + 8)
    assert first["counts"]["correct"] + first["counts"]["incorrect"] == PAGE + 5
    last = page.questions({"run": "run-1", "page": 1})
    assert [row["correct"] for row in last["rows"][-3:]] == [None, None, None]
    assert "longer than" in last["rows"][-1]["error"]
    assert not set(listed(page, "run-1")) & set(listed(page, "run-1", page=1))
    assert len(listed(page, "run-1", filter="not graded")) == 3
    incorrect = page.questions({"run": "run-1", "filter": "incorrect", "sort": "confidence", "down": True})[
        "rows"
    ]
    assert {row["correct"] for row in incorrect} == {False}
    said = [row["confidence"] for row in incorrect]
    assert said == sorted(said, reverse=True)
    assert listed(page, "run-1", page=99) == listed(page, "run-1", page=1)


def test_a_question_opens_to_its_tokens_samples_and_grade(page: EvaluatePage) -> None:
    put_run(page.workbench.store, graded=3, failed=1)
    read = page.question({"run": "run-1", "question": "q1"})
    last = read["last"]
    assert "".join(token["text"] for token in last["tokens"]) == last["text"]
    assert last["samples"]["total"] == 5
    assert last["tokens"][last["weakest"]]["p"] == min(t["p"] for t in last["tokens"])
    assert read["confidence"] is not None
    failed = page.question({"run": "run-1", "question": "q3"})
    assert (failed["correct"], failed["confidence"], failed["last"]["weakest"]) == (None, None, None)
    assert "longer than" in failed["error"]


def test_a_question_says_where_its_confidence_comes_from(page: EvaluatePage) -> None:
    put_run(page.workbench.store, graded=60)
    wanted = {"run": "run-1", "question": "q1"}
    assert page.question(wanted)["source"] == "heuristic"
    opened(page, "run-1")
    assert page.question(wanted)["source"] == "cross-fitted on this run"


def test_one_signal_stands_against_another_with_the_questions_behind_the_marks(page: EvaluatePage) -> None:
    put_run(page.workbench.store, graded=40)
    figure = page.scatter({"run": "run-1", "x": "min_prob_focus", "y": "answer_frequency_focus"})
    assert sum(len(trace["x"]) for trace in figure["data"]) == 40
    assert {each for trace in figure["data"] for each in trace["customdata"]} == {f"q{i}" for i in range(40)}
    with pytest.raises(NotFound, match="nothing"):
        page.scatter({"run": "run-1", "x": "nothing", "y": "answer_frequency_focus"})


def test_a_deleted_run_is_gone_for_every_call(page: EvaluatePage) -> None:
    put_run(page.workbench.store, graded=12)
    opened(page, "run-1")
    page.delete({"run": "run-1"})
    assert lines(page) == {}
    for call in (page.open, page.questions, page.delete):
        with pytest.raises(NotFound, match="deleted"):
            call({"run": "run-1"})


@pytest.mark.parametrize("name", ["report.html", "records.csv", "records.ndjson"])
def test_a_run_can_be_downloaded_in_every_form(page: EvaluatePage, name: str) -> None:
    put_run(page.workbench.store, graded=40, failed=1, name="../Ünsafe name\n")
    app = FastAPI()
    app.state.workbench = page.workbench
    app.include_router(downloads.router)
    with TestClient(app) as client:
        answer = client.get(f"/evaluate-runs/run-1/{name}")
        assert answer.status_code == 200
        assert len(answer.content) > 1000
        assert "attachment" in answer.headers["content-disposition"]
        assert "/" not in answer.headers["content-disposition"]
        if name == "report.html":
            assert "<dt>confidence</dt><dd>cross-fitted on these answers" in answer.text
        if name == "records.ndjson":
            assert len(answer.text.splitlines()) == 41
        gone = client.get(f"/evaluate-runs/none/{name}")
        assert gone.status_code == 404
        assert "deleted" in gone.text
        assert client.get("/evaluate-runs/run-1/other.txt").status_code == 422
