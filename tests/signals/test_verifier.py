"""The probability of a label among the likeliest tokens."""

from __future__ import annotations

from dataclasses import replace
from math import inf, log, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.signals import compute, label_probability
from codex.signals.verifier import verdict_probability
from codex.types import Alternative, Reliability
from tests.support.observations import make_token, make_verdict, observe
from tests.support.reliable import CHANCE, GOOD

HALF, QUARTER, EIGHTH = log(1 / 2), log(1 / 4), log(1 / 8)


def p_true(*likely: tuple[str | bytes, float]) -> float | None:
    return label_probability(make_verdict(*likely).alternatives, "True", "False")


@pytest.mark.parametrize(
    "form", ["True", " True", "true", " true", "TRUE", "\nTrue", "True.", "**True**", "Tr"]
)
def test_every_spelling_of_a_label_counts(form: str) -> None:
    assert p_true((form, QUARTER), ("False", EIGHTH), ("Well", HALF)) == pytest.approx(2 / 3)


def test_spellings_of_one_label_add_up() -> None:
    likely = [
        ("True", QUARTER),
        (" true", EIGHTH),
        (" False", EIGHTH),
        ("FALSE", QUARTER),
        ("false", QUARTER),
    ]
    assert p_true(*likely) == pytest.approx(3 / 8)


@pytest.mark.parametrize("other", ["Truth", "Falsehood", "The", "Yes", "", " ", "."])
def test_other_words_do_not_count(other: str) -> None:
    assert p_true((other, HALF)) is None
    assert p_true((other, HALF), ("True", EIGHTH), ("False", EIGHTH)) == pytest.approx(1 / 2)


def test_a_piece_that_begins_both_labels_says_nothing() -> None:
    alternatives = make_verdict(("un", HALF), ("unk", EIGHTH), ("unt", QUARTER)).alternatives
    assert label_probability(alternatives, "untrue", "unknown") == pytest.approx(2 / 3)


def test_one_label_may_stand_against_several() -> None:
    alternatives = make_verdict(("A", HALF), (" B", QUARTER), ("c", EIGHTH), ("D", EIGHTH)).alternatives
    shares = [label_probability(alternatives, *order) for order in ("ABC", "BAC", "CAB")]
    assert shares == pytest.approx([4 / 7, 2 / 7, 1 / 7])


def test_a_token_may_end_inside_a_character() -> None:
    # "Σωστό" and "Λάθος" begin with the same byte; the second tells them apart.
    alternatives = make_verdict((b"\xce", HALF), (b"\xce\xa3", QUARTER), ("λάθος", EIGHTH)).alternatives
    assert label_probability(alternatives, "Σωστό", "Λάθος") == pytest.approx(2 / 3)


@pytest.mark.parametrize("unknown", [-inf, inf, nan, -9999.0, -3.4e38])
def test_a_probability_that_is_none_is_not_there(unknown: float) -> None:
    assert p_true(("True", unknown), ("False", unknown)) is None
    assert p_true(("True", unknown), ("False", HALF)) == 0
    assert p_true(("True", HALF), ("False", unknown)) == 1


def test_probabilities_too_small_for_a_float_still_compare() -> None:
    # exp(-1000) is 0; the two differ by ln 3.
    assert p_true(("True", -1000.0), ("False", -1000.0 - log(3))) == pytest.approx(3 / 4)


@given(st.lists(st.builds(Alternative, st.just(1), st.binary(max_size=6), st.floats())))
def test_it_is_a_probability_or_missing_and_the_labels_are_alike(likely: list[Alternative]) -> None:
    value, swapped = label_probability(likely, "True", "False"), label_probability(likely, "False", "True")
    assert (value is None) == (swapped is None)
    if value is not None and swapped is not None:
        assert 0 <= value <= 1
        assert value + swapped == pytest.approx(1)


def test_p_true_counts_only_where_the_verifier_is_reliable() -> None:
    """What was stored before reliability was measured counts as it did."""

    def found(reliability: Reliability | None) -> float | None:
        verdict = replace(make_verdict(("True", log(0.8)), ("False", log(0.2))), reliability=reliability)
        observation = replace(observe("Why?", [make_token("So", 0.5)]), verdict=verdict)
        return compute(observation)["p_true"]

    assert found(None) == pytest.approx(0.8)
    assert found(GOOD) == pytest.approx(0.8)
    assert found(CHANCE) is None
    assert found(Reliability()) is None


def test_a_trained_verifier_s_log_odds_are_divided_by_its_temperature() -> None:
    verdict = make_verdict(("True", HALF), ("False", EIGHTH))
    assert verdict_probability(verdict) == pytest.approx(4 / 5)
    assert verdict_probability(replace(verdict, temperature=2.0)) == pytest.approx(2 / 3)
    assert verdict_probability(replace(verdict, temperature=0.5)) == pytest.approx(16 / 17)
    assert verdict_probability(replace(verdict, offset=-log(4))) == pytest.approx(1 / 2)
    assert verdict_probability(replace(verdict, offset=log(4), temperature=2.0)) == pytest.approx(4 / 5)
    only = replace(make_verdict(("True", HALF)), temperature=2.0)
    assert verdict_probability(only) == 1.0
    assert verdict_probability(replace(make_verdict(("Well", HALF)), temperature=2.0)) is None
