"""Queues of answers that wait for labels, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.evaluated import put_run
from tests.support.scripted import Script, ScriptedEngine
from tests.support.serving import Served, assert_error, eventually, running, workbench


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    engine = ScriptedEngine(lambda prompt: Script(["It", " is", " 4", "."]))
    bench = workbench(tmp_path_factory.mktemp("home"), engine)
    put_run(bench.store, "run-1", graded=12)
    with running(bench) as started:
        yield started


def test_a_run_is_labelled_by_two_and_how_far_they_agree_is_told(served: Served) -> None:
    http = served.http
    made = http.post("/label-queues", json={"name": "both", "source": "run", "run_id": "run-1", "overlap": 2})
    assert made.status_code == 201
    path = f"/label-queues/{made.json()['id']}"
    assert [queue["name"] for queue in http.get("/label-queues").json()] == ["both"]
    for name, verdict in (("Ada", "correct"), ("Bob", "incorrect")):
        for _ in range(12):
            card = http.post(f"{path}/next", json={"labeller": name}).json()
            told = {"run_id", "question_id", "question", "answer", "tokens", "accepted", "passages"}
            assert set(card) == told
            assert "".join(card["tokens"]) == card["answer"]
            label = {"question_id": card["question_id"], "run_id": "run-1", "labeller": name}
            done = http.post(
                f"{path}/labels", json=label | {"verdict": verdict, "spans": [{"first": 0, "last": 1}]}
            )
            assert done.status_code == 200
        assert http.post(f"{path}/next", json={"labeller": name}).json() is None
        if name == "Ada":
            assert done.json()["correct"]["value"] == 1
    progress = http.get(f"{path}/progress").json()
    assert (progress["answers"], progress["labelled"], progress["correct"]) == (12, 12, None)
    agreement = http.get(f"{path}/agreement").json()
    assert agreement["answers"] == len(agreement["differing"]) == 12
    assert agreement["coefficients"][0] == {"name": "agreement", "value": 0, "low": 0, "high": 0}

    differing = http.post("/label-queues", json={"name": "decide", "source": "differing"}).json()
    card = http.post(f"/label-queues/{differing['id']}/next", json={}).json()
    http.post(
        f"/label-queues/{differing['id']}/labels",
        json={"run_id": "run-1", "question_id": card["question_id"], "verdict": "correct"},
    )
    assert len(http.get(f"{path}/agreement").json()["differing"]) == 11
    assert http.post(f"/label-queues/{differing['id']}/renew").json()["answers"] == 12
    for queue in http.get("/label-queues").json():
        assert http.delete(f"/label-queues/{queue['id']}").status_code == 204
    assert http.get("/label-queues").json() == []


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"name": "x", "source": "nowhere"}, 422, "source"),
        ({"name": "x", "source": "run", "run_id": "run-1", "order": "best"}, 422, "order"),
        ({"name": "x", "source": "run", "run_id": "run-1", "overlap": 0}, 422, "overlap"),
        ({"name": "", "source": "run", "run_id": "run-1"}, 422, "name"),
        ({"name": "x", "source": "deferred"}, 422, "source"),
        ({"name": "x", "source": "run", "run_id": "gone"}, 404, None),
    ],
)
def test_what_is_no_queue_is_refused(
    served: Served, body: dict[str, object], status: int, field: str | None
) -> None:
    assert_error(served.http.post("/label-queues", json=body), status, [field] if field else None)
    assert served.http.get("/label-queues").json() == []


def test_what_is_no_label_is_refused_and_nothing_is_lost(served: Served) -> None:
    http = served.http
    wanted = {"name": "one", "source": "run", "run_id": "run-1", "overlap": 20}
    queue = http.post("/label-queues", json=wanted).json()
    path = f"/label-queues/{queue['id']}"
    card = http.post(f"{path}/next", json={"labeller": "Eve"}).json()
    label = {"run_id": "run-1", "question_id": card["question_id"], "verdict": "correct"}
    for change, status, field in (
        ({"verdict": "good"}, 422, "verdict"),
        ({"note": "x" * 10_001}, 422, "note"),
        ({"spans": [{"first": 3, "last": 1}]}, 422, "spans"),
        ({"question_id": "gone"}, 404, None),
    ):
        assert_error(http.post(f"{path}/labels", json=label | change), status, [field] if field else None)
    assert http.post(f"{path}/next", json={"labeller": "Eve"}).json() == card
    http.delete(path)
    assert_error(http.post(f"{path}/next", json={}), 404)


def test_labels_recalibrate_and_the_calibrator_is_activated(served: Served) -> None:
    http, store = served.http, served.workbench.store
    put_run(store, "run-2", graded=80, n_samples=0)
    wanted = {"name": "many", "source": "run", "run_id": "run-2", "order": "random"}
    path = f"/label-queues/{http.post('/label-queues', json=wanted).json()['id']}"
    assert_error(http.get(f"{path}/recalibration"), 404)
    refused = assert_error(http.post(f"{path}/recalibrate", json={}), 422, ["queue"])
    assert "0 labels are too few" in refused["message"]
    assert "Label 30 more." in refused["message"]
    assert http.get(f"{path}/progress").json()["to_recalibrate"] == 30
    while (card := http.post(f"{path}/next", json={}).json()) is not None:
        said = "correct" if store.runs.record("run-2", card["question_id"]).correct else "incorrect"
        label = {"run_id": "run-2", "question_id": card["question_id"], "verdict": said}
        assert http.post(f"{path}/labels", json=label).status_code == 200
    progress = http.get(f"{path}/progress").json()
    assert progress["days"][-1]["labels"] == 80
    assert progress["shrinking"][-1] == progress["correct"]
    job = http.post(f"{path}/recalibrate", json={"name": "labels"}).json()
    assert eventually(lambda: http.get(f"/jobs/{job['id']}").json()["state"] == "done", 60)
    made = http.get(f"{path}/recalibration").json()
    assert (made["answers"], made["active"]) == (80, False)
    assert (made["to_fit"] + made["held_out"], made["more"]) == (80, 0)
    assert set(made["before"]) == set(made["after"]) == {"auroc", "ece", "ece_excess", "brier", "nll"}
    assert http.post("/calibrators/activate", json={"version": made["version"]}).status_code == 200
    assert http.get(f"{path}/recalibration").json()["active"]
    http.post("/calibrators/activate", json={"version": None})
    http.delete(path)
    assert_error(http.get(f"{path}/recalibration"), 404)


def test_thirty_labels_recalibrate_and_it_is_said_that_they_prove_nothing(served: Served) -> None:
    http, store = served.http, served.workbench.store
    put_run(store, "run-30", graded=30, n_samples=0)
    wanted = {"name": "thirty", "source": "run", "run_id": "run-30", "order": "random"}
    path = f"/label-queues/{http.post('/label-queues', json=wanted).json()['id']}"
    while (card := http.post(f"{path}/next", json={}).json()) is not None:
        said = "correct" if store.runs.record("run-30", card["question_id"]).correct else "incorrect"
        label = {"run_id": "run-30", "question_id": card["question_id"], "verdict": said}
        assert http.post(f"{path}/labels", json=label).status_code == 200
    progress = http.get(f"{path}/progress").json()
    assert progress["to_recalibrate"] == 0
    assert "enough labels to recalibrate" in progress["note"]
    job = http.post(f"{path}/recalibrate", json={}).json()
    assert eventually(lambda: http.get(f"/jobs/{job['id']}").json()["state"] == "done", 60)
    made = http.get(f"{path}/recalibration").json()
    assert (made["answers"], made["to_fit"], made["held_out"]) == (30, 30, 0)
    assert made["more"] > 0
    assert "Fitted on all 30 labels, so that none is left to prove a guarantee" in made["note"]
    assert http.get(f"/calibrators/{made['version']}").json()["holds_out"] is False
    proven = http.post("/calibrators/guarantee", json={"version": made["version"], "activate": True}).json()
    assert (proven["holds"], proven["policy"]) == (False, None)
    assert "none is left to prove a guarantee" in proven["words"]
    assert (proven["counts"]["to_fit"], proven["counts"]["held_out"]) == (30, 0)
    assert not http.get(f"{path}/recalibration").json()["active"]
