"""A fitted calibrator as it is kept: what it computes, what it was fitted on, and how good it was there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import AliasChoices, BaseModel, ConfigDict, Field
from scipy.special import expit

from codex import plugins
from codex.calibration import metrics
from codex.calibration.combine import PROBES, Columns, Design
from codex.calibration.crossfit import LEAST_LABELS, Fitted
from codex.calibration.familiarity import Familiarity
from codex.calibration.methods import Map, Method
from codex.calibration.prediction_sets import ConformalPredictor
from codex.calibration.resampling import Interval, Resamples
from codex.text import sha256
from codex.types import FOLLOWS, Origin, Side

Array = NDArray[np.float64]
MetricName = Literal["auroc", "ece", "ece_excess", "brier", "nll"]


P_TRUE = "p_true"
"""The signal that depends on who verifies."""
STATED = "stated_confidence"
"""The signal that depends on whether the model states its confidence, and how."""


class Metric(BaseModel):
    """One metric of the cross-fitted confidences: the mean over the repeats."""

    model_config = ConfigDict(frozen=True)

    value: float
    low: float
    """Of the 95 % bootstrap interval over the answers."""
    high: float

    @classmethod
    def of(cls, value: float, ends: Interval | None) -> Metric:
        """ends: NaN where there are none."""
        low, high = ends or (np.nan, np.nan)
        return cls(value=value, low=low, high=high)


class WithoutProbes(BaseModel):
    """What a calibrator computes where probes cannot be relied on, since they were not fitted there."""

    model_config = ConfigDict(frozen=True)

    design: Design
    map: Map


class Calibrator(BaseModel):
    """Signals to the probability that the answer is correct; holds only for what it was fitted on."""

    model_config = ConfigDict(frozen=True)

    name: str
    method: Method
    design: Design
    map: Map
    model: str
    """The engine's fingerprint."""
    prompt: str
    """The fingerprint of the prompt templates."""
    temperature: float = 0.0
    """Of the answers."""
    n_samples: int
    adaptive: bool = False
    """With fewer samples where the first ones settled it."""
    sample_temperature: float
    evidence: bool
    """Asked with passages in the prompt."""
    runs: tuple[str, ...]
    datasets: tuple[str, ...]
    questions: int
    """Graded answers it was fitted on."""
    sides: tuple[Side, ...] = ("calibration",)
    """The sides of the split that they are on. What proves something of it rests on the others; on both where
    it was fitted on labels too few to hold half of them out."""
    accuracy: float
    """Their share of correct ones."""
    metrics: dict[Literal["before", "after"], dict[MetricName, Metric]]
    """Cross-fitted; before: of the combined probability, without the map."""
    briers: dict[Method, float] = {}
    """Cross-validated, of each method that was tried."""
    reference: dict[str, Any] | None = None
    """The signals' own distribution, for telling drift."""
    prediction_sets: ConformalPredictor | None = Field(
        None,
        validation_alias=AliasChoices("prediction_sets", "answer_sets"),
        serialization_alias="answer_sets",
    )
    """Which of a question's samples make its prediction set; None: none were requested."""
    familiarity: Familiarity | None = None
    """Tells questions that are unlike those it was fitted on; None: they were too few, or not compared."""
    prior: str | None = None
    """The version of the prior that the fit was held to; None: none."""
    probe: str = ""
    """The version of the probes whose signals it combines; "": of none."""
    without_probes: WithoutProbes | None = None
    """What holds where their signals are missing, or the question is unfamiliar; None: it combines none."""
    verifier: str = ""
    """The version of the trained verifier that verified the answers; "": none did."""
    stated: str = ""
    """The fingerprint of the prompt under which the model stated its confidence; "": it is not combined."""
    plugins: dict[str, str] = {}
    """Of each signal that it combines and that a plug-in adds, the package."""
    shipped: bool = False
    """It came with Codex."""
    created_at: datetime = Field(default_factory=lambda: datetime.now(UTC))

    @property
    def version(self) -> str:
        """The name and ten hexadecimal digits of the content, apart from name, time and origin."""
        left_out = {"name", "created_at", "shipped"}
        # As before there were these, and under their first name, so that a version stays what it was.
        left_out |= {
            name
            for name in ("prediction_sets", "familiarity", "prior", "without_probes")
            if getattr(self, name) is None
        }
        left_out |= set() if self.probe else {"probe"}
        left_out |= {"sides"} if self.holds_out else set()
        left_out |= set() if self.adaptive else {"adaptive"}
        left_out |= set() if self.verifier else {"verifier"}
        left_out |= set() if self.stated else {"stated"}
        left_out |= set() if self.plugins else {"plugins"}
        own = self.model_copy(update={"runs": ()}) if self.shipped else self
        content = own.model_dump_json(exclude=left_out, by_alias=True)
        return f"{self.name}@{sha256(content)[:10]}"

    @property
    def templates(self) -> str:
        """The fingerprint of the prompt templates, whether turns came before the questions or not."""
        return self.prompt.removesuffix(FOLLOWS)

    @property
    def for_follow_ups(self) -> bool:
        """Whether it holds for follow-ups alone, or for first questions alone."""
        return self.prompt.endswith(FOLLOWS)

    @property
    def holds_out(self) -> bool:
        """Whether it was fitted on the calibration side alone, so that the other can prove things."""
        return "test" not in self.sides

    @property
    def why_unproven(self) -> str:
        """Why nothing can be proved of it and what to do, in a sentence; "" where it holds answers out."""
        if self.holds_out:
            return ""
        least = 2 * LEAST_LABELS - self.questions
        more = f"at least {least:,} more" if least > 0 else "more"
        return (
            f"This calibrator was fitted on all of its {self.questions:,} labels, so that none is left to "
            f"prove a guarantee: label {more} and recalibrate."
        )

    def raw(self, columns: Columns) -> Array:
        """[n]: the combined probability before the map; NaN where every signal is missing."""
        return np.asarray(expit(self.design.logit(columns)))

    def confidences(self, columns: Columns) -> Array:
        """[n] in [0, 1]; NaN where nothing can be said."""
        found = self.map(self.raw(columns))
        if self.without_probes is None:
            return found
        names = [term.name for term in self.design.terms if term.name in PROBES]
        missing = np.all([np.isnan(np.asarray(columns.get(name, np.nan), float)) for name in names], axis=0)
        logit = self.without_probes.design.logit(columns)
        return np.where(missing, self.without_probes.map(expit(logit)), found)

    def confidence(self, signals: Mapping[str, float | None]) -> float | None:
        """Of one answer; None where nothing can be said."""
        terms = (*self.design.terms, *(self.without_probes.design.terms if self.without_probes else ()))
        columns = {
            term.name: [np.nan if (value := signals.get(term.name)) is None else value] for term in terms
        }
        value = float(self.confidences(columns)[0])
        return None if np.isnan(value) else value

    @property
    def why_incomplete(self) -> str:
        """Which of its signals no plug-in adds any more, and what to do, as a sentence; "": none."""
        for name, package in self.plugins.items():
            now = plugins.registered.get(name)
            if now == package:
                continue
            there = f"is not there; {now} adds another one" if now else "is not installed or does not load"
            return (
                f"It combines the signal {name!r} of {package}, which {there}: "
                "install that package, or fit another calibrator."
            )
        return ""

    def mismatch(self, other: Origin) -> str:
        """Why it does not hold for answers that came about so, in words; "" when it does."""
        if self.why_incomplete:
            return self.why_incomplete
        if other.model != self.model:
            return f"It was fitted on answers of {self.model}, not of {other.model}."
        if self.templates == other.prompt.removesuffix(FOLLOWS) and self.prompt != other.prompt:
            fitted, asked = ("follow-ups", "first questions")[:: 1 if self.for_follow_ups else -1]
            return f"It was fitted on answers to {fitted}, not to {asked}."
        if other.prompt != self.prompt:
            return "It was fitted on answers to other prompt templates."
        if other.evidence != self.evidence:
            return f"It was fitted on answers {'with' if self.evidence else 'without'} passages."
        if other.temperature != self.temperature:
            return (
                f"It was fitted on answers at temperature {self.temperature:g}, not at {other.temperature:g}."
            )
        if other.n_samples != self.n_samples:
            return f"It was fitted with {self.n_samples} samples of each answer, not {other.n_samples}."
        if self.probe and other.probe not in ("", self.probe):
            return f"It was fitted with the probes {self.probe}, not with {other.probe}."
        if self.n_samples and other.adaptive != self.adaptive:
            how = "as many samples as each answer needed", "all samples of each answer"
            return f"It was fitted with {how[not self.adaptive]}, not with {how[self.adaptive]}."
        if self.n_samples and other.sample_temperature != self.sample_temperature:
            return (
                f"It was fitted with samples at temperature {self.sample_temperature:g}, "
                f"not {other.sample_temperature:g}."
            )
        return self._checked_otherwise(other)

    def _checked_otherwise(self, other: Origin) -> str:
        if other.verifier != self.verifier and any(term.name == P_TRUE for term in self.design.terms):
            own, others = (each or "the model as it is" for each in (self.verifier, other.verifier))
            return f"It was fitted on answers verified by {own}, not by {others}."
        if self.stated and not other.stated:
            return "It was fitted with the confidence that the model states: set grounding.state_confidence."
        if self.stated and other.stated != self.stated:
            return "It was fitted with the confidence that the model states under another prompt."
        return ""


