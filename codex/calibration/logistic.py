"""The logistic under every combination and smooth map, with its weights within bounds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Array = NDArray[np.float64]
Weights = tuple[Array, float]
"""[d] of the signals, and the intercept."""

FLAT = 1e-6
"""A slope this small moves no weight by more where a penalty of 1 bends it."""
STEPS = 200
"""Far more than a fit takes: four to six are the rule."""
TURNS = 20
"""Of the set of weights that a bound holds, in one step: two or three are the rule."""
DAMPED = 1e-4
"""Of the whole curvature, what is added to each direction's where that set does not settle."""
DESCENT = 1e-4
"""Of the fall that the slope foretells, the share that a step must reach; else it is halved."""
ROUNDING = 1e-14
RIDGE = 1e-10
"""Bends the directions that no row and no penalty does."""


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
    n, d = x.shape
    rows = np.empty((d + 1, n))
    rows[:d], rows[d] = x.T, 1.0
    penalty, middle, low, high = (np.empty(d + 1) for _ in range(4))
    penalty[:d], middle[:d], low[:d], high[:d] = l2, centre, least, most
    # Of n answers of one kind the odds are not infinite, but 1 to 2n + 1 (half a one of the other kind).
    furthest = np.log(2 * n + 1) if with_intercept else 0.0
    penalty[d], middle[d], low[d], high[d] = 0.0, 0.0, -furthest, furthest
    counted = counts * target
    mean = np.clip(target.mean(), 0.01, 0.99)
    w = np.append(*(start or (middle[:d], np.log(mean / (1 - mean))))).clip(low, high)

    def loss(w: Array, z: Array) -> float:
        off = w - middle
        return float((counts * np.logaddexp(0, z)).sum() - counted @ z + penalty @ (off * off) / 2)

    z = w @ rows
    value = loss(w, z)
    # Newton's method; each step is to the minimum of the quadratic within the bounds.
    for _ in range(STEPS):
        p = expit(z)
        slope = rows @ (counts * p - counted) + penalty * (w - middle)
        if np.abs(w - (w - slope).clip(low, high)).max() <= FLAT:
            break
        curvature = (rows * (counts * (p - p * p))) @ rows.T
        curvature.flat[:: d + 2] += penalty + RIDGE
        more = float(curvature.trace()) * DAMPED
        while (to := _least(w, slope, curvature, low, high)) is None:
            curvature.flat[:: d + 2] += more
            more *= 4
        step = to - w
        fall = float(slope @ step)
        length = 1.0
        while True:
            z = (w + length * step) @ rows
            lower = loss(w + length * step, z)
            if lower <= value + DESCENT * length * fall + ROUNDING * abs(value) or length < ROUNDING:
                break
            length /= 2
        w, value = w + length * step, lower
    return w[:d], float(w[d])


def _least(w: Array, slope: Array, curvature: Array, low: Array, high: Array) -> Array | None:
    """[d]: where, within the bounds, the quadratic of that slope and curvature at w is least.

    None where the set of weights at a bound does not settle.
    By a primal-dual active set: Hintermüller et al. 2002, doi:10.1137/S1052623401383558
    """
    fixed = low == high
    held = np.where((w <= low) & ((slope > 0) | fixed), -1, np.where((w >= high) & (slope < 0), 1, 0))
    for _ in range(TURNS):
        free = np.flatnonzero(held == 0)
        step = np.where(held < 0, low, np.where(held > 0, high, w)) - w
        force = slope + curvature @ step
        step[free] = np.linalg.solve(curvature[free][:, free], -force[free])
        force, to = slope + curvature @ step, w + step
        kept = held * ((held * force < 0) | fixed)
        turned = np.where(held == 0, (to > high).astype(int) - (to < low), kept)
        if (turned == held).all():
            return to.clip(low, high)
        held = turned
    return None
