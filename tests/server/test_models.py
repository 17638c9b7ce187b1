"""Models over HTTP: listed, changed, unloaded, fetched."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from codex import engines
from codex.engines.base import EngineConfig
from codex.engines.catalogue import catalogue
from codex.errors import ModelError
from tests.support.hub import Hub, serving
from tests.support.scripted import Script, ScriptedEngine
from tests.support.serving import SURE, Served, assert_error, eventually, running, workbench

WAIT = 60
"""Seconds, far more than anything here takes."""


@pytest.fixture(scope="module")
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patched:
        yield patched


@pytest.fixture(scope="module")
def hub(patch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving(patch) as served:
        served.repositories = {"own/packed": {"Fetched.gguf": b"GGUF" * 50_000}}
        yield served


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, patch: pytest.MonkeyPatch, hub: Hub) -> Iterator[Served]:
    """Over two files; the second answers otherwise, and "broken" cannot be loaded."""

    def create(name: str, config: EngineConfig, models: object, key: str | None = None) -> ScriptedEngine:
        failure = ModelError("it is cut short.") if config.model_path == "broken" else None
        model = f"{name}:{config.model_path}:test"
        return ScriptedEngine(lambda prompt: Script(["Two"]), model=model, failure=failure, loaded=False)

    patch.setattr(engines, "create", create)
    home = tmp_path_factory.mktemp("home")
    (home / "models").mkdir()
    for name in ("second", "broken"):
        (home / "models" / f"{name}.gguf").write_bytes(b"GGUF")
    with running(workbench(home, ScriptedEngine(lambda prompt: SURE), "engine=llama_cpp")) as started:
        yield started


def listed(served: Served) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in served.http.get("/models").json()["models"]}


def test_what_is_here_and_what_can_be_fetched_is_listed(served: Served) -> None:
    models = listed(served)
    assert models["second"]["state"] == "here"
    small = catalogue()["qwen2.5-0.5b-instruct-q4_k_m"]
    found = models[small.name]
    assert (found["state"], found["licence"], found["size"]) == ("fetchable", "Apache-2.0", small.size)
    context = 4096
    assert found["memory"] == round(small.size * 1.1) + context * small.token_bytes
    assert models["smollm2-135m-instruct"]["calibrators"], "one ships"


def test_another_model_is_loaded_and_everything_names_it(served: Served) -> None:
    http = served.http
    changed = http.post("/models/active", json={"model": "second"}).json()
    fingerprint = "llama_cpp:second:test"
    assert (changed["model"], changed["state"], changed["engine"]) == (fingerprint, "ready", "llama_cpp")
    assert changed["calibrated"] is False
    assert changed["process_memory"] is None or changed["process_memory"] > 10_000_000
    assert http.get("/models/active").json()["model"] == fingerprint
    assert http.get("/healthz").json()["model"] == fingerprint
    assert [it["id"] for it in http.get("/v1/models").json()["data"]] == [fingerprint]
    assert listed(served)["second"]["state"] == "loaded"
    answer = http.post("/infer", json={"query": "Which one?", "n_samples": 1}).json()
    assert answer["answer"] == "Two"
    error = assert_error(http.post("/models/active", json={"model": "broken"}), 422, ["model"])
    assert "second:test is loaded again" in error["message"]
    assert_error(http.post("/models/active", json={"model": "nowhere"}), 404)
    assert_error(http.post("/models/active", json={"model": "it", "base_url": "ftp://x"}), 422, ["base_url"])
    there = http.post("/models/active", json={"model": "big", "base_url": "http://127.0.0.1:9/v1"}).json()
    assert (there["engine"], there["base_url"]) == ("openai_api", "http://127.0.0.1:9/v1")
    assert there["memory"] is None
    assert http.post("/models/active", json={"model": "second"}).json()["model"] == fingerprint


def test_a_model_is_unloaded_until_the_next_question(served: Served) -> None:
    http = served.http
    assert http.delete("/models/active").json()["state"] == "unloaded"
    health = http.get("/healthz")
    assert (health.status_code, health.json()["status"]) == (200, "unloaded")
    assert http.post("/infer", json={"query": "Still there?", "n_samples": 1}).status_code == 200


def test_an_evaluation_refuses_the_change(served: Served) -> None:
    with served.workbench.model.holding("The evaluation 'capitals'"):
        for response in (
            served.http.post("/models/active", json={"model": "second"}),
            served.http.delete("/models/active"),
        ):
            assert "capitals" in assert_error(response, 409)["message"]


def test_a_fetch_is_a_job_that_is_cancelled_and_resumed(served: Served, hub: Hub) -> None:
    http, body = served.http, {"model": "own/packed/Fetched.gguf"}
    hub.gate = threading.Event()
    job = http.post("/models/fetch", json=body).json()
    path = f"/jobs/{job['id']}"
    assert eventually(lambda: http.get(path).json()["total"] is not None, WAIT)
    assert_error(http.post("/models/fetch", json=body), 409)
    http.post(f"{path}/cancel")
    hub.gate.set()
    assert eventually(lambda: http.get(path).json()["state"] == "cancelled", WAIT)
    assert "Fetched" not in listed(served)
    hub.gate = None
    again = http.post("/models/fetch", json=body).json()
    assert eventually(lambda: http.get(f"/jobs/{again['id']}").json()["state"] == "done", WAIT)
    assert listed(served)["Fetched"]["state"] == "here"
    assert hub.ranges[-1] is not None, "the second fetch asked for the rest alone"
    assert_error(http.post("/models/fetch", json={"model": "no name"}), 422, ["model"])


def test_a_fetch_that_fails_says_why(served: Served) -> None:
    job = served.http.post("/models/fetch", json={"model": "own/missing"}).json()
    path = f"/jobs/{job['id']}"
    assert eventually(lambda: served.http.get(path).json()["state"] == "failed", WAIT)
    assert "has no model 'own/missing'" in served.http.get(path).json()["error"]["message"]


def test_a_foreign_page_changes_nothing(served: Served) -> None:
    foreign = {"Origin": "http://elsewhere.example"}
    response = served.http.post("/models/active", json={"model": "second"}, headers=foreign)
    assert_error(response, 403)
