"""An answer's confidence and its answer set: the active calibrator's where it holds, else the heuristic."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from codex import prompts
from codex.calibration import Calibrator
from codex.calibration.answer_sets import tie_of
from codex.calibration.heuristic import heuristic_confidence
from codex.signals import answer_groups
from codex.text import percent
from codex.types import Confidence, Observation, StepKind


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


SHOWN_ANSWER = 80
"""Characters of an answer that the words about an answer set show."""


class LikelyAnswers(BaseModel):
    """A question's answer set: of the answers that its samples give, those that hold the right one."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    level: float
    """Share of such sets that hold the right answer, for questions like those of the calibrator."""
    answers: tuple[str, ...]
    """Different answers, the most frequent first; none: no answer has enough of the samples."""
    any: bool
    """The right answer may also be one that no sample gave."""

    def __str__(self) -> str:
        level = f"{percent(self.level)} certainty"
        if self.any:
            return f"For {level} there is no set: any answer could be right, even one that no sample gave."
        if not self.answers:
            return f"For {level} the set is empty: no answer was given by enough of the samples."
        return f"With {level} the right answer is among: {', '.join(map(_named, self.answers))}."


def _named(answer: str) -> str:
    """An answer in a list of them."""
    shown = textwrap.shorten(answer, SHOWN_ANSWER, placeholder=" …")
    return f"“{shown}”" if "," in shown else shown


class LikelySamples(LikelyAnswers):
    """The same as a trace keeps it."""

    samples: tuple[int, ...]
    """Indices of the samples that give one of the answers."""


def confidence_of(
    signals: Mapping[str, float | None], asked: Asked, calibrator: Calibrator | None
) -> Confidence:
    """The calibrated probability, or the heuristic where no calibrator holds for this asking."""
    if calibrator is not None and not misfit(calibrator, asked):
        calibrated = calibrator.confidence(signals)
        if calibrated is not None:
            return Confidence(calibrated, calibrated)
    return Confidence(heuristic_confidence(signals))


def likely_answers(
    observation: Observation, confidence: Confidence, calibrator: Calibrator | None
) -> LikelySamples | None:
    """The answer set of a question; the same whenever it is asked with the same samples.

    None where the calibrator has no sets, or does not hold for this asking: `confidence` says so.
    """
    if calibrator is None or calibrator.answer_sets is None or confidence.calibrated is None:
        return None
    groups, total = answer_groups(observation), len(observation.samples)
    shares = [len(group.members) / total for group in groups]
    picked = calibrator.answer_sets.pick(shares, tie_of(observation.question))
    inside = [groups[at] for at in picked.members]
    return LikelySamples(
        level=round(1 - calibrator.answer_sets.alpha, 12),
        answers=tuple(group.text for group in inside),
        samples=tuple(sorted(at for group in inside for at in group.members)),
        any=picked.anything,
    )


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
