"""Drift: a stream that moved is found, and one that did not is left alone, over all looks together."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom, ks_2samp

from codex.calibration.drift import EVERY, KEPT, LEVEL, WINDOW, Drift, Reference
from codex.errors import InvalidInput
from tests.support.frozen import frozen_answers

Columns = dict[str, NDArray[np.float64]]


def answers(n: int, rng: np.random.Generator, *, shift: float = 0.0, missing: float = 0.2) -> Columns:
    """Signals of n answers: one smooth, one of few values, one often missing; all of one hidden skill."""
    skill = rng.normal(shift, 1, n)
    agreement = rng.binomial(10, 1 / (1 + np.exp(-skill))) / 10
    evidence = np.where(rng.random(n) < missing, np.nan, skill + rng.normal(0, 1, n))
    return {"avg_logprob": skill, "answer_frequency": agreement, "evidence_support": evidence}


def until_tripped(reference: Reference, stream: Columns) -> int | None:
    """Answers seen when a look at the stream trips first."""
    length = len(stream["avg_logprob"])
    for seen in range(EVERY, length + 1, EVERY):
        newest = {name: values[max(0, seen - WINDOW) : seen] for name, values in stream.items()}
        if reference.compare(newest, seen=seen).detected:
            return seen
    return None


def test_a_stream_from_the_reference_seldom_raises_an_alarm_over_all_its_looks() -> None:
    rng = np.random.default_rng(0)
    streams, length = 400, 1_000
    smallest = np.ones(streams)
    for index in range(streams):
        reference = Reference.of(answers(600, rng))
        stream = answers(length, rng)
        for seen in range(EVERY, length + 1, EVERY):
            newest = {name: values[max(0, seen - WINDOW) : seen] for name, values in stream.items()}
            smallest[index] = min(smallest[index], reference.compare(newest, seen=seen).p_value)
    # At the level itself and, to see more than a handful of alarms, at two that are less strict. A true
    # bound shows this many or fewer in 999 of 1,000 simulations.
    for level in (LEVEL, 0.05, 0.2):
        assert (smallest <= level).sum() <= binom.ppf(0.999, streams, level), level


@pytest.mark.parametrize(("shift", "before", "within"), [(-1.0, 0, 100), (-1.0, 500, 150), (0.8, 500, 200)])
def test_a_shift_is_found_within_a_stated_number_of_answers(shift: float, before: int, within: int) -> None:
    rng = np.random.default_rng(1)
    found = []
    for _ in range(40):
        reference = Reference.of(answers(600, rng))
        calm, moved = answers(before, rng), answers(400, rng, shift=shift)
        stream = {name: np.concatenate([calm[name], moved[name]]) for name in calm}
        seen = until_tripped(reference, stream)
        found.append(seen is not None and before < seen <= before + within)
    # A shift of one standard deviation moves a distribution function by 0.38.
    assert np.mean(found) >= 0.9


def test_a_signal_that_goes_missing_has_moved() -> None:
    rng = np.random.default_rng(2)
    reference = Reference.of(answers(600, rng))
    drift = reference.compare(answers(200, rng, missing=0.7))
    assert drift.detected
    assert drift.moved == ("evidence_support",)
    gone = {name: values for name, values in answers(200, rng).items() if name != "evidence_support"}
    assert reference.compare(gone).moved == ("evidence_support",)


def test_a_signal_that_was_always_missing_and_still_is_has_not_moved() -> None:
    nothing = {"top1_prob": np.full(300, np.nan)}
    assert not Reference.of(nothing).compare(nothing).detected
    assert Reference.of(nothing).compare({"top1_prob": np.zeros(300)}).detected


def test_of_two_signals_only_the_one_that_moved_is_named() -> None:
    rng = np.random.default_rng(3)
    reference = Reference.of({"entropy": rng.normal(size=500), "margin": rng.normal(size=500)})
    drift = reference.compare({"entropy": rng.normal(size=200), "margin": rng.normal(1.5, 1, 200)})
    assert drift.moved == ("margin",)
    assert drift.message.endswith("in margin.")


def test_before_the_first_look_it_says_that_there_are_not_enough_answers() -> None:
    rng = np.random.default_rng(4)
    reference = Reference.of(answers(600, rng))
    few = answers(EVERY - 1, rng, shift=-5)
    drift = reference.compare(few)
    assert (drift.detected, drift.p_value, drift.n) == (False, 1.0, 0)
    assert drift.message == "Not enough answers yet: 49 of the 50 needed."
    assert reference.compare({}).message.startswith("Not enough answers yet: 0")
    assert reference.compare(answers(EVERY, rng, shift=-5)).detected


def test_between_two_looks_the_verdict_stands() -> None:
    rng = np.random.default_rng(5)
    reference = Reference.of(answers(600, rng))
    stream = answers(EVERY + 30, rng, shift=-5)
    stream["avg_logprob"][:EVERY] = answers(EVERY, rng)["avg_logprob"]
    first = {name: values[:EVERY] for name, values in stream.items()}
    assert reference.compare(stream) == reference.compare(first)


def test_only_the_newest_window_counts() -> None:
    rng = np.random.default_rng(6)
    reference = Reference.of(answers(600, rng))
    old, new = answers(800, rng, shift=-3), answers(WINDOW, rng)
    stream = {name: np.concatenate([old[name], new[name]]) for name in old}
    drift = reference.compare(stream)
    assert drift == reference.compare(new, seen=1_000)
    assert (drift.detected, drift.n) == (False, WINDOW)


def test_later_looks_ask_for_more_evidence() -> None:
    rng = np.random.default_rng(7)
    reference = Reference.of(answers(600, rng))
    newest = answers(WINDOW, rng, shift=-0.8)
    early, late = (reference.compare(newest, seen=seen).p_value for seen in (WINDOW, 10 * WINDOW))
    # The fourth look has 1 / 20 of the level, the fortieth 1 / 1640.
    assert late == pytest.approx(early * 1640 / 20)


def test_the_bound_on_the_chance_is_no_smaller_than_the_exact_one() -> None:
    rng = np.random.default_rng(8)
    for kept in (30, 100, 400):
        for newest in (EVERY, 2 * EVERY, WINDOW):
            sample, live = rng.normal(size=kept), rng.normal(0.9, 1, newest)
            exact = ks_2samp(sample, live, method="exact").pvalue
            ours = Reference.of({"entropy": sample}).compare({"entropy": live}, seen=newest).p_value
            look = newest // EVERY
            assert exact <= ours / (look * (look + 1)) <= 20 * exact


def test_the_reference_stays_small_and_survives_json() -> None:
    rng = np.random.default_rng(9)
    stream = answers(100_000, rng) | {"odd": np.array([math.inf, -math.inf, 1 / 3, 0.0] * 25_000)}
    reference = Reference.of(stream)
    body = reference.model_dump_json()
    assert all(len(column.values) + column.missing == KEPT for column in reference.signals.values())
    assert len(body) < 20 * KEPT * len(stream)
    assert json.loads(body)["n"] == 100_000
    again = Reference.model_validate_json(body)
    assert again == reference
    newest = {name: values[-WINDOW:] for name, values in stream.items()}
    assert again.compare(newest) == reference.compare(newest)
    assert not again.compare(newest).detected
    assert Drift.model_validate_json(again.compare(newest).model_dump_json()) == again.compare(newest)


def test_bad_input_is_refused() -> None:
    reference = Reference.of({"entropy": np.zeros(60)})
    with pytest.raises(InvalidInput, match="no answer"):
        Reference.of({})
    with pytest.raises(InvalidInput, match="no answer"):
        Reference.of({"entropy": []})
    with pytest.raises(InvalidInput, match="rows"):
        reference.compare({"entropy": [1.0], "margin": [1.0, 2.0]})
    with pytest.raises(InvalidInput, match="seen"):
        reference.compare({"entropy": [1.0, 2.0]}, seen=1)
    for level in (0, 1, 2, math.nan):
        with pytest.raises(InvalidInput, match="level"):
            reference.compare({"entropy": [1.0]}, level=level)


def test_stored_answers_to_other_questions_are_told_apart_and_shuffled_ones_are_not() -> None:
    def columns(name: str) -> Columns:
        rows, _ = frozen_answers(name)
        return {
            signal: np.array([math.nan if row[signal] is None else row[signal] for row in rows], np.float64)
            for signal in ("avg_logprob", "min_prob_focus", "answer_frequency_focus")
        }

    countries, trivia = columns("qwen15-countries"), columns("qwen15-triviaqa")
    mixed = np.random.default_rng(0).permutation(250)
    half = {name: values[mixed[:125]] for name, values in countries.items()}
    other = {name: values[mixed[125:]] for name, values in countries.items()}
    assert not Reference.of(half).compare(other).detected
    assert Reference.of(countries).compare(trivia).detected
