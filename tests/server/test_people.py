"""People's answers over HTTP, and who gets them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from tests.support.reliable import trust
from tests.support.scripted import Script, ScriptedEngine
from tests.support.serving import Served, assert_error, running, workbench

QUESTION = "What is the capital of Australia?"
UNSURE = Script(["Perhaps", " Sydney"], [0.5, 0.35], samples=["Perhaps Sydney", "Canberra"])


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = trust(tmp_path_factory.mktemp("home"))
    bench = workbench(home, ScriptedEngine(lambda prompt: UNSURE), "store.privacy=full")
    with running(bench) as started:
        yield started


def infer(http: httpx.Client, question: str) -> dict[str, object]:
    told: dict[str, object] = http.post("/infer", json={"query": question}).json()
    return told


def test_a_deferred_question_is_answered_edited_withdrawn_and_deleted(served: Served) -> None:
    http = served.http
    deferred = infer(http, QUESTION)
    assert deferred["decision"] == "defer"
    [waiting] = http.get("/answers/open").json()
    assert (waiting["question"], waiting["trace_id"]) == (QUESTION, deferred["trace_id"])

    made = http.post(
        "/answers", json={"trace_id": waiting["trace_id"], "answer": "Canberra", "author": "Ada"}
    )
    assert made.status_code == 201
    path = f"/answers/{made.json()['id']}"
    assert http.get("/answers/open").json() == []
    with httpx.Client(base_url=http.base_url, timeout=30) as other:  # another user
        told = infer(other, "whats the capital of australia")
    assert told["answer"] == "Canberra"
    assert told["model_answer"] == "Perhaps Sydney"
    with httpx.Client(base_url=http.base_url, timeout=30) as other:
        trace = other.get(f"/traces/{told['trace_id']}").text
    for seen in (json.dumps(told), trace):  # Who asked first, and how, is told to nobody.
        assert QUESTION not in seen
        assert str(deferred["trace_id"]) not in seen
    person = told["person_answer"]
    assert isinstance(person, dict)
    assert set(person) == {"id", "answer", "author", "source", "made_at", "same", "similarity"}
    assert (person["author"], person["same"]) == ("Ada", False)
    assert infer(http, "What is the capital of Austria?")["person_answer"] is None

    changed = {"answer": "Canberra (ACT)", "author": "Ada", "source": "atlas"}
    assert http.put(path, json=changed | {"expires_at": "2999-01-31T00:00:00Z"}).json()["edited_at"]
    assert infer(http, QUESTION)["answer"] == "Canberra (ACT)"
    assert http.post(f"{path}/withdraw").json()["withdrawn_at"]
    assert infer(http, QUESTION)["person_answer"] is None
    assert [each["answer"] for each in http.get("/answers").json()] == ["Canberra (ACT)"]
    assert http.delete(path).status_code == 204
    assert http.get("/answers").json() == []


@pytest.mark.parametrize(
    ("body", "status", "fields"),
    [
        ({"answer": "a", "author": "Ada"}, 422, ["question", "trace_id"]),
        ({"question": QUESTION, "answer": " ", "author": "Ada"}, 422, ["answer"]),
        (
            {"question": QUESTION, "answer": "a", "author": "Ada", "expires_at": "2020-01-01T00:00:00Z"},
            422,
            ["expires_at"],
        ),
        (
            {"question": QUESTION, "answer": "a", "author": "Ada", "expires_at": "99999999999"},
            422,
            ["expires_at"],
        ),
        ({"trace_id": "nowhere", "answer": "a", "author": "Ada"}, 404, []),
    ],
    ids=["no question", "blank", "in the past", "a time as a number", "no such trace"],
)
def test_what_cannot_be_kept_is_refused(
    served: Served, body: dict[str, str], status: int, fields: list[str]
) -> None:
    assert_error(served.http.post("/answers", json=body), status, fields)


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_an_answer_that_is_gone_is_not_found(served: Served, method: str) -> None:
    body = {"json": {"answer": "a", "author": "b"}} if method == "PUT" else {}
    assert_error(served.http.request(method, "/answers/gone", **body), 404)  # type: ignore[arg-type]
    assert_error(served.http.post("/answers/gone/withdraw"), 404)
