"""Every signal against a case worked out by hand, in both forms."""

from __future__ import annotations

from dataclasses import replace
from math import log

import pytest

from codex.signals import REGISTRY, compute
from codex.types import Attention, Probed, StatedConfidence
from tests.support.observations import (
    make_generation,
    make_grounding,
    make_passage,
    make_token,
    make_verdict,
    observe,
    said,
)

# Probabilities are powers of two, so that every mean of logarithms is a multiple of ln 2.
ASKED = observe(
    "What is the capital of Oman?",
    [
        make_token("The", 1 / 2, second=1 / 4, entropy=1.0, self_certainty=1.0),
        make_token(" capital", 1.0, second=1e-300, entropy=0.0, self_certainty=2.0),
        make_token(" of", 1.0, second=1e-300, entropy=0.0, self_certainty=3.0),
        make_token(" Oman", 1.0, second=1e-300, entropy=0.0, self_certainty=4.0),
        make_token(" is", 1 / 2, second=1 / 2, entropy=1.0, self_certainty=5.0),
        make_token(" Mus", 1 / 4, second=1 / 8, entropy=2.0, self_certainty=6.0),
        make_token("cat", 1 / 8, second=1 / 2, entropy=3.0, self_certainty=7.0),
        make_token(".", 1 / 16, second=1 / 16, entropy=5.0, self_certainty=8.0),
    ],
    ["The capital of Oman is Muscat.", "Muscat", "muscat!", "Salalah"],
)
# The first sample's token has no probability, so it is not among the likeliest.
DRAWN = (
    said("The capital of Oman is Muscat."),
    make_generation([make_token("Mus", 1 / 4), make_token("cat", 1 / 2)], end=1 / 2),
    said("muscat!", 1 / 16, end=1 / 4),
    said("Salalah", 1 / 32),
)
OMAN = replace(
    ASKED,
    generation=replace(
        make_generation(ASKED.generation.tokens, end=1 / 2),
        # The second layer looks nowhere, so that each token is half as likely to it from the second on.
        attention=Attention((11, 12), (0, 8), ((1 / 2,) * 7, (0.0,) * 7)),
    ),
    samples=DRAWN,
    passages=(make_passage("Oman's largest city is MUSCAT.", dense=0.5), make_passage("Salalah", dense=0.25)),
    grounding=make_grounding(0.75),
    verdict=make_verdict(("True", log(3 / 8)), ("False", log(1 / 8)), ("Well", log(1 / 2))),
    probed=Probed("probe@0123456789", {"answer": 0.75, "question": 0.25, "entropy": 0.5}),
    stated=StatedConfidence(0.8, "prompt", 0.1),
)

