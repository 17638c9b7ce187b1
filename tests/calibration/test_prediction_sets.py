"""Conformal prediction sets: the exact order statistic, and the coverage that it guarantees."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from crepes import ConformalClassifier
from mapie.regression import SplitConformalRegressor
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binom
from sklearn.dummy import DummyRegressor

from codex.calibration.prediction_sets import ConformalPredictor, quantile_index, tie_of
from codex.errors import InvalidInput
from tests.support.draws import stored_shares

ALPHAS = [round(0.05 * step, 2) for step in range(1, 20)]
SIZES = range(5, 61)


def quantile(scores: ArrayLike, alpha: float) -> float:
    """The score of rank k; infinite where there are fewer."""
    ranked = np.sort(np.append(np.asarray(scores, float), math.inf))
    return float(ranked[quantile_index(len(ranked) - 1, alpha) - 1])


def test_the_quantile_is_the_exact_order_statistic_in_every_cell() -> None:
    for n in SIZES:
        scores = np.arange(n, 0, -1)
        for hundredths in range(5, 100, 5):
            # ceil((n + 1)(1 - alpha)) in whole numbers; the score of rank k is k.
            k = -((n + 1) * (hundredths - 100) // 100)
            expected = k if k <= n else math.inf
            assert quantile(scores, hundredths / 100) == expected, (n, hundredths)


def test_mapie_agrees_but_for_its_floating_point() -> None:
    differ = []
    for n in range(24, 65, 5):
        scores = np.arange(1.0, n + 1)
        rows = np.zeros((n, 1))
        nothing = DummyRegressor(strategy="constant", constant=0.0).fit(rows, scores)
        for alpha in ALPHAS:
            fitted = SplitConformalRegressor(nothing, confidence_level=1 - alpha, prefit=True)
            oracle = fitted.conformalize(rows, scores).predict_interval(rows[:1])[1][0, 1, 0]
            ours = quantile(scores, alpha)
            if ours != oracle:
                differ.append((n, alpha))
                assert ours == oracle - 1
    # Only where (n + 1)(1 - alpha) is a whole number can rounding lift it to the next one.
    assert all((n + 1) * Fraction(str(alpha)) % 1 == 0 for n, alpha in differ)
    assert len(differ) < 0.1 * len(range(24, 65, 5)) * len(ALPHAS)


def test_crepes_agrees_where_its_p_value_is_not_alpha_itself() -> None:
    for n in range(5, 61, 3):
        scores = np.arange(1.0, n + 1)
        fitted = ConformalClassifier().fit(scores)
        for alpha in ALPHAS:
            # There it keeps p == alpha, which is one order statistic more than coverage needs.
            if (n + 1) * Fraction(str(alpha)) % 1 == 0:
                continue
            candidates = np.arange(1.0, n + 2)[:, None]
            inside = fitted.predict_set(candidates, confidence=1 - alpha, smoothing=False)[:, 0]
            np.testing.assert_array_equal(inside, candidates[:, 0] <= quantile(scores, alpha))


@pytest.mark.parametrize(("alpha", "labels"), [(0.1, 9), (0.05, 19), (0.3, 3), (0.5, 1)])
def test_with_too_few_labels_the_set_is_any_answer_and_says_how_many_it_takes(
    alpha: float, labels: int
) -> None:
    lacking = ConformalPredictor.of(np.ones(labels - 1), alpha)
    assert lacking.infinite
    assert lacking.labels == labels
    assert lacking.pick([1.0, 0.0], tie=0.999) == lacking.pick([1.0, 0.0], tie=0.0)
    assert lacking.pick([1.0, 0.0], tie=0.5).members == (0, 1)
    assert lacking.pick([], tie=0.5).anything
    assert f"it takes {labels}" in str(lacking)
    enough = ConformalPredictor.of(np.ones(labels), alpha)
    assert not enough.infinite
    assert not enough.pick([0.9, 0.1], tie=0.5).anything


def test_no_labels_at_all_is_any_answer() -> None:
    assert ConformalPredictor.of([], 0.1).pick([0.7], tie=0.5).anything


def test_always_right_models_get_sets_of_one() -> None:
    sets = ConformalPredictor.of(np.ones(100), 0.1)
    assert sets.pick([0.4, 0.6], tie=0.0).members == ()
    assert sets.pick([1.0], tie=0.0).members == (0,)


def test_never_right_models_get_sets_of_anything() -> None:
    sets = ConformalPredictor.of(np.zeros(100), 0.1)
    chosen = sets.pick([0.4, 0.6], tie=0.0)
    assert chosen.members == (0, 1)
    assert chosen.anything


def shares_of(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Share of correct samples of n questions, ten samples each; a third of them has none."""
    skill = np.where(rng.random(n) < 0.3, 0.0, rng.beta(2, 1, n))
    return rng.binomial(10, skill) / 10


