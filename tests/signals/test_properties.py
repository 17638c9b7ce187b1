"""What holds for every observation: bounds, invariances, and what is missing stays missing."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex.signals import REGISTRY, View, compute, signals_table
from codex.signals.view import Need
from codex.types import Attention, Observation, Probed, Similarity, StatedConfidence, Token
from tests.support.observations import (
    make_generation,
    make_grounding,
    make_passage,
    make_similarity,
    make_token,
    make_verdict,
    observe,
    said,
)

QUESTION = "What is the capital of Oman?"
WORDS = ["Muscat", "muscat.", "Salalah", "the", "capital", "is", "not", "Oman", "12", "1,000", "", "東京"]

texts = st.lists(st.sampled_from(WORDS), max_size=5).map(" ".join)
probabilities = st.floats(1e-6, 1.0)


@st.composite
def tokens(draw: st.DrawFn) -> Token:
    top = draw(probabilities)
    return make_token(
        draw(st.sampled_from(["The", " Mus", "cat", " is", ".", " "])),
        top,
        second=draw(st.floats(1e-9, 1.0)) * max(1e-9, min(top, 1 - top)),
        entropy=draw(st.floats(0.0, 12.0)),
        self_certainty=draw(st.floats(0.0, 50.0)),
    )


# Anything that a float can be: an engine, a judge or an index may go wrong.
wild = st.floats() | st.floats(-30.0, 0.0)


@st.composite
def observations(draw: st.DrawFn) -> Observation:
    answer, samples = draw(st.lists(tokens(), min_size=1, max_size=8)), draw(st.lists(texts, max_size=6))
    cosine = st.floats(-1.0, 1.0) | st.sampled_from([math.nan, math.inf])
    scores = st.fixed_dictionaries({}, optional={"dense": cosine, "bm25": wild})
    passage = st.builds(lambda text, found: make_passage(text, **found), texts, scores)
    probability = st.none() | st.floats(0.0, 1.0) | st.just(math.nan)
    labels = st.tuples(st.sampled_from(["True", " true", "FALSE", " False", "Yes", "", "T", b"\xff"]), wild)
    end, ends = st.none() | probabilities, st.none() | st.floats(-30.0, 0.0)
    return replace(
        observe(QUESTION, answer, samples),
        generation=replace(
            make_generation(answer, draw(end)), attention=draw(st.none() | attention(len(answer)))
        ),
        samples=tuple(replace(said(text, draw(end)), end_logprob=draw(ends)) for text in samples),
        passages=tuple(draw(st.lists(passage, max_size=3))),
        grounding=draw(st.none() | st.lists(probability, max_size=3).map(lambda p: make_grounding(*p))),
        verdict=draw(st.none() | st.lists(labels, max_size=4).map(lambda tokens: make_verdict(*tokens))),
        similarity=draw(st.none() | similarities(1 + len(samples))),
        probed=draw(st.none() | st.builds(Probed, st.just("probe@0"), told)),
        stated=draw(st.none() | st.builds(StatedConfidence, probability, st.just("p"), st.just(0.1))),
    )


told = st.dictionaries(
    st.sampled_from(("answer", "question", "entropy")), st.floats(0.0, 1.0) | st.just(math.nan)
)


@st.composite
def attention(draw: st.DrawFn, tokens: int) -> Attention:
    weight = st.floats(0.0, 1.0) | st.just(math.nan)
    row = st.lists(weight, min_size=tokens - 1, max_size=tokens - 1).map(tuple)
    return Attention((1, 2), (0, 0), (draw(row), draw(row)))


@st.composite
def similarities(draw: st.DrawFn, n: int) -> Similarity:
    matrix = [[1.0] * n for _ in range(n)]
    for row in range(n):
        for column in range(row):
            matrix[row][column] = matrix[column][row] = draw(st.floats(0.0, 1.0))
    return make_similarity(matrix, draw(st.lists(st.integers(0, n), min_size=n, max_size=n)))


BOUNDS = {
    "avg_logprob": (-math.inf, 0),
    "sum_logprob": (-math.inf, 0),
    "perplexity": (1, math.inf),
    "entropy": (0, math.inf),
    "max_entropy": (0, math.inf),
    "self_certainty": (0, math.inf),
    "end_logprob": (-math.inf, 0),
    "max_sample_logprob": (-math.inf, 0),
    "sample_end_logprob": (-math.inf, 0),
    "distinct_answers": (1, math.inf),
    "semantic_entropy": (0, math.inf),
    "cocoa_ppl": (0, math.inf),
    "rauq": (0, math.inf),
    "retrieval_score": (-1, 1),
}


@given(observations())
def test_values_are_finite_and_within_their_bounds(observation: Observation) -> None:
    for name, value in compute(observation).items():
        low, high = BOUNDS.get(name.removesuffix("_focus"), (0, 1))
        assert value is None or (math.isfinite(value) and low - 1e-12 <= value <= high + 1e-12), name


def reordered(observation: Observation, order: list[int]) -> Observation:
    """The observation with its samples in another order."""
    samples = tuple(observation.samples[i] for i in order)
    by_model = observation.similarity
    if by_model is not None:
        rows = [0, *(i + 1 for i in order)]
        by_model = make_similarity(
            [[by_model.matrix[i][j] for j in rows] for i in rows], [by_model.classes[i] for i in rows]
        )
    return replace(observation, samples=samples, similarity=by_model)


@given(observations(), st.randoms(use_true_random=False))
def test_the_order_of_the_samples_does_not_matter(observation: Observation, chance: Random) -> None:
    order = list(range(len(observation.samples)))
    chance.shuffle(order)
    shuffled = compute(reordered(observation, order))
    assert shuffled == pytest.approx(compute(observation), abs=1e-12)


@given(st.lists(tokens(), min_size=1, max_size=6), st.integers(2, 6))
def test_samples_that_all_repeat_the_answer_agree_fully(answer: list[Token], n: int) -> None:
    text = make_generation(answer).text
    values = compute(observe(QUESTION, answer, [text] * n))
    for form in ("", "_focus"):
        assert values[f"answer_frequency{form}"] == 1
        assert values[f"greedy_similarity{form}"] == values[f"spelling_similarity{form}"] == 1
        assert values[f"lexical_similarity{form}"] == values[f"degmat{form}"] == pytest.approx(1)
        assert values[f"distinct_answers{form}"] == 1
        assert values[f"semantic_entropy{form}"] == values[f"self_consistency_var{form}"] == 0
        assert values[f"cocoa_ppl{form}"] == pytest.approx(0, abs=1e-12)


@given(observations(), texts)
def test_the_answer_is_not_one_of_the_samples(observation: Observation, other: str) -> None:
    changed = compute(replace(observation, generation=said(other)))
    values = compute(observation)
    of_samples_alone = (
        "self_consistency_var", "semantic_entropy", "distinct_answers", "lexical_similarity", "degmat",
    )  # fmt: skip
    for name in of_samples_alone:
        assert changed[name] == values[name]
        assert changed[f"{name}_focus"] == values[f"{name}_focus"]


@given(observations(), st.integers(0, 7), st.floats(0.0, 5.0))
def test_a_likelier_token_never_looks_less_confident(observation: Observation, at: int, gain: float) -> None:
    answer = list(observation.generation.tokens)
    token = answer[at % len(answer)]
    assert token.logprob is not None
    answer[at % len(answer)] = replace(token, logprob=min(0.0, token.logprob + gain))
    before = compute(observation)
    after = compute(replace(observation, generation=replace(observation.generation, tokens=tuple(answer))))
    names = ("avg_logprob", "sum_logprob", "perplexity", "top1_prob", "min_prob", "answer_prob", "cocoa_ppl")
    for name in names:
        for key in (name, f"{name}_focus"):
            old, new = before[key], after[key]
            if old is not None and new is not None:
                better = new - old if REGISTRY[key].higher_is_confident else old - new
                assert better >= -1e-9 * max(1.0, abs(old))


@given(st.lists(texts, min_size=1, max_size=8))
def test_the_shares_of_the_classes_sum_to_one(samples: list[str]) -> None:
    view = View.whole(observe(QUESTION, [make_token("Muscat")], samples))
    assert view.shares.sum() == pytest.approx(1)
    assert sorted(index for group in view.groups for index in group.members) == list(range(len(samples)))
    assert sum(group.contains_answer for group in view.groups) <= 1


@given(st.lists(texts, min_size=2, max_size=6))
@settings(max_examples=50)
def test_similarity_is_symmetric_with_ones_on_the_diagonal(samples: list[str]) -> None:
    similarity = View.whole(observe(QUESTION, [make_token("Muscat")], samples)).similarity
    assert (similarity == similarity.T).all()
    assert (similarity.diagonal() == 1).all()


TOKENS = [make_token(piece, 0.5, second=0.25, entropy=1.0, self_certainty=1.0) for piece in (" Mus", "cat")]
COMPLETE = replace(
    observe(QUESTION, TOKENS),
    generation=replace(make_generation(TOKENS, end=0.5), attention=Attention((1,), (0,), ((0.5,),))),
    samples=(said("Muscat", 0.5, end=0.5), said("Salalah", 0.25, end=0.5)),
    passages=(make_passage("Muscat is in Oman.", dense=0.5),),
    grounding=make_grounding(0.5),
    verdict=make_verdict(("True", -1.0), ("False", -1.0)),
    probed=Probed("probe@0123456789", {"answer": 0.75, "question": 0.25, "entropy": 0.5}),
    stated=StatedConfidence(0.8, "prompt", 0.1),
)


def without(need: Need) -> Observation:
    """The complete observation less one of the things that a signal may need."""
    first, second = COMPLETE.generation.tokens
    lacking = {
        "logprobs": replace(second, logprob=None),
        "entropies": replace(second, entropy=None),
        "alternatives": replace(second, alternatives=second.alternatives[:1]),
        "full vocabulary": replace(second, self_certainty=None),
    }
    if need == "end":
        return replace(COMPLETE, generation=replace(COMPLETE.generation, end_logprob=None))
    if need == "attention":
        return replace(COMPLETE, generation=replace(COMPLETE.generation, attention=None))
    if need == "passages":
        return replace(COMPLETE, passages=())
    if need == "grounding":
        return replace(COMPLETE, grounding=None)
    if need == "verdict":
        return replace(COMPLETE, verdict=None)
    if need == "probe":
        return replace(COMPLETE, probed=None)
    if need == "stated":
        return replace(COMPLETE, stated=None)
    if need in lacking:
        return replace(COMPLETE, generation=replace(COMPLETE.generation, tokens=(first, lacking[need])))
    return replace(COMPLETE, samples=COMPLETE.samples[: 0 if need == "1 sample" else 1])


@pytest.mark.parametrize("need", sorted({need for signal in REGISTRY.values() for need in signal.needs}))
def test_exactly_the_signals_that_need_what_is_not_there_are_missing(need: Need) -> None:
    assert None not in compute(COMPLETE).values()
    missing = {name for name, value in compute(without(need)).items() if value is None}
    also = {"2 samples"} if need == "1 sample" else set()
    assert missing == {name for name, s in REGISTRY.items() if s.needs & ({need} | also)}


def test_without_tokens_and_samples_every_signal_is_missing() -> None:
    assert set(compute(observe(QUESTION, [])).values()) == {None}


def test_a_probability_of_nothing_gives_no_infinite_value() -> None:
    # llama.cpp reports p = 0 as about -3.4e38; its perplexity would overflow.
    token = replace(make_token("Muscat"), logprob=-3.4e38)
    values = compute(observe(QUESTION, [token]))
    assert values["perplexity"] is None
    assert values["min_prob"] == 0


def test_the_table_has_a_row_for_every_signal_and_tokens_come_first() -> None:
    names = [line.split("`")[1] for line in signals_table().splitlines()[2:]]
    assert names == [name for name, signal in REGISTRY.items() if signal.form == "whole"]
    assert names[0] == "avg_logprob"
    assert names[-5:] == ["probe", "p_ik", "semantic_entropy_probe", "p_true", "stated_confidence"]
    assert all(signal.meaning.endswith(".") and signal.source for signal in REGISTRY.values())
