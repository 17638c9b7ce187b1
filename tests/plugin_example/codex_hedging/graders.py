"""Whether an answer begins with an accepted one."""

from __future__ import annotations

from codex.items import Item


def first_word(item: Item, text: str) -> float:
    """1 where the answer's first word is an accepted answer's, whatever its case, else 0."""
    said = text.casefold().split()[:1]
    return float(any(said == answer.casefold().split()[:1] for answer in item.answers))
