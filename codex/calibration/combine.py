"""Signals to one probability: a logistic in which a more confident signal never lowers it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field
from scipy.special import expit, logit

from codex.calibration.logistic import Weights, logistic
from codex.errors import InvalidInput

Array = NDArray[np.float64]
Columns = Mapping[str, ArrayLike]
"""Signals by name, each [n]; NaN where one is missing."""

SIGNALS = (
    "avg_logprob_focus",
    "sum_logprob_focus",
    "min_prob_focus",
    "max_entropy_focus",
    "end_logprob",
    "sample_end_logprob",
    "answer_prob_focus",
    "lexical_similarity_focus",
    "weighted_similarity_focus",
    "spelling_similarity_focus",
    "max_sample_logprob",
    "evidence_overlap_focus",
    "evidence_support",
    "p_true",
    "probe",
)
"""The signals that are combined, where they are there: few, each strong on stored answers of two models.

With twice as many AUROC stayed the same; whole-answer forms fail where a model answers in sentences. Both
ends and answer_prob_focus in place of margin_focus, answer_frequency_focus and cocoa_ppl_focus raised it
from 0.925 to 0.931 on the union of three stored sets, and from 0.915 to 0.928 where each is judged by a fit
to the others; on 250 answers of SmolLM2 it stayed at 0.874.
"""
PROBES = frozenset({"probe", "p_ik", "semantic_entropy_probe"})
"""Signals that were trained on answers to some datasets, and say little of others."""
PIECES = 6
"""Of a signal's scale, each with a slope of its own: how much a step is worth differs between low and high.

Against one slope a signal the AUROC on the union of three stored sets rose from 0.919 to 0.925, and on each
of them for a fit to the two others from 0.860 to 0.877 on average. Two to four pieces did no better on the
union, and worse on the unseen.
"""
KNOTS = 64
"""Points that a signal's scale is kept by: on 1,050 stored answers more of them change nothing."""
PRIOR_L2 = 1.0
"""The penalty on half the square of how far the slope of the prior's log odds is from 1."""
PRIOR_LEAST = 0.05
"""The smallest slope of the prior's log odds."""
LEAST_PRESENT = 10
"""A signal that fewer rows hold is left out: its scale would be a guess."""


_SHARES = expit(np.linspace(-7, 7, KNOTS))
"""Knots of the scale of a probability."""
_CUTS = np.linspace(-np.sqrt(3), np.sqrt(3), PIECES + 1)[1:-1]  # ranks of variance 1 end at the root of 3


class Term(BaseModel):
    """One signal's part: weight * scale(value); the scale is its rank among the answers fitted on, bent."""

    model_config = ConfigDict(frozen=True)

    name: str
    sign: Literal[-1, 1]
    """1: a higher value is more confident."""
    values: tuple[float, ...]
    """[k], rising: the knots of the scale."""
    scores: tuple[float, ...]
    """[k]: before the fit the oriented rank of each, of mean 0 and variance 1; after it bent, as far from end
    to end, 0 at the middle. Lines join them, and the ends go on flat."""
    weight: float = Field(default=0.0, ge=0)

    def score(self, values: ArrayLike) -> Array:
        """[n]: on the scale; NaN stays NaN, infinite values count as the end of the scale."""
        x = np.asarray(values, float)
        return np.where(np.isnan(x), np.nan, np.interp(x, self.values, self.scores))

    def pieces(self) -> tuple[Term, ...]:
        """[PIECES]: the scale, cut where its ranks are; they sum to it, and each is 0 at the middle."""
        scores, cuts = np.asarray(self.scores), [-np.inf, *_CUTS, np.inf]
        cut = (scores.clip(low, high) - np.clip(0, low, high) for low, high in pairwise(cuts))
        return tuple(self.model_copy(update={"scores": tuple(piece.tolist())}) for piece in cut)

    def bent(self, slopes: Array) -> Term:
        """With the slope of each piece; the weight is that of a straight scale from end to end."""
        scores = slopes @ [piece.scores for piece in self.pieces()]
        rise, before = np.ptp(scores), np.ptp(self.scores)
        if rise == 0:
            return self
        weight = float(rise / before)
        return self.model_copy(update={"scores": tuple((scores / weight).tolist()), "weight": weight})

    def plus(self, other: Term, times: float) -> Term:
        """What this and `times` another one of the same signal add up to; the weight is as of `bent`."""
        values = np.union1d(self.values, other.values)
        total = self.weight * self.score(values) + times * other.weight * other.score(values)
        weight = float(np.ptp(total) / np.ptp(self.scores))
        scores = total / weight if weight else self.score(values)
        update = {"values": tuple(values.tolist()), "scores": tuple(scores.tolist()), "weight": weight}
        return self.model_copy(update=update)


