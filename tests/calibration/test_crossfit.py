"""Fitting: what is reported of a calibrator was never fitted on the row that it is of."""

from __future__ import annotations

import threading
import warnings

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit

from codex.calibration import LEAST_LABELS, METHODS, Method, cross_fitted, fit, metrics
from codex.calibration.combine import SIGNALS
from codex.errors import Cancelled, InvalidInput
from codex.signals import REGISTRY
from tests.support.frozen import judged_by_others

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
SIGNS = {"likely": 1, "unsure": -1}


def answers(n: int = 200, seed: int = 0, easier: float = 0.0) -> tuple[dict[str, Array], Flags]:
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=n)
    columns = {"likely": hidden + rng.normal(size=n), "unsure": rng.normal(size=n) - hidden}
    return columns, rng.random(n) < expit(2 * hidden + easier)


def test_noise_ranks_by_chance_and_not_better() -> None:
    figures, seen = [], []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        columns = {f"noise {i}": rng.normal(size=60) for i in range(10)}
        correct = rng.random(60) < 0.5
        fitted = fit(columns, correct, signs=dict.fromkeys(columns, 1), method="none", repeats=1)
        figures.append(metrics.auroc(fitted.crossfitted[0], correct))
        seen.append(metrics.auroc(fitted.confidences(columns), correct))
    # The standard error of the mean is 0.04; on their own rows the same fits reach 0.65.
    assert np.mean(figures) < 0.55
    assert np.mean(seen) > 0.6


def test_a_row_has_no_part_in_the_fit_that_judges_it() -> None:
    columns, correct = answers()
    moved = {name: column.copy() for name, column in columns.items()}
    for column in moved.values():
        column[7] = np.inf
    before, after = (
        fit(each, correct, signs=SIGNS, method="isotonic", repeats=1) for each in (columns, moved)
    )
    same = before.crossfitted[0] == after.crossfitted[0]
    # Of the five fits one does not see row 7: that which judges its fold, and only its own value moves there.
    assert not same[7]
    assert same.sum() == 200 // 5 - 1


def test_every_row_is_judged_once_in_every_repeat() -> None:
    columns, correct = answers()
    judged = cross_fitted(columns, correct, signs=SIGNS, repeats=3)
    assert judged.shape == (3, 200)
    assert np.isfinite(judged).all()
    assert (judged[0] != judged[1]).any()


def test_the_same_seed_gives_the_same_fit() -> None:
    columns, correct = answers()
    first, again, other = (
        cross_fitted(columns, correct, signs=SIGNS, repeats=1, seed=seed) for seed in (0, 0, 1)
    )
    assert (first == again).all()
    assert (first != other).any()


def test_cross_fitted_confidences_mean_what_they_say() -> None:
    excesses, rankings = [], []
    for seed in range(6):
        columns, correct = answers(300, seed)
        judged = cross_fitted(columns, correct, signs=SIGNS, method="platt", repeats=1)[0]
        excesses.append(metrics.ece_excess(judged, correct))
        best = max(metrics.auroc(sign * columns[name], correct) for name, sign in SIGNS.items())
        rankings.append(metrics.auroc(judged, correct) - best)
    # The standard error of the mean excess is about 0.006, that of the gain 0.005. Here the truth is
    # straight, and scales that do not bend gain 0.02.
    assert np.mean(excesses) < 0.02
    assert np.mean(rankings) > 0.01


@pytest.mark.parametrize("method", METHODS)
def test_the_method_named_is_the_one_used(method: Method) -> None:
    columns, correct = answers(60)
    fitted = fit(columns, correct, signs=SIGNS, method=method, repeats=1)
    assert fitted.method == method
    assert list(fitted.briers) == [method]


def test_the_simplest_method_is_chosen_of_those_that_chance_tells_apart() -> None:
    fits = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        hidden = rng.normal(size=250)
        columns = {f"signal {i}": hidden + rng.normal(size=250) for i in range(10)}
        fits.append(
            fit(columns, rng.random(250) < expit(2 * hidden), signs=dict.fromkeys(columns, 1), repeats=0)
        )
    lowest = [min(made.briers, key=made.briers.__getitem__) for made in fits]
    # The truth is a logistic of what the signals share: there is nothing left to map.
    assert lowest.count("none") < 18
    assert [made.method for made in fits].count("none") > 18
    assert all(set(made.briers) == set(METHODS) for made in fits)
    assert fits[0].crossfitted.shape == (0, 250)


def test_a_method_that_is_better_than_by_chance_is_chosen() -> None:
    rng = np.random.default_rng(0)
    signal = rng.random(4000)
    correct = rng.random(4000) < np.where(signal < 0.45, 0.1, 0.9)  # no line over ranks jumps as far
    fitted = fit({"signal": signal}, correct, signs={"signal": 1}, repeats=0)
    assert fitted.method == min(fitted.briers, key=fitted.briers.__getitem__) != "none"


