"""The confidence that stands in for a calibrated one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.calibration.heuristic import PARTS, heuristic_confidence, heuristic_confidences
from codex.signals import compute
from tests.support.frozen import FILES, auroc, frozen_answers
from tests.support.observations import make_token, observe

shares = st.floats(0.0, 1.0)


def test_it_is_the_mean_of_the_weakest_token_and_the_agreement() -> None:
    assert heuristic_confidence({"min_prob_focus": 0.5, "answer_frequency_focus": 0.8}) == pytest.approx(0.65)


def test_where_something_was_looked_up_the_support_counts_too() -> None:
    signals = {"min_prob_focus": 0.5, "answer_frequency_focus": 0.8, "evidence_support": 0.2}
    assert heuristic_confidence(signals) == pytest.approx(0.5)


@given(st.lists(st.tuples(*[st.none() | shares] * 3), max_size=5))
def test_a_table_of_answers_gets_what_each_answer_would_get(
    rows: list[tuple[float | None, float | None, float | None]],
) -> None:
    columns = {
        name: [np.nan if row[at] is None else row[at] for row in rows] for at, name in enumerate(PARTS)
    }
    alone = [heuristic_confidence(dict(zip(PARTS, row, strict=True))) for row in rows]
    expected = [np.nan if value is None else value for value in alone]
    assert heuristic_confidences(columns, len(rows)) == pytest.approx(expected, nan_ok=True)


def test_without_samples_the_weakest_token_alone_decides() -> None:
    tokens = [make_token("It is", 0.1), make_token(" Mus", 0.5), make_token("cat", 0.25)]
    assert heuristic_confidence(compute(observe("Where?", tokens))) == pytest.approx(0.25)


def test_without_log_probabilities_the_agreement_alone_decides() -> None:
    signals = compute(
        observe("Where?", [make_token("Muscat")], ["Muscat", "It is Muscat.", "Salalah", "Oslo"])
    )
    assert heuristic_confidence(signals) == pytest.approx(0.5)


def test_without_either_there_is_no_confidence() -> None:
    assert heuristic_confidence({}) is None
    assert heuristic_confidence(compute(observe("Where?", [make_token("Muscat")]))) is None


@given(shares, shares, shares)
def test_it_lies_in_the_unit_interval_and_rises_with_both_parts(
    low: float, high: float, other: float
) -> None:
    low, high = sorted((low, high))
    for part, fixed in (
        ("min_prob_focus", "answer_frequency_focus"),
        ("answer_frequency_focus", "min_prob_focus"),
    ):
        first = heuristic_confidence({part: low, fixed: other})
        second = heuristic_confidence({part: high, fixed: other})
        assert first is not None
        assert second is not None
        assert 0 <= first <= second <= 1


def test_it_ranks_stored_answers_better_than_either_part() -> None:
    def mean_auroc(*parts: str) -> float:
        figures = []
        for file in FILES:
            signals, correct = frozen_answers(file)
            kept = [heuristic_confidence({part: row[part] for part in parts}) for row in signals]
            figures.append(auroc(np.array(kept, dtype=np.float64), correct))
        return float(np.mean(figures))

    both = mean_auroc("min_prob_focus", "answer_frequency_focus")
    assert both > mean_auroc("min_prob_focus")
    assert both > mean_auroc("answer_frequency_focus")
    # 0.850 when it was chosen; 0.83 leaves room for a change in how words are cut.
    assert both > 0.83
