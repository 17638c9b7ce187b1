"""Bootstrap intervals of any figure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def bootstrap(
    figure: Callable[..., float],
    *arrays: ArrayLike,
    resamples: int = 1000,
    groups: ArrayLike | None = None,
    seed: int = 0,
    level: float = 0.95,
    centred: bool = False,
) -> tuple[float, float]:
    """The percentile interval of figure(*arrays) over resampled rows; NaN where the figure never is defined.

    arrays: each [n, ...]; rows are drawn together, with replacement. groups: [n]; each keeps its size.
    centred: moved so that its mean is the figure itself. Resampling raises an ECE by as much again as the
    small number of answers did, so that its plain interval may lie above it.
    """
    data = [np.asarray(array) for array in arrays]
    n = len(data[0])
    if not n:
        return np.nan, np.nan
    rng = np.random.default_rng(seed)
    group = np.zeros(n) if groups is None else np.asarray(groups)
    members = [np.flatnonzero(group == name) for name in np.unique(group)]
    drawn = [figure(*(array[rows] for array in data)) for rows in _rows(members, resamples, rng)]
    defined = np.array([value for value in drawn if not np.isnan(value)])
    if not len(defined):
        return np.nan, np.nan
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    if centred:
        low, high = np.array([low, high]) + figure(*data) - defined.mean()
    return float(low), float(high)


def _rows(members: list[NDArray[np.int64]], resamples: int, rng: np.random.Generator) -> Any:
    for _ in range(resamples):
        yield np.concatenate([rng.choice(rows, len(rows)) for rows in members])
