"""Which side of a split a question falls on: by what it asks, whatever set it is in."""

from __future__ import annotations

import re

from codex.errors import InvalidInput
from codex.signals.text import normalise
from codex.text import sha256
from codex.types import Side

_CHOICES = re.compile(r"\nA\. .*", re.DOTALL)


def split(question: str, calibration: float = 0.5) -> Side:
    """The side of a question, from the SHA-256 of its normalised text alone.

    So it never changes when a set grows, and the same question in two sets is on one side. Case,
    punctuation, articles and white space do not matter, nor do lettered choices below it.

    calibration: the expected share of that side, in [0, 1]; a question that is on it at some share is
    on it at every larger one.
    """
    if not 0 <= calibration <= 1:
        raise InvalidInput(
            f"The share for calibration must be in [0, 1], not {calibration}.", ["calibration"]
        )
    place = int(sha256(normalise(_CHOICES.sub("", question)))[:16], 16) / 2**64
    return "calibration" if place < calibration else "test"
