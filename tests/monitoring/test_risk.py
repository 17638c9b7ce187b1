"""Labels against a guarantee: false alarms, delay and bound, by simulation with fixed seeds."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from numpy.typing import NDArray

from codex.monitoring.risk import DETECTED, evidence, labelled_risk, labels_to_detect

DELTA = 0.05
BAR = -math.log(DELTA)
STREAMS = 2000
LABELS = 1500


def draws(seed: int, risk: float, streams: int = STREAMS, labels: int = LABELS) -> NDArray[np.bool_]:
    return np.random.default_rng(seed).random((streams, labels)) < risk


def first_alarm(incorrect: NDArray[np.bool_], level: float) -> NDArray[np.float64]:
    """[streams]: the label at which each stream is contradicted; infinite: at none."""
    crossed = evidence(incorrect, level) >= BAR
    return np.where(crossed.any(axis=1), crossed.argmax(axis=1) + 1.0, np.inf)


@pytest.mark.parametrize("level", [0.05, 0.1, 0.2, 0.4])
def test_a_guarantee_that_holds_is_hardly_ever_contradicted_however_often_one_looks(level: float) -> None:
    alarms = np.isfinite(first_alarm(draws(11, level), level)).mean()
    # Three standard errors of a share of 5% in 2,000 streams are 1.5%.
    assert alarms <= DELTA + 3 * math.sqrt(DELTA * (1 - DELTA) / STREAMS)
    assert alarms > 0  # else the bound would be far from used


def test_nor_where_the_risk_moves_below_the_level() -> None:
    """The risk of each label depends on the labels before: after an incorrect one it is at the level."""
    chance = np.random.default_rng(13)
    level, incorrect = 0.2, np.zeros((STREAMS, LABELS), dtype=np.bool_)
    for label in range(LABELS):
        after = incorrect[:, label - 1] if label else np.ones(STREAMS, dtype=np.bool_)
        incorrect[:, label] = chance.random(STREAMS) < np.where(after, level, level / 2)
    assert np.isfinite(first_alarm(incorrect, level)).mean() <= DELTA


@pytest.mark.parametrize("level", [0.05, 0.1, 0.2, 0.3])
def test_a_risk_of_twice_the_level_is_detected_within_the_delay_that_is_stated(level: float) -> None:
    delay = labels_to_detect(level, DELTA)
    assert delay is not None
    detected = (first_alarm(draws(17, 2 * level), level) <= delay).mean()
    # The delay is itself simulated, on as many streams: three standard errors of the difference are 3%.
    assert DETECTED - 0.03 <= detected <= DETECTED + 0.03


@pytest.mark.parametrize(("level", "delay"), [(0.05, 382), (0.1, 168), (0.2, 69), (0.3, 37)])
def test_the_delays_are_those_of_the_documentation(level: float, delay: int) -> None:
    assert labels_to_detect(level, DELTA) == delay


@pytest.mark.parametrize(("held", "delay"), [(200, 320), (1000, 480)])
def test_a_guarantee_that_stops_holding_late_is_contradicted_soon_after(held: int, delay: int) -> None:
    """At a level of 10%: after so many labels the risk doubles."""
    before, after = draws(19, 0.1, 1000, held), draws(23, 0.2, 1000, delay)
    alarm = first_alarm(np.concatenate([before, after], axis=1), 0.1)
    false = (alarm <= held).mean()
    assert false <= DELTA + 3 * math.sqrt(DELTA * (1 - DELTA) / 1000)
    assert np.isfinite(alarm).mean() >= 0.9


def test_at_the_same_error_level_it_is_no_later_than_mapie() -> None:
    from mapie.exchangeability_testing.bounds import conjugate_mixture_empirical_bernstein_bound

    streams, level = 40, 0.1

    def of_mapie(incorrect: NDArray[np.bool_]) -> NDArray[np.float64]:
        """MAPIE's RiskMonitoring, whose bound on the online risk has half of its test_level."""
        alarm = np.full(len(incorrect), np.inf)
        for place, stream in enumerate(incorrect.astype(float)):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                bound = conjugate_mixture_empirical_bernstein_bound(
                    stream, v_opt=1, alpha=DELTA, bound_side="lower"
                )
            crossed = np.asarray(bound) > level
            if crossed.any():
                alarm[place] = crossed.argmax() + 1
        return alarm

    moved = draws(31, 2 * level, streams, 300)
    assert np.median(first_alarm(moved, level)) <= np.median(of_mapie(moved))
    late = np.concatenate([draws(37, level, streams, 200), draws(41, 2 * level, streams, 300)], axis=1)
    assert np.median(first_alarm(late, level)) < np.median(of_mapie(late))


def test_the_lower_bound_lies_below_the_risk_and_comes_near_to_it() -> None:
    streams = draws(43, 0.3, 100, 400).tolist()
    bounds = [labelled_risk(each, 0.1, DELTA).lower_bound for each in streams]
    assert np.mean(np.array(bounds) > 0.3) <= DELTA + 3 * math.sqrt(DELTA * (1 - DELTA) / 100)
    assert np.median(bounds) >= 0.2


def test_the_stake_is_on_average_never_more_than_at_the_start() -> None:
    """Exactly: over all sequences of 8 labels, weighted by how likely they are at the level."""
    level, n = 0.3, 8
    sequences = (np.arange(2**n)[:, None] >> np.arange(n)) & 1 == 1
    wrong = sequences.sum(axis=1)
    chance = level**wrong * (1 - level) ** (n - wrong)
    stakes = np.exp(evidence(sequences, level))
    assert chance @ stakes == pytest.approx(np.ones(n))


def test_what_is_told_of_labels() -> None:
    fine = labelled_risk([False] * 50, 0.1, DELTA)
    assert (fine.labels, fine.incorrect, fine.contradicted_at, fine.lower_bound) == (50, 0, None, 0.0)
    bad = labelled_risk([False] * 10 + [True] * 20, 0.1, DELTA)
    assert bad.incorrect == 20
    assert bad.contradicted_at is not None
    assert 12 <= bad.contradicted_at <= 15
    assert bad.lower_bound > 0.5
    # Once contradicted, more correct answers do not bring the guarantee back.
    assert labelled_risk([False] * 10 + [True] * 20 + [False] * 500, 0.1, DELTA).contradicted_at == (
        bad.contradicted_at
    )
    assert labelled_risk([], 0.1, DELTA).labels == 0