# Over the whole answer the eight log2 p are -1 0 0 0 -1 -2 -3 -4; the focus is " Mus" and "cat".
# Whole texts fall into the classes {0}, {1, 2}, {3}, the answer with sample 0; the pairs' ROUGE-L F1 is
# 1/3 (0,1), 1/3 (0,2), 1 (1,2), else 0, since "capital of oman is muscat" has five words. In the focus
# samples 0, 1 and 2 are all "muscat", as the answer is. Of "capital", "Oman" and "Muscat" the passages
# hold the last two.
EXPECTED: dict[str, tuple[float, ...]] = {
    "avg_logprob": (-11 / 8 * log(2), -5 / 2 * log(2)),
    "sum_logprob": (-11 * log(2), -5 * log(2)),
    "perplexity": (2 ** (11 / 8), 2 ** (5 / 2)),
    "entropy": (12 / 8, 5 / 2),
    "max_entropy": (5.0, 3.0),
    "top1_prob": (1 / 2, 1 / 4),
    "min_prob": (1 / 16, 1 / 8),
    "end_logprob": (-log(2),),
    "margin": ((1 / 4 + 3 + 0 + 1 / 8 + 3 / 8 + 0) / 8, (1 / 8 + 3 / 8) / 2),
    "self_certainty": (4.5, 6.5),
    "rauq": ((11 + 7) / 8 * log(2), (5 + 2) / 2 * log(2)),
    "answer_frequency": (1 / 4, 3 / 4),
    "self_consistency_var": (1 - (1 + 4 + 1) / 16, 1 - (9 + 1) / 16),
    "lexical_similarity": ((1 / 3 + 1 / 3 + 1) / 6, 3 / 6),
    "distinct_answers": (3.0, 2.0),
    "semantic_entropy": (3 / 2 * log(2), -(3 / 4 * log(3 / 4) + 1 / 4 * log(1 / 4))),
    "degmat": ((4 + 2 * 5 / 3) / 16, (4 + 2 * 3) / 16),
    "greedy_similarity": ((1 + 1 / 3 + 1 / 3) / 4, 3 / 4),
    # The first sample counts nothing; the others, with mean log2 p of -3/2, -4 and -5, by 2 to that power.
    "weighted_similarity": (
        (2**-1.5 + 2**-4) / 3 / (2**-1.5 + 2**-4 + 2**-5),
        (2**-1.5 + 2**-4) / (2**-1.5 + 2**-4 + 2**-5),
    ),
    # "capital of oman is muscat" has 25 characters, "muscat" 6 and "salalah" 7: the longest has "muscat" and
    # "alaa" in order, and "muscat" has "sa".
    "spelling_similarity": ((1 + 12 / 31 + 12 / 31 + 8 / 32) / 4, (3 + 4 / 13) / 4),
    "max_sample_logprob": (-3 * log(2),),
    "sample_end_logprob": (-3 / 2 * log(2),),
    # The answer as a whole is worded as no sample with probabilities; its focus is that of two of them.
    "answer_prob": (2**-12, 2**-12 + 2**-4 + 2**-6),
    "cocoa_ppl": (11 / 8 * log(2) * (1 - (1 + 1 / 3 + 1 / 3) / 4), 5 / 2 * log(2) * (1 - 3 / 4)),
    "evidence_overlap": (2 / 3, 1.0),
    "retrieval_score": (0.5,),
    "evidence_support": (0.75,),
    "p_true": (3 / 4,),
    "probe": (0.75,),
    "p_ik": (0.25,),
    "semantic_entropy_probe": (0.5,),
    "stated_confidence": (0.8,),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_signal_equals_the_value_worked_out_by_hand(name: str) -> None:
    values = compute(OMAN)
    forms = [values[key] for key in (name, f"{name}_focus") if key in values]
    assert forms == pytest.approx(list(EXPECTED[name]), abs=1e-12)


def test_every_signal_has_a_case() -> None:
    assert {name.removesuffix("_focus") for name in REGISTRY} == set(EXPECTED)


def test_a_one_token_answer_counts_one_token() -> None:
    values = compute(observe("Which?", [make_token("Yes", 1 / 4)]))
    assert values["avg_logprob"] == values["sum_logprob"] == log(1 / 4)
    assert values["perplexity"] == pytest.approx(4.0)
    assert values["top1_prob"] == values["min_prob"] == pytest.approx(1 / 4)


def test_each_sample_counts_once_however_often_it_repeats() -> None:
    # Two answers, twice each: ln 2. Summing over samples instead of classes would give 2 ln 2.
    values = compute(observe("Which?", [make_token("a")], ["Rome", "Oslo", "Rome", "Oslo"]))
    assert values["semantic_entropy"] == pytest.approx(log(2))
    assert values["self_consistency_var"] == pytest.approx(1 / 2)


def test_one_sample_is_one_class_and_says_nothing_about_spread() -> None:
    values = compute(observe("Which?", [make_token("Rome", 1 / 2)], ["Rome"]))
    assert values["distinct_answers"] == 1
    assert values["answer_frequency"] == 1
    assert values["cocoa_ppl"] == 0
    spread = ["self_consistency_var", "semantic_entropy", "lexical_similarity", "degmat"]
    assert [values[name] for name in spread] == [None] * 4


def test_a_sample_of_no_tokens_is_not_the_likeliest() -> None:
    asked = observe("Which?", [make_token("Rome", 1 / 2)])
    drawn = replace(asked, samples=(make_generation([]), said("Oslo", 1 / 8)))
    assert compute(drawn)["max_sample_logprob"] == pytest.approx(log(1 / 8))
    unknown = replace(asked, samples=(make_generation([]), said("Oslo")))
    assert compute(unknown)["max_sample_logprob"] is None


def test_a_wording_that_is_drawn_again_is_no_likelier() -> None:
    asked = replace(observe("Which?", [make_token("Rome", 1 / 2)]), generation=said("Rome", 1 / 2, end=1 / 2))
    again = (said("Rome", 1 / 2, end=1 / 2), said("rome", 1 / 8, end=1 / 2), said("rome", 1 / 8, end=1 / 2))
    other = said("Oslo", 1 / 8, end=1 / 2)
    assert compute(replace(asked, samples=(*again, other)))["answer_prob"] == pytest.approx(1 / 4 + 1 / 16)
    assert compute(replace(asked, samples=(other,)))["answer_prob"] == pytest.approx(1 / 4)


def test_of_samples_that_were_cut_off_none_says_how_sure_its_end_was() -> None:
    asked = observe("Which?", [make_token("Rome", 1 / 2)])
    cut = replace(said("Oslo and", 1 / 8), finish_reason="length")
    assert compute(replace(asked, samples=(cut, cut)))["sample_end_logprob"] is None
    mixed = replace(asked, samples=(cut, said("Oslo", 1 / 8, end=1 / 4)))
    assert compute(mixed)["sample_end_logprob"] == pytest.approx(log(1 / 4))


def test_minus_zero_is_zero() -> None:
    values = compute(observe("Which?", [make_token("Rome", 1.0)], ["Rome", "Rome"]))
    assert [str(values[name]) for name in ("semantic_entropy", "cocoa_ppl", "avg_logprob")] == ["0.0"] * 3
