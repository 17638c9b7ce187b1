"""An answer's confidence: the active calibrator's where it holds, the heuristic elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from codex import prompts
from codex.calibration import Calibrator
from codex.calibration.heuristic import heuristic_confidence
from codex.types import Confidence, StepKind


@dataclass(frozen=True, slots=True)
class Asked:
    """How an answer came about, as far as a calibrator depends on it."""

    kind: StepKind
    model: str
    """The engine's fingerprint."""
    temperature: float
    """Of the answer."""
    n_samples: int
    sample_temperature: float
    evidence: bool
    """With passages in the prompt."""


def confidence_of(
    signals: Mapping[str, float | None], asked: Asked, calibrator: Calibrator | None
) -> Confidence:
    """The calibrated probability, or the heuristic where no calibrator holds for this asking."""
    if calibrator is not None and not misfit(calibrator, asked):
        calibrated = calibrator.confidence(signals)
        if calibrated is not None:
            return Confidence(calibrated, calibrated)
    return Confidence(heuristic_confidence(signals))


def misfit(calibrator: Calibrator, asked: Asked) -> str:
    """Why the calibrator does not hold for this asking, in words; "" when it does."""
    if asked.kind in ("reflect", "branch"):
        return f"It was not fitted to answers of the kind {asked.kind!r}."
    return calibrator.misfit(
        model=asked.model,
        prompt=prompts.fingerprint(),
        n_samples=asked.n_samples,
        sample_temperature=asked.sample_temperature,
        evidence=asked.evidence,
        temperature=asked.temperature,
    )