class Design(BaseModel):
    """A fitted combination. A missing signal pulls neither way: it counts as one of the middle rank."""

    model_config = ConfigDict(frozen=True)

    terms: tuple[Term, ...]
    intercept: float = 0.0
    l2: float = 0.0
    """The penalty on half the squared weights, against the summed log loss."""

    def scores(self, columns: Columns) -> Array:
        """[n, terms]: oriented ranks; NaN where a signal is missing."""
        n = _length(columns)
        return np.stack(
            [term.score(columns.get(term.name, np.full(n, np.nan))) for term in self.terms], axis=1
        )

    def logit(self, columns: Columns) -> Array:
        """[n]: log odds that the answer is correct; NaN where every signal is missing."""
        return self.intercept + self.deviation(columns)

    def deviation(self, columns: Columns) -> Array:
        """[n]: the same without the intercept: how far the signals pull."""
        scores = self.scores(columns)
        pull = np.nan_to_num(scores) @ [term.weight for term in self.terms]
        return np.where(np.isnan(scores).all(axis=1), np.nan, pull)

    def plus(self, other: Design, times: float) -> Design:
        """With `times` the terms of another one on top; the intercept stays."""
        there = {term.name: term for term in other.terms}
        own = tuple(term.plus(there[term.name], times) if term.name in there else term for term in self.terms)
        names = {term.name for term in self.terms}
        more = tuple(
            term.model_copy(update={"weight": times * term.weight})
            for term in other.terms
            if term.name not in names
        )
        return self.model_copy(update={"terms": own + more})


def scales(columns: Columns, signs: Mapping[str, int]) -> tuple[Term, ...]:
    """The scale of each signal that has a sign, is there often enough, and varies; weights are 0."""
    terms = []
    for name, sign in signs.items():
        x = np.asarray(columns.get(name, ()), float)
        finite = x[np.isfinite(x)]
        if len(finite) < LEAST_PRESENT or finite.min() == finite.max():
            continue
        x = np.clip(x[~np.isnan(x)], finite.min(), finite.max())
        terms.append(_scale(name, 1 if sign > 0 else -1, x))
    return tuple(terms)


def probe_terms(columns: Columns) -> tuple[Term, ...]:
    """The scale of each probe that is combined and there often enough: its log odds around their mean."""
    terms = []
    for name in SIGNALS:
        x = np.asarray(columns.get(name, ()), float)
        if name in PROBES and np.isfinite(x).sum() >= LEAST_PRESENT:
            mean = logit(x[np.isfinite(x)].clip(_SHARES[0], _SHARES[-1])).mean()
            scores = tuple((logit(_SHARES) - mean).tolist())
            terms.append(Term(name=name, sign=1, values=tuple(_SHARES.tolist()), scores=scores))
    return tuple(terms)


def pieces(terms: tuple[Term, ...], columns: Columns) -> Array:
    """[n, terms * PIECES]: the scores on each piece; NaN where a signal is missing."""
    return Design(terms=tuple(piece for term in terms for piece in term.pieces())).scores(columns)


def weigh(
    scores: Array,
    correct: NDArray[np.bool_],
    l2: float,
    with_prior: bool,
    start: Weights | None = None,
    counts: Array | float = 1.0,
    probes: int = 0,
) -> Weights:
    """The slope of each column of scores, and the intercept.

    scores: [n, d], those of `pieces`, then those of so many probes, in log odds; 0 where one is missing.
    with_prior: the last column is what a prior says, in log odds. The slopes of probes and prior, one over a
    temperature, are near 1, the prior's never so small that its order is lost. start: of the fit. counts:
    [n], how much each row counts.
    """
    own = scores.shape[1] - probes - with_prior
    penalty, centre, least = (
        np.repeat([value, of_probes, of_prior], [own, probes, int(with_prior)])
        for value, of_probes, of_prior in (
            (l2, PRIOR_L2, PRIOR_L2),
            (0.0, 1.0, 1.0),
            (0.0, 0.0, PRIOR_LEAST),
        )
    )
    return logistic(
        scores, correct.astype(float), penalty, start=start, counts=counts, centre=centre, least=least
    )


def combine(
    terms: tuple[Term, ...],
    scores: Array,
    correct: NDArray[np.bool_],
    l2: float,
    start: Weights | None = None,
    counts: Array | float = 1.0,
    prior: Design | None = None,
    probes: tuple[Term, ...] = (),
) -> Design:
    """The terms, bent and weighted, and the probes, on top of the prior. Others: as for `weigh`."""
    slopes, intercept = weigh(scores, correct, l2, prior is not None, start, counts, len(probes))
    own, rest = np.split(slopes, [len(terms) * PIECES])
    bent = [term.bent(each) for term, each in zip(terms, own.reshape(-1, PIECES), strict=True)]
    told = [
        probe.model_copy(update={"weight": float(each)}) for probe, each in zip(probes, rest, strict=False)
    ]
    design = Design(terms=(*bent, *told), intercept=intercept, l2=l2)
    return design if prior is None else design.plus(prior, float(slopes[-1]))


def _scale(name: str, sign: Literal[-1, 1], x: Array) -> Term:
    values, counts = np.unique(x, return_counts=True)
    middle = np.cumsum(counts) - counts / 2
    mean, spread = np.average(middle, weights=counts), np.sqrt(np.cov(middle, fweights=counts, ddof=0))
    if len(values) > KNOTS:
        kept = np.unique(np.searchsorted(middle, np.linspace(middle[0], middle[-1], KNOTS)))
        values, middle = values[kept], middle[kept]
    scores = sign * (middle - mean) / spread
    return Term(name=name, sign=sign, values=tuple(values.tolist()), scores=tuple(scores.tolist()))


def _length(columns: Columns) -> int:
    lengths = {name: len(np.atleast_1d(np.asarray(column, float))) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise InvalidInput(f"The signals are of unequal lengths: {lengths}.")
    return next(iter(lengths.values()), 0)
