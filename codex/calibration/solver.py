"""The logistic under every combination and smooth map: weights within bounds, by Newton's method."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Array = NDArray[np.float64]
Weights = tuple[Array, float]
"""[d] of the signals, and the intercept."""

STEPS = 100
"""At most; six or so are the rule, from the weights of a similar fit four."""
SHORTEST = 1e-4
"""A step that moves no weight by more is the last: what it leaves is about its square."""
FLATTEST = 1e-6
"""Every curvature counts as this much at least, so that no step is endless."""
PATIENCE = 5
"""Rounds of turning all wrong guesses at once that may gain nothing; then they are turned one at a time."""


def logistic(
    x: Array,
    target: Array,
    l2: float = 0.0,
    most: float = np.inf,
    with_intercept: bool = True,
    start: Weights | None = None,
) -> Weights:
    """Weights in [0, most] and intercept of the logistic that fits best; convex, so there is one optimum.

    x: [n, d]; target: [n] probabilities. Minimises the summed log loss + l2 / 2 * |weights|^2. start: the
    weights of a similar fit, from where the way is shorter.
    """
    n, d = x.shape
    # Summed along rows, the curvature takes a quarter of the time.
    rows = np.vstack([x.T, np.ones(n)])
    penalty = np.append(np.full(d, l2), 0.0)
    # Of n answers of one kind the odds are not infinite, but 1 to 2n + 1 (half a one of the other kind).
    furthest = np.log(2 * n + 1) if with_intercept else 0.0
    low, high = np.append(np.zeros(d), -furthest), np.append(np.full(d, most), furthest)
    mean = np.clip(target.mean(), 0.01, 0.99)
    w = np.append(*(start or (np.zeros(d), np.log(mean / (1 - mean))))).clip(low, high)

    def loss(w: Array, z: Array) -> float:
        return float(np.logaddexp(0, z).sum() - target @ z + penalty @ w**2 / 2)

    z = w @ rows
    value = loss(w, z)
    for _ in range(STEPS):
        p = expit(z)
        slope = rows @ (p - target) + penalty * w
        root = rows * np.sqrt(np.maximum(p * (1 - p), FLATTEST))
        step = _lowest(root @ root.T + np.diag(penalty + FLATTEST), slope, low - w, high - w)
        while True:
            moved = np.abs(step).max()
            z = (w + step) @ rows
            reached = loss(w + step, z)
            if moved < SHORTEST or reached < value + slope @ step / 1e4:
                break
            step /= 2
        w, value = w + step, reached
        if moved < SHORTEST:
            break
    return w[:d].clip(0, most), float(w[d])


def _lowest(curve: Array, slope: Array, low: Array, high: Array) -> Array:
    """[d] in [low, high], where slope @ step + step @ curve @ step / 2 is lowest; curve: positive definite.

    Guesses which bounds hold, solves for the rest, and turns what was guessed wrong until nothing is: block
    principal pivoting, Kim and Park 2011, doi:10.1137/110821172.
    """
    held = ((high == 0) & (slope < 0)).astype(int) - ((low == 0) & (slope > 0))
    fewest, patience = len(slope), PATIENCE
    while True:
        step: Array = np.where(held < 0, low, np.where(held > 0, high, 0.0))
        free = np.flatnonzero(held == 0)
        step[free] = -np.linalg.solve(curve[free][:, free], slope[free] + curve[free] @ step)
        pull = slope + curve @ step
        over = (step > high).astype(int) - (step < low)
        right = np.where(held == 0, over, np.where((held * pull > 1e-9) & (low < high), 0, held))
        wrong = np.flatnonzero(right != held)
        if not len(wrong):
            return step
        if len(wrong) < fewest:
            fewest, patience = len(wrong), PATIENCE
        elif patience:
            patience -= 1
        else:
            wrong = wrong[-1:]
        held[wrong] = right[wrong]
