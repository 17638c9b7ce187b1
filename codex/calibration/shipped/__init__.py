"""The calibrators that come with Codex: of its default model, on each engine.

Each was made by `codex calibrate --generations` from the answers under datasets/answers.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from codex.calibration.calibrator import Calibrator


@cache
def shipped_calibrators() -> tuple[Calibrator, ...]:
    """All of them."""
    files = sorted(Path(__file__).parent.glob("*.json"))
    read = (Calibrator.model_validate_json(file.read_text(encoding="utf-8")) for file in files)
    return tuple(calibrator.model_copy(update={"shipped": True}) for calibrator in read)
