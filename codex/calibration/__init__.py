"""Signals to probability: a heuristic until a calibrator is fitted, then what it says of held-out answers."""

from codex.calibration.calibrator import Calibrator, Metric, before_and_after
from codex.calibration.combine import SIGNALS, Design, Term
from codex.calibration.crossfit import LEAST_LABELS, Fitted, cross_fitted, fit
from codex.calibration.heuristic import heuristic_confidence, heuristic_confidences
from codex.calibration.methods import METHODS, Map, Method

__all__ = [
    "LEAST_LABELS",
    "METHODS",
    "SIGNALS",
    "Calibrator",
    "Design",
    "Fitted",
    "Map",
    "Method",
    "Metric",
    "Term",
    "before_and_after",
    "cross_fitted",
    "fit",
    "heuristic_confidence",
    "heuristic_confidences",
]
