"""The guarantee on the answers given: its bounds are exact and its refusals say why."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mapie.risk_control.fwer_control import control_fwer
from numpy.typing import NDArray
from pydantic import TypeAdapter
from scipy.stats import binom, binomtest

from codex.calibration.risk import (
    START,
    Guarantee,
    MaybeGuarantee,
    NoGuarantee,
    by_group,
    fewest_labels,
    selective_threshold,
    upper_bound,
)
from codex.errors import InvalidInput

Array = NDArray[np.float64]
Truth = NDArray[np.bool_]


def calibrated(n: int, seed: int = 0) -> tuple[Array, Truth]:
    """Confidences that mean what they say, and verdicts drawn by them."""
    rng = np.random.default_rng(seed)
    confidence = 1 / (1 + np.exp(-rng.normal(0.5, 2.5, n)))
    return confidence, rng.random(n) < confidence


def test_with_labels_enough_it_answers_most_that_can_be_answered_at_that_risk() -> None:
    confidence, correct = calibrated(50_000)
    guarantee = selective_threshold(confidence, correct, 0.1, 0.05)
    assert isinstance(guarantee, Guarantee)
    order = np.argsort(-confidence)
    risk = np.cumsum(~correct[order]) / np.arange(1, len(correct) + 1)
    best = np.flatnonzero(risk <= 0.1)[-1] / len(correct)
    assert guarantee.incorrect / guarantee.answered <= guarantee.bound <= 0.1
    # One step of the thresholds, 0.01, holds about 1 % of the rows; the bound itself costs less here.
    assert best - 0.02 < guarantee.coverage <= best


def test_what_it_says_of_the_rows_can_be_counted_again() -> None:
    confidence, correct = calibrated(2_000, seed=1)
    guarantee = selective_threshold(confidence, correct, 0.2, 0.05)
    given = confidence >= guarantee.threshold
    assert isinstance(guarantee, Guarantee)
    assert (guarantee.n, guarantee.answered, guarantee.incorrect) == (
        2_000,
        given.sum(),
        (given & ~correct).sum(),
    )
    assert guarantee.coverage == given.mean()


@given(st.integers(1, 400), st.data())
def test_the_bound_is_that_of_clopper_and_pearson(answered: int, data: st.DataObject) -> None:
    incorrect = data.draw(st.integers(0, answered))
    # A one-sided bound at 95 % is the upper end of the two-sided interval at 90 %.
    interval = binomtest(incorrect, answered).proportion_ci(0.90, method="exact")
    assert upper_bound(incorrect, answered, 0.05) == pytest.approx(interval.high, rel=1e-9)


def test_with_all_answers_right_it_takes_the_count_of_the_closed_form() -> None:
    few = fewest_labels(0.1, 0.05)
    assert few == math.ceil(math.log(START * 0.05) / math.log(0.9)) == 30
    enough = selective_threshold(np.full(few, 0.95), np.ones(few, bool), 0.1, 0.05)
    lacking = selective_threshold(np.full(few - 1, 0.95), np.ones(few - 1, bool), 0.1, 0.05)
    assert isinstance(enough, Guarantee)
    assert isinstance(lacking, NoGuarantee)


def test_a_walk_from_its_main_start_is_mapies_fixed_sequence_over_the_same_thresholds() -> None:
    for seed in range(50):
        confidence, correct = calibrated(400, seed)
        sequence = np.round(np.arange(80, -1, -1) / 100, 2)
        given = confidence >= sequence[:, None]
        p_values = binom.cdf((given & ~correct).sum(1), given.sum(1), 0.2)
        passed = control_fwer(p_values, START * 0.05, "fixed_sequence")
        oracle = sequence[passed[-1]] if len(passed) else math.inf
        # Ours starts with no less than that share of delta, and so never answers less: but of thresholds
        # that the same rows reach, it names the strictest.
        guarantee = selective_threshold(confidence, correct, 0.2, 0.05)
        assert guarantee.coverage >= (confidence >= oracle).mean()


def test_rows_of_equal_confidence_are_answered_together() -> None:
    confidence = np.repeat([0.97, 0.62], 100)
    correct = np.concatenate([np.ones(100, bool), np.arange(100) < 50])
    guarantee = selective_threshold(confidence, correct, 0.1, 0.05)
    assert isinstance(guarantee, Guarantee)
    assert guarantee.answered == 100
    assert 0.62 < guarantee.threshold <= 0.97


def test_the_threshold_does_not_fall_below_what_was_seen() -> None:
    guarantee = selective_threshold(np.full(500, 0.85), np.ones(500, bool), 0.2, 0.05)
    assert guarantee.threshold >= 0.8


def test_rows_that_the_gate_holds_back_are_not_answered_and_count_against_the_coverage() -> None:
    confidence, correct = np.full(200, 0.95), np.arange(200) < 100
    guarantee = selective_threshold(confidence, correct, 0.1, 0.05, selectable=correct)
    assert isinstance(guarantee, Guarantee)
    assert (guarantee.answered, guarantee.incorrect, guarantee.coverage) == (100, 0, 0.5)
    assert isinstance(selective_threshold(confidence, correct, 0.1, 0.05), NoGuarantee)


def test_a_missing_confidence_is_never_answered() -> None:
    confidence = np.append(np.full(100, 0.95), np.full(100, np.nan))
    guarantee = selective_threshold(confidence, np.arange(200) < 100, 0.1, 0.05)
    assert isinstance(guarantee, Guarantee)
    assert (guarantee.n, guarantee.answered, guarantee.incorrect) == (200, 100, 0)


@pytest.mark.parametrize(
    ("confidence", "correct", "says"),
    [
        ([], [], "There are 0 held-out answers; 30 are needed"),
        ([0.5] * 5, [False] * 5, "There are 5 held-out answers; 30 are needed"),
        ([math.nan] * 50, [True] * 50, "Of 50 held-out answers 0 may be given"),
        ([0.5] * 500, [False] * 500, "not correct often enough at any confidence"),
    ],
)
def test_a_refusal_says_why(confidence: list[float], correct: list[bool], says: str) -> None:
    refusal = selective_threshold(confidence, correct, 0.1, 0.05)
    assert isinstance(refusal, NoGuarantee)
    assert refusal.threshold == math.inf
    assert refusal.coverage == 0
    assert says in refusal.reason
    assert "at most 10% incorrect at the 95% confidence level" in refusal.reason


def test_a_refusal_says_about_how_many_labels_it_would_take() -> None:
    def guarantee(n: int) -> Guarantee | NoGuarantee:
        return selective_threshold(np.full(n, 0.93), np.arange(n) % 20 != 7, 0.1, 0.05)  # one in 20 incorrect

    refusal = guarantee(60)
    assert isinstance(refusal, NoGuarantee)
    assert refusal.labels is not None
    assert f"are needed: {refusal.labels - 60} more." in refusal.reason
    # "If more turn out like these": so many of the same kind are enough, and far fewer are not.
    assert isinstance(guarantee(refusal.labels), Guarantee)
    assert isinstance(guarantee(refusal.labels // 3), NoGuarantee)


@pytest.mark.parametrize("level", [0, 1, 2, -0.1, math.nan, math.inf])
@pytest.mark.parametrize("name", ["alpha", "delta"])
def test_a_level_outside_the_open_interval_is_refused(name: str, level: float) -> None:
    levels = {"alpha": 0.1, "delta": 0.05} | {name: level}
    with pytest.raises(InvalidInput, match=name) as caught:
        selective_threshold([0.5], [True], **levels)
    assert caught.value.fields == (name,)


@pytest.mark.parametrize(
    ("confidence", "correct", "match"),
    [
        ([0.5, 0.6], [True], "2 confidences, 1 verdicts"),
        ([[0.5]], [[True]], "one of each a row"),
        ([1.5], [True], "1.5"),
        ([-math.inf], [True], "-inf"),
        ([0.5], [0.5], "verdict"),
        ([0.5], [None], "verdict"),
    ],
)
def test_what_is_no_confidence_or_no_verdict_is_refused(
    confidence: list[Any], correct: list[Any], match: str
) -> None:
    with pytest.raises(InvalidInput, match=match):
        selective_threshold(confidence, correct, 0.1, 0.05)


def test_each_group_has_a_guarantee_of_its_own() -> None:
    confidence = np.full(300, 0.95)
    groups = np.repeat(["easy", "hard", "few"], [150, 140, 10])
    correct = groups != "hard"
    guarantees = by_group(confidence, correct, groups, 0.1, 0.05)
    assert {name: guarantee.kind for name, guarantee in guarantees.items()} == {
        "easy": "guarantee",
        "few": "none",
        "hard": "none",
    }
    assert guarantees["easy"].n == 150
    assert guarantees["easy"].delta == 0.05


def test_each_answer_has_a_group() -> None:
    with pytest.raises(InvalidInput, match="groups"):
        by_group([0.9] * 4, [True] * 4, ["a"], 0.1, 0.05)


def test_a_guarantee_and_a_refusal_survive_json() -> None:
    adapter: TypeAdapter[Guarantee | NoGuarantee] = TypeAdapter(MaybeGuarantee)
    for n in (20, 2_000):
        guarantee = selective_threshold(*calibrated(n), 0.2, 0.05)
        assert adapter.validate_json(adapter.dump_json(guarantee)) == guarantee


def test_a_million_rows_take_less_than_a_second() -> None:
    table = calibrated(1_000_000)
    started = time.perf_counter()
    selective_threshold(*table, 0.1, 0.05)
    # 0.06 s alone on one core; the rest is room for a busy machine.
    assert time.perf_counter() - started < 1.0


def test_an_alpha_next_to_nothing_takes_more_labels_than_anybody_has() -> None:
    assert fewest_labels(5e-324, 0.05) == 2**53
