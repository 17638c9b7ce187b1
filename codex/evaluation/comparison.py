"""Two runs over the questions that both were asked: who answers more of them correctly, and by how much."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from pydantic.config import JsonDict

from codex.calibration import metrics
from codex.calibration.imports import IMPORTS
from codex.calibration.prior import estimated_confidences
from codex.calibration.resampling import Interval, Resamples, interval
from codex.errors import InvalidInput
from codex.evaluation.scoring import confidences_of
from codex.signals.text import normalise
from codex.store import Store
from codex.store.evaluation.table import Lines, Table

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Outcome = Literal["gained", "lost", "both", "neither", "not graded"]
OUTCOMES: dict[Outcome, str] = {
    "gained": "only the second answers correctly",
    "lost": "only the first answers correctly",
    "both": "both answer correctly",
    "neither": "neither answers correctly",
    "not graded": "an answer is not graded",
}
METRICS = ("accuracy", "auroc", "ece", "confidence")
"""That are compared, by their names in the glossary."""
RESAMPLES = 2_000
"""Behind each interval, up to so many answers as make BUDGET numbers."""
BUDGET = 4_000_000
CHANCE = 0.05
"""A p-value from this on is called chance."""


EXAMPLE: JsonDict = {
    "summary": "new answers 5 more of 60 shared questions correctly than old: +8 points [−2, +18], within "
    "chance (p = 0.36).",
    "shared": 60,
    "n": 60,
    "gained": 12,
    "lost": 7,
    "both": 30,
    "neither": 11,
    "p_value": 0.36,
    "accuracy": {"first": 0.62, "second": 0.7, "difference": 0.08, "interval": [-0.02, 0.18]},
    "auroc": {"first": 0.81, "second": 0.79, "difference": -0.02, "interval": [-0.11, 0.07]},
    "ece": {"first": 0.11, "second": 0.09, "difference": -0.02, "interval": [-0.08, 0.05]},
    "confidence": {"first": 0.61, "second": 0.69, "difference": 0.08, "interval": [0.03, 0.12]},
}


@dataclass(frozen=True, slots=True)
class Side:
    """A run that is compared: its questions, and the confidence in each answer."""

    name: str
    lines: Lines
    confidence: Array
    """[n], as the lines; NaN: nothing can be said."""


class Difference(BaseModel):
    """A metric of both runs; None where it is not defined."""

    model_config = ConfigDict(frozen=True)

    first: float | None
    second: float | None
    difference: float | None
    """second - first."""
    interval: Interval | None
    """Its 95 % interval, by a bootstrap of the shared questions."""


class Comparison(BaseModel):
    """A run, the second, against another one, the first, on the questions that both graded."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [EXAMPLE]})

    summary: str
    """What came of it, in one sentence."""
    shared: int
    """Questions that both were asked."""
    n: int
    """Those of them that are graded in both."""
    gained: int
    """Only the second answers correctly."""
    lost: int
    """Only the first answers correctly."""
    both: int
    neither: int
    p_value: float | None
    """McNemar's exact test of gained against lost; None without questions."""
    accuracy: Difference
    auroc: Difference
    """Of the confidence."""
    ece: Difference
    """Of the confidence, 15 bins of equal mass."""
    confidence: Difference
    """Its mean."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A question that both runs were asked: its places in their lines."""

    first: int
    second: int
    outcome: Outcome


def compare_runs(store: Store, first: str, second: str) -> Comparison:
    """Compare the second run with the first; it takes seconds. Raises NotFound; InvalidInput as `compare`."""
    return compare(_side(store, first), _side(store, second))


def compare(first: Side, second: Side, seed: int = 0) -> Comparison:
    """Raises InvalidInput where the runs share no question."""
    shared = pairs(first.lines, second.lines)
    if not shared:
        raise InvalidInput(
            f"{first.name} and {second.name} share no question: compare runs of the same dataset.",
            ["against"],
        )
    counts = {name: sum(pair.outcome == name for pair in shared) for name in OUTCOMES}
    graded = [pair for pair in shared if pair.outcome != "not graded"]
    one, other = [pair.first for pair in graded], [pair.second for pair in graded]
    differences = _differences(
        np.array([bool(first.lines.correct[at]) for at in one], dtype=np.bool_),
        np.array([bool(second.lines.correct[at]) for at in other], dtype=np.bool_),
        first.confidence[one],
        second.confidence[other],
        seed,
    )
    p_value = mcnemar(counts["gained"], counts["lost"]) if graded else None
    return Comparison(
        summary=_summary(first.name, second.name, counts, differences["accuracy"], p_value),
        shared=len(shared),
        n=len(graded),
        gained=counts["gained"],
        lost=counts["lost"],
        both=counts["both"],
        neither=counts["neither"],
        p_value=p_value,
        **differences,
    )


def pairs(first: Lines, second: Lines) -> list[Pair]:
    """The questions that stand in both: with the same normalised text, else the same id and dataset.

    Each place counts once. In the order of the questions' texts, whichever run is the first.
    """
    texts = [[normalise(text) for text in lines.questions] for lines in (first, second)]
    names = [[*zip(lines.groups, lines.ids, strict=True)] for lines in (first, second)]
    free = [dict.fromkeys(range(len(lines.ids))) for lines in (first, second)]
    found: list[tuple[int, int]] = []
    for keys in (
        [[*zip(*both, strict=True)] for both in zip(texts, names, strict=True)],
        texts,
        names,
    ):
        waiting: defaultdict[Hashable, list[int]] = defaultdict(list)
        for at in reversed(free[1]):
            waiting[keys[1][at]].append(at)
        for at in [*free[0]]:
            if there := waiting.get(keys[0][at]):
                found.append((at, there.pop()))
                del free[0][at], free[1][found[-1][1]]
    found.sort(key=lambda pair: min(texts[0][pair[0]], texts[1][pair[1]]))
    return [Pair(*pair, _outcome(first.correct[pair[0]], second.correct[pair[1]])) for pair in found]


