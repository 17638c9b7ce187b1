"""A run by what its questions have in common: their dataset, their length, any signal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codex.calibration import metrics
from codex.calibration.resampling import Interval, Resamples
from codex.errors import NotFound
from codex.evaluation.item_columns import MOST_VALUES, ItemColumns, as_numbers
from codex.signals import REGISTRY
from codex.store.evaluation.table import Lines, Table

Array = NDArray[np.float64]
LEAST_GRADED = 20
"""Graded answers with a confidence, from which on a slice has an AUROC and an ECE."""
LEAST_EACH = 5
"""Of correct and of incorrect ones among them, from which on it has an AUROC."""
MISSING = "missing"
OWN = "column "
"""Before the name of a column of the run's dataset."""
TEXTS = {"dataset": "dataset", "grader": "grader", "answerable": "answerable"}
NUMBERS = {
    "accepted": "accepted answers",
    "question length": "question length in characters",
    "answer length": "answer length in characters",
}


@dataclass(frozen=True, slots=True)
class Slice:
    """Some questions of a run. None where a metric is not defined."""

    label: str
    n: int
    """Questions."""
    graded: int
    accuracy: float | None
    accuracy_ci: Interval | None
    """Wilson's 95 % interval."""
    auroc: float | None
    """Of the confidence."""
    auroc_ci: Interval | None
    """The 95 % interval, by a bootstrap of the answers; so of the ECE."""
    ece: float | None
    """Of the confidence, 15 bins of equal mass."""
    ece_ci: Interval | None
    too_small: tuple[str, ...]
    """Metrics that are not defined since the slice has too few answers, by name."""
    answered: float | None
    """The share of graded answers that a policy gives."""


def small_words() -> str:
    """What a slice needs for its metrics, in one sentence."""
    return (
        f"Too few: ECE needs {LEAST_GRADED} graded answers, AUROC also {LEAST_EACH} correct and "
        f"{LEAST_EACH} incorrect ones."
    )


def columns(lines: Lines, table: Table, own: ItemColumns | None = None) -> dict[str, str]:
    """What a run can be sliced by: names, and what each is called; only what tells questions apart.

    own: the columns of the run's dataset.
    """
    known = {name: words for name, words in TEXTS.items() if len(set(_texts(lines, name))) > 1}
    numbers = NUMBERS | {name: REGISTRY[name].label for name in REGISTRY if name in table.signals}
    known |= {f"{OWN}{name}": name for name, values in (own or {}).items() if _tells_apart(values)}
    return known | {name: words for name, words in numbers.items() if _vary(_numbers(lines, table, name))}


def labels(lines: Lines, table: Table, column: str, own: ItemColumns | None = None) -> list[str]:
    """[n]: the slice of each question by a column, numbers in quartiles. Raises NotFound."""
    return _labels(lines, table, column, own or {})[0]


def slices(
    lines: Lines,
    table: Table,
    column: str,
    confidence: Array,
    answered: NDArray[np.bool_],
    own: ItemColumns | None = None,
) -> list[Slice]:
    """The slices by a column: numbers in their order, else the largest first.

    confidence: [n] as the lines, NaN where nothing can be said; answered: [graded] as the table, whether a
    policy gives the answer; own: the columns of the run's dataset. Raises NotFound.
    """
    found, order = _labels(lines, table, column, own or {})
    graded = lines.graded
    of_graded = np.array(found, dtype=object)[graded]
    return [
        _slice(
            label,
            found.count(label),
            table.correct[of_graded == label],
            confidence[graded][of_graded == label],
            answered[of_graded == label],
        )
        for label in order
    ]


