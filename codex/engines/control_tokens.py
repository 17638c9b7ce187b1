"""Control tokens inside what people and documents say: read as text, never as the end of a turn.

A rendered prompt is tokenized as one text, in which `<|im_end|>` is one token whoever wrote it. So each
spelling of a control token in a message is broken up before the template puts its own around it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache


def neutral(text: str, controls: Collection[str]) -> str:
    """The text with a space after the first character of each control token: <|im_end|> -> < |im_end|>.

    A control token of one character becomes U+FFFD. Nothing is taken away, so no pieces can close up to
    another control token; those that overlap are broken in the next round.
    """
    found = _any_of(frozenset(controls))
    while found and found.search(text):
        text = found.sub(lambda it: f"{it[0][0]} {it[0][1:]}" if len(it[0]) > 1 else "\ufffd", text)
    return text


@lru_cache(maxsize=8)
def _any_of(controls: frozenset[str]) -> re.Pattern[str] | None:
    """None where there are none. Blank ones are left alone: a space does not break them."""
    spelled = sorted((it for it in controls if it.strip()), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, spelled))) if spelled else None
