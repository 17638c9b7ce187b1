"""Shares in words."""

from __future__ import annotations

import math


def percent(share: float) -> str:
    """A share in [0, 1] as whole percent; a half goes up, as where the scripts write one."""
    return f"{math.floor(100 * share + 0.5)}%"
