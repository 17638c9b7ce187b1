"""Every prompt template, with its fingerprint: what a calibrator was fitted on must be what is asked."""

from __future__ import annotations

from codex.prompts import asking, judging
from codex.prompts.asking import CHECK, SYSTEM, ask, reflect
from codex.text import sha256

__all__ = ["CHECK", "SYSTEM", "ask", "fingerprint", "reflect"]


def fingerprint() -> str:
    """Changes when any template changes; 12 hexadecimal digits."""
    return sha256("\0".join(asking.TEMPLATES + judging.TEMPLATES))[:12]
