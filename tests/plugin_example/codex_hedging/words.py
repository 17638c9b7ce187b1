"""Words that say that an answer may be incorrect."""

from __future__ import annotations

import re

HEDGES = re.compile(r"\b(maybe|perhaps|possibly|probably|might|could|think|guess)\b", re.IGNORECASE)


def hedges_per_word(text: str) -> float | None:
    """In [0, 1]; None where there are no words."""
    words = len(text.split())
    return len(HEDGES.findall(text)) / words if words else None
