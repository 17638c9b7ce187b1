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
    return tuple(map(_read, sorted(Path(__file__).parent.glob("*.json"))))


def _read(file: Path) -> Calibrator:
    """With the id of the run that holds its answers where they are stored: codex/evaluation/example.py."""
    calibrator = Calibrator.model_validate_json(file.read_text(encoding="utf-8"))
    shipped = calibrator.model_copy(update={"shipped": True})
    return shipped.model_copy(update={"runs": (f"shipped-{shipped.version.rpartition('@')[2]}",)})
