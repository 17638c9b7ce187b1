"""Texts and shares of any subject: fingerprints, percentages, the words that every English text holds."""

from __future__ import annotations

import hashlib

COMMON_WORDS = frozenset(
    """
    a about also am an and are as at be because been being between but by can could did do does during for
    from had has have having he her here hers him his how i if in into is it its just me my of on or our she
    should so such than that the their them then there these they this those through to too us very was we
    were what when where which while who whom whose why with would you your
    """.split()  # noqa: SIM905
)
"""English articles, pronouns, prepositions and auxiliaries; each use as stop words adds its own."""


def sha256(text: str) -> str:
    """The SHA-256 of a text in UTF-8, as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def percent(share: float) -> str:
    """A share as a percentage of three significant digits: "12.5%"."""
    return f"{100 * share:.3g}%"
