"""What an answer without hedging words is worth."""

from __future__ import annotations

from collections.abc import Sequence

from codex.items import Item
from codex_hedging.words import hedges_per_word

MOST = 0.2
"""Hedges per word from which an answer gets the lowest reward."""


def unhedged(prompts: Sequence[str], answers: Sequence[str], references: Sequence[Item]) -> list[float]:
    """0 for an answer without hedging words, falling in a line to -1 where every fifth word hedges.

    Alone it pays for any text that does not hedge: add another reward.
    """
    return [-min((hedges_per_word(text) or 0.0) / MOST, 1.0) for text in answers]
