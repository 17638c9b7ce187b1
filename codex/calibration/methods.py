"""From a combined probability to one that means what it says: the maps, and the choice among them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict
from scipy.special import expit, logit

from codex.calibration.imports import IMPORTS
from codex.calibration.logistic import logistic
from codex.errors import InvalidInput

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Method = Literal["none", "temperature", "platt", "isotonic", "venn_abers"]
METHODS: tuple[Method, ...] = get_args(Method)
"""From the simplest on."""
WEIGHTED: tuple[Method, ...] = METHODS[:-1]
"""Those that can count some rows for more than others."""

SLOPE = 0.001
"""Share of the raw probability in a step map, so that answers on one step keep their order."""
EDGE = 1e-6
"""Raw probabilities are kept this far from 0 and 1 before their log odds are taken."""
STEEPEST = 20.0
"""Largest slope of the smooth maps: separable answers would have none."""
DIGITS = 3
"""Of the raw probabilities that Venn-Abers tells apart."""

# Of a slope between two points that are one, which the package then does not take.
warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning, "venn_abers")


class Map(BaseModel):
    """A rising function of the raw probability, in numbers."""

    model_config = ConfigDict(frozen=True)

    method: Method
    slope: float = 1.0
    """Of the log odds; 1 / temperature."""
    intercept: float = 0.0
    knots: tuple[float, ...] = ()
    """[k] rising raw probabilities: isotonic, Venn-Abers."""
    values: tuple[float, ...] = ()
    """Isotonic: [k], joined by lines. Venn-Abers: [k + 1] probabilities if the answer counts as wrong."""
    upper: tuple[float, ...] = ()
    """Venn-Abers: [k + 1] if it counts as correct; the two are merged as upper / (1 - values + upper)."""

    def __call__(self, raw: ArrayLike) -> Array:
        """[n] in [0, 1]; NaN stays NaN."""
        p = np.asarray(raw, float)
        if self.method == "none":
            return p.copy()
        if self.method in ("temperature", "platt"):
            return np.asarray(expit(self.slope * _odds(p) + self.intercept))
        if self.method == "isotonic":
            step = np.interp(p, self.knots, self.values)
        else:
            low = np.asarray(self.values)[np.searchsorted(self.knots, p, "right")]
            high = np.asarray(self.upper)[np.searchsorted(self.knots, p, "left")]
            step = high / (1 - low + high)
        return np.where(np.isnan(p), np.nan, (1 - SLOPE) * step + SLOPE * p)


def fit_map(method: Method, raw: Array, correct: Flags, counts: Array | None = None) -> Map:
    """The map of that method for these probabilities, none of them NaN, and outcomes of both kinds.

    counts: [n], how much each row counts; None: all alike. Venn-Abers takes none. Raises InvalidInput.
    """
    if method not in _FITS:
        raise InvalidInput(
            f"There is no method {method!r}; there are auto, {', '.join(METHODS)}.", ("method",)
        )
    if method not in WEIGHTED and counts is not None:
        raise InvalidInput(
            f"{method} takes all labels alike, and these were drawn unevenly: use {', '.join(WEIGHTED)}.",
            ("method",),
        )
    return _FITS[method](raw, correct, counts)


def _odds(p: Array) -> Array:
    return np.asarray(logit(np.clip(p, EDGE, 1 - EDGE)))


def _none(raw: Array, correct: Flags, counts: Array | None) -> Map:
    return Map(method="none")


def _temperature(raw: Array, correct: Flags, counts: Array | None) -> Map:
    # Guo et al. 2017, arXiv:1706.04599
    slopes, _ = logistic(
        _odds(raw)[:, None],
        _targets(correct, counts),
        most=STEEPEST,
        with_intercept=False,
        counts=1.0 if counts is None else counts,
    )
    return Map(method="temperature", slope=float(slopes[0]))


def _platt(raw: Array, correct: Flags, counts: Array | None) -> Map:
    # Platt 1999; Lin et al. 2007, doi:10.1007/s10994-007-5018-6
    slopes, intercept = logistic(
        _odds(raw)[:, None],
        _targets(correct, counts),
        most=STEEPEST,
        counts=1.0 if counts is None else counts,
    )
    return Map(method="platt", slope=float(slopes[0]), intercept=intercept)


def _targets(correct: Flags, counts: Array | None) -> Array:
    """[n]: Platt's, a little inside of 0 and 1, so that few answers of one kind make no one sure."""
    n, m = ((each if counts is None else counts[each]).sum() for each in (correct, ~correct))
    return np.asarray(np.where(correct, (n + 1) / (n + 2), 1 / (m + 2)))


def _isotonic(raw: Array, correct: Flags, counts: Array | None) -> Map:
    with IMPORTS:
        from scipy.optimize import isotonic_regression

    knots, place = np.unique(raw, return_inverse=True)
    held = np.bincount(place, counts)
    hits = np.bincount(place, correct if counts is None else correct * counts)
    steps = isotonic_regression(hits / held, weights=held).x
    # Inside a step a line needs no knots.
    rise = np.diff(steps) != 0
    ends = np.append(True, rise) | np.append(rise, True)
    return Map(
        method="isotonic", knots=tuple(knots[ends].tolist()), values=tuple(steps[ends].clip(0, 1).tolist())
    )


def _venn_abers(raw: Array, correct: Flags, counts: Array | None) -> Map:
    # Vovk, Petej and Fedorova 2015, arXiv:1511.00213
    with np.errstate(divide="ignore", invalid="ignore"):  # Which the package sets for the whole process.
        with IMPORTS:
            from venn_abers import calc_p0p1

        lower, upper, knots = calc_p0p1(np.stack([1 - raw, raw], axis=1), correct.astype(float), DIGITS)
    return Map(
        method="venn_abers",
        knots=tuple(knots.tolist()),
        values=tuple(lower[:, 1].tolist()),
        upper=tuple(upper[:, 1].tolist()),
    )


_FITS: dict[Method, Callable[[Array, Flags, Array | None], Map]] = {
    "none": _none,
    "temperature": _temperature,
    "platt": _platt,
    "isotonic": _isotonic,
    "venn_abers": _venn_abers,
}
