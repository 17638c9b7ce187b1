"""Verifiers over HTTP: trained in the background, applied to runs, activated, rolled back and deleted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.serving import Served, assert_error, eventually, running
from tests.support.taught import N, put_colours, random_workbench

WAIT = 60
"""Seconds, far more than anything here takes."""
READOUT = {"runs": ["colours"]}
QUICK = {"runs": ["colours"], "method": "lora", "epochs": 1, "learning_rate": 0.01, "layers": 0.5}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with running(random_workbench(tmp_path_factory.mktemp("home"))) as started:
        started.workbench.model.load()
        put_colours(started.workbench.store, started.workbench.model.engine.fingerprint)
        yield started


def ended(served: Served, job_id: str) -> dict[str, Any]:
    """A job at its end."""
    assert eventually(lambda: served.http.get(f"/jobs/{job_id}").json()["state"] != "running", WAIT)
    job: dict[str, Any] = served.http.get(f"/jobs/{job_id}").json()
    return job


def test_a_readout_is_trained_with_the_model_that_is_loaded_and_applied(served: Served) -> None:
    http, bench = served.http, served.workbench
    job = ended(served, http.post("/verifiers/train", json=READOUT).json()["id"])
    assert (job["state"], job["error"]) == ("done", None)
    version = job["about"]
    made = http.get(f"/verifiers/{version}").json()
    assert (made["method"], made["epochs"], made["curve"], made["layers"][1]) == ("readout", 0, [], 2)
    assert made["metrics"]["trained"]["auroc"]["value"] > 0.9
    job = ended(
        served, http.post("/verifiers/apply", json={"version": version, "runs": ["colours"]}).json()["id"]
    )
    assert (job["state"], job["done"]) == ("done", N)
    assert bench.model.engine.is_loaded
    record = next(iter(bench.store.runs.records("colours")))
    assert record.observation.verdict is not None
    assert record.observation.verdict.trained == version
    assert record.signals["p_true"] is not None
    assert http.delete(f"/verifiers/{version}").status_code == 204


def test_a_verifier_is_trained_applied_activated_rolled_back_and_deleted(served: Served) -> None:
    http = served.http
    begun = http.post("/verifiers/train", json=QUICK | {"name": "green"})
    assert begun.status_code == 202
    assert (begun.json()["kind"], begun.json()["title"]) == ("train", "Training green")
    error = assert_error(http.post("/verifiers/train", json=QUICK), 409)
    assert "Training green is under way" in error["message"]
    job = ended(served, begun.json()["id"])
    assert (job["state"], job["error"]) == ("done", None)
    version = job["about"]
    made = http.get(f"/verifiers/{version}").json()
    assert (made["name"], made["runs"], made["active"]) == ("green", ["colours"], False)
    assert (made["layers"], made["rank"], len(made["curve"])) == ([2, 2], 8, 1)
    assert set(made["metrics"]) == {"zero_shot", "trained"}
    assert http.get("/verifiers").json() == [made]

    job = ended(
        served, http.post("/verifiers/apply", json={"version": version, "runs": ["colours"]}).json()["id"]
    )
    assert (job["state"], job["done"], job["total"], job["about"]) == ("done", N, N, version)
    assert served.workbench.store.runs.get("colours").run.verifier == version

    assert http.post("/verifiers/activate", json={"version": version}).json() == {"version": version}
    assert served.workbench.active.verifier.in_use is not None
    assert "is active" in assert_error(http.delete(f"/verifiers/{version}"), 409)["message"]
    assert http.post("/verifiers/rollback").json() == {"version": None}
    assert_error(http.post("/verifiers/rollback"), 409)
    assert http.patch(f"/verifiers/{version}", json={"name": "grass"}).json()["name"] == "grass"
    assert http.delete(f"/verifiers/{version}").status_code == 204
    assert not list((served.workbench.settings.home / "verifiers").iterdir())
    assert_error(http.get(f"/verifiers/{version}"), 404)
    assert_error(http.post("/verifiers/activate", json={"version": version}), 404)


def test_what_cannot_be_trained_on_says_why(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    http, bench = served.http, served.workbench
    assert_error(http.post("/verifiers/train", json={"runs": ["nowhere"]}), 404)
    assert_error(http.post("/verifiers/train", json=QUICK | {"epochs": 0}), 422, ["epochs"])
    put_colours(bench.store, "llama_cpp:other:Q4", "other")
    error = assert_error(http.post("/verifiers/train", json=QUICK | {"runs": ["other"]}), 422, ["run"])
    assert "are by llama_cpp:other:Q4" in error["message"]
    put_colours(bench.store, bench.model.engine.fingerprint, "alike", lambda at: True)
    error = assert_error(http.post("/verifiers/train", json=QUICK | {"runs": ["alike"]}), 422)
    assert "0 are incorrect" in error["message"]
    monkeypatch.setattr("codex.training.verifier_models.available_memory", lambda: 1000)
    job = ended(served, http.post("/verifiers/train", json=QUICK).json()["id"])
    assert (job["state"], job["error"]["type"]) == ("failed", "ModelError")
    assert "is loaded once more, as float32" in job["error"]["message"]
    assert "Unload the model that answers" in job["error"]["message"]


def test_a_training_that_is_cancelled_keeps_nothing(served: Served) -> None:
    http = served.http
    begun = http.post("/verifiers/train", json=QUICK | {"epochs": 100}).json()
    assert http.post(f"/jobs/{begun['id']}/cancel").status_code == 204
    assert ended(served, begun["id"])["state"] == "cancelled"
    assert http.get("/verifiers").json() == []
