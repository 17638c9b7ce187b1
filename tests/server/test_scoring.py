"""Answers that exist already, scored over HTTP."""

from __future__ import annotations

import math
import threading
from typing import Any

import pytest

from tests.support.calibrated import calibrator
from tests.support.scripted import Script
from tests.support.serving import SURE, Serve, Served, assert_error

QUESTION = "What is the capital of Australia?"
ANSWER = "The capital is Canberra."


@pytest.fixture
def calibrated(serve: Serve) -> Served:
    """A server whose calibrator was fitted with two samples."""
    served = serve(SURE, "ask.n_samples=2")
    bench = served.workbench
    made = calibrator(bench.model.engine.fingerprint, n_samples=2)
    bench.store.calibrators.save(made.version, made.name, made.model_dump_json())
    bench.active.activate_calibrator(made.version)
    return served


def scored(served: Served, **body: Any) -> dict[str, Any]:
    response = served.http.post("/score", json={"question": QUESTION, "answer": ANSWER} | body)
    assert response.status_code == 200, response.text
    said: dict[str, Any] = response.json()
    return said


def test_an_answer_has_its_log_probability_and_free_signals(sure: Served) -> None:
    said = scored(sure)
    assert said["logprob"] == pytest.approx(5 * math.log(0.95))
    assert said["signals"]["avg_logprob"] == pytest.approx(math.log(0.95))
    assert said["signals"]["answer_frequency"] is None
    assert said["samples"] == []
    assert b"".join(bytes(token["bytes"]) for token in said["tokens"]).decode() == ANSWER
    assert len(said["focus"]) == len(said["tokens"])


def test_another_answer_is_less_likely(sure: Served) -> None:
    other = scored(sure, answer="The capital is Perth.")
    assert other["logprob"] < scored(sure)["logprob"]
    assert other["confidence"] < scored(sure)["confidence"]


def test_samples_are_drawn_where_they_are_asked_for(serve: Serve) -> None:
    served = serve(Script(["Canberra"], samples=["Canberra", "Perth"]))
    said = scored(served, answer="Canberra", n_samples=3)
    assert len(said["samples"]) == 3
    assert said["signals"]["answer_frequency"] is not None


def test_an_answer_of_ask_has_the_confidence_that_ask_gave_it(calibrated: Served) -> None:
    asked = calibrated.http.post("/infer", json={"query": QUESTION}).json()
    said = scored(calibrated, answer=asked["model_answer"], n_samples=2)
    assert said["confidence"] == asked["confidence"]
    assert said["confidence_note"] == asked["confidence_note"] == "calibrated"


def test_passages_and_history_are_in_the_prompt(serve: Serve) -> None:
    served = serve(SURE)
    said = scored(
        served,
        passages=[{"text": "Canberra is the capital of Australia.", "document": "atlas"}],
        history=[{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}],
        n_samples=1,
    )
    (seen,) = served.scripted.decodes
    assert "Canberra is the capital of Australia." in seen
    assert "<assistant>Hi</assistant>" in seen
    assert said["signals"]["evidence_overlap"] is not None


def test_a_text_after_a_prompt_is_scored_and_never_calibrated(sure: Served) -> None:
    response = sure.http.post("/score", json={"prompt": "The capital of Australia is", "text": " Canberra."})
    said = response.json()
    assert said["logprob"] < 0
    assert said["confidence_note"] == "not calibrated"
    assert "prompt of its own" in said["not_calibrated_because"]


def test_nothing_of_a_score_is_kept(serve: Serve) -> None:
    served = serve(SURE)
    scored(served)
    assert served.http.get("/traces").json()["traces"] == []
    assert served.workbench.traces.under_way == 0


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({}, None),
        ({"answer": "The capital is Perth."}, "not what the model itself would answer"),
        ({"answer": "The capital"}, "not what the model itself would answer"),
        ({"n_samples": 3}, "fitted with 2 samples"),
        (
            {"history": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}]},
            "not to follow-ups",
        ),
    ],
    ids=["own", "other", "cut", "samples", "history"],
)
def test_the_confidence_is_calibrated_for_the_models_own_answer_alone(
    calibrated: Served, options: dict[str, Any], why: str | None
) -> None:
    said = scored(calibrated, **({"n_samples": 2} | options))
    assert (said["confidence_note"] == "calibrated") == (why is None)
    assert (said["not_calibrated_because"] is None) == (why is None)
    assert (why or "") in (said["not_calibrated_because"] or "")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"question": QUESTION},
        {"question": QUESTION, "answer": ANSWER, "prompt": "x", "text": "y"},
        {"prompt": "x", "text": "y", "n_samples": 2},
        {"question": QUESTION, "answer": " "},
        {"question": "", "answer": ANSWER},
        {"question": QUESTION, "answer": ANSWER, "passages": [{"text": ""}]},
    ],
    ids=["nothing", "half", "both", "samples of a text", "blank answer", "no question", "empty passage"],
)
def test_bodies_that_are_refused(sure: Served, body: dict[str, Any]) -> None:
    assert_error(sure.http.post("/score", json=body), 422)


def test_a_full_house_refuses_scores_too(serve: Serve) -> None:
    served = serve(SURE, "ask.max_waiting=1")
    with served.workbench.model.places.taken(None, 1, threading.Event()):
        assert_error(served.http.post("/score", json={"question": QUESTION, "answer": ANSWER}), 503)


def test_tokenize(sure: Served) -> None:
    said = sure.http.post("/tokenize", json={"text": "two words"}).json()
    assert said == {"tokens": [3, 5], "count": 2, "model": sure.workbench.model.engine.fingerprint}
    assert sure.http.post("/tokenize", json={"text": ""}).json()["count"] == 0
