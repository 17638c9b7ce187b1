"""The entropy of a distribution of which only the head is known, against whole distributions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.engines.entropy import entropy_bounds, entropy_estimate


def exact(p: np.ndarray) -> float:
    p = p[p > 0]
    return float(-(p * np.log(p)).sum())


@given(st.lists(st.floats(0.001, 1.0), min_size=2, max_size=60), st.integers(1, 20))
def test_the_bounds_hold_the_entropy_of_any_distribution(weights: list[float], k: int) -> None:
    p = np.sort(np.array(weights) / sum(weights))[::-1]
    low, high = entropy_bounds(np.log(p[:k]).tolist(), len(p))
    assert low - 1e-9 <= exact(p) <= high + 1e-9  # rounding of some sixty terms


def test_the_lower_bound_is_a_rest_on_one_token_and_the_upper_an_even_rest() -> None:
    low, high = entropy_bounds(np.log([0.5, 0.3]).tolist(), 12)
    assert low == pytest.approx(exact(np.array([0.5, 0.3, 0.2])))
    assert high == pytest.approx(exact(np.array([0.5, 0.3, *[0.02] * 10])))
    assert entropy_estimate(np.log([0.5, 0.3]).tolist(), 12) == pytest.approx((low + high) / 2)


def test_a_certain_token_has_no_entropy() -> None:
    assert entropy_estimate([0.0], 50_000) == 0.0


def test_an_even_distribution_seen_whole_has_the_logarithm_of_its_size() -> None:
    assert entropy_bounds([np.log(1 / 4)] * 4, 4) == pytest.approx((np.log(4), np.log(4)))


def test_a_head_that_rounding_made_heavier_than_one_is_taken_as_the_whole() -> None:
    low, high = entropy_bounds([np.log(0.7), np.log(0.3 + 1e-7)], 50_000)
    assert low == high == pytest.approx(exact(np.array([0.7, 0.3])), abs=1e-6)
