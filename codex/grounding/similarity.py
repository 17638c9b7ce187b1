"""How far an answer and its samples mean the same: by their embeddings, or as the model reads them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from codex.engines.base import Engine
from codex.errors import Cancelled
from codex.grounding.judges import Embed
from codex.prompts import judging
from codex.signals.focus import focus_text
from codex.signals.text import normalise
from codex.signals.verifier import label_probability
from codex.types import Observation, Similarity

Matrix = NDArray[np.float64]


def by_embedding(observation: Observation, embed: Embed, same_above: float) -> Similarity:
    """Cosines of what carries each text, without the question's own words; below 0 counts as 0."""

    def cosines(texts: Sequence[str]) -> Matrix:
        vectors = embed([focus_text(observation.question, text) for text in texts]).astype(np.float64)
        return np.clip(vectors @ vectors.T, 0.0, 1.0)

    return _measured("embedding", observation, cosines, same_above)


def by_judge(
    observation: Observation, engine: Engine, same_above: float, cancel: threading.Event | None = None
) -> Similarity:
    """The mean of the probabilities that either says what the other says; 2 calls a pair of texts.

    Asking both ways is the equivalence of Kuhn et al. 2023, arXiv:2302.09664. A pair of which the model
    says neither True nor False counts as different. Raises Cancelled, ModelError.
    """

    def asked(texts: Sequence[str]) -> Matrix:
        same = np.eye(len(texts))
        for i, first in enumerate(texts):
            for j, second in enumerate(texts):
                if i != j:
                    if cancel is not None and cancel.is_set():
                        raise Cancelled("The question was cancelled.")
                    token = engine.next_token(judging.same(observation.question, first, second), cancel)
                    same[i, j] = label_probability(token.alternatives, "True", "False") or 0.0
        return (same + same.T) / 2

    return _measured("judge", observation, asked, same_above)


def _measured(
    method: Literal["embedding", "judge"],
    observation: Observation,
    compare: Callable[[Sequence[str]], Matrix],
    same_above: float,
) -> Similarity:
    """Compares what is worded differently; what is worded the same is the same."""
    started = time.perf_counter()
    texts = [observation.generation.text, *(sample.text for sample in observation.samples)]
    numbers: dict[str, int] = {}
    which = [numbers.setdefault(normalise(text), len(numbers)) for text in texts]
    different = [texts[which.index(number)] for number in range(len(numbers))]
    pairs = compare(different) if len(different) > 1 else np.ones((1, 1))
    np.fill_diagonal(pairs, 1.0)
    classes = complete_classes(pairs, same_above)
    return Similarity(
        method=method,
        matrix=tuple(map(tuple, pairs[np.ix_(which, which)].tolist())),
        classes=tuple(classes[number] for number in which),
        seconds=time.perf_counter() - started,
    )


def complete_classes(pairs: Matrix, same_above: float) -> list[int]:
    """Groups in which every two are at least `same_above` alike, numbered as they appear.

    pairs: [n, n], symmetric. The closest two groups are joined first (complete linkage), so that a chain
    of small steps ("Rome", "Rome or Paris", "Paris") does not make one group of all.
    """

    def alike(two: tuple[list[int], list[int]]) -> float:
        return float(pairs[np.ix_(*two)].min())

    groups = [[i] for i in range(len(pairs))]
    while len(groups) > 1:
        one, other = max(combinations(groups, 2), key=alike)
        if alike((one, other)) < same_above:
            break
        groups.remove(other)
        one.extend(other)
    classes = {i: number for number, group in enumerate(groups) for i in group}
    return [classes[i] for i in range(len(pairs))]
