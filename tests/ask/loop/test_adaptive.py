"""Adaptive sampling: the test's error, what settles it, and what holds of answers sampled so."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import closing
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from codex.ask.loop.adaptive import AGREE, DISAGREE, ERROR, enough
from codex.calibration.risk import Guarantee, selective_threshold
from codex.types import Alternative, Generation, Token
from tests.support.calibrated import calibrator
from tests.support.scripted import Script, ScriptedEngine
from tests.support.serving import workbench

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


@cache
def looked_at(agree: tuple[bool, ...]) -> bool:
    """Whether samples that agree with the answer so are enough."""
    samples = ["Muscat" if one else f"w{at}" for at, one in enumerate(agree)]
    return enough(QUESTION, 60, 1.0).is_reached([said("Muscat"), *map(said, samples)])


def stopped(agree: Sequence[bool], n: int) -> int:
    """How many of n samples are drawn."""
    looks = [rows - 1 for rows in enough(QUESTION, n, 1.0).after]
    return next((k for k in looks if looked_at(tuple(map(bool, agree[:k])))), n)


@pytest.mark.parametrize(("share", "agreeing"), [(AGREE, False), (DISAGREE, True)], ids=["agree", "disagree"])
def test_the_error_of_the_test_is_the_stated_one(share: float, agreeing: bool) -> None:
    """agreeing: what is wrong to conclude from samples of this share."""
    n, mistaken = 1000, 0
    for agree in np.random.default_rng(7).random((n, 60)) < share:
        k = stopped(agree, 60)
        mistaken += k < 60 and (agree[:k].mean() > (AGREE + DISAGREE) / 2) == agreeing
    # Three standard errors above Wald's bound.
    assert mistaken / n <= ERROR / (1 - ERROR) + 3 * math.sqrt(ERROR / n)


def test_a_guarantee_holds_for_answers_sampled_so() -> None:
    """Proven on some answers, it is broken by all others in no more than the share delta of draws."""
    generator, alpha, delta = np.random.default_rng(3), 0.24, 0.1

    def answers(n: int) -> tuple[np.ndarray, np.ndarray, float]:
        share = generator.beta(1.2, 0.8, n)
        agree = generator.random((n, 10)) < share[:, None]
        counts = [stopped(row, 10) for row in agree]
        scores = np.array([row[:k].sum() + 0.5 for row, k in zip(agree, counts, strict=True)])
        return scores / (np.array(counts) + 1), generator.random(n) < share, float(np.mean(counts))

    everyone, truth, drawn_on_average = answers(20_000)
    draws, risks = 300, []
    for _ in range(draws):
        scores, correct, _ = answers(250)
        found = selective_threshold(scores, correct, alpha, delta)
        if isinstance(found, Guarantee):
            risks.append(float((~truth[everyone >= found.threshold]).mean()))
    assert len(risks) > 100, "a guarantee must be found often enough to be tested"
    broken = sum(risk > alpha for risk in risks) / draws
    assert broken <= delta + 3 * math.sqrt(delta * (1 - delta) / draws)
    assert drawn_on_average < 7.5


def test_an_answer_says_that_it_was_sampled_so(tmp_path: Path) -> None:
    script = Script(["Paris"], samples=["Paris"])
    with closing(workbench(tmp_path, ScriptedEngine(lambda _: script))) as bench:
        whole = bench.answer("What is the capital of France?", n_samples=10)
        fewer = bench.answer("What is the capital of France?", n_samples=10, adaptive=True)
        assert [len(it.last.observation.samples) for it in (whole, fewer)] == [10, 3]
        assert (fewer.origin.n_samples, fewer.origin.adaptive) == (10, True)
        fitted = calibrator(bench.model.engine.fingerprint, n_samples=10).model_copy(
            update={"prompt": fewer.origin.prompt}
        )
        assert fitted.mismatch(whole.origin) == ""
        assert "all samples" in fitted.mismatch(fewer.origin)
        adapted = fitted.model_copy(update={"adaptive": True})
        assert adapted.mismatch(fewer.origin) == ""
        assert "as many samples as each answer needed" in adapted.mismatch(whole.origin)
        assert adapted.version != fitted.version
        stored = bench.store.load(fewer.id)
        assert stored.params.adaptive
        assert stored.origin == fewer.origin