def before_and_after(
    fitted: Fitted, correct: ArrayLike, resamples: int = 1000, counts: Array | None = None
) -> dict[Literal["before", "after"], dict[MetricName, Metric]]:
    """What a calibrator keeps as its `metrics`. counts: as for `measured`."""
    return {
        "before": measured(fitted.raw_crossfitted, correct, resamples, counts),
        "after": measured(fitted.crossfitted, correct, resamples, counts),
    }


def measured(
    confidences: Array, correct: ArrayLike, resamples: int | None = None, counts: Array | None = None
) -> dict[MetricName, Metric]:
    """Metrics of confidences, [n] or [repeats, n]: means over the repeats, with intervals of the first.

    resamples: as many as are worth their time where None. counts: [n], how much each answer counts, such as
    1 / the probability that it was drawn; None: all alike.
    """
    outcomes, repeats = np.asarray(correct, bool), np.atleast_2d(confidences)
    if counts is not None:
        return _weighted(repeats, outcomes, resamples, counts / counts.mean())
    values = {
        name: float(np.mean([metric(row, outcomes) for row in repeats])) for name, metric in _METRICS.items()
    }
    drawn = Resamples(outcomes, resamples)
    ends = drawn.ranking(repeats[0], values) | drawn.probabilities(repeats[0], values)
    found = {name: Metric.of(value, ends[name]) for name, value in values.items()}
    # What perfect probabilities show hardly moves between resamples, and costs most to simulate.
    perfect = float(np.mean([metrics.perfect_ece(row) for row in repeats]))
    ece = found["ece"]
    excess = Metric(value=ece.value - perfect, low=ece.low - perfect, high=ece.high - perfect)
    return {**found, "ece_excess": excess}


