"""How far a queue is, what its labels say of all its answers, and how many more a guarantee takes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

from codex.calibration import LEAST_LABELS
from codex.calibration.risk import labels_for_guarantee
from codex.labelling.estimate import Share, ece, share_correct
from codex.labelling.sampling import probabilities
from codex.store.labelling.queues import Standing
from codex.text import chosen, percent

ALPHA, DELTA = 0.1, 0.05
"""Of the guarantee that is counted down to: at most 10% incorrect, at the 95% confidence level."""
SPLIT = 2
"""A guarantee rests on one half of the labels, and its calibrator is fitted on the other."""
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
    to_recalibrate: int
    """So many more labels make a calibrator; 0: there are enough."""
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
    missing = max(0, LEAST_LABELS - int(usable(found).sum()))
    if not found.is_random:
        note = f"{labelled:,} of {n:,} labelled."
        if n:
            note += " This order is not random: its labels say nothing of all answers."
            said = _remaining(missing, None, n - labelled)
            note += f" {said[0].upper()}{said[1:]}."
        return Progress(n, labelled, None, None, None, missing, note, by_day)
    line = _shrinking(found)
    share = line[-1] if line else None
    drawn = usable(found)
    chance = probabilities(found.weight[drawn], found.next_rank)
    correct = found.correct[drawn] == 1
    error = ece(found.confidence[drawn], correct, chance)
    more = _more(found.confidence[drawn], correct, chance) if len(chance) else None
    note = f"{labelled:,} of {n:,} labelled"
    if share is not None:
        interval = f"{percent(share.low)} to {percent(share.high)}"
        note += f": {percent(share.value)} of all {n:,} are correct ({interval})"
    if n:
        note += f", {_remaining(missing, more, n - labelled)}"
    known = None if np.isnan(error) else error
    return Progress(n, labelled, share, known, more, missing, f"{note}.", by_day, tuple(line))


def usable(found: Standing) -> NDArray[np.bool_]:
    """[m]: the labels that a calibrator can be fitted on.

    Not those of answers that nobody can tell, nor, in a random order, those of answers that were not drawn.
    """
    told: NDArray[np.bool_] = ~np.isnan(found.correct)
    return told & (found.rank < found.next_rank) if found.is_random else told


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


def _remaining(missing: int, more: int | None, left: int) -> str:
    """What it takes to recalibrate, and to guarantee something."""
    guarantee = f"a guarantee of {chosen(ALPHA)} risk at {chosen(1 - DELTA)}"
    if missing:
        said = f"{missing:,} more labels to recalibrate{_here(missing, left)}"
    else:
        said = "enough labels to recalibrate"
    if more is None:
        return said
    if not more:
        return f"{said} and to try for {guarantee}"
    return f"{said}, about {more:,} more labels for {guarantee}{_here(more, left)}"


def _here(more: int, left: int) -> str:
    return "" if more <= left else f", of which {left:,} wait here"
