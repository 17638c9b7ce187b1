"""Questions unlike those of a calibrator are recognised, at the stated rate of false alarms."""

from __future__ import annotations

import numpy as np
import pytest

from codex.calibration.familiarity import FALSE_ALARMS, LEAST, Familiarity

DIMENSION = 32


def vectors(centre: int, n: int, seed: int, spread: float = 0.1) -> np.ndarray:
    """[n, DIMENSION], of unit length, around one axis."""
    drawn = np.random.default_rng(seed).normal(0, spread, (n, DIMENSION))
    drawn[:, centre] += 1
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), np.float32)


def of(drawn: np.ndarray) -> Familiarity:
    made = Familiarity.of([str(at) for at in range(len(drawn))], lambda texts: drawn[[int(t) for t in texts]])
    assert made is not None
    return made


def test_questions_of_another_kind_are_unfamiliar() -> None:
    known = of(np.concatenate([vectors(0, 150, 1), vectors(1, 150, 2)]))
    assert (known.p_values(vectors(5, 100, 3)) <= FALSE_ALARMS).mean() == 1


def test_false_alarms_are_as_rare_as_stated() -> None:
    """Over draws of the questions that are fitted on, as the guarantee of a conformal p-value is."""
    shares = [
        (of(vectors(0, 300, seed)).p_values(vectors(0, 300, 1000 + seed)) <= FALSE_ALARMS).mean()
        for seed in range(40)
    ]
    assert np.mean(shares) == pytest.approx(FALSE_ALARMS, abs=0.012)


def test_a_question_that_was_fitted_on_is_familiar() -> None:
    drawn = vectors(0, 300, 1)
    values = of(drawn).p_values(drawn)
    assert values.mean() > 0.5
    assert (values <= FALSE_ALARMS).mean() < FALSE_ALARMS


def test_a_loose_set_does_not_hide_what_is_far_from_a_tight_one() -> None:
    """Sums are near to trivia as trivia go; they are not as near as sums are to each other."""
    rng = np.random.default_rng(0)
    loose = rng.normal(0, 1, (200, DIMENSION))
    loose = np.asarray(loose / np.linalg.norm(loose, axis=1, keepdims=True), np.float32)
    known = of(np.concatenate([vectors(0, 400, 1, spread=0.02), loose]))
    near, tight = vectors(0, 50, 2, spread=0.2), vectors(0, 50, 3, spread=0.02)
    assert (1 - near @ near.T).mean() < (1 - loose @ loose.T).mean()
    assert (known.p_values(near) <= FALSE_ALARMS).mean() > 0.9
    assert (known.p_values(tight) <= FALSE_ALARMS).mean() < 0.1


def test_p_values_are_never_zero_and_at_most_one() -> None:
    values = of(vectors(0, LEAST, 1)).p_values(np.concatenate([vectors(0, 50, 2), vectors(9, 50, 3)]))
    assert values.min() == pytest.approx(1 / (LEAST // 3 + 1))
    assert values.max() <= 1


def test_too_few_questions_are_not_compared() -> None:
    assert Familiarity.of(["?"] * (LEAST - 1), lambda texts: np.ones((len(texts), 2), np.float32)) is None


def test_it_survives_json_and_keeps_at_most_so_many() -> None:
    made = of(vectors(0, 4000, 1))
    again = Familiarity.model_validate_json(made.model_dump_json())
    assert again == made
    assert len(made.distances) == 500
    asked = vectors(0, 20, 2)
    assert np.array_equal(again.p_values(asked), made.p_values(asked))
