"""What is said before a run starts: its time, and what a calibrator and a guarantee need."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from codex.ask.loop.adaptive import SHARE
from codex.ask.workbench import Workbench
from codex.calibration import Calibrator
from codex.calibration.crossfit import LEAST_LABELS
from codex.calibration.risk import NoGuarantee, fewest_labels
from codex.datasets.splits import split
from codex.errors import InvalidInput, NotFound
from codex.evaluation.calibrating import Target, guarantee, labelled_runs
from codex.evaluation.callers import callers_for
from codex.evaluation.estimate import estimate, seconds_each
from codex.settings import load_settings
from codex.store import Store
from codex.store.evaluation.runs import Cost
from tests.support.evaluated import put_calibrator, put_run
from tests.support.scripted import Script, ScriptedEngine

COUNT = 200
NAMES = [f"How much is {at} and one?" for at in range(COUNT)]


@pytest.fixture
def workbench(tmp_path: Path) -> Iterator[Workbench]:
    """Over the dataset sums; its last ten questions repeat the first ones."""
    rows = [
        {"id": f"q{at}", "question": NAMES[at % 190], "answers": [str(at)], "group": "capitals"}
        for at in range(COUNT)
    ]
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    settings = load_settings([f"home={tmp_path}"])
    opened = Workbench(settings, ScriptedEngine(lambda _: Script(["1"])), Store(tmp_path / "codex.duckdb"))
    yield opened
    opened.close()


def of_half(half: str, first: int = 190) -> list[int]:
    return [at for at, name in enumerate(NAMES[:first]) if split(name) == half]


def test_without_any_run_nothing_is_made_up(workbench: Workbench) -> None:
    found = estimate(workbench, "sums", limit=60)
    assert (found.questions, found.seconds, found.accuracy, found.graded) == (60, None, None, 0)
    assert found.lines[0].startswith("60 questions. How long they take is not measured yet")
    assert (found.to_fit, found.held_out) == (len(of_half("calibration", 60)), len(of_half("test", 60)))
    assert found.fit_labels == LEAST_LABELS
    assert found.fit_questions == of_half("calibration")[LEAST_LABELS - 1] + 1
    # If every answer were correct.
    assert found.guarantee_labels == fewest_labels(0.2, 0.05)
    assert "at least 14 held-out questions; " in found.lines[2]


def test_a_repeated_question_counts_once(workbench: Workbench) -> None:
    found = estimate(workbench, "sums")
    assert found.questions == COUNT
    assert found.to_fit + found.held_out == 190


def test_time_is_that_of_earlier_answers_by_their_tokens(workbench: Workbench) -> None:
    put_run(workbench.store, model=workbench.model.engine.fingerprint, graded=80, n_samples=5)
    costs = workbench.store.runs.costs("run-1", 100)
    record = workbench.store.runs.record("run-1", "q79")
    assert costs[0] == Cost(
        record.seconds,
        len(record.observation.generation.tokens),
        tuple(len(sample.tokens) for sample in record.observation.samples),
    )
    at_once = callers_for(workbench.model.engine)
    same = estimate(workbench, "sums", limit=60, n_samples=5)
    assert same.seconds == pytest.approx(60 * 0.25 / at_once)
    fewer = estimate(workbench, "sums", limit=60, n_samples=2)
    assert fewer.seconds == pytest.approx(60 * seconds_each(costs, 2, None) / at_once)
    assert fewer.seconds < same.seconds
    assert same.lines[0].startswith("60 questions: about 15 seconds. This model is correct on about ")


def test_time_of_adaptive_sampling_is_that_of_the_samples_drawn(workbench: Workbench) -> None:
    model, at_once = workbench.model.engine.fingerprint, callers_for(workbench.model.engine)
    put_run(workbench.store, "all", model=model, graded=80, n_samples=10)
    costs = workbench.store.runs.costs("all", 100)
    first = estimate(workbench, "sums", limit=60, n_samples=10, adaptive=True)
    assert first.seconds == pytest.approx(60 * seconds_each(costs, 10 * SHARE, None) / at_once)
    assert first.seconds < estimate(workbench, "sums", limit=60, n_samples=10).seconds
    put_run(workbench.store, "adaptive", model=model, graded=80, n_samples=10, adaptive=4)
    later = estimate(workbench, "sums", limit=60, n_samples=10, adaptive=True)
    assert later.seconds == pytest.approx(60 * 0.25 / at_once)


def test_seconds_follow_the_tokens() -> None:
    costs = [Cost(2.0, 10, (10, 10, 10))]
    assert seconds_each(costs, 3, None) == 2.0
    assert seconds_each(costs, 7, None) == 4.0
    assert seconds_each(costs, 3, 5) == 1.0
    assert seconds_each([Cost(1.0, 10, ())], 1, None) == 2.0
    assert seconds_each([Cost(1.0, 0, ())], 5, None) == 1.0


def test_the_runs_of_another_model_say_nothing(workbench: Workbench) -> None:
    put_run(workbench.store, model="another")
    found = estimate(workbench, "sums", limit=60)
    assert (found.seconds, found.accuracy) == (None, None)


def test_few_correct_answers_need_more_labels(workbench: Workbench) -> None:
    put_run(
        workbench.store,
        model=workbench.model.engine.fingerprint,
        correct=lambda _, rng: bool(rng.random() < 0.03),
    )
    found = estimate(workbench, "sums", limit=60)
    assert found.accuracy is not None
    assert 0 < found.accuracy < 0.1
    share = (found.accuracy * 80 + 0.5) / 81
    assert found.fit_labels > LEAST_LABELS
    assert 1 - share**found.fit_labels - (1 - share) ** found.fit_labels >= 0.95
    assert found.guarantee_labels == math.ceil(fewest_labels(0.2, 0.05) / found.accuracy)
    assert found.guarantee_questions is None
    assert found.lines[2].endswith("The dataset sums has too few.")


def test_the_guarantee_is_estimated_as_calibrate_proves_it(workbench: Workbench) -> None:
    run = put_run(workbench.store, model=workbench.model.engine.fingerprint, graded=160)
    version = put_calibrator(workbench.store, run)
    workbench.active.activate_calibrator(version)
    calibrator = Calibrator.model_validate_json(workbench.store.calibrators.load(version).body)
    labelled = labelled_runs(workbench.store, [run.id])
    for alpha in np.linspace(0.05, 0.4, 8).tolist():
        proven = guarantee(labelled, calibrator, Target(alpha, 0.05, workbench.active.policy))
        found = estimate(workbench, "sums", alpha=alpha, n_samples=5, sample_temperature=1.0)
        assert found.differing == []
        if isinstance(proven, NoGuarantee):
            assert found.guarantee_labels == proven.labels
        else:
            assert found.guarantee_labels is not None
            assert fewest_labels(alpha, 0.05) <= found.guarantee_labels <= proven.n


def test_other_settings_than_the_calibrators_are_named(workbench: Workbench) -> None:
    run = put_run(workbench.store, model=workbench.model.engine.fingerprint)
    version = put_calibrator(workbench.store, run)
    workbench.active.activate_calibrator(version)
    found = estimate(workbench, "sums", n_samples=3, sample_temperature=0.7, evidence=True)
    assert found.lines[-1] == (
        f"The active calibrator {version} was fitted with no passages in the prompt, 5 samples, samples at "
        "temperature 1: this run cannot be used to check it."
    )
    assert estimate(workbench, "sums", n_samples=5, sample_temperature=1.0).differing == []


def test_one_half_alone_is_said(workbench: Workbench) -> None:
    test, fit = estimate(workbench, "sums", side="test"), estimate(workbench, "sums", side="calibration")
    assert "a calibrator cannot be fitted on them" in test.lines[1]
    assert "none of these is" in fit.lines[2]


def test_what_cannot_be_estimated_is_refused(workbench: Workbench) -> None:
    with pytest.raises(NotFound):
        estimate(workbench, "nowhere")
    with pytest.raises(InvalidInput):
        estimate(workbench, "sums", alpha=1.5)
    with pytest.raises(InvalidInput):
        estimate(workbench, "sums", limit=0)
