"""Fuses two rankings into one."""

from __future__ import annotations

from collections.abc import Sequence

LEXICAL_WEIGHT = 0.3
"""Of the lexical ranking beside the dense one, when its best match does not stand out.

Chosen, like 1 / rank, on one half of the Natural Questions passages. With 1 / (60 + rank) and equal weights,
the usual choice, the first passage is correct less often than in the dense ranking alone.
"""

Ranking = Sequence[tuple[int, float]]
"""Items with their scores, best first."""


def reciprocal_ranks(dense: Ranking, lexical: Ranking) -> dict[int, float]:
    """Each item's sum of weight / rank over the rankings that contain it; ranks are counted from 1.

    The dense ranking has weight 1. The lexical one has LEXICAL_WEIGHT, and up to 1 more the further its best
    match stands out, so that a name or number found in a single passage decides.

    Source: Cormack, Clarke and Buettcher 2009, with these weights.
    """
    scores: dict[int, float] = {}
    for ranking, weight in ((dense, 1.0), (lexical, LEXICAL_WEIGHT + prominence(lexical))):
        for rank, (item, _) in enumerate(ranking, start=1):
            scores[item] = scores.get(item, 0.0) + weight / rank
    return scores


def prominence(ranking: Ranking) -> float:
    """By how much of its score the first is ahead of the second, in [0, 1]; 1 when there is no second."""
    if not ranking or ranking[0][1] <= 0:
        return 0.0
    second = ranking[1][1] if len(ranking) > 1 else 0.0
    return 1.0 - max(second, 0.0) / ranking[0][1]
