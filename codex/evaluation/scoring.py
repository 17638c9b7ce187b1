"""What a run shows: how well each signal, and the calibrated confidence, tells right answers from wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict

from codex.calibration import LEAST_LABELS, Calibrator, cross_fitted, metrics, ranking
from codex.calibration.resampling import Interval, Resamples, resamples_for
from codex.errors import Cancelled, InvalidInput
from codex.evaluation.generations import Generated
from codex.evaluation.seen import seen
from codex.evaluation.text_metrics import TextScores, text_scores
from codex.grading.grades import grade
from codex.signals import REGISTRY, compute
from codex.store.evaluation.table import Table

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Stop(Protocol):
    """Such as `threading.Event`."""

    def is_set(self) -> bool: ...


class Confidences(NamedTuple):
    """The confidence of each answer, or why there is none."""

    values: Array | None
    """[repeats, n]; NaN where nothing can be said."""
    source: str
    """The calibrator's version, or how it was cross-fitted."""
    note: str
    """Why there is none; "" where there is."""


class Ranking(BaseModel):
    """How well higher means correct. None where it is not defined; `_ci`: 95 % bootstrap intervals."""

    model_config = ConfigDict(frozen=True)

    missing: int
    """Answers without a value; they rank as least confident."""
    auroc: float | None = None
    auroc_ci: Interval | None = None
    auprc: float | None = None
    """Average precision of finding the incorrect answers."""
    auprc_ci: Interval | None = None
    prr: float | None = None
    """Prediction rejection ratio, up to all answers rejected."""
    prr_ci: Interval | None = None
    prr50: float | None = None
    """The same up to half of them."""
    prr50_ci: Interval | None = None
    aurc: float | None = None
    """Area under the curve of risk over coverage; lower is better."""
    aurc_ci: Interval | None = None
    eaurc: float | None = None
    """The excess over the best order."""
    eaurc_ci: Interval | None = None
    accuracy_at_80: float | None = None
    """Share correct among the most confident 80 %."""
    accuracy_at_80_ci: Interval | None = None


class ConfidenceScores(Ranking):
    """The same of the confidence, and how far it means what it says; the mean over the cross-fits."""

    source: str
    """The calibrator's version, or how it was cross-fitted."""
    ece: float | None = None
    """Expected calibration error over 15 bins of equal mass."""
    ece_ci: Interval | None = None
    ece_perfect: float | None = None
    """What perfect probabilities of these values would show on so few answers; simulated."""
    ece_excess: float | None = None
    """ece - ece_perfect."""
    ece_excess_ci: Interval | None = None
    ece_width: float | None = None
    """Over 10 bins of equal width."""
    ece_width_ci: Interval | None = None
    brier: float | None = None
    brier_ci: Interval | None = None
    nll: float | None = None
    """In nats."""
    nll_ci: Interval | None = None


class GroupScores(BaseModel):
    """Some answers: how many are correct, and what tells which."""

    model_config = ConfigDict(frozen=True)

    n: int
    accuracy: float | None
    accuracy_ci: Interval | None
    """Wilson's 95 % interval."""
    signals: dict[str, Ranking]
    """By name, each oriented so that higher is more confident."""
    confidence: ConfidenceScores | None
    """None where there is none; `note` says why."""
    note: str


class Scores(GroupScores):
    """A run's metrics; what `codex evaluate --json` prints."""

    ungraded: int
    """Answers that are not among the n."""
    groups: dict[str, GroupScores]
    """By group, where there are several."""
    text: TextScores | None
    """None where the accepted answers are not known."""
    resamples: int
    """Behind each interval."""


