"""Adaptive sampling: the test's error, what settles it, and what holds of answers sampled so."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from codex.ask.adaptive import AGREE, DISAGREE, ERROR, enough
from codex.calibration.risk import Guarantee, selective_threshold
from codex.engines.base import Finished, seeded
from codex.engines.llama_cpp.engine import LlamaCppEngine
from codex.types import Alternative, Generation, Token
from tests.support.decoding import greedy, sampled

QUESTION = "What is the capital of Oman?"


def said(text: str, probability: float = 0.5) -> Generation:
    """One word is one token of this probability."""
    tokens = tuple(
        Token(at, (" " + word).encode(), math.log(probability), alternatives=(Alternative(at, b"x", -1.0),))
        for at, word in enumerate(text.split(), 1)
    )
    return Generation(text, tokens, "stop", 5, 0.1)


def drawn(answer: Generation, samples: Sequence[str], n: int, temperature: float = 1.0) -> int:
    """How many of n samples are drawn, these being what they would say."""
    until = enough(QUESTION, n, temperature)
    for rows in until.after:
        if until.is_reached([answer, *map(said, samples[: rows - 1])]):
            return rows - 1
    return n


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (["Muscat"] * 10, 3),
        (["Salalah", "Nizwa", "Sur", "Sohar", "Ibri", "Rustaq", "Muscat", "a", "b", "c"], 6),
        (["Muscat", "Nizwa", "Muscat", "Muscat", "Muscat", "Muscat", "Sur", "a", "b", "c"], 6),
        (["Muscat", "Nizwa", "Muscat", "Sur", "Muscat", "Ibri", "Muscat", "a", "b", "c"], 10),
    ],
    ids=["all agree", "none agrees", "five of six agree", "neither"],
)
def test_as_many_samples_are_drawn_as_it_takes(samples: list[str], expected: int) -> None:
    assert drawn(said("Muscat"), samples, 10) == expected


def test_free_signals_settle_it_after_the_first_group() -> None:
    mixed = ["Muscat", "Nizwa", "Muscat", "Sur", "Muscat", "Ibri", "Muscat", "a", "b", "c"]
    assert drawn(said("Muscat", 0.9), mixed, 10) == 3
    assert drawn(said("Muscat", 0.9), mixed, 10, temperature=1.5) == 10, "it bounds no share there"
    assert drawn(said("Muscat", 0.2), mixed, 10) == 3
    bare = Generation("Muscat", (Token(1, b"Muscat", None),), "stop", 5, 0.1, "none")
    assert drawn(bare, mixed, 10) == 10


def test_few_samples_are_all_drawn_and_many_are_looked_at_in_between() -> None:
    assert [enough(QUESTION, n, 1.0).after for n in (1, 3, 4, 10, 11, 21)] == [
        (),
        (),
        (4,),
        (4, 7),
        (4, 7, 11),
        (4, 7, 11, 16, 21),
    ]


@pytest.mark.parametrize(("share", "wrongly"), [(AGREE, False), (DISAGREE, True)])
def test_the_error_of_the_test_is_the_stated_one(share: float, wrongly: bool) -> None:
    generator = np.random.default_rng(7)
    n, taken = 4000, 0
    until = enough(QUESTION, 60, 1.0)
    for agree in generator.random((n, 60)) < share:
        for rows in until.after:
            samples = ["Muscat" if one else f"w{at}" for at, one in enumerate(agree[: rows - 1])]
            if until.is_reached([said("Muscat"), *map(said, samples)]):
                taken += (np.mean(agree[: rows - 1]) > (AGREE + DISAGREE) / 2) == wrongly
                break
    # Three standard errors above Wald's bound.
    assert taken / n <= ERROR / (1 - ERROR) + 3 * math.sqrt(ERROR / n)


def test_a_guarantee_holds_for_answers_sampled_so() -> None:
    """Calibrated on some questions, the risk of the others is as guaranteed, in 95 of 100 draws."""
    generator, alpha, delta, broken, proven, saved = np.random.default_rng(3), 0.2, 0.1, 0, 0, []

    def scores(n: int) -> tuple[np.ndarray, np.ndarray]:
        share = generator.beta(1.2, 0.8, n)
        correct = generator.random(n) < share
        found = []
        for agree in generator.random((n, 10)) < share[:, None]:
            samples = ["Muscat" if one else f"w{at}" for at, one in enumerate(agree)]
            k = drawn(said("Muscat"), samples, 10)
            saved.append(k)
            found.append((agree[:k].mean() * k + 0.5) / (k + 1))
        return np.array(found), correct

    for _ in range(60):
        held, correct = scores(150)
        found = selective_threshold(held, correct, alpha, delta)
        if not isinstance(found, Guarantee):
            continue
        proven += 1
        confidence, truth = scores(400)
        given = confidence >= found.threshold
        broken += bool((~truth[given]).mean() > alpha + 0.03) if given.any() else 0
    assert proven > 30, "a guarantee must be found often enough to be tested"
    assert broken / proven <= delta + 3 * math.sqrt(delta * (1 - delta) / proven)
    assert np.mean(saved) < 8


def test_the_samples_drawn_are_the_first_of_all_samples(llama: LlamaCppEngine) -> None:
    """On the real model: the same seeds say the same, and the others are never begun."""
    rows = [greedy(12), *seeded(sampled(12), 10)]
    prompt = "Question: What is the capital of France?\nAnswer: The capital of France is"
    until = enough("What is the capital of France?", 10, 1.0)
    found = {it.row: it.generation for it in llama.decode(prompt, rows, enough=until) if isinstance(it, Finished)}
    assert sorted(found) in ([*range(4)], [*range(7)], [*range(11)])
    asked = until.after[0]
    assert [found[at].text for at in range(asked)] == [
        it.generation.text for it in llama.decode(prompt, rows[:asked]) if isinstance(it, Finished)
    ]
