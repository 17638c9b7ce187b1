"""Verifiers on the Train page: whether one helps, its epochs, its form, and the memory it needs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from codex.calibration.calibrator import Metric
from codex.engines.huggingface.loading import HuggingFaceConfig
from codex.engines.models import DEFAULT_MODEL, Models, default_home
from codex.errors import InvalidInput, ModelError
from codex.grounding.trained import TrainedVerifier
from codex.jobs import Jobs
from codex.pages.train.page import TrainPage
from codex.pages.train.verifiers import course_view, verifier_view
from codex.store.versions.versions import SavedVersion
from codex.training.fine_tunings import FineTunings
from codex.training.saved_verifiers import VERIFIER, SavedVerifier, advice
from codex.training.trainings import Trainings
from codex.training.verifier import Epoch
from codex.training.verifier_models import check_memory, training_memory
from tests.support.probed import DEPTH, TELLING, KnowingEngine, knowing, put_known
from tests.support.serving import workbench


def trained(before: float, after: tuple[float, float, float]) -> TrainedVerifier:
    """By the AUROC before, and after with its interval."""
    own = set(TrainedVerifier.model_fields)
    made = TrainedVerifier.model_validate(
        {name: value for name, value in VERIFIER.items() if name in own} | {"questions": [], "weights": ""}
    )
    value, low, high = after
    metrics = {
        "zero_shot": {"auroc": Metric(value=before, low=before - 0.1, high=before + 0.1)},
        "trained": {"auroc": Metric(value=value, low=low, high=high)},
    }
    return made.model_copy(update={"metrics": metrics})


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (
            trained(0.6, (0.78, 0.7, 0.85)),
            "It helps: AUROC 0.780 on answers that it has not seen, 0.600 before",
        ),
        (trained(0.75, (0.78, 0.7, 0.85)), "does not measurably rank answers better"),
        (trained(0.5, (0.52, 0.4, 0.6)), "not clearly above chance"),
    ],
)
def test_a_sentence_says_whether_a_verifier_helps_and_what_to_do(made: TrainedVerifier, words: str) -> None:
    assert words in advice(made)
    now = datetime.now(UTC)
    saved = SavedVerifier.of(SavedVersion(made.version, "new", now, False, made.model_dump_json(), None))
    assert saved.helps == ("It helps" in words)
    shown = verifier_view(saved, {}, "Other templates.", False)
    assert shown["title"] == f"new ({made.version})"
    assert [row["label"] for row in shown["rows"]] == ["before", "after"]
    assert (shown["mismatch"], shown["run"]) == ("Not used now. Other templates.", None)


def test_a_verifier_that_was_saved_before_there_were_readouts_keeps_its_version() -> None:
    made = trained(0.6, (0.78, 0.7, 0.85))
    before = made.model_dump(mode="json", exclude={"method"}) | {"metrics": VERIFIER["metrics"]}
    read = TrainedVerifier.model_validate(before)
    assert read.method == "lora"
    # By the code before there were readouts.
    assert read.version == "verifier@41e743c9fe"


def test_a_line_is_drawn_from_its_first_value() -> None:
    assert course_view([]) is None
    first = Epoch(0, None, 1.2, 0.5, 0.4)
    at_first = course_view([first])
    assert at_first is not None
    assert [line["name"] for line in at_first["loss"]["data"]] == ["held out"]
    later = course_view([first, Epoch(1, 0.9, 0.7, 0.6, 0.2)])
    assert later is not None
    assert [(line["x"], line["y"]) for line in later["loss"]["data"]] == [([0, 1], [1.2, 0.7]), ([1], [0.9])]
    assert [line["y"] for line in later["calibration"]["data"]] == [[0.5, 0.6], [0.4, 0.2]]


@pytest.fixture
def page(tmp_path: Path) -> Iterator[TrainPage]:
    opened, jobs = workbench(tmp_path, knowing()), Jobs()
    trainings = Trainings(opened, jobs)
    yield TrainPage(opened, trainings, jobs, FineTunings(opened, jobs, trainings))
    jobs.close()
    opened.close()


def test_what_the_form_cannot_mean_is_said(page: TrainPage) -> None:
    engine = knowing()
    put_known(page.workbench.store, engine, graded=20)
    [run] = page.look({})["runs"]
    assert run["problems"]["verifier"] == ""
    wanted = {"kind": "verifier", "method": "lora", "runs": ["run-1"]}
    wanted |= {"epochs": 3, "learning_rate": 1e-4, "kl_weight": 1}
    with pytest.raises(InvalidInput, match="Epochs must be a number from 1 to 100"):
        page.train(wanted | {"epochs": None})
    with pytest.raises(InvalidInput, match="are by scripted:test:none, and the settings name"):
        page.train(wanted)
    assert page.look({})["job"] is None


def test_a_readout_has_no_epochs_but_a_comparison(page: TrainPage) -> None:
    engine = cast("KnowingEngine", page.workbench.model.engine)
    put_known(page.workbench.store, engine, graded=160)
    assert [page.look({})["problems"][kind] for kind in ("probe", "readout", "lora")] == ["", "", ""]
    begun = page.train({"kind": "verifier", "method": "readout", "runs": ["run-1"], "name": "sure"})
    assert page.jobs.wait(begun["id"], 60).error is None
    told = page.look({})
    assert (told["job"]["state"], told["job"]["course"]) == ("done", None)
    [shown] = told["saved"]
    assert (shown["kind"], shown["method"], shown["helps"]) == ("verifier", "readout", True)
    assert [row["label"] for row in shown["rows"]] == ["before", "after"]
    facts = dict(shown["facts"])
    assert facts["readout"] == f"layer {TELLING} of {DEPTH}, logistic"
    assert "epochs" not in facts
    assert engine.loaded
    engine.shows = "none"
    told = page.look({})
    assert "use engine=huggingface" in told["problems"]["readout"]
    assert "shows no hidden states" in told["saved"][0]["mismatch"]


def test_the_memory_is_that_of_whole_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    models = Models(default_home())
    config = HuggingFaceConfig(model_path=DEFAULT_MODEL, dtype="float32", quantization="none", device="cpu")
    needed = training_memory(config, models)
    assert needed is not None
    # 134.5 million weights of four bytes, and a tenth; what else the file holds counts too.
    assert 0.55e9 < needed < 0.75e9
    check_memory(config, models)
    monkeypatch.setattr("codex.training.verifier_models.available_memory", lambda: needed - 1)
    with pytest.raises(ModelError, match="Unload the model that answers"):
        check_memory(config, models)
