"""The combination: a logistic in which a surer signal never lowers the probability."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import expit

from codex.calibration.combine import PIECES, Design, combine, pieces, scales
from codex.calibration.logistic import logistic
from codex.errors import InvalidInput

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


def answers(n: int = 300, seed: int = 0) -> tuple[dict[str, Array], Flags]:
    """Two signals that tell, in opposite directions, and one that is noise."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=n)
    correct = rng.random(n) < expit(2 * hidden)
    columns = {
        "likely": np.exp(hidden + rng.normal(size=n)),
        "unsure": -hidden + rng.normal(size=n),
        "noise": rng.normal(size=n),
    }
    return columns, correct


SIGNS = {"likely": 1, "unsure": -1, "noise": 1}


def design(
    columns: dict[str, Array], correct: Flags, signs: dict[str, int] = SIGNS, l2: float = 1.0
) -> Design:
    terms = scales(columns, signs)
    return combine(terms, np.nan_to_num(pieces(terms, columns)), correct, l2)


FITTED = design(*answers())


def test_the_pieces_of_a_scale_sum_to_it() -> None:
    columns, _ = answers()
    terms = scales(columns, SIGNS)
    parts = pieces(terms, columns).reshape(300, 3, PIECES)
    assert parts.sum(axis=2) == pytest.approx(Design(terms=terms).scores(columns), abs=1e-12)


def test_the_bent_scale_is_the_sum_of_its_weighted_pieces() -> None:
    columns, correct = answers()
    terms = scales(columns, SIGNS)
    slopes, intercept = logistic(pieces(terms, columns), correct.astype(float), 1.0)
    assert FITTED.logit(columns) == pytest.approx(pieces(terms, columns) @ slopes + intercept, abs=1e-9)


def test_a_scale_bends_to_where_a_step_tells_most() -> None:
    rng = np.random.default_rng(0)
    x = rng.random(2000)
    correct = rng.random(2000) < np.where(x < 0.5, 0.1, 0.1 + 1.6 * (x - 0.5))
    logit = design({"x": x}, correct, {"x": 1}).logit({"x": [0.0, 0.45, 0.55, 1.0]})
    assert logit[1] - logit[0] < 0.7 < 2.5 < logit[3] - logit[2]


def test_a_signal_that_speaks_against_its_direction_gets_no_weight() -> None:
    columns, correct = answers()
    wrong_way = design(columns, correct, {"likely": 1, "unsure": 1})
    assert [term.weight for term in wrong_way.terms][1] == 0
    assert wrong_way.terms[0].weight > 0.5


def test_both_directions_are_used() -> None:
    fitted = design(*answers())
    likely, unsure, noise = (term.weight for term in fitted.terms)
    assert min(likely, unsure) > 0.5 > 0.3 > noise


def test_the_scale_of_a_signal_does_not_matter() -> None:
    columns, correct = answers()
    stretched = columns | {"likely": 1e6 * np.log(columns["likely"]) - 7}
    first, second = (design(each, correct).logit(each) for each in (columns, stretched))
    # Ranks are the same; between the knots of the scale they are joined by lines.
    assert first == pytest.approx(second, abs=0.1)


@given(
    st.lists(st.floats(-5, 5), min_size=3, max_size=3),
    st.integers(0, 2),
    st.floats(0, 5),
)
def test_a_surer_signal_never_lowers_the_probability(values: list[float], moved: int, by: float) -> None:
    names = list(SIGNS)
    before = dict(zip(names, values, strict=True))
    after = before | {names[moved]: before[names[moved]] + by * SIGNS[names[moved]]}
    low, high = (FITTED.logit({name: [value] for name, value in each.items()})[0] for each in (before, after))
    assert high >= low


def test_a_missing_signal_counts_as_one_of_the_middle_rank() -> None:
    columns, _ = answers()
    middle = float(np.median(columns["likely"]))
    row = {"likely": [np.nan, middle], "unsure": [0.3, 0.3], "noise": [0.0, 0.0]}
    missing, known = FITTED.logit(row)
    # The knots leave the middle rank within 0.02 of its place.
    assert missing == pytest.approx(known, abs=0.05)
    assert FITTED.logit({"unsure": [0.3], "noise": [0.0]})[0] == pytest.approx(missing, abs=1e-12)


def test_where_every_signal_is_missing_nothing_is_said() -> None:
    assert np.isnan(FITTED.logit({name: [np.nan] for name in SIGNS})[0])
    assert np.isnan(FITTED.logit({"another": [1.0]})[0])


def test_rows_without_a_signal_do_not_disturb_the_others() -> None:
    columns, correct = answers(2000)
    holes = np.random.default_rng(1).random(2000) < 0.3
    some = columns | {"likely": np.where(holes, np.nan, columns["likely"])}
    whole, partial = design(columns, correct), design(some, correct)
    for one, other in zip(whole.terms, partial.terms, strict=True):
        # Standard errors of the weights are near 0.08.
        assert one.weight == pytest.approx(other.weight, abs=0.3)
    assert np.isfinite(partial.logit(some)).all()


def test_infinite_values_count_as_the_ends_of_the_scale() -> None:
    columns, correct = answers()
    columns["likely"][:3] = [np.inf, -np.inf, np.inf]
    fitted = design(columns, correct)
    assert np.isfinite(fitted.logit(columns)).all()
    row = {"unsure": [0.0, 0.0], "noise": [0.0, 0.0]}
    largest = np.max(columns["likely"][3:])
    at_ends = fitted.logit(row | {"likely": [np.inf, largest]})
    assert at_ends[0] == at_ends[1]


def test_constant_and_rare_signals_are_left_out() -> None:
    columns, _ = answers()
    rare = np.full(300, np.nan)
    rare[:5] = np.arange(5)
    columns |= {"constant": np.ones(300), "rare": rare, "absent": np.full(300, np.nan)}
    signs = SIGNS | {"constant": 1, "rare": 1, "absent": 1, "unknown": 1}
    assert [term.name for term in scales(columns, signs)] == list(SIGNS)


def test_a_signal_that_comes_twice_shares_its_weight() -> None:
    columns, correct = answers()
    twice = columns | {"again": columns["likely"]}
    once, fitted = design(columns, correct, l2=0.1), design(twice, correct, SIGNS | {"again": 1}, l2=0.1)
    weights = {term.name: term.weight for term in fitted.terms}
    assert weights["likely"] == pytest.approx(weights["again"], rel=0.01)
    # Shared, the weight is penalised a little less.
    assert np.abs(fitted.logit(twice) - once.logit(columns)).mean() < 0.1


def test_separable_answers_have_finite_weights() -> None:
    columns = {"signal": np.arange(40.0)}
    fitted = design(columns, np.arange(40) >= 20, {"signal": 1})
    assert 1 < fitted.terms[0].weight < 20


def test_columns_of_unequal_length_are_refused() -> None:
    with pytest.raises(InvalidInput, match="unequal"):
        FITTED.logit({"likely": [1.0, 2.0], "unsure": [1.0]})


def test_a_design_survives_being_written_down() -> None:
    columns, _ = answers()
    again = Design.model_validate_json(FITTED.model_dump_json())
    assert (again.logit(columns) == FITTED.logit(columns)).all()
