"""In which forms a verifier is asked."""

from __future__ import annotations

from typing import Literal

Form = Literal["plain", "candidates"]
"""candidates: it is shown the sampled answers too."""
