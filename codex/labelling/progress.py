"""How far a queue is, what its labels say of all its answers, and how many more a guarantee takes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

from codex.calibration.risk import labels_for_guarantee
from codex.labelling.estimate import Share, ece, share_correct
from codex.labelling.sampling import probabilities
from codex.store.label_queues import Standing
from codex.text import chosen, percent

ALPHA, DELTA = 0.1, 0.05
"""Of the guarantee that is counted down to: at most 10% incorrect, at the 95% confidence level."""
SPLIT = 2
"""A calibrator is fitted on one half of the labels, and a guarantee rests on the other."""
POINTS = 24
"""Of the line that the interval draws."""


@dataclass(frozen=True, slots=True)
class Day:
    """Labels of one day, by this machine's clock."""

    day: date
    labels: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a queue is."""

    answers: int
    labelled: int
    """By anybody."""
    correct: Share | None
    """Of all answers of the queue; None: its order is not random, or nothing can be said yet."""
    ece: float | None
    """Of the confidences that the answers had, likewise."""
    more: int | None
    """About so many more labels make the guarantee; 0: there may be enough; None: nothing can be said, or no
    number of labels would do."""
    note: str
    """In a sentence."""
    days: tuple[Day, ...] = ()
    """The first first."""
    shrinking: tuple[Share, ...] = ()
    """`correct` as it was with fewer labels; the last is that of now."""


def progress(found: Standing, made: Iterable[tuple[datetime, int]] = ()) -> Progress:
    """How far a queue is. made: how many labels were made when."""
    days: Counter[date] = Counter()
    for at, count in made:
        days[at.astimezone().date()] += count
    by_day = tuple(Day(day, count) for day, count in sorted(days.items()))
    n, labelled = found.answers, found.labelled
    if not found.is_random:
        note = f"{labelled:,} of {n:,} labelled."
        if n:
            note += " This order is not random: its labels say nothing of all answers."
        return Progress(n, labelled, None, None, None, note, by_day)
    line = _shrinking(found)
    share = line[-1] if line else None
    drawn = (found.rank < found.next_rank) & ~np.isnan(found.correct)
    chance = probabilities(found.weight[drawn], found.next_rank)
    correct = found.correct[drawn] == 1
    error = ece(found.confidence[drawn], correct, chance)
    more = _more(found.confidence[drawn], correct, chance) if len(chance) else None
    note = f"{labelled:,} of {n:,} labelled"
    if share is not None:
        interval = f"{percent(share.low)} to {percent(share.high)}"
        note += f": {percent(share.value)} of all {n:,} are correct ({interval})"
    note += _remaining(more, n - labelled)
    return Progress(
        n, labelled, share, None if np.isnan(error) else error, more, f"{note}.", by_day, tuple(line)
    )


def _shrinking(found: Standing) -> list[Share]:
    """The estimate after some of the labels that were drawn, and after all of them.

    Whatever somebody labelled out of turn says nothing of the others.
    """
    drawn = int((found.rank < found.next_rank).sum())
    ranks = np.append(found.rank[:drawn], found.next_rank)
    line = []
    for size in np.unique(np.linspace(1, drawn, POINTS).astype(int)) if drawn else ():
        told = ~np.isnan(found.correct[:size])
        chance = probabilities(found.weight[:size][told], float(ranks[size]))
        share = share_correct(found.correct[:size][told] == 1, chance)
        if share is not None:
            line.append(share)
    return line


def _more(
    confidence: NDArray[np.float64], correct: NDArray[np.bool_], chance: NDArray[np.float64]
) -> int | None:
    """Labels that are drawn unevenly tell less, those to come like those so far."""
    weight = 1 / chance
    held_out = labels_for_guarantee(confidence, correct, ALPHA, DELTA, weight)
    if held_out is None:
        return None
    told = float(weight.sum() ** 2 / (weight**2).sum())
    return max(0, _about((SPLIT * held_out - told) * len(weight) / told))


def _about(labels: float) -> int:
    """Up to two significant digits: more would pretend to know."""
    if labels <= 0:
        return 0
    step = 10 ** max(0, math.floor(math.log10(labels)) - 1)
    return int(math.ceil(labels / step) * step)


def _remaining(more: int | None, left: int) -> str:
    of = f"a guarantee of {chosen(ALPHA)} risk at {chosen(1 - DELTA)}"
    if more is None:
        return ""
    if not more:
        return f", enough labels to try for {of}"
    here = "" if more <= left else f", of which {left:,} wait here"
    return f", about {more:,} more labels for {of}{here}"
