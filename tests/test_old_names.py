"""Files and requests with the names of before CHANGELOG.md are read as those with today's."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from codex.calibration import Calibrator
from codex.calibration.prediction_sets import ConformalPredictor
from codex.calibration.shipped import shipped_calibrators
from codex.evaluation.generations import read
from codex.policy import Policy, PolicyGuarantee
from codex.store.codec.nouns import decode, encode
from codex.types import PredictionSet, TraceParams

OLD_POLICY = """
name: mine
rules: []
answer_above: 0.7
abstain_below: 0.2
promise: {risk: 0.1, certainty: 0.95, calibrator: c@1, run: r1, questions: 100, answered: 40, wrong: 1}
"""


def test_a_policy_with_a_promise_has_a_guarantee_under_the_same_version() -> None:
    policy = Policy.model_validate(yaml.safe_load(OLD_POLICY))
    assert policy.guarantee == PolicyGuarantee(
        risk=0.1, confidence_level=0.95, calibrator="c@1", run="r1", questions=100, answered=40, incorrect=1
    )
    # Computed by the code before the names changed.
    assert policy.version == "mine@39ed44d067"
    written = json.loads(policy.model_dump_json())
    assert written["guarantee"]["confidence_level"] == 0.95
    assert Policy.model_validate(written) == policy


def test_a_calibrator_with_answer_sets_has_prediction_sets_under_the_same_version() -> None:
    ours = shipped_calibrators()[0].model_dump(mode="json")
    sets = {"alpha": 0.1, "n": 99, "cutoff": 0.4, "tie": 0.5}
    ours.pop("prediction_sets")
    old = Calibrator.model_validate(ours | {"answer_sets": sets})
    assert old.prediction_sets == ConformalPredictor(**sets)
    assert old == Calibrator.model_validate(ours | {"prediction_sets": sets})
    assert old.version == Calibrator.model_validate_json(old.model_dump_json()).version


def test_stored_answers_with_right_are_graded(tmp_path: Path) -> None:
    line = {"id": "a", "question": "?", "answers": ["x"], "greedy": {"text": "x"}, "samples": []}
    path = tmp_path / "old.jsonl"
    path.write_text(json.dumps(line | {"right": True}) + "\n" + json.dumps(line | {"id": "b"}) + "\n")
    assert [each.correct for each in read(path)] == [True, None]


def test_a_trace_with_an_answer_set_has_a_prediction_set() -> None:
    params = TraceParams(prediction_set=PredictionSet(0.9, ("Rome",), False, (0, 2)))
    written = encode(params)
    written["answer_set"] = written.pop("prediction_set")
    assert decode(TraceParams, written) == params