@pytest.mark.parametrize("alpha", [0.05, 0.1, 0.2, 0.5])
@pytest.mark.parametrize("n", [50, 199])
def test_the_right_answer_is_in_the_set_as_often_as_guaranteed(n: int, alpha: float) -> None:
    rng = np.random.default_rng(n)
    draws, questions = 2_000, 50
    covered = np.empty(draws)
    for draw in range(draws):
        sets = ConformalPredictor.of(shares_of(n, rng), alpha, seed=draw)
        covered[draw] = sets.holds(shares_of(questions, rng), rng.random(questions)).mean()
    error = 3.3 * covered.std() / math.sqrt(draws)  # once in a thousand runs more
    assert sets.chance == quantile_index(n, alpha) / (n + 1)
    assert covered.mean() == pytest.approx(sets.chance, abs=error)
    # Within a point of nominal: k / (n + 1) is at most 1 / (n + 1) above it.
    assert abs(covered.mean() - (1 - alpha)) <= 0.01 + 1 / (n + 1) * (n < 99)


@pytest.mark.parametrize("alpha", [0.1, 0.3, 0.5])
def test_it_is_so_on_stored_samples_of_a_model_too(alpha: float) -> None:
    shares, _ = stored_shares()
    rng = np.random.default_rng(6)
    covered = np.empty(1_000)
    for draw in range(len(covered)):
        order = rng.permutation(len(shares))
        sets = ConformalPredictor.of(shares[order[:199]], alpha, seed=draw)
        covered[draw] = sets.holds(shares[order[199:]], rng.random(len(shares) - 199)).mean()
    # Within a point of 1 - alpha; the error of 1,000 draws is 0.13 points.
    assert covered.mean() == pytest.approx(1 - alpha, abs=0.01)


def test_it_says_in_words_what_a_set_is() -> None:
    assert "more than 40% of the samples" in str(ConformalPredictor(alpha=0.1, n=99, cutoff=0.4, tie=0.5))
    assert "for 25% of the questions any answer" in str(
        ConformalPredictor(alpha=0.1, n=99, cutoff=0.0, tie=0.25)
    )
    assert str(ConformalPredictor(alpha=0.1, n=99, cutoff=0.4, tie=0.5)).startswith(
        "A set contains the correct answer in 90% of cases"
    )


def test_without_random_ties_sets_would_hold_too_much() -> None:
    rng = np.random.default_rng(0)
    shares = shares_of(199, rng)
    sets = ConformalPredictor.of(shares, 0.5)
    fresh = shares_of(20_000, rng)
    assert (fresh >= sets.cutoff).mean() > sets.holds(fresh, rng.random(20_000)).mean() + 0.02


def test_each_group_is_covered_by_itself() -> None:
    rng = np.random.default_rng(4)
    covered = {"easy": 0.0, "hard": 0.0}
    draws = 1_000
    for draw in range(draws):
        shares = {"easy": rng.binomial(10, 0.95, 100) / 10, "hard": rng.binomial(10, 0.4, 100) / 10}
        sets = {name: ConformalPredictor.of(share, 0.2, seed=draw) for name, share in shares.items()}
        for name, skill in (("easy", 0.95), ("hard", 0.4)):
            fresh = rng.binomial(10, skill, 50) / 10
            covered[name] += sets[name].holds(fresh, rng.random(50)).mean() / draws
    # k / (n + 1) = 81 / 101 and 0.2 points of simulation error.
    assert covered["easy"] == pytest.approx(81 / 101, abs=0.006)
    assert covered["hard"] == pytest.approx(81 / 101, abs=0.006)


def test_the_right_answer_counts_once_however_its_share_was_computed() -> None:
    sets = ConformalPredictor(alpha=0.1, n=100, cutoff=0.3, tie=0.5)
    assert sets.pick([1 - 0.7, 0.1 + 0.2, 3 / 10], tie=0.4).members == (0, 1, 2)
    assert sets.pick([1 - 0.7, 0.1 + 0.2, 3 / 10], tie=0.6).members == ()


def test_the_draw_of_a_question_is_uniform_and_always_the_same() -> None:
    draws = np.array([tie_of(f"question {index}") for index in range(2_000)])
    assert tie_of("question 7") == draws[7]
    # A count of 2,000 uniform draws below a tenth lies there with all but 1 in 1,000 chances.
    assert binom.ppf(0.0005, 2_000, 0.1) <= (draws < 0.1).sum() <= binom.ppf(0.9995, 2_000, 0.1)


@pytest.mark.parametrize("alpha", [0, 1, 2, -1, math.nan])
def test_an_alpha_outside_the_open_interval_is_refused(alpha: float) -> None:
    with pytest.raises(InvalidInput, match="alpha"):
        ConformalPredictor.of([0.5], alpha)


@pytest.mark.parametrize("share", [math.nan, -0.1, 1.1, math.inf])
def test_what_is_no_share_is_refused(share: float) -> None:
    with pytest.raises(InvalidInput, match="share"):
        ConformalPredictor.of([share], 0.1)


def test_sets_survive_json() -> None:
    for n in (3, 200):
        sets = ConformalPredictor.of(shares_of(n, np.random.default_rng(1)), 0.1)
        assert ConformalPredictor.model_validate_json(sets.model_dump_json()) == sets
