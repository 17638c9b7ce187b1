"""Bootstrap intervals, against theory."""

from __future__ import annotations

import numpy as np
import pytest

from codex.calibration import metrics
from codex.calibration.resampling import bootstrap


def test_the_interval_of_a_mean_is_that_of_the_normal_law() -> None:
    values = np.random.default_rng(0).normal(size=400)
    low, high = bootstrap(np.mean, values)
    reach = 1.96 * values.std() / np.sqrt(400)
    # 1,000 resamples leave about 4 % of the reach in each end.
    assert low == pytest.approx(values.mean() - reach, abs=0.1 * reach)
    assert high == pytest.approx(values.mean() + reach, abs=0.1 * reach)


def test_it_is_the_same_for_the_same_seed_and_covers_the_figure() -> None:
    rng = np.random.default_rng(1)
    p = rng.random(200)
    right = rng.random(200) < p
    first = bootstrap(metrics.auroc, p, right, resamples=200)
    assert first == bootstrap(metrics.auroc, p, right, resamples=200)
    assert first[0] < metrics.auroc(p, right) < first[1]


def test_groups_keep_their_sizes() -> None:
    groups = np.repeat(["few", "many"], [5, 95])
    values = (groups == "few").astype(float)
    assert bootstrap(np.mean, values, groups=groups) == pytest.approx((0.05, 0.05))


def test_centred_it_lies_around_an_ece_that_resampling_raises() -> None:
    rng = np.random.default_rng(2)
    p = rng.random(250)
    right = rng.random(250) < p
    ece = metrics.ece(p, right)
    plain = bootstrap(metrics.ece, p, right, resamples=300)
    centred = bootstrap(metrics.ece, p, right, resamples=300, centred=True)
    # 300 resamples leave about 0.004 in the middle of the ends.
    assert np.mean(centred) == pytest.approx(ece, abs=0.01)
    assert np.mean(plain) > ece + 0.01


def test_what_is_never_defined_has_no_interval() -> None:
    assert np.isnan(bootstrap(metrics.auroc, [0.1, 0.2], [True, True], resamples=20)).all()
    assert np.isnan(bootstrap(metrics.auroc, [], [], resamples=20)).all()


def test_resamples_without_a_figure_are_left_out() -> None:
    # A quarter of the resamples of two answers twice holds the same one.
    low, high = bootstrap(metrics.auroc, [0.1, 0.9], [False, True], resamples=50)
    assert (low, high) == (1, 1)