def test_groups_are_in_equal_shares_in_every_fold() -> None:
    columns, correct = answers(100)
    groups = np.repeat(["rare", "common"], [10, 90])
    # Only with two of the rare ones in each fold is their signal there often enough in all fits.
    columns["of the rare"] = np.where(groups == "rare", columns["likely"], np.nan)
    columns["likely"] = np.where(groups == "rare", np.nan, columns["likely"])
    judged = cross_fitted(columns, correct, signs=SIGNS | {"of the rare": 1}, groups=groups, repeats=2)
    assert np.isfinite(judged).all()


def test_a_group_left_out_is_judged_by_the_others() -> None:
    hard, easy = answers(200, 1, easier=-2), answers(200, 2, easier=2)
    columns = {name: np.concatenate([hard[0][name], easy[0][name]]) for name in SIGNS}
    correct = np.concatenate([hard[1], easy[1]])
    groups = np.repeat(["hard", "easy"], 200)
    judged = judged_by_others(columns, correct, groups, SIGNS)
    alone = fit(easy[0], easy[1], signs=SIGNS, repeats=0)
    assert judged[:200] == pytest.approx(alone.confidences(hard[0]))
    assert judged[:200].mean() > hard[1].mean() + 0.2


def test_signals_of_the_register_are_combined_by_the_short_list() -> None:
    signs = {name: 1 if signal.higher_is_confident else -1 for name, signal in REGISTRY.items()}
    columns, correct = answers(100)
    table = {name: signs[name] * columns["likely"] for name in signs}
    fitted = fit(table, correct, signs=signs, method="none", repeats=0)
    assert tuple(term.name for term in fitted.design.terms) == SIGNALS


def test_rows_of_which_nothing_is_known_get_no_confidence() -> None:
    columns, correct = answers()
    for column in columns.values():
        column[::10] = np.nan
    judged = cross_fitted(columns, correct, signs=SIGNS, repeats=1)[0]
    assert np.isnan(judged[::10]).all()
    assert np.isnan(judged).sum() == 20


@pytest.mark.parametrize("n", [0, 1, 29])
def test_too_few_labels_are_refused_with_how_many_are_needed(n: int) -> None:
    columns, correct = answers(n)
    with pytest.raises(
        InvalidInput, match=rf"{n} graded answers.*{LEAST_LABELS}.*Grade {LEAST_LABELS - n} more"
    ):
        fit(columns, correct, signs=SIGNS)


@pytest.mark.parametrize("few", [1, 29])
@pytest.mark.parametrize("method", METHODS)
def test_a_single_answer_of_one_kind_among_the_fewest_makes_a_cautious_fit(method: Method, few: int) -> None:
    columns, _ = answers(LEAST_LABELS)
    correct = np.arange(LEAST_LABELS) < few
    judged = cross_fitted(columns, correct, signs=SIGNS, method=method, repeats=1)
    assert ((judged > 0) & (judged < 1)).all()
    # Its own fit saw none of its kind, and still must not be sure.
    assert metrics.nll(judged[0], correct) < 0.5


@pytest.mark.parametrize(
    ("correct", "said"), [(0, "None of the 40 .* are correct.*easier"), (40, "incorrect.*harder")]
)
def test_answers_of_one_kind_are_refused(correct: int, said: str) -> None:
    columns, _ = answers(40)
    with pytest.raises(InvalidInput, match=said):
        fit(columns, np.arange(40) < correct, signs=SIGNS)


def test_signals_that_say_nothing_are_refused() -> None:
    _, correct = answers()
    for column in (np.ones(200), np.full(200, np.nan), np.full(200, np.inf)):
        with pytest.raises(InvalidInput, match="No signal"):
            fit({"likely": column}, correct, signs=SIGNS)
    with pytest.raises(InvalidInput, match="No signal"):
        fit({}, correct, signs=SIGNS)


def test_columns_that_do_not_match_the_answers_are_refused() -> None:
    columns, correct = answers()
    with pytest.raises(InvalidInput, match="'likely' has 199 values for 200"):
        fit(columns | {"likely": columns["likely"][1:]}, correct, signs=SIGNS)


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(InvalidInput, match="'magic'"):
        fit(*answers(), signs=SIGNS, method="magic")  # type: ignore[arg-type]


def test_odd_values_and_copies_do_no_harm() -> None:
    columns, correct = answers()
    clean = cross_fitted(columns, correct, signs=SIGNS, method="none", repeats=1)[0]
    columns |= {"copy": columns["likely"], "constant": np.zeros(200), "holes": np.full(200, np.nan)}
    columns["unsure"][:9] = [np.nan, np.inf, -np.inf] * 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        judged = cross_fitted(
            columns, correct, signs=dict.fromkeys(columns, 1) | SIGNS, method="none", repeats=1
        )[0]
    # Nine of 200 rows lost one of their two signals.
    assert metrics.auroc(judged, correct) > metrics.auroc(clean, correct) - 0.02


def test_progress_is_told_and_cancelling_stops() -> None:
    told: list[tuple[int, int]] = []
    cancel = threading.Event()

    def progress(done: int, total: int) -> None:
        told.append((done, total))
        if done == 3:
            cancel.set()

    with pytest.raises(Cancelled):
        fit(*answers(60), signs=SIGNS, method="none", repeats=2, progress=progress, cancel=cancel)
    assert told == [(1, 10), (2, 10), (3, 10)]
