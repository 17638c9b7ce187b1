"""Trainings of the model itself over HTTP: started, cancelled, resumed, loaded and deleted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.fine_tuned import QUICK, tiny_workbench
from tests.support.serving import Served, assert_error, eventually, running

WAIT = 60
"""Seconds, far more than anything here takes."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with running(tiny_workbench(tmp_path_factory.mktemp("home"))) as started:
        yield started


def ended(served: Served, job_id: str) -> dict[str, Any]:
    """A job at its end."""
    assert eventually(lambda: served.http.get(f"/jobs/{job_id}").json()["state"] != "running", WAIT)
    job: dict[str, Any] = served.http.get(f"/jobs/{job_id}").json()
    return job


def test_the_model_is_fine_tuned_stopped_resumed_loaded_and_deleted(served: Served) -> None:
    http = served.http
    long = QUICK | {"epochs": 100, "name": "autumn"}
    begun = http.post("/adapters/answerer", json=long)
    assert begun.status_code == 202
    assert (begun.json()["title"], begun.json()["about"]) == ("Training autumn", "autumn")
    assert "is under way" in assert_error(http.post("/adapters/answerer", json=QUICK), 409)["message"]
    assert "is under way" in assert_error(http.post("/adapters/reward", json={}), 409)["message"]
    assert eventually(lambda: http.get(f"/jobs/{begun.json()['id']}").json()["done"] > 0, WAIT)
    assert "is under way" in assert_error(http.delete("/adapters/autumn"), 409)["message"]
    assert http.post(f"/jobs/{begun.json()['id']}/cancel").status_code == 204
    job = ended(served, begun.json()["id"])
    assert job["state"] == "cancelled"
    assert job["text"].startswith("Stopped at a checkpoint, update ")
    assert http.get("/adapters/autumn").json()["state"] == "unfinished"
    assert (
        "resume it first" in assert_error(http.post("/adapters/use", json={"name": "autumn"}), 409)["message"]
    )
    again = http.post("/adapters/resume", json={"name": "autumn"})
    assert eventually(lambda: http.get(f"/jobs/{again.json()['id']}").json()["done"] > job["done"], WAIT)
    http.post(f"/jobs/{again.json()['id']}/cancel")
    ended(served, again.json()["id"])
    assert http.delete("/adapters/autumn").status_code == 204

    job = ended(served, http.post("/adapters/answerer", json=QUICK).json()["id"])
    assert (job["state"], job["error"]) == ("done", None)
    [made] = http.get("/adapters").json()
    assert (made["name"], made["state"], made["merged"]) == ("mine", "done", False)
    assert made["after"]["validation_loss"] < made["before"]["validation_loss"]
    job = ended(served, http.post("/adapters/use", json={"name": "mine"}).json()["id"])
    assert (job["state"], job["error"]) == ("done", None)
    models = http.get("/models").json()
    assert models["active"]["name"] == "mine"
    assert {each["name"]: each["state"] for each in models["models"]}["mine"] == "loaded"
    assert "is loaded" in assert_error(http.delete("/adapters/mine"), 409)["message"]


def test_only_names_and_numbers_within_bounds_are_taken(served: Served) -> None:
    http = served.http
    for name in ("../x", "a/b", "..", ".hidden", " ", "x" * 61):
        error = assert_error(http.post("/adapters/answerer", json=QUICK | {"name": name}), 422, ["name"])
        assert "The name is that of a folder" in error["message"]
    wrong: list[tuple[str, dict[str, object], str]] = [
        ("answerer", {"runs": []}, "runs"),
        ("answerer", {"epochs": 0}, "epochs"),
        ("answerer", {"learning_rate": "0.1"}, "learning_rate"),
        ("answerer", {"data": "/etc/passwd"}, "data"),
        ("reward", {"rewards": ["os:system"]}, "rewards"),
        ("reward", {"grader": "os:system"}, "grader"),
        ("reward", {"generations": 1}, "generations"),
        ("reward", {"additions": 8199}, "additions"),
    ]
    for route, changes, field in wrong:
        body = (QUICK if route == "answerer" else {}) | changes
        assert_error(http.post(f"/adapters/{route}", json=body), 422, [field])
    assert_error(http.post("/adapters/answerer", json=QUICK | {"runs": ["nowhere"]}), 404)
    for act in ("use", "resume"):
        assert_error(http.post(f"/adapters/{act}", json={"name": "../mine"}), 404)
    assert_error(http.delete("/adapters/..%2Fmodels"), 404)
    assert_error(http.get("/adapters/nowhere"), 404)
