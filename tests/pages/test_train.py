"""The Train page's calls: which runs can be trained on, with how many labels, and what came of a training."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from codex.datasets.splits import split
from codex.errors import Conflict, InvalidInput
from codex.jobs import Jobs
from codex.pages.train.page import TrainPage
from codex.pages.train.view import Use, probes_view
from codex.signals.probes import Gain, Probe, Probes
from codex.training.fine_tunings import FineTunings
from codex.training.saved_probes import PROBES, SavedProbes, advice
from codex.training.trainings import Trainings
from tests.support.evaluated import put_run
from tests.support.probed import KnowingEngine, knowing, put_known
from tests.support.serving import workbench

WAIT = 60.0
"""Seconds in which a training on scripted answers is surely done, on a busy machine."""

GOOD = Gain(questions=60, signals=0.8, probe=0.85, gain=0.05, low=0.01, high=0.09)
BAD = GOOD.model_copy(update={"gain": -0.02, "low": -0.05, "high": 0.01})


@pytest.fixture
def engine() -> KnowingEngine:
    return knowing()


@pytest.fixture
def page(tmp_path: Path, engine: KnowingEngine) -> Iterator[TrainPage]:
    opened, jobs = workbench(tmp_path, engine), Jobs()
    trainings = Trainings(opened, jobs)
    yield TrainPage(opened, trainings, jobs, FineTunings(opened, jobs, trainings))
    jobs.close()
    opened.close()


def test_a_run_tells_how_many_labels_are_trained_on_and_why_it_cannot_be(
    page: TrainPage, engine: KnowingEngine
) -> None:
    store = page.workbench.store
    put_run(store, "other", model="another:model:q4", graded=4)
    put_run(store, "busy", model=engine.fingerprint, graded=4, state="running")
    put_known(store, engine, graded=60)
    lines = {line["id"]: line for line in page.look({})["runs"]}
    assert "another:model:q4" in lines["other"]["problems"]["probe"]
    assert lines["busy"]["problems"] == dict.fromkeys(get_args(Use), "It is still running.")
    mine = lines["run-1"]
    trained = [correct for question, correct in engine.truth.items() if split(question) == "calibration"]
    assert mine["problems"]["probe"] == ""
    assert (mine["correct"], mine["incorrect"]) == (sum(trained), len(trained) - sum(trained))
    assert mine["held_out"] == 60 - len(trained)
    question = next(q for q in engine.truth if split(q) == "calibration")
    record = next(r for r in store.runs.records("run-1") if r.observation.question == question)
    store.runs.label("run-1", record.id, None)
    now = next(line for line in page.look({})["runs"] if line["id"] == "run-1")
    assert now["correct"] + now["incorrect"] == len(trained) - 1


def test_only_what_has_changed_is_sent(page: TrainPage, engine: KnowingEngine) -> None:
    first = page.look({})
    assert (first["runs"], first["saved"], first["job"]) == ([], [], None)
    assert "runs" not in page.look({"seen": first["version"]})
    put_known(page.workbench.store, engine, graded=4)
    assert len(page.look({"seen": first["version"]})["runs"]) == 1


def test_an_engine_without_hidden_states_says_what_to_use(page: TrainPage, engine: KnowingEngine) -> None:
    assert page.look({})["problems"]["probe"] == ""
    engine.shows = "none"
    assert "engine=huggingface" in page.look({})["problems"]["probe"]


def test_a_training_ends_with_what_the_probes_add_and_what_to_do(
    page: TrainPage, engine: KnowingEngine
) -> None:
    store = page.workbench.store
    put_known(store, engine, graded=120)
    with pytest.raises(InvalidInput, match="Name a run"):
        page.train({"kind": "probe", "runs": [], "name": ""})
    job = page.jobs.wait(page.train({"kind": "probe", "runs": ["run-1"], "name": "mine"})["id"], WAIT)
    assert job.error is None
    seen = page.look({})
    version = seen["job"]["made"]
    assert seen["job"]["summary"] == f"{version} is saved, not yet active"
    [probes] = seen["saved"]
    assert (probes["version"], probes["helps"], probes["run"]) == (version, True, "run-1")
    assert "They help" in probes["advice"]
    [row] = probes["rows"]
    assert (row["dataset"], row["left_out"]) == ("capitals", None)
    assert row["probe"] > row["signals"]
    assert row["gain"]["low"] > 0

    page.activate({"kind": "probe", "version": version})
    assert page.look({})["saved"][0]["active"]
    with pytest.raises(Conflict):
        page.delete({"kind": "probe", "version": version})
    page.rollback({"kind": "probe"})
    engine.model = "another"
    assert "not read while" in page.look({})["saved"][0]["mismatch"]
    store.runs.delete("run-1")
    [probes] = page.look({})["saved"]
    assert probes["run"] is None
    assert ("runs", "run-1 (deleted)") in probes["facts"]
    page.delete({"kind": "probe", "version": version})
    assert page.look({})["job"]["summary"] == f"{version} was saved, and deleted since"


def test_several_datasets_are_told_with_and_without_them() -> None:
    example = SavedProbes.model_validate(PROBES)
    saved = example.model_copy(
        update={"in_domain": {"": GOOD, "rivers": GOOD, "towns": BAD}, "left_out": {"rivers": BAD}}
    )
    shown = probes_view(saved, {}, saved.model)
    assert [row["dataset"] for row in shown["rows"]] == ["rivers", "towns", "all"]
    assert [bool(row["left_out"]) for row in shown["rows"]] == [True, False, False]
    assert (shown["run"], shown["mismatch"]) == (None, "")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"in_domain": {"": GOOD}}, "on other datasets is not known"),
        ({"in_domain": {"": GOOD}, "left_out": {"a": BAD, "b": GOOD}}, "they do not measurably help. Next"),
        ({"in_domain": {"": GOOD}, "left_out": {"a": GOOD, "b": GOOD}}, "on the same datasets. Next"),
        ({"in_domain": {"": BAD}}, "interval [\N{MINUS SIGN}0.050, +0.010] reaches 0"),
        ({"in_domain": {}}, "too few labels to say"),
    ],
)
def test_a_sentence_says_whether_probes_help_and_what_to_do(changes: dict[str, object], words: str) -> None:
    probe = Probe.of("answer", 1, "mean", np.zeros(2, np.float32), 0.0)
    made = Probes(
        name="p", model="m", folds=((probe,),), runs=(), datasets=(), questions=9, accuracy=0.5
    ).model_copy(update=changes)
    assert words in advice(made)


def test_a_training_that_is_stopped_keeps_nothing(page: TrainPage, engine: KnowingEngine) -> None:
    put_known(page.workbench.store, engine)
    engine.gate.clear()
    job = page.train({"kind": "probe", "runs": ["run-1"]})
    assert (job["state"], job["title"]) == ("running", "Training probe")
    with pytest.raises(Conflict, match="is under way"):
        page.train({"kind": "probe", "runs": ["run-1"]})
    assert page.look({})["busy"] == ""
    page.cancel({"job": job["id"]})
    engine.gate.set()
    page.jobs.wait(job["id"], WAIT)
    seen = page.look({})
    assert (seen["job"]["state"], seen["job"]["summary"]) == ("cancelled", "Stopped; nothing was saved.")
    assert seen["saved"] == []