def score(
    table: Table,
    calibrator: Calibrator | None = None,
    *,
    confidences: Confidences | ArrayLike | None = None,
    answers: Sequence[Sequence[str]] | None = None,
    resamples: int | None = None,
    seed: int = 0,
    cancel: Stop | None = None,
) -> Scores:
    """Every metric of a run's graded answers.

    calibrator: whose confidence is scored; without one it is cross-fitted on the table itself, unless
    `confidences` gives it: [repeats, n], or what `confidences_of` said. answers: [n], the accepted
    wordings, for the metrics of texts.
    Raises Cancelled.
    """
    n = len(table.correct)
    count = (resamples_for(n) if resamples is None else resamples) if n else 0
    if confidences is None:
        confidences = confidences_of(table, calibrator, seed=seed)
    elif not isinstance(confidences, Confidences):
        confidences = Confidences(np.atleast_2d(np.asarray(confidences, float)), "given", "")
    given, source, note = confidences
    oriented = _oriented(table.signals, n)
    whole = _Scorer(count, seed, cancel).score(oriented, given, table.correct, source, note)
    names = np.unique(table.groups)
    groups = {}
    for name in names if len(names) > 1 else ():
        rows = np.flatnonzero(table.groups == name)
        groups[str(name)] = _Scorer(min(count, GROUP_RESAMPLES), seed, cancel).score(
            {key: column[rows] for key, column in oriented.items()},
            None if given is None else given[:, rows],
            table.correct[rows],
            source,
            note,
        )
    texts = None
    if answers is not None:
        texts = text_scores(table.texts, answers, table.signals.get("avg_logprob", ()))
    return Scores(**dict(whole), ungraded=table.ungraded, groups=groups, text=texts, resamples=count)


def graded(
    generations: Iterable[Generated], grader: str | None = None, cancel: Stop | None = None
) -> tuple[Table, list[tuple[str, ...]]]:
    """Generations as a table of their signals, and the accepted wordings of each.

    grader: by name; without one a stored verdict counts, else the default grader's. A person's verdict
    always counts. What failed, or cannot be graded, is only counted.
    """
    # Not the generations themselves: their tokens take a hundred times the room.
    rows: list[tuple[str, str, str, str, bool]] = []
    answers: list[tuple[str, ...]] = []
    values: list[dict[str, float | None]] = []
    ungraded = 0
    graders = Counter[str]()
    for each in generations:
        if cancel is not None and cancel.is_set():
            raise Cancelled("The scoring was cancelled.")
        correct, graded_by = _correct(each, grader)
        if correct is None:
            ungraded += 1
            continue
        observation = each.observation
        rows.append((each.id, observation.question, observation.generation.text, each.group, correct))
        graders[graded_by] += 1
        answers.append(each.answers)
        values.append(compute(observation))
    ids, questions, texts, groups, verdicts = zip(*rows, strict=True) if rows else ((),) * 5
    table = Table(
        ids=ids,
        questions=questions,
        texts=texts,
        groups=np.array(groups, dtype=np.str_),
        correct=np.array(verdicts, dtype=np.bool_),
        signals={name: np.array([row[name] for row in values], dtype=np.float64) for name in REGISTRY},
        ungraded=ungraded,
        graders=dict(graders.most_common()),
    )
    return table, answers


def _correct(each: Generated, grader: str | None) -> tuple[bool | None, str]:
    """The verdict, and by which grader; "" where that is not known."""
    if each.error:
        return None, ""
    if each.by_person:
        return each.correct, "person"
    if grader is None and each.correct is not None:
        return each.correct, each.grader or ""
    if not each.answers and each.answerable:
        return None, ""
    found = grade(each.item, each.observation.generation.text, grader)
    return found.correct, found.grader


GROUP_RESAMPLES = 100
"""Of each group: there may be many, and their intervals are wide anyway."""


def confidences_of(table: Table, calibrator: Calibrator | None = None, *, seed: int = 0) -> Confidences:
    """The calibrator's confidence of each answer; without one it is cross-fitted on the table.

    That takes seconds, and some labels of each kind. There is none where a calibrator that holds nothing
    out was fitted on such answers.
    """
    n, correct = len(table.correct), int(table.correct.sum())
    if calibrator is not None:
        if calibrator.why_incomplete:
            return Confidences(None, "", calibrator.why_incomplete)
        if not calibrator.holds_out and seen(calibrator, table).any():
            return Confidences(None, "", calibrator.why_unproven)
        values = calibrator.confidences(table.signals)[None] if n else None
        return Confidences(values, calibrator.version, "")
    columns = {
        name: column
        for name, column in table.signals.items()
        if name in REGISTRY and np.isfinite(column).any()
    }
    note = _hopeless(n, correct, bool(columns))
    if note:
        return Confidences(None, "", note)
    signs = {name: 1 if REGISTRY[name].higher_is_confident else -1 for name in columns}
    try:
        values = cross_fitted(columns, table.correct, signs=signs, groups=table.groups, seed=seed)
    except InvalidInput as error:  # Signals that are all alike, say.
        return Confidences(None, "", str(error))
    return Confidences(values, "cross-fitted on these answers, 10 times in 5 parts", "")