def _weighted(
    repeats: Array, correct: NDArray[np.bool_], resamples: int | None, counts: Array
) -> dict[MetricName, Metric]:
    def drawn_of(drawn: Resamples, row: Array) -> dict[str, Array]:
        return drawn.ranking_draws(row, ("auroc",)) | drawn.probability_draws(row)

    whole = [drawn_of(Resamples.as_it_is(correct, counts), row) for row in repeats]
    names: tuple[MetricName, ...] = ("auroc", "ece", "brier", "nll")
    values = {name: float(np.mean([found[name] for found in whole])) for name in names}
    drawn = Resamples(correct, resamples, weight=counts)
    ends = drawn.ranking(repeats[0], values, ("auroc",)) | drawn.probabilities(repeats[0], values)
    found = {name: Metric.of(value, ends[name]) for name, value in values.items()}
    perfect = _perfect_ece(repeats[0], counts)
    ece = found["ece"]
    excess = Metric(value=ece.value - perfect, low=ece.low - perfect, high=ece.high - perfect)
    return {**found, "ece_excess": excess}


def _perfect_ece(confidence: Array, counts: Array, draws: int = metrics.DRAWS) -> float:
    """The mean ECE that perfect probabilities with these values and weights would show; simulated."""
    known = ~np.isnan(confidence)
    p, weight = confidence[known], counts[known]
    rng = np.random.default_rng(0)
    gaps = [
        Resamples.as_it_is(rng.random(len(p)) < p, weight).probability_draws(p)["ece"][0]
        for _ in range(draws if len(p) else 0)
    ]
    return float(np.mean(gaps)) if gaps else np.nan


_METRICS: dict[MetricName, Callable[[ArrayLike, ArrayLike], float]] = {
    "auroc": metrics.auroc,
    "ece": metrics.ece,
    "brier": metrics.brier,
    "nll": metrics.nll,
}
