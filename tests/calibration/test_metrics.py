"""Each figure against its definition: scikit-learn, a closed form, or all orders of tied answers."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from codex.calibration import metrics
from codex.errors import InvalidInput

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


def answers(n: int, seed: int, levels: int | None = None) -> tuple[Array, Flags]:
    """Confidences that mean what they say, on a few levels or on all."""
    rng = np.random.default_rng(seed)
    p = rng.random(n) if levels is None else rng.integers(0, levels + 1, n) / levels
    return p, rng.random(n) < p


def over_orders_of_ties(figure: Callable[[Array, Flags], float], c: Array, correct: Flags) -> float:
    """The mean of a figure over all ways to rank equal confidences."""
    figures = []
    for order in permutations(range(len(c))):
        ranked = list(order)
        if (np.diff(c[ranked]) <= 0).all():
            figures.append(figure(-np.arange(len(c), dtype=float), correct[ranked]))
    return float(np.mean(figures))


def rejection_area(order: Array, correct: Flags, share: float) -> float:
    """LM-Polygraph's area: mean accuracy of what is kept, over numbers of rejected ones from 0 on."""
    ranked = correct[np.argsort(-order, kind="stable")]
    rejected = int(share * len(correct))
    kept = np.arange(len(correct) - rejected + 1, len(correct) + 1)
    return float((np.cumsum(ranked)[kept - 1] / kept).mean())


@pytest.mark.parametrize("levels", [None, 4])
@pytest.mark.parametrize("seed", range(5))
def test_ranking_figures_equal_those_of_scikit_learn(seed: int, levels: int | None) -> None:
    c, correct = answers(200, seed, levels)
    assert metrics.auroc(c, correct) == pytest.approx(roc_auc_score(correct, c))
    assert metrics.auprc_errors(c, correct) == pytest.approx(average_precision_score(~correct, -c))


