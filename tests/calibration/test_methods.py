"""The maps from a raw probability to one that means what it says, against their references."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit
from sklearn.calibration import _SigmoidCalibration
from sklearn.isotonic import IsotonicRegression
from venn_abers import VennAbers

from codex.calibration import metrics
from codex.calibration.methods import METHODS, SLOPE, Map, Method, fit_map
from codex.errors import InvalidInput

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


def overconfident(n: int = 1000, seed: int = 0) -> tuple[Array, Flags]:
    """Probabilities whose log odds are twice too large, and a little too high."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(0, 1.5, n)
    return expit(2 * odds + 0.5), rng.random(n) < expit(odds)


def test_temperature_has_the_lowest_loss_of_all_temperatures() -> None:
    raw, correct = overconfident(20_000)
    best = minimize_scalar(lambda slope: metrics.nll(expit(slope * logit(raw)), correct), bounds=(0.05, 5))
    # Platt's targets for 1 and 0 move it by less than 0.001 on so many.
    assert fit_map("temperature", raw, correct).slope == pytest.approx(best.x, abs=0.003)


def test_platt_is_that_of_scikit_learn() -> None:
    raw, correct = overconfident()
    oracle = _SigmoidCalibration().fit(logit(raw), correct)
    fitted = fit_map("platt", raw, correct)
    assert fitted(raw) == pytest.approx(oracle.predict(logit(raw)), abs=1e-3)


def test_isotonic_is_that_of_scikit_learn_up_to_its_slope() -> None:
    raw, correct = overconfident()
    oracle = IsotonicRegression(out_of_bounds="clip").fit(raw, correct)
    tested = np.linspace(0, 1, 101)
    assert fit_map("isotonic", raw, correct)(tested) == pytest.approx(oracle.predict(tested), abs=SLOPE)


@pytest.mark.parametrize("n", [20, 300, 2000])
def test_venn_abers_is_that_of_its_package(n: int) -> None:
    raw, correct = overconfident(n)
    oracle = VennAbers()
    oracle.fit(np.column_stack([1 - raw, raw]), correct.astype(float), precision=3)
    fitted = fit_map("venn_abers", raw, correct)
    assert fitted.knots == pytest.approx(oracle.c)
    assert fitted.values == pytest.approx(oracle.p0[:, 1], abs=1e-9)
    assert fitted.upper == pytest.approx(oracle.p1[:, 1], abs=1e-9)
    tested = np.append(np.linspace(0, 1, 101), np.round(raw, 3))
    expected = oracle.predict_proba(np.column_stack([1 - tested, tested]))[0][:, 1]
    assert fitted(tested) == pytest.approx(expected, abs=SLOPE)


@pytest.mark.parametrize("method", METHODS)
def test_a_map_never_turns_the_order_and_keeps_within_the_unit_interval(method: Method) -> None:
    fitted = fit_map(method, *overconfident(200))
    mapped = fitted(np.linspace(0, 1, 1001))
    assert (np.diff(mapped) >= 0).all()
    assert mapped.min() >= 0
    assert mapped.max() <= 1


@pytest.mark.parametrize("method", METHODS)
def test_a_map_keeps_the_ranking(method: Method) -> None:
    raw, correct = overconfident(400)
    # Steps alone would tie most answers, and cost up to 0.01 of AUROC.
    assert metrics.auroc(fit_map(method, raw, correct)(raw), correct) >= metrics.auroc(raw, correct) - 1e-9


@pytest.mark.parametrize("method", [method for method in METHODS if method != "none"])
def test_a_map_mends_overconfidence_on_answers_that_it_did_not_see(method: Method) -> None:
    raw, correct = overconfident(4000)
    fitted = fit_map(method, raw[:2000], correct[:2000])
    held_raw, held_right = raw[2000:], correct[2000:]
    assert metrics.ece_excess(held_raw, held_right) > 0.08
    # 0.02 for temperature, which cannot mend the shift of 0.5; 0.004 for the others.
    assert metrics.ece_excess(fitted(held_raw), held_right) < 0.04
    assert metrics.brier(fitted(held_raw), held_right) < metrics.brier(held_raw, held_right)


@pytest.mark.parametrize("method", METHODS)
def test_a_map_survives_being_written_down(method: Method) -> None:
    raw, correct = overconfident(300)
    fitted = fit_map(method, raw, correct)
    again = Map.model_validate_json(fitted.model_dump_json())
    assert (again(raw) == fitted(raw)).all()


@pytest.mark.parametrize("method", METHODS)
def test_nothing_known_stays_so(method: Method) -> None:
    fitted = fit_map(method, *overconfident(100))
    assert np.isnan(fitted([np.nan, 0.5])).tolist() == [True, False]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("raw", [np.full(40, 0.5), np.linspace(0, 1, 40), np.repeat([0.0, 1.0], 20)])
def test_odd_probabilities_are_mapped_into_the_unit_interval(method: Method, raw: Array) -> None:
    mapped = fit_map(method, raw, np.arange(40) >= 20)(raw)
    assert ((mapped >= 0) & (mapped <= 1)).all()


def test_an_unknown_method_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match=r"'beta'.*isotonic"):
        fit_map("beta", *overconfident(50))  # type: ignore[arg-type]
