"""A question stays on its side."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.datasets.splits import split
from codex.errors import InvalidInput
from codex.items import Item


def test_a_questions_side_never_changes() -> None:
    # Recorded: a change here would move questions that calibrators were fitted on into the test side.
    sides = [split(f"What is {n} plus 1?") for n in range(8)]
    assert [side[0] for side in sides] == list("tccccttt")


@pytest.mark.parametrize(
    "same",
    ["what is the capital of france", " What  is the CAPITAL of France ? ", "What is capital of France!"],
)
def test_the_same_question_in_other_writing_is_on_the_same_side(same: str) -> None:
    for share in (0.1, 0.3, 0.5, 0.7, 0.9):
        assert split(same, share) == split("What is the capital of France?", share)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_the_share_is_what_was_asked_for(share: float) -> None:
    n = 4000
    sides = [split(f"Question number {number}?", share) for number in range(n)]
    # Four standard deviations of a binomial: 0.032 at one half.
    assert sides.count("calibration") / n == pytest.approx(share, abs=4 * (share * (1 - share) / n) ** 0.5)


@given(st.text(), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_only_adds_questions_to_calibration(question: str, one: float, other: float) -> None:
    small, large = sorted((one, other))
    assert split(question, large) == "calibration" or split(question, small) == "test"


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_beyond_zero_and_one_is_refused(share: float) -> None:
    with pytest.raises(InvalidInput, match=r"in \[0, 1\]"):
        split("?", share)


def test_a_share_of_nothing_and_of_all() -> None:
    assert split("?", 0) == "test"
    assert split("?", 1) == "calibration"


def test_the_choices_of_a_question_have_no_say() -> None:
    items = [Item(str(i), f"Which is {i}?", (), "set", choices=("one", str(i))) for i in range(64)]
    assert [split(item.asked) for item in items] == [split(item.question) for item in items]
    assert {split(item.asked) for item in items} == {"calibration", "test"}
