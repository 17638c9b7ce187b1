"""From runs to a calibrator, over answers that are correct as often as they seem to be."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codex.calibration import Calibrator
from codex.calibration.risk import Guarantee
from codex.datasets.splits import split
from codex.errors import Cancelled, InvalidInput, NotFound
from codex.evaluation.calibrating import (
    Target,
    calibrate,
    fitted,
    group_guarantees,
    guarantee,
    labelled_generations,
    labelled_runs,
)
from codex.evaluation.generations import generated_of
from codex.evaluation.prediction_sets import sampled_runs
from codex.policy import Policy
from codex.store import Store
from codex.types import Generation, Observation, Origin, Record, Run, RunParams, Sampling, Token
from tests.support.evaluated import put_run

ALPHA, DELTA = 0.3, 0.1


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "codex.duckdb") as opened:
        yield opened


def put(store: Store, run_id: str = "r", n: int = 160, first: int = 0, **different: Any) -> None:
    """A run of n answers, each correct with the probability that its signal says."""
    params = RunParams(answer=Sampling(temperature=0.0), samples=Sampling(temperature=0.7), n_samples=0)
    run = Run(run_id, run_id, "sums", datetime.now(UTC), "scripted:a", "p", params, total=n, state="done")
    store.runs.create(replace(run, **different))
    store.runs.add(run_id, [answer(number) for number in range(first, first + n)])


def answer(number: int, correct: bool | None = None) -> Record:
    rng = np.random.default_rng(number)
    logprob = float(np.log(rng.uniform(0.05, 0.99)))
    drawn = bool(rng.random() < np.exp(logprob))
    said = Generation("yes", (Token(1, b"yes", logprob),), "stop", 1, 0.1)
    observation = Observation(f"Is {number} it?", said)
    graded = drawn if correct is None else correct
    signals: dict[str, float | None] = {
        "sum_logprob_focus": logprob, "avg_logprob": logprob, "top1_prob": np.exp(logprob), "entropy": 0.1,
    }  # fmt: skip
    return Record(f"q{number}", "sums", ("yes",), observation, signals, graded, float(graded), 0.1)


def test_a_calibrator_is_fitted_to_one_side_and_saved_with_what_it_holds_for(store: Store) -> None:
    put(store)
    made = calibrate(store, ["r"], name="mine", method="platt")
    saved = store.calibrators.load(made.version)
    assert Calibrator.model_validate_json(saved.body) == made
    assert (saved.name, saved.run_id, saved.active) == ("mine", "r", False)
    assert (made.model, made.prompt, made.n_samples, made.sample_temperature, made.evidence) == (
        "scripted:a", "p", 0, 0.7, False,
    )  # fmt: skip
    assert (made.runs, made.datasets, made.method) == (("r",), ("sums",), "platt")
    expected = [n for n in range(160) if split(f"Is {n} it?") == "calibration"]
    assert made.questions == len(expected)
    assert labelled_runs(store, ["r"]).to_fit.ids == tuple(f"q{n}" for n in expected)
    # The signal alone ranks right above wrong with 0.83 on average over such draws.
    assert 0.7 < made.metrics["after"]["auroc"].value < 0.95
    assert made.reference is not None


def test_runs_are_joined_and_a_question_counts_once(store: Store) -> None:
    put(store, "a", n=100)
    put(store, "b", n=100, first=60)
    table = labelled_runs(store, ["a", "b", "a"]).table
    assert table.ids == tuple(f"q{n}" for n in range(160))


@pytest.mark.parametrize(
    ("different", "says"),
    [
        ({"model": "scripted:b"}, "model is 'scripted:a' in 'a' and 'scripted:b' in 'b'"),
        ({"prompt": "other"}, "prompt is 'p' in 'a' and 'other' in 'b'"),
        (
            {"params": RunParams(answer=Sampling(temperature=1.0))},
            "answer.temperature is 0.0 in 'a' and 1.0 in 'b'",
        ),
    ],
)
def test_runs_that_were_not_asked_in_one_way_are_refused(
    store: Store, different: dict[str, Any], says: str
) -> None:
    put(store, "a", n=2)
    put(store, "b", n=2, first=2, **different)
    with pytest.raises(InvalidInput, match=says):
        calibrate(store, ["a", "b"])


def test_too_few_labels_make_no_calibrator_and_it_is_said_how_many_do(store: Store) -> None:
    put(store, n=40)
    here = sum(split(f"Is {n} it?") == "calibration" for n in range(40))
    with pytest.raises(
        InvalidInput,
        match=f"40 graded.*: {here} to fit, {40 - here} held.*30 are needed.*Ask {2 * (30 - here)} more",
    ):
        calibrate(store, ["r"])
    assert store.calibrators.list() == []


@pytest.mark.parametrize(
    ("correct", "says"), [(True, "None .* are incorrect"), (False, "None .* are correct")]
)
def test_labels_of_one_kind_make_no_calibrator(store: Store, correct: bool, says: str) -> None:
    put(store, n=0)
    store.runs.add("r", [answer(number, correct) for number in range(100)])
    with pytest.raises(InvalidInput, match=says):
        calibrate(store, ["r"])


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"method": "magic"}, "magic"),
        ({"name": " "}, "name"),
        ({"target": Target(2.0, 0.1, Policy())}, "alpha is 2"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_saved(
    store: Store, wanted: dict[str, Any], says: str
) -> None:
    put(store)
    with pytest.raises(InvalidInput, match=says):
        calibrate(store, ["r"], **{"method": "none", **wanted})
    assert store.calibrators.list() == []


def test_a_run_that_is_not_there_or_not_named_is_refused(store: Store) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        calibrate(store, ["nowhere"])
    with pytest.raises(InvalidInput, match="Name a run"):
        calibrate(store, [])


def test_a_cancelled_fit_saves_nothing(store: Store) -> None:
    put(store)
    cancel = threading.Event()
    with pytest.raises(Cancelled):
        calibrate(store, ["r"], method="none", progress=lambda done, total: cancel.set(), cancel=cancel)
    assert store.calibrators.list() == []


def test_a_guarantee_rests_on_the_answers_that_were_held_back_and_that_the_rules_give(store: Store) -> None:
    put(store, n=400)
    made = calibrate(store, ["r"], "none", Target(ALPHA, DELTA, Policy()), "mine")
    labelled = labelled_runs(store, ["r"])
    guaranteed = guarantee(labelled, made, Target(ALPHA, DELTA, Policy()))
    assert isinstance(guaranteed, Guarantee)
    assert guaranteed.n == 400 - made.questions
    (saved,) = store.policies.list()
    policy = Policy.model_validate_json(saved.body)
    assert (policy.name, policy.answer_above) == ("mine", guaranteed.threshold)
    assert policy.guarantee is not None
    assert (policy.guarantee.risk, policy.guarantee.confidence_level, policy.guarantee.calibrator) == (
        ALPHA, 1 - DELTA, made.version,
    )  # fmt: skip
    assert store.policies.active() is None  # it is saved, not active

    surest = labelled.table.signals["top1_prob"] >= 0.9
    held = np.array([split(question) == "test" for question in labelled.table.questions])
    for gate in ("abstain", "reflect", "retrieve"):
        closed = Policy.model_validate({"rules": [{"signal": "top1_prob", "below": 0.9, "gate": gate}]})
        fewer = guarantee(labelled, made, Target(ALPHA, DELTA, closed))
        assert isinstance(fewer, Guarantee)
        assert fewer.answered == np.count_nonzero(surest & held)


def test_the_guarantee_of_a_dataset_is_what_it_would_be_without_the_others(store: Store) -> None:
    put(store, n=400)
    made = calibrate(store, ["r"], "none")
    labelled = labelled_runs(store, ["r"])
    here = np.array([split(question) == "calibration" for question in labelled.table.questions])
    names = np.where(np.arange(400) % 4 == 0, "small", "large")
    names[np.flatnonzero(here)[:3]] = "lost"  # nothing of it was held out
    grouped = replace(labelled, table=replace(labelled.table, groups=names))
    found = group_guarantees(grouped, made, Target(ALPHA, DELTA, Policy()))
    assert [*found] == ["large", "lost", "small"]
    assert (found["lost"].n, found["lost"].kind) == (0, "none")
    assert "There are 0 held-out answers" in str(found["lost"])
    for name in ("large", "small"):
        put(store, name, n=0)
        store.runs.add(name, [answer(at) for at in np.flatnonzero(names == name).tolist()])
        assert found[name] == guarantee(labelled_runs(store, [name]), made, Target(ALPHA, DELTA, Policy()))
    assert found["large"].n + found["small"].n == 400 - made.questions


def test_a_file_makes_the_same_calibrator_as_its_run(store: Store) -> None:
    origin = Origin("scripted:a", "p", 0.7)
    lines = [generated_of(answer(number), origin) for number in range(160)]
    labelled = labelled_generations(lines)
    made, _ = fitted(labelled, "temperature")
    assert (made.model, made.prompt, made.sample_temperature, made.runs) == ("scripted:a", "p", 0.7, ())
    assert labelled.table.correct.tolist() == [answer(number).correct for number in range(160)]


def test_a_file_of_answers_made_in_two_ways_or_by_nobody_is_refused() -> None:
    one, other = (generated_of(answer(number), Origin(f"scripted:{number}", "p", 1.0)) for number in (1, 2))
    with pytest.raises(InvalidInput, match=r"scripted:1, 0 samples .* for 'q1', scripted:2"):
        labelled_generations([one, other])
    plain = generated_of(answer(1))
    with pytest.raises(InvalidInput, match="--model"):
        labelled_generations([plain])
    assert labelled_generations([plain], model="m").origin == Origin("m", "", 1.0)


def test_a_persons_verdict_is_what_is_fitted_to(store: Store) -> None:
    put_run(store, graded=40)
    before = labelled_runs(store, ["run-1"]).table
    store.runs.label("run-1", "q3", not before.correct[3])
    store.runs.label("run-1", "q5", None)
    table = labelled_runs(store, ["run-1"]).table
    assert table.correct[3] != before.correct[3]
    assert "q5" not in table.ids
    assert [each.question for each in sampled_runs(store, ["run-1"])] == list(table.questions)
