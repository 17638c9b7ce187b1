"""Every prompt template, with its fingerprint: what a calibrator was fitted on must be what is asked."""

from __future__ import annotations

import hashlib

from codex.prompts import asking, judging
from codex.prompts.asking import CHECK, SYSTEM, ask, reflect

__all__ = ["CHECK", "SYSTEM", "ask", "fingerprint", "reflect"]


def fingerprint() -> str:
    """Changes when any template changes; 12 hexadecimal digits."""
    return hashlib.sha256("\0".join(asking.TEMPLATES + judging.TEMPLATES).encode()).hexdigest()[:12]