def mcnemar(gained: int, lost: int) -> float:
    """The exact two-sided p-value of so many gained and lost where either is as likely as the other."""
    with IMPORTS:
        from scipy.stats import binomtest

    return float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0


def _outcome(first: bool | None, second: bool | None) -> Outcome:
    if first is None or second is None:
        return "not graded"
    if first and second:
        return "both"
    return "lost" if first else "gained" if second else "neither"


def _differences(
    first: Flags, second: Flags, sure_first: Array, sure_second: Array, seed: int
) -> dict[str, Difference]:
    """Every metric of both. first, second: [n], correct; sure_first, sure_second: [n], the confidences."""
    n = len(first)
    if not n:
        return dict.fromkeys(
            ("accuracy", "auroc", "ece", "confidence"),
            Difference(first=None, second=None, difference=None, interval=None),
        )
    count = int(np.clip(BUDGET // n, 200, RESAMPLES))
    # The same questions are drawn for both.
    drawn = Resamples(first, count, seed)
    draws = [drawn, drawn.of(second)]
    sides = ((first, sure_first), (second, sure_second))
    found: dict[str, tuple[Callable[[Array, Flags], float], list[Array]]] = {
        "accuracy": (
            lambda p, correct: float(correct.mean()),
            [_mean(it.weights, it.correct) for it in draws],
        ),
        "auroc": (
            metrics.auroc,
            [it.ranking_draws(sure, ("auroc",))["auroc"] for it, (_, sure) in zip(draws, sides, strict=True)],
        ),
        "ece": (
            metrics.ece,
            [it.probability_draws(sure)["ece"] for it, (_, sure) in zip(draws, sides, strict=True)],
        ),
        "confidence": (
            lambda p, correct: float(np.nanmean(p)) if np.isfinite(p).any() else np.nan,
            [_mean(it.weights, sure) for it, (_, sure) in zip(draws, sides, strict=True)],
        ),
    }
    return {
        name: _difference([metric(sure, correct) for correct, sure in sides], drawn)
        for name, (metric, drawn) in found.items()
    }


def _difference(values: Sequence[float], drawn: Sequence[Array]) -> Difference:
    first, second = (float(value) if np.isfinite(value) else None for value in values)
    if first is None or second is None:
        return Difference(first=first, second=second, difference=None, interval=None)
    difference = second - first
    steps = drawn[1] - drawn[0]
    steps = steps[np.isfinite(steps)]
    # An ECE grows with resampling, not equally in both: the draws are centred on what was measured.
    centred = steps - steps.mean() + difference if len(steps) else steps
    return Difference(first=first, second=second, difference=difference, interval=interval(centred))


def _mean(weights: NDArray[np.int16], values: NDArray[np.float64] | Flags) -> Array:
    """[resamples]: the mean of what is known of each."""
    known = np.isfinite(values)
    drawn = weights[:, known].astype(np.float64)
    with np.errstate(invalid="ignore"):
        return np.asarray(drawn @ values[known].astype(np.float64) / drawn.sum(axis=1))


def _summary(
    first: str, second: str, counts: dict[Outcome, int], accuracy: Difference, p_value: float | None
) -> str:
    n = sum(counts.values()) - counts["not graded"]
    if accuracy.difference is None or p_value is None:
        return f"No question that {first} and {second} share is graded in both."
    more = counts["gained"] - counts["lost"]
    questions = "shared question" if n == 1 else "shared questions"
    if not more:
        said = f"{second} answers as many of {n:,} {questions} correctly as {first}"
    else:
        amount = f"{abs(more):,} {'more' if more > 0 else 'fewer'}"
        said = f"{second} answers {amount} of {n:,} {questions} correctly than {first}"
    low, high = (100 * end for end in accuracy.interval or (0.0, 0.0))
    points = f"{_signed(100 * accuracy.difference)} points [{_signed(low)}, {_signed(high)}]"
    verdict = "within chance" if p_value >= CHANCE else "more than chance"
    p = "p < 0.001" if p_value < 0.001 else f"p = {p_value:.2g}"
    return f"{said}: {points}, {verdict} ({p})."


def _signed(points: float) -> str:
    return f"{points:+z.0f}".replace("-", "−") if round(points) else "0"


def _side(store: Store, run_id: str) -> Side:
    lines, table = store.runs.lines(run_id), store.runs.table(run_id)
    sure = dict(zip(table.ids, sure_of(table), strict=True))
    confidence = np.array([sure.get(id_, np.nan) for id_ in lines.ids], dtype=np.float64)
    return Side(store.runs.get(run_id).run.name, lines, confidence)


def sure_of(table: Table) -> Array:
    """[n]: the confidence of each answer, cross-fitted on the run where it can be, else estimated."""
    values = confidences_of(table).values
    if values is None:
        return estimated_confidences(table.signals, len(table.correct))
    return np.asarray(values.mean(axis=0))
