"""Every prompt template, with its fingerprint: what a calibrator was fitted on must be what is asked."""

from __future__ import annotations

from codex.prompts import answering, judging
from codex.prompts.answering import CHECK, SYSTEM, SYSTEM_WITH_PASSAGES, ask, reflect
from codex.text import sha256
from codex.types import FOLLOWS

__all__ = ["CHECK", "SYSTEM", "SYSTEM_WITH_PASSAGES", "ask", "fingerprint", "reflect"]


def fingerprint(follows: bool = False) -> str:
    """Changes when any template changes; 12 hexadecimal digits.

    follows: whether turns come before the question; what was fitted on first questions holds for no such.
    """
    return sha256("\0".join(answering.TEMPLATES + judging.TEMPLATES))[:12] + (FOLLOWS if follows else "")
