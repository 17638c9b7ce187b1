"""An answer's confidence and prediction set: the active calibrator's where it holds, else an estimate."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Self

from pydantic import BaseModel, ConfigDict

from codex.calibration import Calibrator
from codex.calibration.combine import PROBES
from codex.calibration.familiarity import FALSE_ALARMS
from codex.calibration.prediction_sets import tie_of
from codex.calibration.prior import estimated_confidence
from codex.signals import answer_groups
from codex.text import chosen, listed
from codex.types import Confidence, Observation, Origin, PredictionSet

SHOWN_ANSWER = 80
"""Characters of an answer that the words about a prediction set show."""


class LikelyAnswers(BaseModel):
    """A question's prediction set: of the answers that its samples give, those that hold the correct one."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    level: float
    """Share of such sets that hold the correct answer, for questions like those of the calibrator."""
    answers: tuple[str, ...]
    """Different answers, the most frequent first; none: no answer has enough of the samples."""
    any: bool
    """The correct answer may also be one that no sample gave."""

    @classmethod
    def of(cls, kept: PredictionSet) -> Self:
        """As a trace keeps it."""
        return cls(level=kept.level, answers=kept.answers, any=kept.any)

    def __str__(self) -> str:
        level = f"the {chosen(self.level)} confidence level"
        if self.any:
            return f"At {level} any answer could be correct, even one that no sample gave."
        if not self.answers:
            return f"At {level} the prediction set is empty: no answer was given by enough of the samples."
        return f"At {level} the correct answer is among: {', '.join(map(_named, self.answers))}."


def _named(answer: str) -> str:
    """An answer in a list of them."""
    shown = textwrap.shorten(answer, SHOWN_ANSWER, placeholder=" …")
    return f"“{shown}”" if "," in shown else shown


def confidence_of(
    signals: Mapping[str, float | None],
    origin: Origin,
    calibrator: Calibrator | None,
    familiarity: float | None = None,
) -> Confidence:
    """The calibrated probability, or the estimate of the prior where no calibrator holds for answers made so.

    familiarity: the p-value of the question; at most FALSE_ALARMS and the calibrator's number is an estimate.
    """
    if calibrator is not None and not calibrator.mismatch(origin):
        unfamiliar = familiarity is not None and familiarity <= FALSE_ALARMS
        # Trained probes rank other kinds of questions worse than signals do that were never trained.
        if unfamiliar:
            signals = {name: value for name, value in signals.items() if name not in PROBES}
        calibrated = calibrator.confidence(signals)
        if calibrated is not None:
            return Confidence(calibrated, None if unfamiliar else calibrated, familiarity)
    return Confidence(estimated_confidence(signals))


def basis(confidence: Confidence, fitted_on: Sequence[str] = ()) -> str:
    """What a confidence rests on, as a sentence. fitted_on: the names of the sets of its calibrator."""
    if confidence.calibrated is not None:
        return "calibrated"
    return other_kinds(fitted_on) if confidence.unfamiliar else "not calibrated"


def other_kinds(fitted_on: Sequence[str]) -> str:
    """What is said of a question that is unlike those of a calibrator: of which sets these were, if known."""
    named = f" ({listed(fitted_on)})" if fitted_on else ""
    return f"calibrated on other kinds of questions{named}"


def likely_answers(
    observation: Observation, confidence: Confidence, calibrator: Calibrator | None
) -> PredictionSet | None:
    """The prediction set of a question; the same whenever it is asked with the same samples.

    None where the calibrator has no sets, or does not hold for this request: `confidence` says so.
    """
    if calibrator is None or calibrator.prediction_sets is None or confidence.calibrated is None:
        return None
    groups, total = answer_groups(observation), len(observation.samples)
    shares = [len(group.members) / total for group in groups]
    picked = calibrator.prediction_sets.pick(shares, tie_of(observation.question))
    inside = [groups[at] for at in picked.members]
    return PredictionSet(
        level=round(1 - calibrator.prediction_sets.alpha, 12),
        answers=tuple(group.text for group in inside),
        samples=tuple(sorted(at for group in inside for at in group.members)),
        any=picked.anything,
    )
