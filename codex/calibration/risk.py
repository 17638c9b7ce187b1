"""A guarantee on the answers given: at most alpha of them are incorrect, with probability 1 - delta.

Learn-then-Test (Angelopoulos et al. 2021, arXiv:2110.01052) for the selective risk R(t) = P(incorrect |
confidence >= t), over thresholds from the strictest down. Given how many answers lie at or above a fixed t,
the incorrect ones among them are binomial with rate R(t), so P(Bin(answered, alpha) <= incorrect) is an exact
p-value of "R(t) > alpha".

Each threshold owns a fixed share of delta; one that passes hands what it was tested at on to the next, one
that fails loses it (the fallback procedure, Wiens 2003, doi:10.1002/pst.64; with a single share it is the
plain fixed sequence). Why it holds for any confidence, however bad: say that i_1 < i_2 < ... are the places
where R > alpha. As long as none of them passed, i_j is tested at no more than the shares after i_(j-1) up to
its own. So the chance that any passes is at most the sum of these shares over j, which is at most delta.
Thresholds taken from the calibration draw itself would not do: the place at which such a walk starts
says something about the rows in it, and the count of the incorrect ones is then no longer binomial.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Annotated, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field

from codex.calibration.imports import IMPORTS
from codex.errors import InvalidInput
from codex.text import chosen, percent

Counted = NDArray[np.int64] | NDArray[np.float64]
"""[steps], rising."""
START = 0.9
"""Share of delta that the threshold 1 - alpha owns; the others share the rest alike. An answer that says
"1 - alpha or more" is incorrect less often than alpha if the confidence is calibrated, so a walk from there
seldom fails at its first step and loses nothing to thresholds that too few answers reach."""
STEPS = 100
"""The other thresholds are 0, 1/100, ..., 0.99."""
ENOUGH = 20_000
"""Labels beyond which nobody is told how many more it takes."""


class Guarantee(BaseModel):
    """Of the answers with confidence >= threshold at most alpha are incorrect, with probability 1 - delta."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    kind: Literal["guarantee"] = "guarantee"
    alpha: float
    """Highest share of incorrect answers among those given."""
    delta: float
    """Chance, over the draw of the labelled answers, that the guarantee does not hold."""
    threshold: float
    """Answer at this confidence or above."""
    n: int
    """Labelled answers, those that are never given among them."""
    answered: int
    """Of these, at or above the threshold."""
    incorrect: int
    """Of those answered."""
    bound: float
    """Exact binomial upper bound on the share of incorrect answers, at the level tested; at most alpha."""
    coverage: float
    """answered / n."""

    @property
    def accuracy(self) -> float:
        """Share of correct ones among those answered."""
        return 1 - self.incorrect / self.answered

    def __str__(self) -> str:
        return (
            f"At most {chosen(self.alpha)} of the answers given are incorrect, at the "
            f"{chosen(1 - self.delta)} confidence level. Of {self.answered} held-out answers with a "
            f"confidence of {percent(self.threshold)} or more, {self.incorrect} were incorrect."
        )