def _labels(lines: Lines, table: Table, column: str, own: ItemColumns) -> tuple[list[str], list[str]]:
    """The label of each question, and the labels in order."""
    values = own.get(column.removeprefix(OWN)) if column.startswith(OWN) else None
    if values is None and column not in TEXTS:
        return _quartiles(_numbers(lines, table, column))
    if values is not None and (numbers := as_numbers(values)) is not None:
        return _quartiles(np.array(numbers))
    found = _texts(lines, column) if values is None else [value or MISSING for value in values]
    counts = Counter(found)
    return found, sorted(counts, key=lambda label: (label == MISSING, -counts[label], label))


def _tells_apart(values: list[str]) -> bool:
    numbers = as_numbers(values)
    return 1 < len(set(values)) <= MOST_VALUES if numbers is None else _vary(np.array(numbers))


def _slice(
    label: str, n: int, correct: NDArray[np.bool_], confidence: Array, answered: NDArray[np.bool_]
) -> Slice:
    graded = len(correct)
    known = correct[np.isfinite(confidence)]
    enough = {
        "auroc": len(known) >= LEAST_GRADED and LEAST_EACH <= known.sum() <= len(known) - LEAST_EACH,
        "ece": len(known) >= LEAST_GRADED,
    }
    auroc = metrics.auroc(confidence, correct) if enough["auroc"] else None
    ece = metrics.ece(confidence, correct) if enough["ece"] else None
    resamples = Resamples(correct) if enough["ece"] else None
    return Slice(
        label=label,
        n=n,
        graded=graded,
        accuracy=float(correct.mean()) if graded else None,
        accuracy_ci=metrics.wilson(correct.sum(), graded) if graded else None,
        auroc=auroc,
        auroc_ci=resamples.ranking(confidence, names=["auroc"])["auroc"]
        if resamples and enough["auroc"]
        else None,
        ece=ece,
        ece_ci=resamples.probabilities(confidence, {"ece": ece})["ece"] if resamples else None,
        too_small=tuple(name for name, is_enough in enough.items() if not is_enough and len(known)),
        answered=float(answered.mean()) if graded else None,
    )


def _texts(lines: Lines, column: str) -> list[str]:
    if column == "dataset":
        return [*lines.groups]
    if column == "grader":
        return [name or "not recorded" for name in lines.graders]
    return ["yes" if answers else "no: only a refusal is correct" for answers in lines.answers]


def _numbers(lines: Lines, table: Table, column: str) -> Array:
    """[n]; NaN: missing."""
    own = {
        "accepted": lambda: [len(answers) for answers in lines.answers],
        "question length": lambda: [len(text) for text in lines.questions],
        "answer length": lambda: [len(text) for text in lines.texts],
    }
    if column in own:
        return np.array(own[column](), dtype=np.float64)
    if column not in table.signals:
        raise NotFound(f"This run has no column {column!r}.")
    values = np.full(len(lines.ids), np.nan)
    values[lines.graded] = table.signals[column]
    return values


def _vary(values: Array) -> bool:
    """Whether some values are unlike others, or missing."""
    known = values[np.isfinite(values)]
    return len(known) > 0 and bool(known.min() < known.max() or len(known) < len(values))


def _quartiles(values: Array) -> tuple[list[str], list[str]]:
    """The label of each value, and the labels in order: quartiles, or up to four values as they are."""
    known = values[np.isfinite(values)]
    distinct = np.unique(known)
    edges = distinct if len(distinct) <= 4 else np.unique(np.quantile(known, [0.25, 0.5, 0.75, 1.0]))
    place = np.searchsorted(edges, values)
    names = [_range(known[np.searchsorted(edges, known) == at]) for at in range(len(edges))]
    found = [names[at] if np.isfinite(value) else MISSING for at, value in zip(place, values, strict=True)]
    order = [name for name in dict.fromkeys(names) if name]
    return found, [*order, *([MISSING] if MISSING in found else [])]


def _range(values: Sequence[float] | Array) -> str:
    if not len(values):
        return ""
    low, high = (f"{end:z.4g}" for end in (np.min(values), np.max(values)))
    return low if low == high else f"{low} to {high}"
