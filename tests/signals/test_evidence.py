"""What the passages say of an answer."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.signals import compute
from codex.types import Observation, Passage, PassedOver, Reliability
from tests.support.observations import make_grounding, make_passage, make_token, observe
from tests.support.reliable import CHANCE, GOOD

QUESTION = "How far is the moon?"

texts = st.text(alphabet="moonkm 東京は-5,'.")


def answered(answer: str, *passages: Passage | str, question: str = QUESTION) -> Observation:
    found = tuple(p if isinstance(p, Passage) else make_passage(p) for p in passages)
    return replace(observe(question, [make_token(answer)]), passages=found)


@pytest.mark.parametrize(
    ("answer", "passage", "whole", "focus"),
    [
        # Content words: moon, 384,400, km away; the question's own "moon" counts in the whole form only.
        ("The moon is 384,400 km away.", "It orbits at 384400 km.", 2 / 4, 2 / 3),
        ("The moon is 384,400 km away.", "THE MOON!", 1 / 4, 0.0),
        ("Muscat", "Oman's capital, MUSCAT.", 1.0, 1.0),
        ("Oman’s", "in Oman", 1.0, 1.0),
        ("Muscat or Salalah", "Muscat", 1 / 2, 1 / 2),
        # A word said three times is one word.
        ("Muscat Muscat Muscat Salalah", "Muscat", 1 / 2, 1 / 2),
        # Stop words and signs of either side say nothing, unless there is nothing else.
        ("It is = Muscat", "it is = Salalah", 0.0, 0.0),
        ("It is", "it is so", 1.0, 1.0),
        ("-5", "5 degrees", 0.0, 0.0),
        ("cat", "category", 0.0, 0.0),
    ],
)
def test_overlap_is_the_share_of_the_answers_words_in_the_passages(
    answer: str, passage: str, whole: float, focus: float
) -> None:
    values = compute(answered(answer, passage))
    assert values["evidence_overlap"] == pytest.approx(whole)
    assert values["evidence_overlap_focus"] == pytest.approx(focus)


def test_words_may_stand_in_different_passages() -> None:
    assert compute(answered("Muscat, Salalah", "Muscat", "Salalah"))["evidence_overlap"] == 1


def test_characters_of_japanese_count_by_pairs() -> None:
    # 東 and 京 stand in the second passage, but never side by side.
    question = "日本の首都はどこですか?"
    assert compute(answered("東京", "首都は東京です", question=question))["evidence_overlap"] == 1
    assert compute(answered("東京", "京都は東にあります", question=question))["evidence_overlap"] == 0
    assert compute(answered("犬", "犬がいます", question=question))["evidence_overlap"] == 1


@given(st.text(), st.text())
def test_an_answer_stands_whole_in_itself_whatever_else_was_found(answer: str, other: str) -> None:
    assert compute(answered(answer, answer, other))["evidence_overlap"] in (None, 1.0)


@given(texts, texts, texts)
def test_more_passages_never_lower_the_overlap(answer: str, one: str, other: str) -> None:
    for name in ("evidence_overlap", "evidence_overlap_focus"):
        fewer, more = (compute(answered(answer, *found))[name] for found in ([one], [one, other]))
        assert fewer is None or (more is not None and more >= fewer)


@pytest.mark.parametrize(("answer", "passage"), [("", "Muscat"), ("...", "Muscat"), ("Muscat", "")])
def test_without_words_or_kept_text_there_is_no_overlap(answer: str, passage: str) -> None:
    values = compute(answered(answer, passage))
    assert values["evidence_overlap"] is values["evidence_overlap_focus"] is None


@pytest.mark.parametrize(
    ("scores", "value"),
    [
        ([{"dense": 0.25}, {"dense": 0.5}], 0.5),
        ([{}, {"dense": -0.5}], -0.5),
        ([{"dense": math.nan}, {"dense": 0.5}], 0.5),
        ([{"bm25": 9.0}], None),
    ],
)
def test_the_score_is_the_best_cosine_and_no_other_score(
    scores: list[dict[str, float]], value: float | None
) -> None:
    found = (make_passage("Muscat", **each) for each in scores)
    assert compute(answered("Muscat", *found))["retrieval_score"] == value


@pytest.mark.parametrize(
    ("support", "value"),
    [
        ((0.9, 0.2, 0.8), 0.2),
        ((0.0,), 0.0),
        ((0.9, None), None),
        ((), None),
        ((0.5, math.nan), None),
        ((math.nan, 0.5), None),
    ],
)
def test_support_is_that_of_the_weakest_sentence(support: tuple[float | None, ...], value: float) -> None:
    observation = replace(answered("Muscat"), grounding=make_grounding(*support))
    assert compute(observation)["evidence_support"] == value


def test_support_counts_only_where_the_judge_of_the_settings_is_reliable() -> None:
    """What was stored before reliability was measured counts as it did."""

    def support(**changes: object) -> float | None:
        grounding = replace(make_grounding(0.9), **changes)  # type: ignore[arg-type]
        return compute(replace(answered("Muscat"), grounding=grounding))["evidence_support"]

    assert support() == 0.9
    assert support(reliability=GOOD) == 0.9
    assert support(reliability=CHANCE) is None
    assert support(reliability=Reliability()) is None
    assert support(reliability=GOOD, passed_over=(PassedOver("model small", CHANCE),)) is None