class NoGuarantee(BaseModel):
    """No threshold is guaranteed to keep the risk: answer nothing, or answer without a guarantee."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    kind: Literal["none"] = "none"
    alpha: float
    delta: float
    n: int
    """Labelled answers."""
    reason: str
    """Why, in a sentence for people."""
    labels: int | None = None
    """About how many labelled answers it would take in all; None where more would not help."""

    @property
    def threshold(self) -> float:
        """Infinite: nothing is answered."""
        return math.inf

    @property
    def coverage(self) -> float:
        return 0.0

    def __str__(self) -> str:
        return self.reason


MaybeGuarantee = Annotated[Guarantee | NoGuarantee, Field(discriminator="kind")]


def selective_threshold(
    confidence: ArrayLike,
    correct: ArrayLike,
    alpha: float,
    delta: float,
    *,
    selectable: ArrayLike | None = None,
) -> Guarantee | NoGuarantee:
    """The lowest threshold that keeps the selective risk at or below alpha, with probability 1 - delta.

    confidence: [n] in [0, 1], fitted on other rows than these; NaN is never answered. correct: [n] of bool.
    selectable: [n] of bool, the rows that the gate lets through; all when None. The rows must be drawn from
    what will be asked. A threshold takes all rows with an equal confidence.
    Raises InvalidInput for alpha or delta outside ]0, 1[, a confidence outside [0, 1], unequal lengths.
    """
    _check_level("alpha", alpha)
    _check_level("delta", delta)
    value, incorrect = _table(confidence, correct, selectable)
    return _walk(value, incorrect, alpha, delta)


def by_group(
    confidence: ArrayLike,
    correct: ArrayLike,
    groups: ArrayLike,
    alpha: float,
    delta: float,
    *,
    selectable: ArrayLike | None = None,
) -> dict[str, Guarantee | NoGuarantee]:
    """A threshold for each group (Mondrian), by name; arguments as in `selective_threshold`.

    groups: [n] of names. Each group's guarantee holds with probability 1 - delta by itself.
    """
    _check_level("alpha", alpha)
    _check_level("delta", delta)
    value, incorrect = _table(confidence, correct, selectable)
    names, member = np.unique(np.atleast_1d(np.asarray(groups, dtype=np.str_)), return_inverse=True)
    if len(member) != len(value):
        raise InvalidInput(
            f"There are {len(member)} groups for {len(value)} answers: give one a row.", ["groups"]
        )
    return {
        str(name): _walk(value[member == index], incorrect[member == index], alpha, delta)
        for index, name in enumerate(names)
    }


def upper_bound(incorrect: int, answered: int, delta: float) -> float:
    """Exact (Clopper-Pearson) one-sided upper bound on a binomial rate, at level 1 - delta; 1 for no rows.

    For a threshold that was fixed before the labels were seen; `selective_threshold` pays for choosing.
    """
    with IMPORTS:
        from scipy.stats import binomtest

    if not answered:
        return 1.0
    return float(binomtest(incorrect, answered, alternative="less").proportion_ci(1 - delta).high)


def fewest_labels(alpha: float, delta: float) -> int:
    """Answers that must all be correct before anything is guaranteed: log(delta) / log(1 - alpha), up.

    2**53 at most, for an alpha next to 0.
    """
    return math.ceil(min(math.log(START * delta) / math.log1p(-alpha), 2.0**53))


def labels_for_guarantee(
    confidence: ArrayLike,
    correct: ArrayLike,
    alpha: float,
    delta: float,
    weight: ArrayLike | None = None,
) -> int | None:
    """About how many labels make a guarantee, if they turn out like these: in all, and evenly drawn.

    weight: [n], 1 / the probability that each of these was drawn; None: evenly. None where no number up to
    ENOUGH would do. Otherwise as `selective_threshold`.
    """
    _check_level("alpha", alpha)
    _check_level("delta", delta)
    value, incorrect = _table(confidence, correct, None)
    if not len(value):
        return None
    given = np.ones(len(value)) if weight is None else np.asarray(weight, dtype=np.float64)
    # They tell as much as so many evenly drawn ones (Kish 1965).
    n = given.sum() ** 2 / (given**2).sum()
    thresholds, shares = _sequence(alpha, delta)
    answered, errors = _counts(thresholds, value, incorrect, given * n / given.sum())
    return _labels_needed(answered, errors, shares, float(n), alpha)


def _walk(
    value: NDArray[np.float64], incorrect: NDArray[np.bool_], alpha: float, delta: float
) -> Guarantee | NoGuarantee:
    """value: [n], NaN where never answered; incorrect: [n]."""
    with IMPORTS:
        from scipy.stats import binom

    thresholds, shares = _sequence(alpha, delta)
    answered, errors = _counts(thresholds, value, incorrect)
    p = np.where(answered > 0, binom.cdf(errors, answered, alpha), 1.0)
    chosen, level, tested_at = -1, 0.0, 0.0
    for index, share in enumerate(shares):
        level += share
        if p[index] > level:
            level = 0.0
        elif chosen < 0 or answered[index] > answered[chosen]:
            # Of thresholds that the same rows reach the strictest: below it nothing was seen.
            chosen, tested_at = index, level
    if chosen < 0:
        return _none(answered, errors, shares, len(value), alpha, delta)
    given, missed = int(answered[chosen]), int(errors[chosen])
    return Guarantee(
        alpha=alpha,
        delta=delta,
        threshold=float(thresholds[chosen]),
        n=len(value),
        answered=given,
        incorrect=missed,
        bound=min(alpha, upper_bound(missed, given, tested_at)),
        coverage=given / len(value),
    )


def _sequence(alpha: float, delta: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Thresholds, falling, and what each owns of delta: known before any answer is."""
    start = round(1 - alpha, 12)
    thresholds = np.unique(np.append(np.arange(STEPS) / STEPS, start))[::-1]
    shares = np.full(len(thresholds), (1 - START) * delta / len(thresholds))
    shares[thresholds == start] += START * delta
    return thresholds, shares


def _counts(
    thresholds: NDArray[np.float64],
    value: NDArray[np.float64],
    incorrect: NDArray[np.bool_],
    weight: NDArray[np.float64] | None = None,
) -> tuple[Counted, Counted]:
    """Answers at or above each threshold, and the incorrect ones among them; weight: what each counts."""
    there = ~np.isnan(value)
    steps = len(thresholds)
    first, missed = np.searchsorted(-thresholds, -value[there], side="left"), incorrect[there]
    counts = None if weight is None else weight[there]
    answered = np.bincount(first, counts, steps)
    errors = np.bincount(first[missed], None if counts is None else counts[missed], steps)
    return np.cumsum(answered), np.cumsum(errors)


def _none(
    answered: Counted,
    errors: Counted,
    shares: NDArray[np.float64],
    n: int,
    alpha: float,
    delta: float,
) -> NoGuarantee:
    target = f"at most {chosen(alpha)} incorrect at the {chosen(1 - delta)} confidence level"
    given, few = int(answered[-1]), fewest_labels(alpha, delta)
    labels = _labels_needed(answered, errors, shares, n, alpha) if given else None
    if labels is not None:
        labels = max(n + 1, labels)
        why = (
            f"If more turn out like these {n:,} held-out answers, about {labels:,} are needed: "
            f"{labels - n:,} more."
        )
    elif n < few:
        labels = few
        why = f"There are {n:,} held-out answers; {few:,} are needed even if all are correct."
    elif given < few:
        why = f"Of {n:,} held-out answers {given:,} may be given; {few:,} are needed even if all are correct."
    else:
        why = (
            f"These {n:,} held-out answers are not correct often enough at any confidence to say how many "
            "are needed."
        )
    return NoGuarantee(
        alpha=alpha, delta=delta, n=n, labels=labels, reason=f"No threshold guarantees {target}. {why}"
    )


def _labels_needed(
    answered: Counted,
    errors: Counted,
    shares: NDArray[np.float64],
    n: float,
    alpha: float,
) -> int | None:
    """About how many rows like these make some threshold pass at its own share of delta."""
    # Half an incorrect answer more than was seen, so that a handful of correct ones does not look perfect.
    rate = (errors + 0.5) / (answered + 1)
    good = (answered > 0) & (rate < alpha)
    if not good.any():
        return None
    rate, share, coverage = rate[good], shares[good], answered[good] / n
    sizes, fewest = np.arange(1, ENOUGH + 1), np.inf
    for one, level, given in zip(rate, share, coverage, strict=True):
        passes = np.floor(one * sizes) <= _most_errors(alpha, float(level))
        if passes.any():
            fewest = min(fewest, sizes[np.argmax(passes)] / given)
    return math.ceil(fewest) if fewest <= ENOUGH else None


@lru_cache(maxsize=16)
def _most_errors(alpha: float, level: float) -> NDArray[np.float64]:
    """[ENOUGH]: of 1, 2, ... answers the most that may be incorrect for the test to pass; -1: none may."""
    with IMPORTS:
        from scipy.stats import binom

    most: NDArray[np.float64] = binom.ppf(level, np.arange(1, ENOUGH + 1), alpha) - 1
    return most


def _table(
    confidence: ArrayLike, correct: ArrayLike, selectable: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    value = np.atleast_1d(np.asarray(confidence, dtype=np.float64))
    correct = np.atleast_1d(np.asarray(correct))
    if correct.dtype != np.bool_ and not np.isin(correct, (0, 1)).all():
        raise InvalidInput("A verdict must be true or false; another value was given.", ["correct"])
    let = np.ones(value.shape) if selectable is None else np.atleast_1d(np.asarray(selectable))
    lengths = {column.shape for column in (value, correct, let)}
    if len(lengths) > 1 or value.ndim != 1:
        raise InvalidInput(
            f"There are {value.size} confidences, {correct.size} verdicts and {let.size} rows that a gate "
            "judged: give one of each a row.",
            ["confidence", "correct", "selectable"],
        )
    outside = (value < 0) | (value > 1)
    if outside.any():
        raise InvalidInput(
            f"A confidence lies in [0, 1]; {float(value[outside][0]):g} was given.", ["confidence"]
        )
    return np.where(let.astype(np.bool_), value, np.nan), ~correct.astype(np.bool_)


def _check_level(name: str, level: float) -> None:
    if not 0 < level < 1:
        raise InvalidInput(f"{name} is {level:g}; it must lie between 0 and 1, both excluded.", [name])
