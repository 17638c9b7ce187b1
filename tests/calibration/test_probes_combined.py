"""A probe in the combination: its log odds count as they are, at a temperature of their own."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit, logit

from codex.calibration import fit
from codex.calibration.combine import probe_terms
from codex.calibration.metrics import auroc

Array = NDArray[np.float64]
SIGNS = {"avg_logprob_focus": 1, "probe": 1}


def answers(n: int = 400, told: float = 1.0) -> tuple[dict[str, Array], NDArray[np.bool_]]:
    """A signal and a probe that know a half each of what there is to know; told: how loud it says so."""
    rng = np.random.default_rng(1)
    one, two = rng.normal(size=(2, n)) * 1.5
    correct = rng.random(n) < expit(one + two)
    return {"avg_logprob_focus": one, "probe": expit(told * two)}, correct


def test_it_counts_by_its_log_odds_around_their_mean() -> None:
    columns, _ = answers()
    (term,) = probe_terms(columns)
    middle = logit(columns["probe"]).mean()
    assert term.score([0.2, 0.9]) == pytest.approx(logit([0.2, 0.9]) - middle, abs=1e-2)
    assert np.isnan(term.score([np.nan])[0])
    assert np.isfinite(term.score([0.0, 1.0])).all()


def test_what_is_there_too_seldom_is_left_out() -> None:
    columns, _ = answers()
    assert probe_terms({"probe": np.append(columns["probe"][:9], [np.nan] * 90)}) == ()
    assert probe_terms({"avg_logprob_focus": columns["avg_logprob_focus"]}) == ()


@pytest.mark.parametrize("told", [0.5, 1.0, 3.0])
def test_it_adds_what_it_knows_whatever_its_temperature(told: float) -> None:
    columns, correct = answers(told=told)
    made = fit(columns, correct, signs=SIGNS, repeats=2)
    both, alone = made.crossfitted[0], columns["avg_logprob_focus"]
    assert auroc(both, correct) > auroc(alone, correct) + 0.1
    (weight,) = (term.weight for term in made.design.terms if term.name == "probe")
    assert weight * told == pytest.approx(1.0, abs=0.35)


def test_one_that_says_the_opposite_has_no_weight() -> None:
    columns, correct = answers(told=-1.0)
    made = fit(columns, correct, signs=SIGNS, repeats=1)
    assert {term.name: term.weight for term in made.design.terms}["probe"] == 0


def test_a_higher_probability_never_lowers_the_confidence() -> None:
    columns, correct = answers()
    made = fit(columns, correct, signs=SIGNS, repeats=0)
    rising = made.confidences({"avg_logprob_focus": np.zeros(50), "probe": np.linspace(0, 1, 50)})
    assert (np.diff(rising) >= 0).all()
