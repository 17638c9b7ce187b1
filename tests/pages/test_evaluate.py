"""The Evaluate page's calls: runs asked, stopped, gone on with, measured, opened and deleted."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from codex.ask.workbench import Workbench
from codex.errors import Conflict, InvalidInput, NotFound
from codex.jobs import Jobs
from codex.pages.background import Outdated
from codex.pages.evaluate import downloads
from codex.pages.evaluate.page import EvaluatePage
from codex.pages.evaluate.questions import PAGE, Listed
from codex.pages.evaluate.scores import _key
from codex.settings import load_settings
from codex.store import Store
from codex.store.evaluation.table import Lines
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
    assert isinstance(page.workbench.model.engine, ScriptedEngine)
    return page.workbench.model.engine


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
    with pytest.raises(InvalidInput, match="a whole number from 1 up"):
        page.extend({"run": run, "more": 0})
    longer = page.extend({"run": run, "more": 3})
    assert (longer["run"], page.jobs.wait(longer["id"], WAIT).state) == (run, "done")
    line = lines(page)[run]
    assert (line["done"], line["total"], line["graded"], line["state"]) == (9, 9, 9, "done")
    assert len(listed(page, run)) == 9
    put_run(page.workbench.store, "whole")
    assert not lines(page)["whole"]["extendable"]


def test_before_a_run_starts_it_is_said_what_it_is_good_for(page: EvaluatePage) -> None:
    put_run(page.workbench.store, model=page.workbench.model.engine.fingerprint)
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
    assert page.question(wanted)["source"] == "estimated"
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


def test_a_persons_verdict_counts_in_the_list_the_facts_the_scores_and_the_files(page: EvaluatePage) -> None:
    store = page.workbench.store
    put_run(store, graded=40, failed=1)
    before = opened(page, "run-1")
    first = next(row for row in page.questions({"run": "run-1", "filter": "incorrect"})["rows"])
    wanted = {"run": "run-1", "question": first["id"]}
    page.label({**wanted, "verdict": "correct"})
    after = opened(page, "run-1")
    assert after["run"]["accuracy"] == pytest.approx(before["run"]["accuracy"] + 1 / 40)
    assert after["scores"]["confidence"] != before["scores"]["confidence"]
    assert dict(after["facts"])["labels"] == "1 grade corrected by a person"
    listed = page.questions({"run": "run-1", "filter": "by a person"})
    assert [(it["id"], it["correct"], it["grader_correct"]) for it in listed["rows"]] == [
        (first["id"], True, False)
    ]
    assert listed["counts"]["by a person"] == 1
    read = page.question(wanted)
    assert (read["correct"], read["by_person"], read["grader_correct"]) == (True, True, False)
    rows = {row["id"]: row for row in downloads._rows(store, "run-1")}
    assert rows[first["id"]]["correct"] is rows[first["id"]]["by_person"] is True
    assert rows[first["id"]]["grader_correct"] is False
    page.label({**wanted, "verdict": "not gradable"})
    assert page.question(wanted)["confidence"] is None
    assert opened(page, "run-1")["run"]["graded"] == 39
    page.label({**wanted, "verdict": "grader"})
    assert opened(page, "run-1") == before
    with pytest.raises(InvalidInput, match="perhaps"):
        page.label({**wanted, "verdict": "perhaps"})
    with pytest.raises(Conflict, match="failed"):
        page.label({"run": "run-1", "question": "q40", "verdict": "correct"})


def test_what_is_kept_of_a_run_is_not_that_of_other_verdicts(page: EvaluatePage) -> None:
    put_run(page.workbench.store, graded=40)
    before = opened(page, "run-1")
    # As many are correct as before, so that only the verdicts themselves tell the two states apart.
    chosen = {shown: listed(page, "run-1", filter=shown)[0] for shown in ("correct", "incorrect")}
    for shown, verdict in (("correct", "incorrect"), ("incorrect", "correct")):
        page.label({"run": "run-1", "question": chosen[shown], "verdict": verdict})
    after = opened(page, "run-1")
    assert after["run"]["accuracy"] == before["run"]["accuracy"]
    assert after["scores"]["confidence"] != before["scores"]["confidence"]


def test_scores_of_other_verdicts_are_not_kept_under_those_of_before(page: EvaluatePage) -> None:
    put_run(page.workbench.store, graded=12)
    before = _key(page.workbench.store.runs.get("run-1"))
    page.label({"run": "run-1", "question": "q1", "verdict": "not gradable"})
    nothing: Any = None
    with pytest.raises(Outdated):
        page.scores._measure(before, nothing)
    assert not page.scores._kept.folder.exists()


def test_questions_are_searched_in_question_answer_and_accepted_answers(page: EvaluatePage) -> None:
    put_run(page.workbench.store, graded=20, failed=1)
    found = page.questions({"run": "run-1", "search": "CANBERRA  australia 1"})
    assert [row["id"] for row in found["rows"]] == ["q10"]
    assert found["counts"]["all"] == found["total"] == 1
    # Toronto is Denmark's answer, and what Canada's would have to be where it is incorrect.
    toronto = page.questions({"run": "run-1", "search": "toronto"})["rows"]
    accepted = dict(zip(*_answers(page), strict=True))
    assert {row["id"] for row in toronto} == {"q3", "q13"} | {
        each for each in ("q2", "q12") if "Toronto" in accepted[each]
    }
    both = page.questions({"run": "run-1", "search": "capital", "filter": "incorrect"})
    assert both["total"] == both["counts"]["incorrect"] < both["counts"]["all"] == 21
    assert page.questions({"run": "run-1", "search": "no such words"})["rows"] == []


def _answers(page: EvaluatePage) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    lines = page.workbench.store.runs.lines("run-1")
    return lines.ids, lines.answers


def test_all_that_match_are_copied_as_a_table_without_a_formula(page: EvaluatePage) -> None:
    lines = Lines(
        ids=("=1+1", "b"),
        questions=("What\tis\nthis?", '"Quoted"?'),
        texts=("@SUM(A1)", "yes"),
        answers=(("-1+2", "x"), ("no",)),
        groups=("s", "s"),
        graders=("exact", "exact"),
        correct=(True, None),
        by_person=(False, True),
        grader_correct=(True, False),
        errors=("", ""),
    )
    text = Listed.of(lines, np.array([0.5])).copied({})["text"]
    assert text.splitlines() == [
        "id\tquestion\tanswer\taccepted\tgrade\tby a person\tconfidence",
        "'=1+1\tWhat is this?\t'@SUM(A1)\t'-1+2 | x\tcorrect\tno\t0.5",
        'b\t"Quoted"?\tyes\tno\tnot graded\tyes\t',
    ]
    put_run(page.workbench.store, graded=PAGE + 5)
    whole = page.copied({"run": "run-1", "search": "question 1"})
    found = [line.partition("\t")[0] for line in whole["text"].splitlines()[1:]]
    assert found == [id_ for id_ in (f"q{at}" for at in range(PAGE + 5)) if "1" in id_]


def compared(page: EvaluatePage, **wanted: Any) -> dict[str, Any]:
    """Two runs, once both are measured."""
    deadline = time.monotonic() + WAIT
    while (shown := page.compare({"run": "run-1", "against": "other", **wanted}))["computing"]:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return shown


def test_a_run_is_compared_with_those_that_were_asked_its_questions(page: EvaluatePage) -> None:
    store = page.workbench.store
    put_run(store, graded=60, name="mine")
    put_run(store, "other", graded=50, name="theirs", correct=lambda chance, rng: chance > 0.5)
    put_run(store, "small", graded=40, name="correct", dataset="cities", correct=lambda *_: True)
    page.workbench.store.runs.create(replace(store.runs.get("small").run, id="empty"))
    assert [each for each, _ in page.others({"run": "run-1"})] == ["small", "other"]
    assert page.others({"run": "empty"}) == []
    shown = compared(page)
    counts = {name: count for name, _, count in shown["outcomes"]}
    assert sum(counts.values()) == 50
    assert "of 50 shared questions correctly than theirs" in shown["summary"]
    assert shown["summary"].startswith("mine answers")
    assert [row["name"] for row in shown["metrics"]][:2] == ["Correct", "AUROC"]
    assert all(row["interval"][0] <= row["interval"][1] for row in shown["metrics"])
    lost = compared(page, show="lost")["rows"]
    assert len(lost) == counts["lost"]
    assert all(not store.runs.record("run-1", row["id"]).correct for row in lost)
    page.label({"run": "run-1", "question": lost[0]["id"], "verdict": "correct"})
    assert {name: count for name, _, count in compared(page)["outcomes"]}["lost"] == counts["lost"] - 1
    page.workbench.store.runs.create(replace(store.runs.get("small").run, id="none"))
    with pytest.raises(InvalidInput, match="share no question"):
        page.compare({"run": "run-1", "against": "none"})


def test_a_run_is_sliced_and_its_list_limited_to_a_slice_or_a_selection_and_kept(page: EvaluatePage) -> None:
    put_run(page.workbench.store, graded=60, failed=2)
    opened(page, "run-1")
    found = page.slices({"run": "run-1"})
    assert found["column"] == found["columns"][0][0]
    assert page.slices({"run": "run-1", "column": "min_prob"})["rows"][-1]["label"] == "missing"
    found = page.slices({"run": "run-1", "column": "answer length"})
    first = found["rows"][0]
    only = {"column": "answer length", "label": first["label"]}
    shown = page.questions({"run": "run-1", "only": only})
    assert shown["total"] == shown["counts"]["all"] == first["n"]
    assert shown["only"] == f"answer length: {first['label']}"
    assert shown["counts"]["correct"] / first["graded"] == pytest.approx(first["accuracy"])
    chosen = {"ids": ["q1", "q4", "q9"]}
    assert listed(page, "run-1", only=chosen) == ["q1", "q4", "q9"]
    assert page.questions({"run": "run-1", "only": chosen})["only"] == "3 selected"
    assert page.questions({"run": "run-1"})["only"] == ""
    said = page.keep({"run": "run-1", "only": chosen, "search": "question 4", "name": "fourth"})
    assert said == "Kept as the dataset fourth: 1 question"
    assert "fourth" in [each["name"] for each in page.datasets({})]
    coloured = page.scatter(
        {"run": "run-1", "x": "min_prob", "y": "answer_frequency_focus", "colour": "answer length"}
    )
    assert sum(len(trace["x"]) for trace in coloured["data"]) == 60
    assert {trace["name"].rpartition(", ")[0] for trace in coloured["data"]} == {
        row["label"] for row in found["rows"] if row["graded"]
    }


def test_a_run_is_sliced_and_coloured_by_a_column_of_its_dataset(page: EvaluatePage) -> None:
    put_run(page.workbench.store, graded=60, dataset="mine")
    lines = page.workbench.store.runs.lines("run-1")
    rows = [
        {"id": id_, "question": asked, "answers": ["x"], "meta": {"region": "south" if at % 3 else "north"}}
        for at, (id_, asked) in enumerate(zip(lines.ids, lines.questions, strict=True))
    ]
    folder = page.workbench.settings.home / "datasets"
    folder.mkdir()
    (folder / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    opened(page, "run-1")
    found = page.slices({"run": "run-1", "column": "column region"})
    assert ("column region", "region") in found["columns"]
    assert [(row["label"], row["n"]) for row in found["rows"]] == [("south", 40), ("north", 20)]
    assert all(row["ece_ci"] for row in found["rows"])
    only = {"column": "column region", "label": "north"}
    assert page.questions({"run": "run-1", "only": only})["total"] == 20
    wanted = {"run": "run-1", "x": "min_prob", "y": "answer_frequency_focus", "colour": "column region"}
    names = {trace["name"].rpartition(", ")[0] for trace in page.scatter(wanted)["data"]}
    assert names == {"south", "north"}


def test_a_run_without_records_has_no_slices(page: EvaluatePage) -> None:
    put_run(page.workbench.store, graded=0, total=3)
    assert page.slices({"run": "run-1"}) == {"columns": [], "column": "", "rows": [], "note": ""}
