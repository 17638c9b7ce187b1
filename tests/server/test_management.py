"""What the pages can do, HTTP can do: labels, policies, calibrators, evaluations and datasets."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from codex.evaluation import runner
from codex.evaluation.generations import read
from codex.policy import Policy
from tests.support.evaluated import put_calibrator, put_run
from tests.support.scripted import Script, ScriptedEngine
from tests.support.serving import SURE, Serve, Served, assert_error, eventually, running, workbench

WAIT = 60
"""Seconds, far more than anything here takes."""
FORM = {"Content-Type": "application/octet-stream"}
ROWS = b"question,answer\nHow much is 1 and 1?,2\nHow much is 2 and 2?,4\nHow much is 3 and 3?,6\n"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    engine = ScriptedEngine(lambda prompt: Script(["It", " is", " 4", "."]))
    with running(workbench(tmp_path_factory.mktemp("home"), engine, "retrieval.max_file_mb=1")) as started:
        yield started


def ended(served: Served, job_id: str) -> dict[str, Any]:
    """A job at its end."""
    job: dict[str, Any] = {}

    def has_ended() -> bool:
        job.update(served.http.get(f"/jobs/{job_id}").json())
        return job["state"] != "running"

    assert eventually(has_ended, WAIT)
    return job


def test_an_answer_is_labelled_and_the_label_taken_back(served: Served) -> None:
    trace = served.http.post("/infer", json={"query": "How much is 2 and 2?", "n_samples": 1}).json()
    path = f"/traces/{trace['trace_id']}/label"
    for correct in (True, False):
        assert served.http.put(path, json={"correct": correct}).status_code == 204
        [label] = served.http.get("/labels").json()
        assert (label["trace_id"], label["correct"]) == (trace["trace_id"], correct)
    assert served.http.delete(path).status_code == 204
    assert served.http.get("/labels").json() == []
    assert_error(served.http.put(path, json={"correct": "yes"}), 422, ["correct"])
    assert_error(served.http.put("/traces/nowhere/label", json={"correct": True}), 404)


def test_a_policy_is_saved_activated_rolled_back_renamed_and_deleted(served: Served) -> None:
    http = served.http
    default = http.get("/policies/active").json()
    assert default["version"] == Policy().version
    saved = http.post("/policies", json={"name": "strict / 1", "policy": {"answer_above": 0.9}})
    assert saved.status_code == 201
    version = saved.json()["version"]
    assert saved.json()["policy"]["answer_above"] == 0.9
    assert version in {line["version"] for line in http.get("/policies").json()}
    assert http.post("/policies/activate", json={"version": version}).json()["active"]
    answered = http.post("/infer", json={"query": "How much is 2 and 2?", "n_samples": 1}).json()
    assert http.get(f"/traces/{answered['trace_id']}").json()["policy"] == version
    renamed = http.patch(f"/policies/{version}", json={"name": "for the demo"}).json()
    assert (renamed["name"], renamed["version"]) == ("for the demo", version)
    error = assert_error(http.delete(f"/policies/{version}"), 409)
    assert "activate another policy" in error["message"]
    assert http.post("/policies/rollback").json() == default
    assert http.delete(f"/policies/{version}").status_code == 204
    assert_error(http.get(f"/policies/{version}"), 404)
    assert_error(http.post("/policies/activate", json={"version": version}), 404)
    assert_error(http.post("/policies", json={"name": "moved", "policy": {}}), 422, ["name"])


def test_a_guarantee_is_not_taken_from_outside(served: Served) -> None:
    claimed = {
        "risk": 0.01, "confidence_level": 0.99, "calibrator": "x@1", "run": "r", "questions": 9,
        "answered": 9, "incorrect": 0,
    }  # fmt: skip
    saved = served.http.post("/policies", json={"name": "claims", "policy": {"guarantee": claimed}}).json()
    assert saved["policy"]["guarantee"] is None
    served.http.delete(f"/policies/{saved['version']}")


def test_a_calibrator_is_fitted_activated_proven_renamed_and_deleted(served: Served) -> None:
    http, store = served.http, served.workbench.store
    run = put_run(store, "fit-me", graded=160, correct=lambda chance, rng: chance > 0.4)
    begun = http.post("/calibrators/fit", json={"runs": [run.id], "name": "autumn", "method": "temperature"})
    assert begun.status_code == 202
    fitting = begun.json()["counts"]
    job = ended(served, begun.json()["id"])
    assert (job["state"], job["error"]) == ("done", None)
    version = job["about"]
    made = http.get(f"/calibrators/{version}").json()
    assert (made["runs"], made["method"], made["active"]) == ([run.id], "temperature", False)
    assert made["metrics"]["after"]["auroc"]["value"] > 0.5
    assert http.post("/calibrators/activate", json={"version": version}).json() == {"version": version}
    assert_error(http.delete(f"/calibrators/{version}"), 409)
    assert http.post("/calibrators/rollback").json() == {"version": None}

    wanted = {"version": version, "alpha": 0.3, "delta": 0.2}
    proven = http.post("/calibrators/guarantee", json=wanted).json()
    assert proven["holds"], proven
    counts = proven["counts"]
    assert fitting == counts
    assert (counts["graded"], counts["duplicates"]) == (160, 0)
    assert (counts["to_fit"], counts["to_fit"] + counts["held_out"]) == (made["questions"], 160)
    assert http.get("/policies/active").json()["version"] == Policy().version
    again = http.post("/calibrators/guarantee", json={**wanted, "activate": True}).json()
    assert again["policy"] == http.get("/policies/active").json()["version"]
    assert http.get("/calibrators").json()[0]["active"]
    for path in (f"/calibrators/{version}", f"/evaluations/{run.id}"):
        assert "rests on" in assert_error(http.delete(path), 409)["message"]

    for kind in ("policies", "calibrators"):
        assert http.post(f"/{kind}/rollback").status_code == 200
    assert http.patch(f"/calibrators/{version}", json={"name": "spring"}).json()["name"] == "spring"
    for policy in http.get("/policies").json():
        if policy["policy"]["guarantee"]:
            assert http.delete(f"/policies/{policy['version']}").status_code == 204
    for path in (f"/calibrators/{version}", f"/evaluations/{run.id}"):
        assert http.delete(path).status_code == 204
        assert_error(http.get(path), 404)


def test_what_cannot_be_fitted_says_why(served: Served) -> None:
    http = served.http
    assert_error(http.post("/calibrators/fit", json={"runs": ["nowhere"]}), 404)
    assert_error(http.post("/calibrators/fit", json={"runs": []}), 422, ["runs"])
    assert_error(http.post("/calibrators/fit", json={"runs": ["x"], "alpha": 1}), 422, ["alpha"])
    few = put_run(served.workbench.store, "few", graded=4)
    job = ended(served, http.post("/calibrators/fit", json={"runs": [few.id]}).json()["id"])
    assert job["state"] == "failed"
    assert "too few" in job["error"]["message"]
    http.delete("/evaluations/few")


def estimate_and_extend(served: Served, run_id: str) -> None:
    """What a run would take, and more questions of one; `run_id` has three of sums."""
    http = served.http
    estimated = http.get("/evaluations/estimate?dataset=sums&limit=2&n_samples=2").json()
    assert (estimated["questions"], estimated["graded"], estimated["accuracy"]) == (
        2,
        3,
        pytest.approx(1 / 3),
    )
    assert estimated["seconds"] > 0
    assert_error(http.get("/evaluations/estimate?dataset=nowhere"), 404)
    refused = assert_error(http.post(f"/evaluations/{run_id}/extend", json={"limit": 9}), 422)
    assert "The set has no more" in refused["message"]
    short = http.post("/evaluations", json={"dataset": "sums", "n_samples": 1, "limit": 1}).json()
    assert ended(served, short["job"]["id"])["done"] == 1
    longer = http.post(f"/evaluations/{short['id']}/extend", json={"limit": 3})
    assert (longer.status_code, longer.json()["total"]) == (202, 3)
    assert ended(served, longer.json()["job"]["id"])["done"] == 3
    assert http.get(f"/evaluations/{short['id']}/scores").json()["n"] == 3
    assert http.delete(f"/evaluations/{short['id']}").status_code == 204


def label_and_compare(http: httpx.Client, run_id: str, exported: Path) -> None:
    """A person's word counts, is exported and taken back; a run is like itself."""
    first = next(it for it in read(exported) if it.correct is False).id
    label = f"/evaluations/{run_id}/questions/{first}/label"
    assert http.put(label, json={"correct": True}).status_code == 204
    read_back = http.get(f"/evaluations/{run_id}").json()
    assert (read_back["correct"], read_back["by_person"], read_back["corrected"]) == (2, 1, 1)
    exported.write_bytes(http.get(f"/evaluations/{run_id}/export").content)
    assert [(it.id, it.grader_correct) for it in read(exported) if it.by_person] == [(first, False)]
    assert http.put(label, json={"correct": None}).status_code == 204
    assert http.get(f"/evaluations/{run_id}/scores").json()["ungraded"] == 1
    for _ in range(2):
        assert http.delete(label).status_code == 204
    assert http.get(f"/evaluations/{run_id}").json()["by_person"] == 0
    assert_error(http.put(label, json={}), 422, ["correct"])
    compared = http.get(f"/evaluations/{run_id}/comparison?against={run_id}").json()
    assert (compared["n"], compared["gained"], compared["accuracy"]["difference"]) == (3, 0, 0)
    assert_error(http.get(f"/evaluations/{run_id}/comparison?against=nowhere"), 404)
    assert_error(http.get(f"/evaluations/{run_id}/comparison"), 422, ["against"])
    assert_error(http.put(f"/evaluations/{run_id}/questions/a/b/label", json={"correct": True}), 404)


