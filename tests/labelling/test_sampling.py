"""Orders of labelling, and what can be said of all answers from those that were labelled."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from codex.calibration import metrics
from codex.labelling.estimate import ece, share_correct
from codex.labelling.sampling import Order, probabilities, ranks, weights

Array = NDArray[np.float64]

POOL, LABELLED, DRAWS = 1500, 150, 300
CONFIDENCE = np.random.default_rng(1).beta(2, 0.5, POOL)
"""Most of them high, so that the uncertain ones are not like the rest."""
CORRECT = np.random.default_rng(2).random(POOL) < CONFIDENCE - CONFIDENCE * (1 - CONFIDENCE)
"""Less often correct than said where it is uncertain, so that there is an error to estimate."""
TRUTH = CORRECT.mean()


def labelled(order: Order, seed: int) -> tuple[NDArray[np.intp], Array]:
    """The first answers of the order, and how likely each was to be among them."""
    place = ranks(order, CONFIDENCE, np.zeros(POOL), np.random.default_rng(1000 + seed))
    first = np.argsort(place)
    weight = weights(order, CONFIDENCE)
    assert weight is not None
    chosen = first[:LABELLED]
    return chosen, probabilities(weight[chosen], place[first[LABELLED]])


def drawn(order: Order) -> tuple[Array, Array, list[tuple[float, float]]]:
    naive, weighted, intervals = [], [], []
    for seed in range(DRAWS):
        chosen, probability = labelled(order, seed)
        found = share_correct(CORRECT[chosen], probability)
        assert found is not None
        naive.append(CORRECT[chosen].mean())
        weighted.append(found.value)
        intervals.append((found.low, found.high))
    return np.array(naive), np.array(weighted), intervals


def off(values: Array, truth: float) -> float:
    """How many standard errors their mean is from the truth."""
    return float(abs(values.mean() - truth) / (values.std() / np.sqrt(len(values))))


def test_of_a_mixed_order_the_naive_accuracy_is_off_and_the_weighted_one_is_not() -> None:
    naive, weighted, intervals = drawn("mixed")
    assert off(naive, TRUTH) > 6
    assert off(weighted, TRUTH) < 3
    held = np.mean([low <= TRUTH <= high for low, high in intervals])
    assert held >= 0.93


def test_of_a_random_order_both_are_right() -> None:
    naive, weighted, intervals = drawn("random")
    assert naive == pytest.approx(weighted)
    assert off(weighted, TRUTH) < 3
    assert np.mean([low <= TRUTH <= high for low, high in intervals]) >= 0.93


def test_the_weighted_calibration_error_is_that_of_all_answers() -> None:
    truth = metrics.ece(CONFIDENCE, CORRECT, 10, mass=False)
    everything = np.ones(POOL)
    assert ece(CONFIDENCE, CORRECT, everything) == pytest.approx(truth)
    # Few labels add noise, which adds to an error that is a sum of absolute values: compare at many.
    naive, weighted = [], []
    for seed in range(40):
        place = ranks("mixed", CONFIDENCE, np.zeros(POOL), np.random.default_rng(1000 + seed))
        first = np.argsort(place)
        chosen, weight = first[:700], weights("mixed", CONFIDENCE)
        assert weight is not None
        probability = probabilities(weight[chosen], place[first[700]])
        naive.append(metrics.ece(CONFIDENCE[chosen], CORRECT[chosen], 10, mass=False))
        weighted.append(ece(CONFIDENCE[chosen], CORRECT[chosen], probability))
    assert abs(np.mean(weighted) - truth) < abs(np.mean(naive) - truth) / 2


def test_a_mixed_order_asks_of_the_least_certain_more_often_and_of_all_sometimes() -> None:
    certain, uncertain = CONFIDENCE > 0.95, abs(CONFIDENCE - 0.5) < 0.1
    seen = np.zeros(POOL)
    for seed in range(DRAWS):
        seen[labelled("mixed", seed)[0]] += 1
    assert seen[uncertain].mean() > 1.5 * seen[certain].mean() > 0
    assert (seen > 0).all()


def test_by_uncertainty_the_least_certain_come_first_and_nothing_can_be_estimated() -> None:
    confidence = np.array([0.9, 0.5, 0.05, np.nan, 0.45])
    place = ranks("uncertainty", confidence, np.zeros(5), np.random.default_rng(0))
    assert np.argsort(place, kind="stable").tolist() == [1, 3, 4, 0, 2]
    assert weights("uncertainty", confidence) is None
    assert weights("newest", confidence) is None


def test_the_newest_come_first() -> None:
    made_at = np.array([3.0, 9.0, 5.0])
    place = ranks("newest", np.full(3, 0.5), made_at, np.random.default_rng(0))
    assert np.argsort(place).tolist() == [1, 2, 0]


def test_when_all_are_labelled_the_estimate_is_their_share() -> None:
    found = share_correct(CORRECT, probabilities(np.full(POOL, 0.3), np.inf))
    assert found is not None
    assert found.value == pytest.approx(TRUTH)
    assert (found.labelled, round(found.effective)) == (POOL, POOL)


@pytest.mark.parametrize(("correct", "low", "high"), [(True, 0.692, 1.0), (False, 0.0, 0.308)])
def test_where_all_say_the_same_the_interval_is_the_exact_one(correct: bool, low: float, high: float) -> None:
    found = share_correct(np.full(10, correct), np.full(10, 0.1))
    assert found is not None
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-4)


def test_nothing_labelled_says_nothing() -> None:
    assert share_correct(np.array([], bool), np.array([])) is None
