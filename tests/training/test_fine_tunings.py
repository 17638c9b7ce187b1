"""Trainings of the model itself as jobs of a workbench: one at a time, stopped, resumed, used and deleted."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from codex.ask.workbench import Workbench
from codex.errors import CapabilityError, Conflict, InvalidInput, NotFound
from codex.jobs import Job, Jobs
from codex.settings import load_settings
from codex.training import answerer as trained_by
from codex.training.course import Progress
from codex.training.fine_tuning_options import AnswererOptions, RewardOptions
from codex.training.fine_tunings import FineTunings
from codex.training.saved_adapters import SavedAdapter
from codex.training.trainings import Trainings
from tests.support.fine_tuned import QUICK, QUICK_REWARD, tiny_workbench

WAIT = 60.0
"""Seconds, far more than a tiny training takes."""

BAD_NAMES = ("../x", "a/b", "a\\b", ".", "..", ".x", "~x", "", " ", " x", "a\nb", "x" * 61, "\ud800")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    opened = tiny_workbench(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    made = Jobs()
    yield made
    made.close()


@pytest.fixture
def fine_tunings(bench: Workbench, jobs: Jobs) -> FineTunings:
    return FineTunings(bench, jobs, Trainings(bench, jobs))


def done(jobs: Jobs, job: Job) -> Job:
    ended = jobs.wait(job.id, WAIT)
    assert (ended.state, ended.error) == ("done", None)
    return ended


def test_a_run_becomes_an_adapter_that_becomes_the_model_in_use(
    bench: Workbench, jobs: Jobs, fine_tunings: FineTunings
) -> None:
    job = done(jobs, fine_tunings.answerer(AnswererOptions.model_validate(QUICK)))
    assert (job.kind, job.about, job.progress.done, job.progress.total) == ("train", "mine", 3, 3)
    [saved] = fine_tunings.list()
    assert job.result == saved == fine_tunings.read("mine")
    assert (saved.kind, saved.state, saved.merged) == ("answerer", "done", False)
    assert saved.data == "run r1: invented sums"
    assert saved.held_out > 0
    assert saved.before.keys() == saved.after.keys()
    assert {"graded_accuracy", "graded_refusals", "confidence_brier", "validation_loss"} <= saved.after.keys()
    assert saved.after["validation_loss"] < saved.before["validation_loss"]
    course = fine_tunings.course(job.id)
    assert [each.step for each in course] == [1, 2, 3]
    assert "validation_loss" in course[-1].measured

    base = bench.model.engine.fingerprint
    assert fine_tunings.in_use is None
    done(jobs, fine_tunings.use("mine"))
    assert fine_tunings.in_use == "mine"
    assert bench.model.engine.fingerprint.startswith("huggingface:mine@")
    assert fine_tunings.read("mine").merged
    with pytest.raises(Conflict, match="'mine' is loaded"):
        fine_tunings.delete("mine")
    tiny = load_settings(["engine=huggingface", f"engine.model_path={bench.settings.home / 'tiny'}"])
    bench.model.switch(tiny.engine)
    assert bench.model.engine.fingerprint.split(":")[1] == base.split(":")[1]
    fine_tunings.delete("mine")
    assert fine_tunings.list() == []
    assert not (bench.settings.home / "models" / "mine").exists()


def test_a_training_that_is_cancelled_resumes_from_its_checkpoint(
    jobs: Jobs, fine_tunings: FineTunings, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, go_on, fit = threading.Event(), threading.Event(), trained_by.fit

    def slowly(*args: Any) -> Any:
        def progress(at: Progress) -> None:
            args[3](at)
            if at.step == 2:
                reached.set()
                assert go_on.wait(WAIT)

        return fit(*args[:3], progress, args[4])

    monkeypatch.setattr(trained_by, "fit", slowly)
    options = AnswererOptions.model_validate(QUICK)
    job = fine_tunings.answerer(options)
    assert reached.wait(WAIT)
    assert job.progress.text.startswith("Loss ")
    with pytest.raises(Conflict, match="Training mine is under way"):
        fine_tunings.answerer(options.model_copy(update={"name": "other"}))
    with pytest.raises(Conflict, match="Training mine is under way"):
        fine_tunings.delete("mine")
    jobs.cancel(job.id)
    go_on.set()
    ended = jobs.wait(job.id, WAIT)
    assert ended.state == "cancelled"
    assert ended.progress.text == (
        "Stopped at a checkpoint, update 2; starting again with the same name and settings resumes there."
    )
    [saved] = fine_tunings.list()
    assert (saved.state, saved.step, saved.kind) == ("unfinished", 2, "answerer")
    with pytest.raises(Conflict, match="resume it first"):
        fine_tunings.use("mine")
    other = fine_tunings.answerer(options.model_copy(update={"learning_rate": 0.02}))
    failed = jobs.wait(other.id, WAIT)
    assert failed.state == "failed"
    assert "learning_rate = 0.01, not 0.02. Give the same settings to resume it" in str(failed.error)

    done(jobs, fine_tunings.resume("mine"))
    lines = (Path(saved.folder) / "metrics.ndjson").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2, 3]
    with pytest.raises(Conflict, match="nothing to resume"):
        fine_tunings.resume("mine")


def test_what_was_stopped_before_its_first_update_is_no_obstacle_and_no_other_file_is_touched(
    bench: Workbench, jobs: Jobs, fine_tunings: FineTunings
) -> None:
    adapters = bench.settings.home / "adapters"
    for name, file in (("mine", "training.json"), ("other", "notes.txt")):
        (adapters / name).mkdir(parents=True)
        (adapters / name / file).write_text('{"kind": "answerer"}')
    options = AnswererOptions.model_validate(QUICK)
    failed = jobs.wait(fine_tunings.answerer(options.model_copy(update={"name": "other"})).id, WAIT)
    assert "holds other files, such as notes.txt" in str(failed.error)
    assert (adapters / "other" / "notes.txt").is_file()
    done(jobs, fine_tunings.answerer(options))
    manifest = adapters / "mine" / "adapter" / "codex.json"
    manifest.write_text(manifest.read_text().replace('"steps"', '"stops"'))
    (adapters / "mine" / "env.json").write_text("[]")
    assert [each.state for each in fine_tunings.list()] == ["unfinished"]


def test_additions_and_a_reward_become_an_adapter(jobs: Jobs, fine_tunings: FineTunings) -> None:
    job = done(jobs, fine_tunings.reward(RewardOptions.model_validate(QUICK_REWARD)))
    saved = job.result
    assert isinstance(saved, SavedAdapter)
    assert (saved.kind, saved.rewards, saved.step) == ("reward", ("length",), 2)
    assert saved.data == "40 additions"
    assert saved.held_out > 0
    assert saved.before == {"graded_accuracy": 0.0, "stated_readable": 0.0}
    assert {"reward", "readable"} <= fine_tunings.course(job.id)[-1].measured.keys()


def test_a_name_never_leaves_the_folder(bench: Workbench, fine_tunings: FineTunings) -> None:
    acts = (fine_tunings.read, fine_tunings.delete, fine_tunings.use, fine_tunings.resume)
    for name in (*BAD_NAMES, str(bench.settings.home)):
        with pytest.raises(ValidationError, match="name"):
            AnswererOptions(runs=["r1"], name=name)
        for act in acts:
            with pytest.raises(NotFound):
                act(name)
    assert not (bench.settings.home / "adapters").exists()


def test_what_cannot_be_trained_says_why(
    bench: Workbench, fine_tunings: FineTunings, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = AnswererOptions.model_validate(QUICK)
    with pytest.raises(NotFound):
        fine_tunings.answerer(options.model_copy(update={"runs": ["nowhere"]}))
    with pytest.raises(InvalidInput, match="are by scripted"):
        fine_tunings.answerer(options.model_copy(update={"refuse": True}))
    with pytest.raises(Conflict, match="already: take another name"):
        fine_tunings.answerer(options.model_copy(update={"name": "smollm2-135m-instruct"}))
    monkeypatch.setattr("codex.training.fine_tunings.available_memory", lambda: 1000)
    with pytest.raises(Exception, match="is loaded once more: about"):
        fine_tunings.answerer(options)
    monkeypatch.setattr("codex.training.agents.find_spec", lambda name: None)
    with pytest.raises(CapabilityError, match="pip install 'codex-workbench"):
        fine_tunings.reward(RewardOptions.model_validate(QUICK_REWARD))
    with pytest.raises(ValidationError, match="there is no reward"):
        RewardOptions(rewards=["os:system"])
    with pytest.raises(ValidationError, match="there is no grader"):
        RewardOptions(grader="judge")