def test_a_dataset_is_uploaded_read_asked_scored_exported_and_deleted(served: Served, tmp_path: Path) -> None:
    http = served.http
    put = http.put("/datasets/sums?file=sums.csv", content=ROWS, headers=FORM)
    assert put.status_code == 201
    assert (put.json()["dataset"]["rows"], put.json()["rejected"]) == (3, 0)
    assert "sums" in {line["name"] for line in http.get("/datasets").json()}
    questions = http.get("/datasets/sums/questions?limit=2&offset=1").json()
    assert [it["answers"] for it in questions] == [["4"], ["6"]]

    begun = http.post("/evaluations", json={"dataset": "sums", "n_samples": 2, "name": "first"})
    assert begun.status_code == 202
    run = begun.json()
    assert (run["name"], run["total"], run["job"]["about"]) == ("first", 3, run["id"])
    assert run["params"]["overrides"] == ["retrieval.max_file_mb=1", "ask.n_samples=2"]
    assert ended(served, run["job"]["id"])["done"] == 3
    read_back = http.get(f"/evaluations/{run['id']}").json()
    assert (read_back["state"], read_back["correct"], read_back["incorrect"]) == ("done", 1, 2)
    assert http.patch(f"/evaluations/{run['id']}", json={"name": "sums"}).json()["name"] == "sums"
    scores = http.get(f"/evaluations/{run['id']}/scores").json()
    assert (scores["n"], scores["accuracy"]) == (3, pytest.approx(1 / 3))
    estimate_and_extend(served, run["id"])
    exported = tmp_path / "answers.jsonl"
    exported.write_bytes(http.get(f"/evaluations/{run['id']}/export").content)
    label_and_compare(http, run["id"], exported)
    assert [it.observation.generation.text for it in read(exported)] == ["It is 4."] * 3

    assert_error(http.put("/datasets/sums?file=sums.csv", content=ROWS, headers=FORM), 409)
    again = http.put(
        "/datasets/sums?file=sums.csv&replace=true", content=ROWS.rpartition(b"How")[0], headers=FORM
    )
    assert again.json()["dataset"]["rows"] == 2
    assert http.delete("/datasets/sums").status_code == 204
    assert_error(http.get("/datasets/sums"), 404)
    assert_error(http.delete("/datasets/capitals"), 409)
    assert http.delete(f"/evaluations/{run['id']}").status_code == 204


