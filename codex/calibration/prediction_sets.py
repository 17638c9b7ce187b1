"""Prediction sets: answers of which one is correct with a stated probability, made of samples alone.

Split conformal prediction (Vovk et al. 2005; Angelopoulos & Bates 2021, arXiv:2107.07511) with the share of
samples that say the same as score: samples that agree are one candidate, and a candidate is in the set when
its share is large enough. How large is an order statistic of the shares that correct answers had among
labelled questions: with n of them the set holds the correct answer with probability k / (n + 1), where
k = ceil((n + 1)(1 - alpha)), over the draw of the questions, whatever the model.

Ten samples give eleven shares at most, so ties are the rule; without breaking them at random the sets would
be larger than stated. A correct answer that no sample gave has share 0: a set that must allow for it says
"or anything else".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict

from codex.errors import InvalidInput
from codex.text import chosen, percent, sha256


@dataclass(frozen=True, slots=True)
class Membership:
    """Which candidates are in one question's set."""

    members: tuple[int, ...]
    """Indices of the candidates, as they were given."""
    anything: bool
    """The correct answer may also be one that no sample gave: the set is everything."""


class ConformalPredictor(BaseModel):
    """Which candidates belong to the set, so that the correct answer does with probability >= 1 - alpha."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    alpha: float
    """Highest share of sets without the correct answer."""
    n: int
    """Labelled questions."""
    cutoff: float
    """Share of the samples above which a candidate is in the set."""
    tie: float
    """A candidate at exactly the cutoff is in the set when the question's own draw is at most this."""

    @classmethod
    def of(cls, shares: ArrayLike, alpha: float, *, seed: int = 0) -> ConformalPredictor:
        """shares: [n] in [0, 1], of each labelled question's samples the share that is correct; 0 for none.

        seed: of the draws that break ties. With too few labels for alpha each set is everything.
        Raises InvalidInput for alpha outside ]0, 1[ and for shares outside [0, 1] or missing.
        """
        value = _shares(shares)
        k = quantile_index(len(value), alpha)
        if k > len(value):
            return cls(alpha=alpha, n=len(value), cutoff=0.0, tie=1.0)
        draws = np.random.default_rng(seed).random(len(value))
        at = np.lexsort((draws, -value))[k - 1]
        return cls(alpha=alpha, n=len(value), cutoff=float(value[at]), tie=float(draws[at]))

    @property
    def infinite(self) -> bool:
        """Too few labels: every set is everything."""
        return quantile_index(self.n, self.alpha) > self.n

    @property
    def chance(self) -> float:
        """Probability that a set holds the correct answer: k / (n + 1), at least 1 - alpha."""
        return min(1.0, quantile_index(self.n, self.alpha) / (self.n + 1))

    @property
    def labels(self) -> int:
        """Labelled questions that it takes for a set that is not everything."""
        return math.ceil(1 / _decimal(self.alpha)) - 1

    def pick(self, shares: Sequence[float], tie: float) -> Membership:
        """shares: of each candidate among a question's samples; tie: the question's draw, see `tie_of`."""
        inside = self.holds(np.append(_shares(shares), 0.0), np.full(len(shares) + 1, tie))
        return Membership(tuple(int(index) for index in np.flatnonzero(inside[:-1])), bool(inside[-1]))

    def holds(self, shares: ArrayLike, ties: ArrayLike) -> NDArray[np.bool_]:
        """[n] shares of candidates and their questions' draws -> [n], whether each is in its set."""
        value = _shares(shares)
        lucky = np.asarray(ties, dtype=np.float64) <= self.tie
        inside: NDArray[np.bool_] = (value > self.cutoff) | ((value == self.cutoff) & lucky)
        return inside

    def __str__(self) -> str:
        if self.infinite:
            return (
                f"{self.n} labelled questions are too few for sets that contain the correct answer in "
                f"{chosen(1 - self.alpha)} of cases: it takes {self.labels}. Each set is any answer."
            )
        holds = f"A set contains the correct answer in {percent(self.chance)} of cases: it is"
        if self.cutoff == 0:
            return (
                f"{holds} every answer that a sample gave, and for {percent(self.tie)} of the questions "
                "any answer, since so often no sample was correct."
            )
        return (
            f"{holds} every answer that more than {percent(self.cutoff)} of the samples gave; an answer at "
            "exactly that share is in at random."
        )


def quantile_index(n: int, alpha: float) -> int:
    """k = ceil((n + 1)(1 - alpha)), from 1 to n + 1, with alpha taken as the decimal that it is written as.

    In floating point (9 + 1)(1 - 0.7) is a little over 3, and k would be one too high.
    """
    if not 0 < alpha < 1:
        raise InvalidInput(f"alpha is {alpha:g}; it must lie between 0 and 1, both excluded.", ["alpha"])
    return math.ceil((n + 1) * (1 - _decimal(alpha)))


def tie_of(question: str) -> float:
    """A question's draw from [0, 1[: of its content, so that asking again gives the same set."""
    return int(sha256(question)[:12], 16) / 2**48


def _decimal(alpha: float) -> Fraction:
    return Fraction(repr(float(alpha)))


def _shares(shares: ArrayLike) -> NDArray[np.float64]:
    value = np.atleast_1d(np.asarray(shares, dtype=np.float64))
    if not ((value >= 0) & (value <= 1)).all():
        raise InvalidInput(
            "A share of samples lies in [0, 1]; leave out questions without samples.", ["shares"]
        )
    # 1 - 0.7 and 3 / 10 are the same share.
    return np.round(value, 9)
