"""Figures of texts, against cases worked out by hand and the libraries' own."""

from __future__ import annotations

import math

import pytest
import sacrebleu

from codex.errors import InvalidInput
from codex.evaluation.text_metrics import bleu, chrf, distinct, perplexity, rouge, text_scores


def test_the_best_accepted_wording_counts() -> None:
    scores = text_scores(["The Muscat.", "Salalah city"], [["Masqat", "muscat"], ["Salalah"]])
    assert scores.exact_match == 1 / 2
    # Of "salalah city" one word of two is correct, and all of one: 2 * 1 / (2 + 1).
    assert scores.f1 == pytest.approx((1 + 2 / 3) / 2)
    assert scores.rouge1 == pytest.approx((2 / 3 + 2 / 3) / 2)


def test_a_rare_wording_counts_as_the_usual_one_does() -> None:
    assert text_scores(["Masqat"], [[*map(str, range(50)), "Masqat"]]).exact_match == 1


def test_bleu_and_chrf_are_those_of_sacrebleu() -> None:
    said = ["the cat sat on the mat today", "a dog barked at the moon"]
    accepted = [["the cat sat on the mat", "a cat sat"], ["a dog barked at the moon"]]
    pairs = list(zip(said, accepted, strict=True))
    streams = [["the cat sat on the mat", "a dog barked at the moon"], ["a cat sat", None]]
    assert bleu(pairs) == sacrebleu.corpus_bleu(said, streams).score
    assert chrf(pairs) == sacrebleu.corpus_chrf(said, streams).score


def test_equal_texts_have_the_highest_figures() -> None:
    text = "the capital of Oman is Muscat"
    pairs = [(text, [text])]
    assert (bleu(pairs), chrf(pairs)) == pytest.approx((100, 100))
    assert rouge(pairs) == (1, 1, 1)


def test_perplexity_is_the_exponential_of_the_mean() -> None:
    assert perplexity([-math.log(2), -math.log(8), math.nan]) == pytest.approx(4)
    assert perplexity([math.nan, -math.inf]) is None
    # An answer that the model found impossible does not overflow.
    assert perplexity([-3.4e38]) == pytest.approx(math.exp(700))


def test_distinct_counts_different_n_grams_over_all_texts() -> None:
    assert distinct(["a b a", "A b"], 1) == 2 / 5
    assert distinct(["a b a", "A b"], 2) == 2 / 3
    assert distinct(["a"], 2) is None


def test_questions_without_an_accepted_answer_are_left_out() -> None:
    scores = text_scores(["I cannot say.", "Rome"], [[], ["Rome", " "]])
    assert (scores.n, scores.exact_match) == (1, 1)


def test_of_no_answers_nothing_is_said() -> None:
    scores = text_scores([], [])
    assert scores.model_dump(exclude={"n"}) == dict.fromkeys(type(scores).model_fields.keys() - {"n"})


def test_each_answer_has_its_accepted_ones() -> None:
    with pytest.raises(InvalidInput, match="2 answers"):
        text_scores(["a", "b"], [["a"]])