def test_a_live_answer_is_added_to_a_dataset_and_asked_by_its_next_run(serve: Serve) -> None:
    served = serve(lambda prompt: Script(["It", " is", " 4", "."]))
    http = served.http
    for number, options in (("2", {}), ("3", {"limit": 2})):
        http.put(f"/datasets/sums{number}?file=sums.csv", content=ROWS, headers=FORM)
        begun = http.post("/evaluations", json={"dataset": f"sums{number}", "n_samples": 1, **options}).json()
        assert ended(served, begun["job"]["id"])["state"] == "done"
        path = f"/datasets/sums{number}/questions"
        trace = http.post("/infer", json={"query": "How much is 4 and 4?", "n_samples": 1}).json()["trace_id"]
        added = http.post(path, json={"trace_id": trace, "answers": ["8", "eight"]})
        assert added.status_code == 201
        assert (added.json()["question"], added.json()["answers"]) == ("How much is 4 and 4?", ["8", "eight"])
        assert http.get(path).json()[-1] == added.json()
        assert http.get(f"/datasets/sums{number}").json()["rows"] == 4
        error = assert_error(http.post(path, json={"trace_id": trace, "answers": ["8"]}), 409)
        assert "asks this question already; it accepts 8, eight" in error["message"]
        again = http.post("/evaluations", json={"dataset": f"sums{number}", "n_samples": 1}).json()
        assert ended(served, again["job"]["id"])["done"] == 4
        extended = http.post(f"/evaluations/{begun['id']}/extend", json={"limit": 4})
        if options:  # It asked the first ones, which are the same.
            assert ended(served, extended.json()["job"]["id"])["done"] == 4
        else:
            error = assert_error(extended, 409)
            assert (
                "has other questions than when the run 'sums2' began. Begin another run." in error["message"]
            )


