"""A larger model over HTTP: what health, models, an answer, its stream and its trace say of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.serving import Served, events_of, running
from tests.support.two_models import DEFERS, LARGER, QUESTION, two_models

POLICY = DEFERS.model_dump(mode="json", exclude={"guarantee"})
ASKED = {"query": QUESTION, "policy": POLICY}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with running(two_models(tmp_path_factory.mktemp("home"), loaded=False)) as started:
        yield started


def test_health_and_the_list_of_models_name_it_with_its_state(served: Served) -> None:
    served.http.post("/infer", json=ASKED).raise_for_status()
    larger = served.http.get("/healthz").json()["larger"]
    assert (larger["model"], larger["state"], larger["error"]) == (LARGER, "ready", None)
    active = served.http.get("/models").json()["active"]
    assert active["larger"] == larger
    assert active["larger_calibrator"] is None
    unloaded = served.http.delete("/models/active").json()
    assert unloaded["larger"]["state"] == "unloaded"


def test_an_answer_names_the_larger_model_and_its_trace_is_read_back_with_it(served: Served) -> None:
    said = served.http.post("/infer", json=ASKED).json()
    assert (said["larger_model"], said["model"]) == (LARGER, "scripted:test:none")
    assert said["steps"] == ["ask", "larger"]
    assert said["rationale"].startswith(f"the larger model {LARGER} answered; ")
    steps = served.http.get(f"/traces/{said['trace_id']}").json()["steps"]
    assert steps[0]["larger"] is None
    assert steps[1]["larger"] == {"model": LARGER, "calibrator": None, "calibrated_on": []}


def test_the_stream_says_that_a_larger_model_follows(served: Served) -> None:
    events = events_of(served.http, QUESTION, policy=POLICY)
    decisions = [body for name, body in events if name == "decision"]
    assert [(each["step"], each["kind"], each["next"]) for each in decisions] == [
        (0, "ask", "larger"),
        (1, "larger", None),
    ]
    assert events[-1][1]["reply"]["larger_model"] == LARGER


def test_a_policy_with_a_larger_model_is_saved_and_decides_again(served: Served) -> None:
    saved = served.http.post("/policies", json={"name": "larger", "policy": POLICY}).json()
    assert saved["policy"]["larger_above"] == DEFERS.larger_above
    said = served.http.post("/infer", json=ASKED).json()
    again = served.http.post(f"/traces/{said['trace_id']}/redecide", json={"policy": saved["version"]}).json()
    assert again["action"] == "answer"
