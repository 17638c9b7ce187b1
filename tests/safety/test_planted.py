"""The rule against planted instructions: what it was tuned on it finds, of others a part."""

from __future__ import annotations

import pytest

from codex.safety.planted import planted
from tests.injection.harmless import FIRST, SECOND
from tests.injection.more_plants import LAST, LAST_HARMLESS, TUNED, UNSEEN, UNSEEN_HARMLESS
from tests.injection.plants import PLANTS, Plant


def named(plant: Plant) -> str:
    return plant.kind


@pytest.mark.parametrize("plant", PLANTS, ids=named)
def test_the_planted_instructions_of_the_benchmark_are_found(plant: Plant) -> None:
    told = "\n".join(part for part in (plant.document, plant.heading, plant.planted) if part)
    assert planted(told)
    assert not planted(plant.passage)


def test_others_that_it_was_tuned_on_are_found() -> None:
    assert sum(map(bool, map(planted, (*TUNED, *UNSEEN)))) >= 43


def test_of_wordings_that_it_was_not_tuned_on_it_finds_a_quarter() -> None:
    """Measured once: 5 of 20. It warns; what keeps orders from being followed is the form of the prompt."""
    assert sum(map(bool, map(planted, LAST))) >= 5


def test_of_100_harmless_passages_none_is_taken_for_an_order() -> None:
    assert [text for text in (*FIRST, *SECOND) if planted(text)] == []


def test_of_40_that_were_made_to_look_alike_at_most_two_are() -> None:
    assert sum(map(bool, map(planted, (*UNSEEN_HARMLESS, *LAST_HARMLESS)))) <= 2


@pytest.mark.parametrize("text", ["\n" * 20_000, "say only " * 2_000, "answer" + " " * 20_000, "<|a" * 3_000])
def test_a_text_made_to_take_long_is_read_in_linear_time(text: str) -> None:
    """With unbounded spaces before a heading, the first of these took half a minute."""
    assert isinstance(planted(text), str)