def test_what_cannot_be_added_to_a_dataset_is_said(serve: Serve) -> None:
    served = serve(lambda prompt: Script(["It", " is", " 4", "."]), "store.privacy=hash")
    http, path = served.http, "/datasets/mine/questions"
    error = assert_error(
        http.post("/datasets/capitals/questions", json={"question": "x", "answers": ["y"]}), 409
    )
    assert "ships with Codex and cannot be changed" in error["message"]
    for body, fields in (
        ({"answers": ["y"]}, ["question", "trace_id"]),
        ({"question": "x", "trace_id": "t", "answers": ["y"]}, ["question", "trace_id"]),
        ({"question": "x", "answers": []}, ["answers"]),
        ({"question": "x", "answers": [" "]}, ["answers"]),
        ({"question": " ", "answers": ["y"]}, ["question"]),
        ({"question": "x"}, ["answers"]),
    ):
        assert_error(http.post(path, json=body), 422, fields)
    assert_error(http.post(path, json={"trace_id": "nowhere", "answers": ["y"]}), 404)
    trace = http.post("/infer", json={"query": "Who?", "n_samples": 1}).json()["trace_id"]
    with httpx.Client(base_url=http.base_url) as other:
        error = assert_error(other.post(path, json={"trace_id": trace, "answers": ["y"]}), 409)
    assert "was not kept, so it cannot be added to a dataset" in error["message"]
    assert_error(http.get("/datasets/mine"), 404)


