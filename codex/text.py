"""Texts and numbers of any subject: fingerprints, numbers as they are shown, names that are near."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Context, Decimal

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


_TWO_DIGITS = Context(prec=2, rounding=ROUND_HALF_UP)


def number(value: float) -> str:
    """A finite number of two significant digits with a true minus sign, as the pages write it: "−0.42"."""
    rounded = _TWO_DIGITS.create_decimal(value)
    if not rounded:
        return "0"
    if abs(rounded) < Decimal("0.0005"):
        power = Decimal(value).adjusted()
        # 10.0**power would be 0 of a number as small as floats can be.
        text = f"{_fixed(float(Decimal(value).scaleb(-power)), 0)}e{power}"
    else:
        text = _fixed(value, min(4, max(0, 1 - rounded.adjusted())))
    return text.replace("-", "−")


def percent(share: float) -> str:
    """A share as a percentage of two significant digits, of more where it would else be 100%: "12%"."""
    value = 100 * share
    if value < 99 or value >= 100:
        return f"{number(value)}%"
    texts = (_fixed(value, places) for places in range(3))
    return f"{next((text for text in texts if float(text) < 100), '99.99')}%"


def chosen(share: float) -> str:
    """A share that somebody chose as a percentage with all its digits: "12.5%"."""
    return f"{round(100 * share, 3):g}%"


def moment(at: datetime) -> str:
    """A moment in local time: "2026-11-28 16:05 CET"."""
    return f"{at.astimezone():%Y-%m-%d %H:%M %Z}"


def listed(names: Sequence[str], most: int = 3) -> str:
    """The first names, and how many more there are: "capitals, sums, elements and 2 more"."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest:,} more" if rest > 0 else "")


def _fixed(value: float, places: int) -> str:
    return str(Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP))


def nearest(name: str, known: Collection[str], cutoff: float = 0.6) -> str:
    """How a sentence about an unknown name ends: "; did you mean 'short'?", or "." where none is near.

    cutoff: how alike it has to be, in [0, 1].
    """
    close = difflib.get_close_matches(name, known, n=1, cutoff=cutoff)
    if not close:
        # A key given without its group is near to the full one only by its last part.
        close = [each for each in known if each.rsplit(".")[-1] == name.rsplit(".")[-1]]
    return f"; did you mean {close[0]!r}?" if close else "."
