"""Follow-ups over HTTP: turns that come with the request, or that it names."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.scripted import Script
from tests.support.serving import Serve, Served, assert_error

HISTORY = [
    {"role": "user", "content": "What is the capital of Norway?"},
    {"role": "assistant", "content": "Oslo."},
]


def test_history_is_shown_to_the_model_and_told_of(sure: Served) -> None:
    told = sure.http.post("/infer", json={"query": "And of Australia?", "history": HISTORY}).json()
    assert "Oslo." in sure.scripted.decodes[-1]
    assert told["conversation"] == {
        "turns": 1,
        "dropped": 0,
        "tokens": None,
        "context": None,
        "follows": None,
    }
    assert told["confidence_note"] == "not calibrated"


def test_follows_is_the_same_as_sending_the_conversation(sure: Served) -> None:
    first = sure.http.post("/infer", json={"query": "One?"}).json()
    second = sure.http.post("/infer", json={"query": "Two?", "follows": first["trace_id"]}).json()
    assert second["session_id"] == first["session_id"]
    assert second["conversation"]["follows"] == first["trace_id"]
    history = [{"role": "user", "content": "One?"}, {"role": "assistant", "content": first["answer"]}]
    sure.http.post("/infer", json={"query": "Two?", "history": history})
    assert sure.scripted.decodes[-1] == sure.scripted.decodes[-2]


def test_a_first_question_has_no_conversation(sure: Served) -> None:
    assert sure.http.post("/infer", json={"query": "One?", "history": []}).json()["conversation"] is None


def test_a_stream_takes_history_too(sure: Served) -> None:
    body = {"query": "And of Australia?", "history": HISTORY}
    lines = sure.http.post("/infer/stream", json=body).text.splitlines()
    last = json.loads([line for line in lines if line.startswith("data: ")][-1][6:])
    assert last["reply"]["conversation"]["turns"] == 1
    assert last["trace"]["params"]["conversation"]["turns"] == 1


@pytest.mark.parametrize("path", ["/infer", "/infer/stream"])
@pytest.mark.parametrize(
    ("history", "field"),
    [
        ([{"role": "user", "content": " "}, HISTORY[1]], "history.0.content"),
        ([HISTORY[0], HISTORY[0]], "history"),
        (HISTORY[:1], "history"),
        (HISTORY[1:], "history"),
        ([{"role": "user", "content": "x" * 1_000_001}, HISTORY[1]], "history"),
        ([{"role": "robot", "content": "Beep."}], "history.0.role"),
        (HISTORY * 501, "history"),
    ],
    ids=["empty", "two users", "no answer", "assistant first", "too long", "role", "too many"],
)
def test_a_history_that_is_none_is_422(sure: Served, path: str, history: Any, field: str) -> None:
    response = sure.http.post(path, json={"query": "Two?", "history": history})
    assert_error(response, 422, [field])


def test_what_is_followed_must_be_stored(sure: Served) -> None:
    assert_error(sure.http.post("/infer", json={"query": "Two?", "follows": "none"}), 404)


def test_only_who_asked_follows_up_what_was_not_kept(serve: Serve) -> None:
    served = serve(Script(["Canberra"]))
    first = served.http.post("/infer", json={"query": "A secret?"}).json()
    served.http.cookies.clear()
    response = served.http.post("/infer", json={"query": "Two?", "follows": first["trace_id"]})
    assert "secret" not in json.dumps(assert_error(response, 409))