def test_a_file_that_cannot_be_used_changes_nothing(served: Served) -> None:
    http, home = served.http, served.workbench.settings.home
    for path, sent, status, said in (
        ("/datasets/bad?file=bad.csv", b"\x00\xff", 422, "bad.csv"),
        ("/datasets/bad?file=bad.exe", ROWS, 422, "is no name of a file"),
        ("/datasets/bad?file=../bad.csv", ROWS, 422, "is no name of a file"),
        ("/datasets/Bad%20Name?file=a.csv", ROWS, 422, "not a valid name"),
        ("/datasets/bad?file=a.csv&column=question", ROWS, 422, "FIELD=COLUMN"),
        ("/datasets/capitals?file=a.csv", ROWS, 409, "ships with Codex"),
        ("/datasets/bad?file=big.csv", b"x" * (2**20 + 1), 413, "larger than 1 MB"),
        ("/evaluations/import/bad.jsonl", b'{"id": 1}', 422, "bad.jsonl, line 1: there is no key 'question'"),
        ("/evaluations/import/.bad.jsonl", b"", 422, "is no name of a file"),
        ("/evaluations/import/bad%2F..%2Fbad.jsonl", b"", 404, ""),
        ("/evaluations/import/empty.jsonl", b"", 422, "empty.jsonl holds no generations"),
        ("/evaluations/import/big.jsonl", b"x" * (2**20 + 1), 413, "larger than 1 MB"),
    ):
        error = assert_error(http.put(path, content=sent, headers=FORM), status)
        assert said in error["message"], path
    assert not list((home / "datasets").glob("bad*")) if (home / "datasets").exists() else True
    for nothing in ("/evaluations/nowhere/records", "/calibrators/nowhere/export"):
        assert_error(http.get(nothing), 404)
    assert not list((home / ".partial").iterdir())


def test_a_run_is_cancelled_and_resumed_and_only_one_is_asked_at_a_time(serve: Serve) -> None:
    go_on = threading.Event()

    def script(prompt: str) -> Script:
        assert go_on.wait(WAIT)
        return Script(["It", " is", " 4", "."])

    served = serve(script)
    http = served.http
    http.put("/datasets/sums?file=sums.csv", content=ROWS, headers=FORM)
    run = http.post("/evaluations", json={"dataset": "sums", "n_samples": 1}).json()
    path = f"/evaluations/{run['id']}"
    assert_error(http.post("/evaluations", json={"dataset": "sums"}), 409)
    assert_error(http.post(f"{path}/resume"), 409)
    assert "cancel it first" in assert_error(http.delete(path), 409)["message"]
    assert http.get(path).json()["job"]["state"] == "running"
    assert http.post(f"{path}/cancel").status_code == 204
    go_on.set()
    assert ended(served, run["job"]["id"])["state"] == "cancelled"
    assert_error(http.post(f"{path}/cancel"), 409)
    resumed = http.post(f"{path}/resume")
    assert resumed.status_code == 202
    assert ended(served, resumed.json()["job"]["id"])["state"] == "done"
    assert http.get(path).json()["done"] == 3
    for missing in ("/evaluations/nowhere/cancel", "/evaluations/nowhere/resume", "/jobs/nowhere/cancel"):
        assert_error(http.post(missing), 404)
    assert_error(http.post("/evaluations", json={"dataset": "nowhere"}), 404)
    kinds = [job["kind"] for job in http.get("/jobs").json()]
    assert kinds == ["evaluate", "evaluate"]


def test_a_run_that_measures_its_judge_first_is_in_progress(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = threading.Event()
    monkeypatch.setattr(runner, "measure", lambda *_: measured.wait(WAIT))
    http = serve(SURE).http
    try:
        run = http.post("/evaluations", json={"dataset": "capitals", "limit": 2}).json()
        assert run["state"] == "running"
        assert http.get(f"/evaluations/{run['id']}").json()["state"] == "running"
    finally:
        measured.set()
    assert eventually(lambda: http.get(f"/evaluations/{run['id']}").json()["state"] == "done", WAIT)


def test_a_renamed_calibrator_keeps_what_rests_on_its_version(served: Served) -> None:
    store = served.workbench.store
    version = put_calibrator(store, put_run(store, "named"))
    served.http.patch(f"/calibrators/{version}", json={"name": "n"})
    assert json.loads(store.calibrators.load(version).body)["name"] == "mine"
    for name in ("", " ", "a\nb", "x" * 81):
        assert_error(served.http.patch(f"/calibrators/{version}", json={"name": name}), 422, ["name"])