def _hopeless(n: int, correct: int, any_signal: bool) -> str:
    """Why nothing can be fitted on n answers; "" where it can."""
    if n < LEAST_LABELS:
        return (
            f"{n} graded answers are too few to fit a confidence; {LEAST_LABELS} are needed: "
            f"{LEAST_LABELS - n} more."
        )
    if correct in (0, n):
        return f"All {n} answers are {'correct' if correct else 'incorrect'}: nothing tells them apart."
    return "" if any_signal else "No answer has a signal to fit a confidence to."


class _Scorer:
    """Figures of the same answers by different confidences."""

    def __init__(self, resamples: int, seed: int, cancel: Stop | None) -> None:
        self._count, self._seed, self._cancel = resamples, seed, cancel

    def score(
        self, oriented: Mapping[str, Array], confidences: Array | None, correct: Flags, source: str, note: str
    ) -> GroupScores:
        n = len(correct)
        resamples = Resamples(correct, self._count, self._seed) if n else None
        signals = {}
        for name, column in oriented.items():
            if self._cancel is not None and self._cancel.is_set():
                raise Cancelled("The scoring was cancelled.")
            signals[name] = _ranking(column, correct, resamples)
        return GroupScores(
            n=n,
            accuracy=float(correct.mean()) if n else None,
            accuracy_ci=metrics.wilson(correct.sum(), n) if n else None,
            signals=signals,
            confidence=_confidence(confidences, correct, resamples, source) if n else None,
            note=note if n else "No answer is graded.",
        )


_PROBABILITY = {
    "ece": metrics.ece,
    "ece_width": lambda p, correct: metrics.ece(p, correct, metrics.WIDTH_BINS, mass=False),
    "brier": metrics.brier,
    "nll": metrics.nll,
}


def by_auroc(signals: Mapping[str, Ranking]) -> list[tuple[str, Ranking]]:
    """The signals and their metrics, the best first; those without an AUROC last."""
    return sorted(signals.items(), key=lambda each: (each[1].auroc is None, -(each[1].auroc or 0.0)))


def _oriented(signals: Mapping[str, Array], n: int) -> dict[str, Array]:
    """Every signal of the register, [n], so that higher is more confident; NaN where it is missing."""
    nothing = np.full(n, np.nan)
    columns = {name: np.asarray(signals.get(name, nothing), float) for name in REGISTRY}
    return {
        name: column if REGISTRY[name].higher_is_confident else -column for name, column in columns.items()
    }


def _ranking(confidence: Array, correct: Flags, resamples: Resamples | None) -> Ranking:
    missing = metrics.unknown(confidence)
    if resamples is None or missing == len(correct):
        return Ranking(missing=missing)
    return Ranking(
        missing=missing,
        **{name: _number(value) for name, value in ranking.metrics(confidence, correct).items()},
        **{f"{name}_ci": interval for name, interval in resamples.ranking(confidence).items()},
    )


def _confidence(
    confidences: Array | None, correct: Flags, resamples: Resamples | None, source: str
) -> ConfidenceScores | None:
    """Figures as means over the repeats, intervals of the first."""
    if confidences is None or resamples is None:
        return None
    first = confidences[0]
    if np.isnan(first).all():
        return ConfidenceScores(missing=len(first), source=source)
    repeats = [
        ranking.metrics(row, correct) | {name: metric(row, correct) for name, metric in _PROBABILITY.items()}
        for row in confidences
    ]
    values = {name: _number(float(np.mean([each[name] for each in repeats]))) for name in repeats[0]}
    perfect = float(np.mean([metrics.perfect_ece(row) for row in confidences]))
    intervals = resamples.ranking(first) | resamples.probabilities(
        first, {name: values[name] for name in ("ece", "ece_width")}
    )
    ece, reach = values["ece"], intervals["ece"]
    return ConfidenceScores(
        missing=metrics.unknown(first),
        source=source,
        ece_perfect=perfect,
        ece_excess=None if ece is None else ece - perfect,
        ece_excess_ci=None if reach is None else (reach[0] - perfect, reach[1] - perfect),
        **values,
        **{f"{name}_ci": interval for name, interval in intervals.items()},
    )


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