@pytest.mark.parametrize("seed", range(5))
def test_probability_figures_equal_those_of_scikit_learn(seed: int) -> None:
    p, correct = answers(200, seed, 10)
    assert metrics.brier(p, correct) == pytest.approx(brier_score_loss(correct, p))
    p = np.clip(p, 0.01, 0.99)
    assert metrics.nll(p, correct) == pytest.approx(log_loss(correct, p))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "figure",
    [
        metrics.aurc,
        metrics.eaurc,
        metrics.prr,
        lambda c, correct: metrics.prr(c, correct, 0.5),
        lambda c, correct: metrics.accuracy_at_coverage(c, correct, 0.5),
    ],
)
def test_ties_count_as_the_mean_over_all_their_orders(
    figure: Callable[[Array, Flags], float], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    c, correct = rng.integers(0, 3, 7) / 2, np.array([True, False, False, True, True, False, True])
    assert figure(c, correct) == pytest.approx(over_orders_of_ties(figure, c, correct))


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_prr_is_the_area_between_chance_and_the_oracle(share: float) -> None:
    c, correct = answers(101, 3)
    oracle = rejection_area(correct.astype(float), correct, share)
    shuffles = [rejection_area(np.random.default_rng(i).random(101), correct, share) for i in range(4000)]
    expected = (rejection_area(c, correct, share) - np.mean(shuffles)) / (oracle - np.mean(shuffles))
    # 4,000 shuffles leave an error of about 0.001 in the mean that the closed form gives exactly.
    assert metrics.prr(c, correct, share) == pytest.approx(expected, abs=0.01)
    assert metrics.prr(correct, correct, share) == pytest.approx(1)
    assert metrics.prr(np.full(101, 0.5), correct, share) == pytest.approx(0)


def test_aurc_of_two_answers_is_what_one_counts_by_hand() -> None:
    # The incorrect one first: risks 1 and 1/2. The correct one first: 0 and 1/2.
    assert metrics.aurc([0.9, 0.1], [False, True]) == pytest.approx(0.75)
    assert metrics.aurc([0.1, 0.9], [False, True]) == pytest.approx(0.25)
    assert metrics.eaurc([0.9, 0.1], [False, True]) == pytest.approx(0.5)
    assert metrics.aurc([0.5, 0.5], [False, True]) == pytest.approx(0.5)


def test_accuracy_at_coverage_takes_at_least_that_share() -> None:
    correct = np.array([True] * 8 + [False] * 2)
    c = np.linspace(1, 0, 10)
    assert metrics.accuracy_at_coverage(c, correct, 0.8) == 1
    assert metrics.accuracy_at_coverage(c, correct, 0.81) == pytest.approx(8 / 9)


def test_the_risk_coverage_curve_has_a_point_for_each_threshold() -> None:
    curve = metrics.risk_coverage([0.9, 0.5, 0.5, np.nan], [True, True, False, False])
    assert curve.threshold.tolist() == [0.9, 0.5, -np.inf]
    assert curve.coverage.tolist() == [0.25, 0.75, 1]
    assert curve.risk == pytest.approx([0, 1 / 3, 1 / 2])


def test_no_confidence_ranks_below_every_confidence_and_is_counted() -> None:
    c, correct = np.array([0.0, np.nan, 1.0, np.nan]), np.array([True, False, True, False])
    assert metrics.unknown(c) == 2
    assert metrics.auroc(c, correct) == 1
    assert metrics.prr(c, correct) == pytest.approx(1)
    assert metrics.aurc(c, correct) == pytest.approx((1 / 3 + 2 / 4) / 4)


def test_probability_figures_leave_out_what_has_no_confidence() -> None:
    c, correct = np.array([0.8, np.nan, 0.3]), np.array([True, False, False])
    for figure in (metrics.brier, metrics.nll, metrics.ece, metrics.ece_excess):
        assert figure(c, correct) == pytest.approx(figure(c[[0, 2]], correct[[0, 2]]))


def test_ece_over_equal_widths_is_the_sum_over_its_bins() -> None:
    p = np.array([0.02, 0.08, 0.55, 0.58, 0.97])
    correct = np.array([False, True, True, False, True])
    # Bins [0, 0.1], (0.5, 0.6] and (0.9, 1] hold 2, 2 and 1: |1 - 0.10|, |1 - 1.13|, |1 - 0.97| over 5.
    assert metrics.ece(p, correct, bins=10, mass=False) == pytest.approx((0.90 + 0.13 + 0.03) / 5)


def test_ece_over_equal_masses_is_that_of_equal_slices() -> None:
    p, correct = answers(150, 7)
    slices = np.array_split(np.argsort(p), 15)
    expected = sum(abs(correct[rows].mean() - p[rows].mean()) * len(rows) for rows in slices) / 150
    assert metrics.ece(p, correct) == pytest.approx(expected)


def test_tied_probabilities_share_a_bin_of_equal_mass() -> None:
    correct = np.array([True] * 50 + [False] * 50)
    # Cut into slices, the first would be all right and the last all wrong.
    assert metrics.ece(np.full(100, 0.5), correct) == 0
    assert len(metrics.reliability_bins(np.full(100, 0.5), correct).count) == 1
    bins = metrics.reliability_bins(np.repeat([0.2, 0.4, 0.9], [10, 80, 10]), correct)
    assert bins.count.tolist() == [10, 80, 10]


@pytest.mark.parametrize("mass", [True, False])
def test_perfect_probabilities_show_no_excess(mass: bool) -> None:
    excesses = [metrics.ece_excess(*answers(250, seed), mass=mass) for seed in range(100)]
    # The standard error of the mean is about 0.0015; the ECE itself is 0.1.
    assert np.mean(excesses) == pytest.approx(0, abs=0.005)


def test_overconfidence_shows_as_excess() -> None:
    rng = np.random.default_rng(0)
    p = rng.uniform(0.5, 1, 30_000)
    # Correct 0.15 less often than said; perfect probabilities would show 0.007.
    assert metrics.ece_excess(p, rng.random(30_000) < p - 0.15) == pytest.approx(0.143, abs=0.01)


def test_what_perfect_probabilities_show_is_the_same_by_draws_and_by_the_normal_law(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    p, _ = answers(3000, 1)
    drawn = metrics.perfect_ece(p, draws=400)
    monkeypatch.setattr(metrics, "MANY", 1000)
    # 400 draws leave 0.0002; the law of 200 answers in a bin differs by less.
    assert metrics.perfect_ece(p, draws=400) == pytest.approx(drawn, abs=0.001)


def test_bins_say_where_they_lie_and_how_sure_their_rates_are() -> None:
    p, correct = answers(300, 2)
    bins = metrics.reliability_bins(p, correct)
    assert bins.count.sum() == 300
    assert (np.diff(bins.confidence) > 0).all()
    assert (bins.count * bins.rate).sum() == pytest.approx(correct.sum())
    for count, rate, low, high in zip(bins.count, bins.rate, bins.low, bins.high, strict=True):
        wilson = binomtest(round(count * rate), int(count)).proportion_ci(method="wilson")
        assert (low, high) == pytest.approx((wilson.low, wilson.high))
    gaps = bins.count * np.abs(bins.confidence - bins.rate)
    assert gaps.sum() / 300 == pytest.approx(metrics.ece(p, correct))


@pytest.mark.parametrize("correct", [[True, True], [False, False], []])
def test_a_ranking_of_one_kind_of_answers_has_no_figure(correct: list[bool]) -> None:
    c = [0.1, 0.9][: len(correct)]
    assert np.isnan(metrics.auroc(c, correct))
    assert np.isnan(metrics.prr(c, correct))


def test_no_answers_have_no_figures() -> None:
    for figure in (
        metrics.aurc, metrics.eaurc, metrics.auprc_errors, metrics.accuracy_at_coverage,
        metrics.ece, metrics.ece_excess, metrics.brier, metrics.nll,
    ):  # fmt: skip
        assert np.isnan(figure([], []))
        assert np.isnan(figure([np.nan], [False])) or figure not in (metrics.ece, metrics.brier, metrics.nll)
    assert len(metrics.risk_coverage([], []).risk) == 0
    assert len(metrics.reliability_bins([], []).count) == 0


def test_what_is_no_probability_is_refused_as_one_and_ranked() -> None:
    assert metrics.auroc([-3.0, 2.0], [False, True]) == 1
    for figure in (metrics.ece, metrics.brier, metrics.nll, metrics.reliability_bins):
        with pytest.raises(InvalidInput, match=r"\[0, 1\]"):
            figure([-3.0, 2.0], [False, True])


def test_lists_of_unequal_length_and_senseless_settings_are_refused() -> None:
    with pytest.raises(InvalidInput, match="equally long"):
        metrics.auroc([0.1], [True, False])
    for share in (0.0, 1.5, -1.0, np.nan):
        with pytest.raises(InvalidInput, match="rejection"):
            metrics.prr([0.1, 0.2], [True, False], share)
        with pytest.raises(InvalidInput, match="coverage"):
            metrics.accuracy_at_coverage([0.1, 0.2], [True, False], share)
    with pytest.raises(InvalidInput, match="bins"):
        metrics.ece([0.1, 0.2], [True, False], bins=0)


def test_prr_is_open_where_so_few_are_rejected_that_no_order_is_better() -> None:
    assert np.isnan(metrics.prr([0.9, 0.1], [True, False], 0.5))
