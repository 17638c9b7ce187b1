"""Rewards: without any model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.errors import InvalidInput, PluginError
from codex.items import Item
from codex.prompts.stating import stated
from codex.training.arithmetic import EXAMPLES, MOST, Additions
from codex.training.rewards import SHIPPED, Brier, reward, taken
from tests.support.plugged import install, packages

SUM = Item("s", "What is 2 + 3?", ("5",), "sums", grader="numeric")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    with packages(tmp_path):
        yield tmp_path


@given(st.integers(0, 100))
def test_the_expected_brier_reward_is_largest_at_the_probability_of_being_correct(percent: int) -> None:
    given_ = [stated(answer, it) for answer in ("5", "6") for it in range(101)]
    correct, incorrect = np.reshape(Brier()([""] * 202, given_, [SUM] * 202), (2, 101))
    expected = percent / 100 * correct + (1 - percent / 100) * incorrect
    assert expected.argmax() == percent
    # A correct answer never gets less than an incorrect one, whatever both say.
    assert correct.min() >= incorrect.max()


def test_an_answer_without_a_confidence_gets_the_lowest_reward_there_is() -> None:
    texts = ["5", "5\nConfidence: high", stated("6", 100), stated("5", 100), stated("5", 0)]
    assert Brier()([""] * 5, texts, [SUM] * 5) == [-1, -1, -1, 1, 0]


def test_correctness_is_graded_without_the_line_of_the_confidence() -> None:
    texts = [stated("2 + 3 = 5", 80), stated("2 + 3 = 6", 5), "5", ""]
    assert reward("correctness")([""] * 4, texts, [SUM] * 4) == [1, 0, 1, 0]
    assert reward("correctness", "exact")([""] * 4, texts, [SUM] * 4) == [0, 0, 1, 0]


def test_what_cannot_be_graded_counts_as_incorrect() -> None:
    item = Item("r", "Which?", ("(",), "sums", grader="regex")
    assert reward("correctness")([""], ["5"], [item]) == [0]


def test_length_falls_beyond_its_target() -> None:
    texts = ["x" * n for n in (0, 100, 150, 200, 10_000)]
    assert reward("length")([""] * 5, texts, [SUM] * 5) == [0, 0, -0.5, -1, -1]


def test_an_unknown_reward_says_the_nearest() -> None:
    with pytest.raises(InvalidInput, match="did you mean 'brier'") as wrong:
        reward("brie")
    assert all(name in str(wrong.value) for name in SHIPPED)


MODULE = """
def short(prompts, answers, references):
    return [1 / (1 + len(text)) for text in answers]

def few(prompts, answers, references): return [1.0]
def odd(prompts, answers, references): return [float("nan")] * len(answers)
def fails(prompts, answers, references): return [1 / 0]
number = 3
"""


def test_a_package_and_a_module_of_ones_own_add_rewards(site: Path) -> None:
    install(site, "rewarding", {"rewards": {"short": "my_rewards:short"}}, my_rewards=MODULE)
    assert reward("short")(["", ""], ["", "x"], [SUM] * 2) == [1, 0.5]
    with pytest.raises(InvalidInput, match="no reward 'my_rewards:short'"):
        reward("my_rewards:short")
    own = taken("my_rewards:short")
    assert (own.name, own([""], [""], [SUM])) == ("my_rewards:short", [1])


@pytest.mark.parametrize(
    ("name", "told"),
    [("few", "not one finite number each"), ("odd", "nan"), ("fails", "ZeroDivisionError")],
)
def test_a_reward_that_fails_names_itself(site: Path, name: str, told: str) -> None:
    (site / "my_rewards.py").write_text(MODULE)
    with pytest.raises(PluginError, match=told) as wrong:
        taken(f"my_rewards:{name}")(["", ""], ["", ""], [SUM] * 2)
    assert f"my_rewards:{name}" in str(wrong.value)


def test_what_is_no_function_is_no_reward(site: Path) -> None:
    (site / "my_rewards.py").write_text(MODULE)
    with pytest.raises(PluginError, match="is no function"):
        taken("my_rewards:number")


def test_additions_are_distinct_and_the_same_for_a_seed() -> None:
    one, same, other = ([*Additions(400, seed).examples(Counter())] for seed in (1, 1, 2))
    assert one == same != other
    questions = {example.question for example in one}
    assert len(questions) == 400
    # 99 of one digit are left beside the half of two digits that is asked for, or the half.
    assert sum(len(example.question) == len("What is 1 + 1?") for example in one) == 100
    assert not questions & {question for question, *_ in EXAMPLES}
    assert len([*Additions(MOST - len(EXAMPLES)).examples(Counter())]) == MOST - len(EXAMPLES)
    with pytest.raises(InvalidInput, match="8,199"):
        Additions(MOST)
