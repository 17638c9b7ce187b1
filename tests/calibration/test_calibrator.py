"""What is kept of a fit, and for which answers it holds."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit

from codex.calibration import METHODS, Calibrator, Fitted, Method, before_and_after, fit, metrics
from codex.calibration.prediction_sets import ConformalPredictor
from codex.types import Origin

Array = NDArray[np.float64]
SIGNS = {"likely": 1, "unsure": -1}
MADE = Origin("llama", "p1", 1.0, n_samples=10)


def answers(n: int = 150, seed: int = 0) -> tuple[dict[str, Array], NDArray[np.bool_]]:
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=n)
    columns = {"likely": hidden + rng.normal(size=n), "unsure": rng.normal(size=n) - hidden}
    return columns, rng.random(n) < expit(2 * hidden)


@lru_cache
def fitted(method: Method = "platt") -> Fitted:
    return fit(*answers(), signs=SIGNS, method=method, repeats=1)


def calibrator(method: Method = "platt", **changed: Any) -> Calibrator:
    _, correct = answers()
    parts: dict[str, Any] = {
        "name": "first",
        "method": method,
        "design": fitted(method).design,
        "map": fitted(method).map,
        "runs": ("run",),
        "datasets": ("capitals",),
        "questions": len(correct),
        "accuracy": float(correct.mean()),
        "metrics": {"before": {}, "after": {}},
    }
    return Calibrator(**(parts | asdict(MADE) | changed))


@pytest.mark.parametrize("method", METHODS)
def test_a_saved_calibrator_says_what_the_fitted_one_did(method: Method) -> None:
    columns, _ = answers(seed=1)
    columns["likely"][:3] = [np.nan, np.inf, -np.inf]
    written = calibrator(method).model_dump_json()
    loaded = Calibrator.model_validate_json(written)
    assert (loaded.confidences(columns) == fitted(method).confidences(columns)).all()
    assert (loaded.raw(columns) == fitted(method).raw(columns)).all()
    assert loaded == calibrator(method, created_at=loaded.created_at)
    assert loaded.version == calibrator(method).version


def test_it_is_plain_json() -> None:
    body = json.loads(calibrator("venn_abers").model_dump_json())
    assert body["design"]["terms"][0]["name"] == "likely"
    # Ten signals and a thousand steps stay under 0.1 MB.
    assert len(calibrator("venn_abers").model_dump_json()) < 100_000


def test_one_answer_gets_what_the_table_gets() -> None:
    columns, _ = answers()
    for row in range(5):
        signals: dict[str, float | None] = {name: float(column[row]) for name, column in columns.items()}
        assert calibrator().confidence(signals) == calibrator().confidences(columns)[row]


def test_missing_signals_are_none_and_nothing_known_is_none() -> None:
    assert calibrator().confidence({}) is None
    assert calibrator().confidence({"likely": None, "unsure": None}) is None
    some = calibrator().confidence({"likely": 2.0, "unsure": None})
    assert some is not None
    assert 0.5 < some < 1


def test_the_version_names_the_content() -> None:
    version = calibrator().version
    assert version.startswith("first@")
    assert len(version) == len("first@") + 10
    assert calibrator(name="second").version == version.replace("first", "second")
    assert calibrator(model="another").version != version
    assert calibrator("isotonic").version != version
    assert calibrator(shipped=True).version == calibrator(runs=()).version


def test_prediction_sets_are_part_of_it_and_one_without_them_is_what_it_was_before_there_were_any() -> None:
    sets = ConformalPredictor.of([1.0] * 30, 0.1)
    made = calibrator(prediction_sets=sets)
    assert Calibrator.model_validate_json(made.model_dump_json()).prediction_sets == sets
    assert made.version != calibrator().version
    assert calibrator(prior="0123456789").version != calibrator().version
    old = json.loads(calibrator().model_dump_json())
    assert old.pop("prediction_sets") is None
    assert old.pop("familiarity") is None
    assert old.pop("prior") is None
    assert old.pop("without_probes") is None
    assert old.pop("probe") == ""
    assert old.pop("verifier") == ""
    assert old.pop("stated") == ""
    assert old.pop("shipped") is False
    assert old.pop("sides") == ["calibration"]
    assert old.pop("adaptive") is False
    assert old.pop("plugins") == {}
    read = Calibrator.model_validate(old)
    later = {"prediction_sets", "familiarity", "prior", "probe", "without_probes", "verifier", "stated"}
    later |= {"shipped", "sides", "adaptive", "plugins"}
    content = read.model_dump_json(exclude={"name", "created_at", *later})
    assert read.version == f"first@{hashlib.sha256(content.encode()).hexdigest()[:10]}"


def test_one_that_was_fitted_on_everything_is_another_and_says_what_it_takes_to_prove_something() -> None:
    made = calibrator(sides=("calibration", "test"), questions=34)
    assert made.version != calibrator(questions=34).version
    assert not made.holds_out
    assert made.why_unproven == (
        "This calibrator was fitted on all of its 34 labels, so that none is left to prove a guarantee: "
        "label at least 26 more and recalibrate."
    )
    assert "label more and recalibrate" in calibrator(sides=made.sides, questions=62).why_unproven
    assert (calibrator().holds_out, calibrator().why_unproven) == (True, "")


def test_it_holds_for_what_it_was_fitted_on_and_says_why_not_otherwise() -> None:
    assert calibrator().mismatch(MADE) == ""
    for changed, said in (
        ({"model": "qwen"}, "llama, not of qwen"),
        ({"prompt": "p2"}, "prompt"),
        ({"n_samples": 5}, "10 samples of each answer, not 5"),
        ({"sample_temperature": 0.7}, "temperature 1, not 0.7"),
        ({"evidence": True}, "without passages"),
    ):
        assert said in calibrator().mismatch(replace(MADE, **changed))


def test_one_that_combines_the_stated_confidence_needs_it_under_the_same_prompt() -> None:
    made = calibrator(stated="a")
    assert made.version != calibrator().version
    assert "grounding.state_confidence" in made.mismatch(MADE)
    assert "under another prompt" in made.mismatch(replace(MADE, stated="b"))
    assert made.mismatch(replace(MADE, stated="a")) == ""
    # One that does not combine it holds whether it is there or not.
    assert calibrator().mismatch(replace(MADE, stated="a")) == ""


def test_the_temperature_of_no_samples_does_not_matter() -> None:
    alone = calibrator(n_samples=0)
    assert alone.mismatch(replace(MADE, n_samples=0, sample_temperature=0.3)) == ""


def test_its_figures_are_those_of_the_cross_fitted_confidences() -> None:
    _, correct = answers()
    found = before_and_after(fitted(), correct, resamples=200)
    for when, confidences in (("before", fitted().raw_crossfitted), ("after", fitted().crossfitted)):
        for name, figure in (
            ("auroc", metrics.auroc), ("ece", metrics.ece), ("ece_excess", metrics.ece_excess),
            ("brier", metrics.brier), ("nll", metrics.nll),
        ):  # fmt: skip
            kept = found[when][name]  # type: ignore[index]
            assert kept.value == pytest.approx(np.mean([figure(row, correct) for row in confidences]))
            assert kept.low < kept.value < kept.high
