"""How far an answer hedges."""

from __future__ import annotations

from codex.signals import View, signal
from codex_hedging.words import hedges_per_word


@signal(
    "hedging",
    label="Hedging words",
    meaning="How many of the answer's words say that it may be incorrect.",
    unit="per word",
    forms=("whole",),
    needs=set(),
    source="after Lakoff 1973",
    higher_is_confident=False,
    scale=(0.0, 0.2),
)
def hedging(view: View) -> float | None:
    """Hedges per word, in [0, 1]; missing where there are no words."""
    return hedges_per_word(view.observation.generation.text)
