"""The model itself on the Train page: its forms, its updates as plots, before and after, and its use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from codex.errors import InvalidInput, NotFound
from codex.jobs import Jobs
from codex.pages.train.adapters import POINTS, adapter_view, options_of, tuning_view
from codex.pages.train.page import TrainPage
from codex.training.fine_tuning_options import AnswererOptions, RewardOptions
from codex.training.fine_tunings import FineTunings
from codex.training.saved_adapters import SAVED, SavedAdapter
from codex.training.trainings import Trainings
from codex.training.updates import Update
from tests.support.fine_tuned import QUICK, tiny_workbench

WAIT = 60.0
"""Seconds, far more than a tiny training takes."""
FORM: dict[str, Any] = {"kind": "answerer", "method": "readout", "rewards": [], "refuse": False, **QUICK}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainPage]:
    opened, jobs = tiny_workbench(tmp_path_factory.mktemp("home")), Jobs()
    trainings = Trainings(opened, jobs)
    yield TrainPage(opened, trainings, jobs, FineTunings(opened, jobs, trainings))
    jobs.close()
    opened.close()


def saved(**changes: Any) -> SavedAdapter:
    return SavedAdapter.model_validate(SAVED | changes)


def test_a_training_is_compared_before_and_after_put_to_use_and_kept_while_it_is(page: TrainPage) -> None:
    [run] = page.look({})["runs"]
    assert run["questions"] > 20
    assert (run["problems"]["answerer"], run["problems"]["reward"]) == ("", "")
    assert run["problems"]["refuse"] == "Of scripted, which is not loaded."
    assert (page.look({})["problems"]["answerer"], page.look({})["problems"]["reward"]) == ("", "")
    job = page.train(FORM)
    assert page.jobs.wait(job["id"], WAIT).error is None
    told = page.look({})
    assert told["job"]["summary"] == "mine is trained, not yet in use"
    assert told["job"]["made"] == "adapter:mine"
    assert told["job"]["course"]["epochs"] == 3
    [shown] = told["saved"]
    assert (shown["version"], shown["state"], shown["active"]) == ("adapter:mine", "done", False)
    assert [row["label"] for row in shown["rows"]] == ["before", "after"]
    assert {"accuracy", "refusals", "ece", "brier", "loss"} <= shown["rows"][1]["metrics"].keys()
    job = page.use({"version": "adapter:mine"})
    assert page.jobs.wait(job["id"], WAIT).error is None
    told = page.look({})
    assert told["job"]["summary"] == "mine is loaded"
    assert (told["saved"][0]["active"], told["saved"][0]["mismatch"]) == (True, "")
    with pytest.raises(NotFound):
        page.delete({"kind": "answerer", "version": "adapter:../mine"})
    with pytest.raises(ValueError, match="mine"):
        page.delete({"kind": "answerer", "version": "mine"})


def test_what_the_form_cannot_mean_is_said_with_the_field() -> None:
    for changes, words in (
        ({"name": "a/b"}, "The name is that of a folder"),
        ({"epochs": None}, "Epochs: "),
        ({"learning_rate": 2}, "Learning rate: should be less than or equal to 1"),
        ({"seed": 1.5}, "Seed: "),
    ):
        with pytest.raises(InvalidInput, match=words):
            options_of(AnswererOptions, FORM | changes)
    with pytest.raises(InvalidInput, match="Rewards: "):
        options_of(RewardOptions, {"rewards": []})
    assert options_of(AnswererOptions, FORM | {"name": " "}).name == "answers"


def test_without_trl_the_page_says_what_to_install(page: TrainPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codex.training.agents.find_spec", lambda name: None)
    problems = page.look({})["problems"]
    assert "pip install 'codex-workbench[reward]'" in problems["reward"]
    assert problems["answerer"] == ""


def test_updates_are_drawn_as_far_as_they_are_measured() -> None:
    assert tuning_view([]) is None
    first = tuning_view([Update(1, 2.0)])
    assert first is not None
    assert first["calibration"] is None
    assert [line["name"] for line in first["loss"]["data"]] == ["training"]
    many = [Update(n, 1.0, {"validation_loss": 0.5} if n == 450 else {}) for n in range(1, 1002)]
    shown = tuning_view(many)
    assert shown is not None
    training, heldout = shown["loss"]["data"]
    assert len(training["x"]) <= POINTS + 1
    assert training["x"][-1] == 1001
    assert heldout["x"] == [450]
    rewarded = tuning_view([Update(1, 0.1, {"reward": -0.4, "readable": 0.9})])
    assert rewarded is not None
    assert [line["name"] for line in rewarded["calibration"]["data"]] == [
        "mean reward",
        "readable confidence",
    ]


@pytest.mark.parametrize(
    ("changes", "words", "good"),
    [
        (
            {},
            "On 13 held-out questions: accuracy 38% before, 46% after; ECE 0.310 before, 0.120 after.",
            True,
        ),
        ({"after": {"graded_accuracy": 0.2}}, "It answers fewer correctly: lower the learning rate", False),
        ({"before": {}, "after": {"validation_loss": 1.0}}, "what it brought is not known", False),
        ({"state": "unfinished", "step": 7}, "it stands at update 7. Resume", False),
        (
            {"kind": "reward", "after": {"graded_accuracy": 0.4, "stated_readable": 0.0}},
            "It states no readable confidence",
            False,
        ),
    ],
)
def test_a_sentence_says_what_a_training_brought(changes: dict[str, Any], words: str, good: bool) -> None:
    view = adapter_view(saved(**changes), None, "smollm2-135m-instruct", None)
    assert words in view["advice"]
    assert view["helps"] == good


def test_an_adapter_says_whether_its_model_is_loaded_and_whether_it_is_trained_now() -> None:
    assert (
        adapter_view(saved(), None, "other", None)["mismatch"]
        == "For smollm2-135m-instruct; other is loaded."
    )
    assert adapter_view(saved(merged=True), None, "other", None)["mismatch"] == ""
    assert adapter_view(saved(), "answers", "answers@1", None)["mismatch"] == ""
    now = adapter_view(saved(state="unfinished"), None, "smollm2-135m-instruct", "answers")
    assert now["advice"] == "It is being trained."
