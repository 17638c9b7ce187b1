"""The bounded logistic against scikit-learn, and against the conditions that only the optimum meets."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from codex.calibration.logistic import logistic

Array = NDArray[np.float64]


def problem(seed: int, n: int = 200, d: int = 8, causes: int = 8, scale: float = 1.0) -> tuple[Array, Array]:
    """[n, d] signals of a few common causes, some of which speak against the answer, and [n] outcomes."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, causes)) @ rng.normal(size=(causes, d)) + 0.1 * rng.normal(size=(n, d))
    x *= scale
    return x, (rng.random(n) < expit(x @ rng.normal(size=d) - 1)).astype(float)


def distance(x: Array, target: Array, weights: Array, intercept: float, l2: float, most: float) -> float:
    """How far a step down the slope gets before a bound stops it; 0 at the optimum and nowhere else."""
    gap = expit(x @ weights + intercept) - target
    to = np.clip(weights - (x.T @ gap + l2 * weights), 0, most)
    return float(max(np.abs(to - weights).max(), abs(gap.sum())))


@pytest.mark.parametrize("l2", [1.0, 10.0])
def test_it_is_that_of_scikit_learn_where_no_weight_would_be_negative(l2: float) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3))
    correct = rng.random(200) < expit(x @ [1.0, 0.5, 2.0] - 1)
    oracle = LogisticRegression(C=1 / l2, tol=1e-8).fit(x, correct)
    weights, intercept = logistic(x, correct.astype(float), l2)
    assert weights == pytest.approx(oracle.coef_[0], abs=1e-4)
    assert intercept == pytest.approx(oracle.intercept_[0], abs=1e-4)


@pytest.mark.parametrize("l2", [0.1, 30.0, 1000.0])
def test_without_bounds_it_is_that_of_scikit_learn(l2: float) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 32)) * np.linspace(20, 1, 32)
    correct = rng.random(200) < expit(-x[:, 3])
    oracle = LogisticRegression(C=1 / l2, tol=1e-10, max_iter=10_000).fit(x, correct)
    weights, intercept = logistic(x, correct.astype(float), l2, least=-np.inf)
    assert weights == pytest.approx(oracle.coef_[0], abs=1e-4)
    assert intercept == pytest.approx(oracle.intercept_[0], abs=1e-3)


@pytest.mark.parametrize("l2", [0.1, 1.0, 64.0])
@pytest.mark.parametrize("most", [np.inf, 0.5])
def test_no_step_inside_the_bounds_leads_further_down(l2: float, most: float) -> None:
    for seed in range(20):
        # With few causes nearly every weight stands for many others, and bounds come and go on the way.
        x, target = problem(seed, d=40, causes=3, scale=(0.3, 1.0, 5.0)[seed % 3])
        weights, intercept = logistic(x, target, l2, most)
        assert 0 <= weights.min() <= weights.max() <= most
        # A summed slope of 1e-3 against a curvature of at least l2; at the start it is about 100.
        assert distance(x, target, weights, intercept, l2, most) < 1e-3


def test_where_it_starts_does_not_matter() -> None:
    x, target = problem(0)
    near, far = logistic(x, target, 4.0), (np.full(8, 9.0), -5.0)
    for start in (near, far):
        weights, intercept = logistic(x, target, 1.0, start=start)
        cold, cold_intercept = logistic(x, target, 1.0)
        assert weights == pytest.approx(cold, abs=1e-6)
        assert intercept == pytest.approx(cold_intercept, abs=1e-6)


def test_without_an_intercept_the_middle_stays_even() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 1))
    target = (rng.random(200) < expit(2 * x[:, 0] + 1)).astype(float)
    weights, intercept = logistic(x, target, with_intercept=False)
    assert intercept == 0 < weights[0]
    # At the optimum the error has nothing left in common with the signal.
    assert x[:, 0] @ (expit(x @ weights) - target) == pytest.approx(0, abs=1e-4)


def test_separable_answers_reach_the_largest_weight_and_not_more() -> None:
    x = np.arange(-20.0, 20)[:, None] + 0.5
    weights, _ = logistic(x, (x[:, 0] > 0).astype(float), most=20.0)
    assert 10 < weights[0] <= 20


@pytest.mark.parametrize("kind", [0.0, 1.0])
def test_answers_of_one_kind_leave_half_an_answer_of_the_other(kind: float) -> None:
    _, intercept = logistic(np.zeros((30, 2)), np.full(30, kind), 1.0)
    assert intercept == pytest.approx((2 * kind - 1) * np.log(61))


def test_signals_that_are_all_alike_do_no_harm() -> None:
    x, target = problem(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        weights, _ = logistic(np.column_stack([x, x, np.ones(200)]), target, 1.0)
    assert weights[:8] == pytest.approx(weights[8:16], abs=1e-4)
