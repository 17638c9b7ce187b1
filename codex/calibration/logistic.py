"""The logistic under every combination and smooth map, with its weights within bounds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from codex.calibration.imports import IMPORTS

Array = NDArray[np.float64]
Weights = tuple[Array, float]
"""[d] of the signals, and the intercept."""

OPTIONS = {"maxcor": 30, "ftol": 1e-14, "gtol": 1e-6}
"""A slope of 1e-6 moves no weight by more where a penalty of 1 bends it; 20 or 30 steps are the rule."""
RESTARTS = 20


def logistic(
    x: Array,
    target: Array,
    l2: Array | float = 0.0,
    most: float = np.inf,
    with_intercept: bool = True,
    start: Weights | None = None,
    counts: Array | float = 1.0,
    centre: Array | float = 0.0,
    least: Array | float = 0.0,
) -> Weights:
    """Weights in [least, most] and intercept of the logistic that fits best; convex: there is one optimum.

    x: [n, d]; target: [n] probabilities. Minimises the summed log loss + l2 / 2 * |weights - centre|^2.
    start: the weights of a similar fit, from where the way is shorter. counts: [n], how much each row counts.
    l2, centre, least: one for all weights, or [d].
    """
    # Half a second that a question asked in the shell does without.
    with IMPORTS:
        from scipy.optimize import Bounds, minimize

    n, d = x.shape
    rows = np.vstack([x.T, np.ones(n)])
    penalty, middle = np.append(np.full(d, l2), 0.0), np.append(np.full(d, centre), 0.0)
    # Of n answers of one kind the odds are not infinite, but 1 to 2n + 1 (half a one of the other kind).
    furthest = np.log(2 * n + 1) if with_intercept else 0.0
    low, high = np.append(np.full(d, least), -furthest), np.append(np.full(d, most), furthest)
    bounds = Bounds(low, high)
    mean = np.clip(target.mean(), 0.01, 0.99)
    counted = counts * target

    def loss(w: Array) -> tuple[float, Array]:
        """And its slope."""
        z = w @ rows
        off = w - middle
        value = (counts * np.logaddexp(0, z)).sum() - counted @ z + penalty @ off**2 / 2
        return float(value), rows @ (counts * expit(z) - counted) + penalty * off

    w = np.append(*(start or (middle[:d], np.log(mean / (1 - mean)))))
    for _ in range(RESTARTS):
        # SciPy's may stop short, with much left to gain (scipy/scipy#23161); started again it goes on.
        found = minimize(loss, w, jac=True, method="L-BFGS-B", bounds=bounds, options=OPTIONS)
        w = found.x
        # Where the slope is flat already it would not move.
        if not found.nit or np.abs(w - np.clip(w - found.jac, low, high)).max() <= OPTIONS["gtol"]:
            break
    return w[:d], float(w[d])
