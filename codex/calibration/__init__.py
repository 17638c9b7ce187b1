"""Signals to probability: a prior until a calibrator is fitted, then what it says of held-out answers."""

from codex.calibration.calibrator import Calibrator, Metric, before_and_after
from codex.calibration.combine import SIGNALS, Design, Term
from codex.calibration.crossfit import LEAST_LABELS, Fitted, cross_fitted, fit
from codex.calibration.methods import METHODS, Map, Method
from codex.calibration.prior import estimated_confidence, estimated_confidences

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
    "estimated_confidence",
    "estimated_confidences",
    "fit",
]
