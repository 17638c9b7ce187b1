"""Linear probes of hidden states: which layer, how it is pooled, and the weights, all by cross-validation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from codex.calibration.imports import IMPORTS
from codex.calibration.logistic import logistic
from codex.errors import Cancelled, InvalidInput
from codex.signals.probes import Pooling, Probe
from codex.training.probe_states import States
from codex.types import ProbeTarget

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Rows = NDArray[np.intp]

FOLDS = 5
"""Of the questions; each is judged by a probe that did not see its fold."""
INNER = 4
"""Folds of the cross-validation that chooses."""
COMPONENTS = 32
"""Principal components of the standardised states that the weights are fitted on."""
STRENGTHS = (0.001, 0.003, 0.01, 0.03)
"""Inverses of the penalty on half the squared weights, against the summed log loss."""
LEAST = 10
"""Answers of each kind, correct and incorrect, that a probe is fitted on at least."""
LEAST_OF_ALL = -(-LEAST * FOLDS // (FOLDS - 1))
"""The same, with those of the fold that is left out."""
POOLINGS: dict[ProbeTarget, tuple[Pooling, ...]] = {
    "answer": ("mean", "last", "mean and last"),
    "question": ("prompt",),
    "entropy": ("prompt", "mean and last"),
}
"""What a probe of each target may read."""


@dataclass(frozen=True, slots=True)
class _Space:
    """The principal components of some rows' states."""

    layer: int
    pooling: Pooling
    mean: Array
    """[d]"""
    scale: Array
    """[d]"""
    axes: Array
    """[components, d], of the standardised states."""
    scores: Array
    """[rows, components]"""

    def probe(self, target: ProbeTarget, weights: Array, intercept: float) -> Probe:
        """weights: [components]."""
        own = weights @ self.axes / self.scale
        return Probe.of(
            target, self.layer, self.pooling, own.astype(np.float32), intercept - float(own @ self.mean)
        )


def fit_probe(
    states: States,
    labels: Flags,
    target: ProbeTarget,
    stop: Callable[[], bool] = lambda: False,
    poolings: Sequence[Pooling] = (),
) -> Probe:
    """The probe of one target; layer, pooling and penalty are those of the lowest cross-validated log loss.

    labels: [n], of each kind at least two, and LEAST to be of use. poolings: what it may read; empty: those
    of its target. The components are those of all rows, whose labels they do not know. Raises Cancelled.
    """
    fold = _folds(labels)
    found: list[tuple[float, _Space, float]] = []
    for layer, pooling in product(states.layers, poolings or POOLINGS[target]):
        if stop():
            raise Cancelled("The training was cancelled; nothing was saved.")
        space = _space(states.vectors(layer, pooling), layer, pooling)
        losses = [(_loss(space.scores, labels, fold, strength), space, strength) for strength in STRENGTHS]
        found.append(min(losses, key=lambda each: each[0]))
    _, space, strength = min(found, key=lambda each: each[0])
    weights, intercept = _weights(space.scores, labels, strength)
    return space.probe(target, weights, intercept)


def too_few(labels: Sequence[bool]) -> InvalidInput:
    """What is said where the labels of the answers to train on are too few of a kind."""
    correct = sum(labels)
    kind, wanted = ("correct", "easier") if 2 * correct < len(labels) else ("incorrect", "harder")
    fewest = min(correct, len(labels) - correct)
    return InvalidInput(
        f"There are too few labels: of {len(labels):,} graded answers to train on {fewest:,} are {kind}, and "
        f"{LEAST_OF_ALL} are needed. Probes are trained on one half of the questions, so that the other half "
        f"can prove guarantees: ask more questions, or {wanted} ones, and grade them.",
        ["runs"],
    )


def low_entropy(entropies: Array) -> Flags:
    """[n]: which are on the lower side of the split that leaves the least variance on both.

    entropies: [n] in nats; as Kossen et al. 2024 (arXiv:2406.15927) divide them.
    """
    cuts = np.unique(entropies)[1:]

    def left(cut: float) -> float:
        low, high = entropies[entropies < cut], entropies[entropies >= cut]
        return float(low.var() * len(low) + high.var() * len(high))

    return entropies < min(cuts, key=left, default=np.inf)


def _space(vectors: NDArray[np.float32], layer: int, pooling: Pooling) -> _Space:
    with IMPORTS:
        from sklearn.utils.extmath import randomized_svd
    mean, scale = vectors.mean(0, dtype=np.float64), vectors.std(0, dtype=np.float64)
    scale[scale == 0] = 1
    standard = (vectors - mean.astype(np.float32)) / scale.astype(np.float32)
    most = min(COMPONENTS, *standard.shape)
    left, sizes, axes = randomized_svd(standard, most, random_state=0)
    return _Space(layer, pooling, mean, scale, axes.astype(float), (left * sizes).astype(float))


def _loss(scores: Array, labels: Flags, fold: Rows, strength: float) -> float:
    """The cross-validated log loss."""
    odds = np.empty(len(labels))
    for held in range(INNER):
        train, test = fold != held, fold == held
        weights, intercept = _weights(scores[train], labels[train], strength)
        odds[test] = scores[test] @ weights + intercept
    return float(np.logaddexp(0, np.where(labels, -odds, odds)).sum())


def _folds(labels: Flags) -> Rows:
    """[n]: INNER folds, drawn at random, with labels in equal shares."""
    order = np.lexsort((np.random.default_rng(0).random(len(labels)), labels))
    fold = np.empty(len(labels), np.intp)
    fold[order] = np.arange(len(labels)) % INNER
    return fold


def _weights(scores: Array, labels: Flags, strength: float) -> tuple[Array, float]:
    """Weights and intercept of the lowest log loss with the penalty."""
    return logistic(scores, labels.astype(float), 1 / strength, least=-np.inf)
