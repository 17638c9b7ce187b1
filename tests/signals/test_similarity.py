"""Samples compared by a model's reading instead of by their wording."""

from __future__ import annotations

from dataclasses import replace
from math import log

import pytest

from codex.signals import answer_groups, compute
from codex.signals.view import Group
from tests.support.observations import make_similarity, make_token, observe

# The answer and its samples, worded apart: "Muscat" and "Masqat" are one city.
WORDED = observe(
    "What is the capital of Oman?", [make_token("Muscat", 1 / 2)], ["Masqat", "Salalah", "Muscat city"]
)
READ = replace(
    WORDED,
    similarity=make_similarity(
        [[1, 0.75, 0.25, 1], [0.75, 1, 0.5, 0.75], [0.25, 0.5, 1, 0.25], [1, 0.75, 0.25, 1]], [7, 7, 2, 7]
    ),
)


@pytest.mark.parametrize("form", ["", "_focus"])
def test_signals_that_compare_meanings_follow_the_model(form: str) -> None:
    values = compute(READ)
    assert values[f"answer_frequency{form}"] == pytest.approx(2 / 3)
    assert values[f"self_consistency_var{form}"] == pytest.approx(1 - (4 + 1) / 9)
    assert values[f"distinct_answers{form}"] == 2
    assert values[f"semantic_entropy{form}"] == pytest.approx(log(3) - 2 / 3 * log(2))
    assert values[f"degmat{form}"] == pytest.approx((3 + 2 * (0.5 + 0.75 + 0.25)) / 9)
    assert values[f"greedy_similarity{form}"] == pytest.approx(2 / 3)
    assert values[f"cocoa_ppl{form}"] == pytest.approx(log(2) * (1 - 2 / 3))


def test_every_other_signal_stays_as_it_was() -> None:
    before, after = compute(WORDED), compute(READ)
    changed = {name.removesuffix("_focus") for name in before if before[name] != after[name]}
    assert changed == {
        "answer_frequency", "self_consistency_var", "distinct_answers", "semantic_entropy", "degmat",
        "greedy_similarity", "cocoa_ppl",
    }  # fmt: skip
    assert after["lexical_similarity"] is not None


def test_groups_follow_the_model() -> None:
    assert answer_groups(READ) == [
        Group("Masqat", (0, 2), contains_answer=True),
        Group("Salalah", (1,), contains_answer=False),
    ]
    assert len(answer_groups(WORDED)) == 3
