"""How far a queue is: the interval that shrinks, the labels of each day, and how many more it takes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

from codex.calibration.risk import ENOUGH, START, STEPS, labels_for_guarantee
from codex.labelling.progress import ALPHA, DELTA, progress
from codex.labelling.sampling import ranks, weights
from codex.store.labelling.queues import Standing

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


def by_hand(confidence: Array, correct: Flags, alpha: float, delta: float) -> int | None:
    """Every number of labels in turn, every threshold in turn: the first that the exact test passes."""
    thresholds = sorted({1 - alpha, *(step / STEPS for step in range(STEPS))}, reverse=True)
    shares = [(1 - START) * delta / len(thresholds)] * len(thresholds)
    shares[thresholds.index(1 - alpha)] += START * delta
    fewest = []
    for threshold, share in zip(thresholds, shares, strict=True):
        given = confidence >= threshold
        if not given.any():
            continue
        rate = ((~correct[given]).sum() + 0.5) / (given.sum() + 1)
        answered = np.arange(1, ENOUGH + 1)
        passes = binom.cdf(np.floor(rate * answered), answered, alpha) <= share
        if rate < alpha and passes.any():
            fewest.append((int(np.argmax(passes)) + 1) / given.mean())
    return int(np.ceil(min(fewest))) if fewest else None


@pytest.mark.parametrize(
    ("name", "rate"),
    [
        ("calibrated", lambda p: p),
        ("too modest", lambda p: 0.5 + p / 2),
        ("perfect above half", lambda p: (p > 0.5) * 1.0),
        ("too confident", lambda p: 0.6 + 0.3 * p),
    ],
)
@pytest.mark.parametrize(("alpha", "delta"), [(0.1, 0.05), (0.2, 0.1)])
def test_how_many_labels_a_guarantee_takes_is_what_counting_them_all_says(
    name: str, rate: Callable[[Array], Array], alpha: float, delta: float
) -> None:
    rng = np.random.default_rng(len(name))
    confidence = rng.random(400)
    correct = rng.random(400) < rate(confidence)
    wanted, found = (
        by_hand(confidence, correct, alpha, delta),
        labels_for_guarantee(confidence, correct, alpha, delta),
    )
    assert (wanted is None) == (found is None)
    if wanted is not None and found is not None:
        assert found == wanted


def test_answers_that_are_often_incorrect_never_make_a_guarantee() -> None:
    assert labels_for_guarantee(np.full(50, 0.9), np.zeros(50, bool), 0.1, 0.05) is None
    assert labels_for_guarantee([], [], 0.1, 0.05) is None


def test_labels_that_were_drawn_unevenly_say_what_evenly_drawn_ones_say() -> None:
    """The mean over 40 draws of 600 of 20,000 answers; unweighted, uneven ones would be 40% off."""
    n, m = 20_000, 600
    rng = np.random.default_rng(3)
    confidence = rng.beta(4, 1.5, n)
    correct = rng.random(n) < 1 - (1 - confidence) ** 2

    def mean_of(order: str, weighed: bool = True) -> float:
        found = []
        for seed in range(40):
            drawn = np.random.default_rng(seed)
            weight = weights(order, confidence)  # type: ignore[arg-type]
            assert weight is not None
            place = ranks(order, confidence, confidence, drawn)  # type: ignore[arg-type]
            first = np.argsort(place)[: m + 1]
            chosen, next_rank = first[:m], place[first[m]]
            counts = 1 / np.minimum(1, weight[chosen] * next_rank) if weighed else None
            labels = labels_for_guarantee(confidence[chosen], correct[chosen], 0.1, 0.05, counts)
            assert labels is not None
            found.append(labels)
        return float(np.mean(found))

    even = mean_of("random")
    assert mean_of("mixed") == pytest.approx(even, rel=0.1)
    assert abs(mean_of("mixed", weighed=False) / even - 1) > 0.2


def standing(n: int, labelled: int, rate: float = 0.8, random: bool = True) -> Standing:
    rng = np.random.default_rng(0)
    confidence = rng.random(n)
    place = np.sort(rng.random(n)) if random else np.arange(n, dtype=float)
    weight = np.ones(n) if random else np.full(n, np.nan)
    return Standing(
        n,
        random,
        float(place[labelled]) if labelled < n else np.inf,
        tuple(("run", f"q{at}") for at in range(labelled)),
        weight[:labelled],
        place[:labelled],
        confidence[:labelled],
        (rng.random(labelled) < rate).astype(float),
    )


def test_the_interval_shrinks_and_ends_at_what_is_known_now() -> None:
    found = progress(standing(400, 200))
    widths = [share.high - share.low for share in found.shrinking]
    assert found.shrinking[-1] == found.correct
    assert [share.labelled for share in found.shrinking] == sorted(
        {share.labelled for share in found.shrinking}
    )
    assert widths[-1] < widths[len(widths) // 2] < widths[0]
    assert "200 of 400 labelled: " in found.note


def test_what_a_guarantee_takes_is_said_and_where_it_exceeds_the_queue() -> None:
    few = progress(standing(60, 30, rate=1.0))
    assert few.more is not None
    # 29 correct answers and more on the held-out half; half an error is counted in, for prudence.
    assert few.more > 2 * np.log(DELTA) / np.log(1 - ALPHA) - 30
    assert (
        f"about {few.more:,} more labels for a guarantee of 10% risk at 95%, of which 30 wait here."
        in few.note
    )
    assert progress(standing(400, 400, rate=1.0)).more == 0
    assert (
        "enough labels to recalibrate and to try for a guarantee"
        in progress(standing(400, 400, rate=1.0)).note
    )
    hopeless = progress(standing(400, 200, rate=0.3))
    assert hopeless.more is None
    assert "guarantee" not in hopeless.note


def test_an_order_that_is_not_random_counts_labels_alone() -> None:
    made = datetime(2026, 1, 31, 12, tzinfo=UTC)
    found = progress(standing(40, 10, random=False), [(made, 3), (made + timedelta(days=1), 7)])
    assert (found.correct, found.more, found.shrinking) == (None, None, ())
    assert [day.labels for day in found.days] == [3, 7]
    assert (found.days[1].day - found.days[0].day).days == 1


@pytest.mark.parametrize("random", [True, False])
def test_what_it_takes_to_recalibrate_is_said(random: bool) -> None:
    few, enough = progress(standing(40, 22, random=random)), progress(standing(40, 30, random=random))
    assert (few.to_recalibrate, enough.to_recalibrate) == (8, 0)
    assert "8 more labels to recalibrate" in few.note
    assert "nough labels to recalibrate" in enough.note
    assert "22 more labels to recalibrate, of which 2 wait here" in progress(standing(10, 8)).note
    nobody = standing(40, 30, random=random)
    nobody.correct[:4] = np.nan
    assert progress(nobody).to_recalibrate == 4


def test_an_empty_queue_says_so() -> None:
    assert progress(standing(0, 0)).note == "0 of 0 labelled."


def test_answers_that_nobody_can_tell_are_labelled_and_count_for_nothing() -> None:
    found = standing(40, 10)
    found.correct[:4] = np.nan
    told = progress(found)
    assert told.labelled == 10
    assert told.correct is not None
    assert told.correct.labelled == 6
