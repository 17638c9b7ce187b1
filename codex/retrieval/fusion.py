"""One order out of two rankings."""

from __future__ import annotations

from collections.abc import Sequence

RANK_CONSTANT = 60
"""k of reciprocal rank fusion: how little the very first ranks count above those after them."""


def reciprocal_ranks(rankings: Sequence[Sequence[int]], weights: Sequence[float]) -> dict[int, float]:
    """Each item's sum of weight / (60 + rank) over the rankings that hold it, ranks counted from 1.

    Source: Cormack, Clarke and Buettcher 2009, "Reciprocal rank fusion outperforms Condorcet".
    """
    scores: dict[int, float] = {}
    for ranking, weight in zip(rankings, weights, strict=True):
        for rank, item in enumerate(ranking, start=1):
            scores[item] = scores.get(item, 0.0) + weight / (RANK_CONSTANT + rank)
    return scores
