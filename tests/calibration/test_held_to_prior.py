"""Fits that are held to a prior: never much worse than it, with many labels as good as without it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import expit

from codex.calibration import Design, Term, fit, metrics
from tests.support.draws import broken, most_broken

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
NAMES = ("avg_logprob_focus", "sum_logprob_focus", "min_prob_focus", "answer_prob_focus")
SIGNS: dict[str, int] = {**dict.fromkeys(NAMES, 1), "max_entropy_focus": -1}
NONE = Design(terms=())


def prior(*weights: float) -> Design:
    """Straight scales."""
    return Design(
        terms=tuple(
            Term(name=name, sign=1, values=(-4.0, 4.0), scores=(-4.0, 4.0), weight=weight)
            for name, weight in zip(NAMES, weights, strict=True)
        )
    )


TRUTH = (1.2, 0.0, 0.8, 0.0)


def answers(n: int, seed: int = 0, easier: float = 0.0) -> tuple[dict[str, Array], Flags]:
    rng = np.random.default_rng(seed)
    columns = {name: rng.normal(size=n) for name in SIGNS}
    logit = sum(weight * columns[name] for name, weight in zip(NAMES, TRUTH, strict=True))
    return columns, rng.random(n) < expit(logit + easier)


POPULATION = answers(20_000, 99)


def auroc_of(given: Design, labels: int, seed: int) -> float:
    columns, correct = answers(labels, seed)
    made = fit(columns, correct, signs=SIGNS, prior=given, method="none", repeats=0)
    return metrics.auroc(made.confidences(POPULATION[0]), POPULATION[1])


def test_with_few_labels_it_is_nearly_as_good_as_a_prior_that_is_true() -> None:
    best = metrics.auroc(prior(*TRUTH).logit(POPULATION[0]), POPULATION[1])
    held, own = ([auroc_of(each, 30, seed) for seed in range(12)] for each in (prior(*TRUTH), NONE))
    # The own fits lose 0.06; standard errors are below 0.01.
    assert np.mean(held) > best - 0.02
    assert np.mean(held) > np.mean(own) + 0.02


def test_with_many_labels_it_is_as_good_as_without_a_prior_that_is_wrong() -> None:
    held, own = (auroc_of(each, 3000, 0) for each in (prior(0.0, 1.0, 0.0, 1.0), NONE))
    assert held == pytest.approx(own, abs=0.005)


def test_a_prior_that_agrees_with_the_labels_is_held_to_more_strongly() -> None:
    def penalties(given: Design) -> list[float]:
        fits = [
            fit(*answers(200, seed), signs=SIGNS, prior=given, method="none", repeats=0) for seed in range(9)
        ]
        return [made.design.l2 for made in fits]

    agreeing, other = penalties(prior(*TRUTH)), penalties(prior(0.0, 1.0, 0.0, 1.0))
    assert np.median(agreeing) > np.median(other)


def test_the_temperature_and_the_share_of_correct_answers_are_those_of_the_labels() -> None:
    columns, correct = answers(2000, easier=-2.0)
    too_sure = prior(*(5 * weight for weight in TRUTH))
    made = fit(columns, correct, signs=SIGNS, prior=too_sure, repeats=0)
    fresh, outcomes = answers(4000, 1, easier=-2.0)
    confidence = made.confidences(fresh)
    assert confidence.mean() == pytest.approx(outcomes.mean(), abs=0.03)
    assert metrics.ece_excess(confidence, outcomes) < 0.02


MADE = fit(*answers(60), signs=SIGNS, prior=prior(1.0, 0.5, 0.0, 2.0), method="none", repeats=0)


@given(st.lists(st.floats(-5, 5), min_size=5, max_size=5), st.sampled_from(list(SIGNS)), st.floats(0, 5))
def test_a_more_confident_signal_never_lowers_it(values: list[float], moved: str, by: float) -> None:
    row = dict(zip(SIGNS, values, strict=True))
    after = row | {moved: row[moved] + by * SIGNS[moved]}
    low, high = (MADE.raw({name: [value] for name, value in each.items()})[0] for each in (row, after))
    assert high >= low - 1e-12


def test_it_is_one_design_over_the_signals_of_both() -> None:
    columns, correct = answers(60)
    columns[NAMES[3]][:] = np.nan
    columns[NAMES[3]][:5] = 1.0
    made = fit(columns, correct, signs=SIGNS, prior=prior(1.0, 0.5, 0.0, 2.0), method="none", repeats=0)
    assert {term.name for term in made.design.terms} == {*SIGNS}
    # Rare in these labels, so that only the prior knows what it is worth.
    columns[NAMES[3]][:] = np.linspace(-3, 3, 60)
    more = made.design.logit(columns) - made.design.logit(columns | {NAMES[3]: np.zeros(60)})
    assert (np.diff(more) > 0).all()


def test_a_prior_of_other_signals_changes_nothing() -> None:
    columns, correct = answers(60)
    renamed = {f"own {name}": column for name, column in columns.items()}
    signs = {f"own {name}": sign for name, sign in SIGNS.items()}
    first, second = (
        fit(renamed, correct, signs=signs, prior=each, repeats=0) for each in (prior(*TRUTH), NONE)
    )
    assert first.design == second.design


def test_what_is_judged_has_no_part_in_how_strongly_it_is_held() -> None:
    columns, correct = answers(100)
    flipped = correct.copy()
    flipped[7] = not flipped[7]
    before, after = (
        fit(columns, each, signs=SIGNS, prior=prior(*TRUTH), method="none", repeats=1, balanced=False)
        for each in (correct, flipped)
    )
    same = before.crossfitted[0] == after.crossfitted[0]
    # Row 7 is judged by the one fit that does not see it, and so are those of its fold.
    assert same[7]
    assert same.sum() == 100 // 5


def test_a_guarantee_holds_however_bad_the_prior_is() -> None:
    made = fit(
        *answers(60), signs=SIGNS, prior=prior(0.0, 3.0, 0.0, 3.0), method="none", repeats=0
    ).confidences(POPULATION[0])
    for confidence in (made, expit(prior(0.0, 3.0, 0.0, 3.0).logit(POPULATION[0]))):
        found = broken(confidence, POPULATION[1], 0.3, 0.1, draws=200)
        assert found.broken <= most_broken(200, 0.1)
