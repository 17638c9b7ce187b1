"""Probes over HTTP: trained in the background, activated, rolled back and deleted; nothing runs beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.evaluated import put_run
from tests.support.probed import KnowingEngine, knowing, put_known
from tests.support.serving import Served, assert_error, eventually, running, workbench

WAIT = 60
"""Seconds, far more than anything here takes."""


@pytest.fixture(scope="module")
def engine() -> KnowingEngine:
    return knowing()


@pytest.fixture(scope="module")
def served(engine: KnowingEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with running(workbench(tmp_path_factory.mktemp("home"), engine)) as started:
        put_known(started.workbench.store, engine, graded=120)
        yield started


def ended(served: Served, job_id: str) -> dict[str, Any]:
    """A job at its end."""
    served.http.get(f"/jobs/{job_id}")
    assert eventually(lambda: served.http.get(f"/jobs/{job_id}").json()["state"] != "running", WAIT)
    job: dict[str, Any] = served.http.get(f"/jobs/{job_id}").json()
    return job


def test_probes_are_trained_activated_rolled_back_and_deleted(served: Served) -> None:
    http = served.http
    begun = http.post("/probes/train", json={"runs": ["run-1"], "name": "autumn", "layers": [0.7]})
    assert begun.status_code == 202
    assert (begun.json()["kind"], begun.json()["about"]) == ("train", "")
    job = ended(served, begun.json()["id"])
    assert (job["state"], job["error"], job["done"], job["total"]) == ("done", None, 120, 120)
    version = job["about"]
    made = http.get(f"/probes/{version}").json()
    assert (made["name"], made["runs"], made["active"]) == ("autumn", ["run-1"], False)
    assert made["targets"] == ["answer", "question", "entropy"]
    assert made["in_domain"][""]["low"] > 0
    assert "They help" in made["advice"]
    assert http.get("/probes").json() == [made]

    assert http.post("/probes/activate", json={"version": version}).json() == {"version": version}
    assert http.get(f"/probes/{version}").json()["active"]
    assert "is active" in assert_error(http.delete(f"/probes/{version}"), 409)["message"]
    assert http.post("/probes/rollback").json() == {"version": None}
    assert_error(http.post("/probes/rollback"), 409)
    assert http.post("/probes/activate", json={"version": None}).json() == {"version": None}
    assert http.delete(f"/probes/{version}").status_code == 204
    assert_error(http.get(f"/probes/{version}"), 404)
    assert_error(http.delete(f"/probes/{version}"), 404)
    assert_error(http.post("/probes/activate", json={"version": version}), 404)
    assert http.get("/probes").json() == []


def test_what_cannot_be_trained_on_says_why(served: Served, engine: KnowingEngine) -> None:
    http, store = served.http, served.workbench.store
    assert_error(http.post("/probes/train", json={"runs": ["nowhere"]}), 404)
    assert_error(http.post("/probes/train", json={"runs": []}), 422, ["runs"])
    assert_error(http.post("/probes/train", json={"runs": ["run-1"], "name": " "}), 422, ["name"])
    assert_error(http.post("/probes/train", json={"runs": ["run-1"], "layers": [1.5]}), 422, ["layers.0"])
    put_run(store, "other", model="scripted:other:none", graded=4)
    error = assert_error(http.post("/probes/train", json={"runs": ["other"]}), 422, ["runs"])
    assert "is of scripted:other:none" in error["message"]
    put_known(store, engine, "few", graded=4, n_samples=1)
    job = ended(served, http.post("/probes/train", json={"runs": ["few"]}).json()["id"])
    assert job["state"] == "failed"
    assert "too few labels" in job["error"]["message"]
    engine.shows = "none"
    try:
        error = assert_error(http.post("/probes/train", json={"runs": ["run-1"]}), 501)
        assert "engine=huggingface" in error["message"]
    finally:
        engine.shows = "all layers"


def test_nothing_else_that_needs_the_model_runs_beside_a_training(
    served: Served, engine: KnowingEngine
) -> None:
    http = served.http
    before = len(http.get("/evaluations").json())
    engine.gate.clear()
    try:
        begun = http.post("/probes/train", json={"runs": ["run-1"]}).json()
        error = assert_error(http.post("/probes/train", json={"runs": ["run-1"]}), 409)
        assert "Training probe is under way" in error["message"]
        error = assert_error(http.post("/evaluations", json={"dataset": "capitals"}), 409)
        assert "Training probe is under way" in error["message"]
        assert len(http.get("/evaluations").json()) == before
        assert http.post(f"/jobs/{begun['id']}/cancel").status_code == 204
    finally:
        engine.gate.set()
    assert ended(served, begun["id"])["state"] == "cancelled"
    assert http.get("/probes").json() == []

    engine.delay = 0.05
    try:
        asked = http.post("/evaluations", json={"dataset": "capitals", "n_samples": 1}).json()
        error = assert_error(http.post("/probes/train", json={"runs": ["run-1"]}), 409)
        assert "is under way" in error["message"]
        assert http.post(f"/evaluations/{asked['id']}/cancel").status_code == 204
    finally:
        engine.delay = 0.0
    assert ended(served, asked["job"]["id"])["state"] == "cancelled"
