"""Calibrators as the Calibrate page shows them: plain JSON, made without Gradio or a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from codex import figures
from codex.calibration import Calibrator, metrics
from codex.calibration.calibrator import Metric, MetricName
from codex.calibration.crossfit import LEAST_LABELS
from codex.calibration.risk import Guarantee, NoGuarantee
from codex.evaluation.calibrating import Counts, Labelled
from codex.evaluation.prediction_sets import CheckedSets
from codex.pages import JSON, Fact
from codex.store.evaluation.runs import RunSummary
from codex.store.versions.versions import SavedVersion
from codex.text import percent

METHODS = {
    "auto": "chosen by Brier score",
    "none": "none (raw score)",
    "temperature": "temperature",
    "platt": "Platt",
    "isotonic": "isotonic",
    "venn_abers": "Venn-Abers",
}
"""What each method of calibration is called."""

SHOWN: tuple[MetricName, ...] = ("ece", "ece_excess", "brier", "nll", "auroc")
"""The metrics that are shown of a confidence, in this order."""

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a calibrator's answers show: each judged by a fit that did not see it."""

    labelled: Labelled
    """All answers that there are, those held out too."""
    correct: Flags
    """[n], of those to fit."""
    estimated: Array
    """[n]: the confidence without a calibrator; NaN: nothing can be said."""
    calibrated: Array
    """[n]: cross-fitted."""
    before: dict[MetricName, Metric]
    """Metrics of the estimate."""
    held_out: dict[MetricName, Metric] | None
    """Metrics of the calibrator on the held-out half; None where there is none."""


class Judged(BaseModel):
    """The part of it that takes seconds."""

    model_config = ConfigDict(ser_json_inf_nan="constants")

    calibrated: list[float]
    before: dict[MetricName, Metric]
    held_out: dict[MetricName, Metric] | None


class FitTarget(TypedDict):
    """The guarantee that was asked for: at most a share alpha incorrect, with probability 1 - delta."""

    alpha: float
    delta: float


def run_choice(summary: RunSummary) -> JSON:
    """A run as it can be chosen to fit on; problem: why it alone makes no calibrator, in words."""
    graded = summary.correct + summary.incorrect
    if graded < 2 * LEAST_LABELS:
        problem = f"about {2 * LEAST_LABELS} are needed: {LEAST_LABELS} to fit, the rest to test"
    elif not summary.correct or not summary.incorrect:
        problem = (
            f"all are {'correct' if summary.correct else 'incorrect'}, so there is nothing to tell apart"
        )
    else:
        problem = ""
    run = summary.run
    return {
        "id": run.id,
        "name": run.name,
        "dataset": run.dataset,
        "model": run.model,
        "graded": graded,
        "accuracy": summary.correct / graded if graded else None,
        "problem": problem,
    }


HOLDS_FOR = "first questions; follow-ups are not calibrated"


def calibrator_line(
    saved: SavedVersion, calibrator: Calibrator, mismatch: str, asked: FitTarget | None = None
) -> JSON:
    """One line of the list of calibrators. asked: what it was fitted for, None where that is not known."""
    return {
        "version": saved.version,
        "title": saved.title,
        "active": saved.active,
        "method": METHODS.get(calibrator.method, calibrator.method),
        "auroc": calibrator.metrics["after"]["auroc"].value,
        "created": saved.created_at.isoformat(),
        "mismatch": mismatch,
        "asked": asked,
    }


def calibrator_facts(
    calibrator: Calibrator, names: Mapping[str, str], counts: Counts | None = None
) -> list[Fact]:
    """What a calibrator was fitted on.

    names: what the runs that are still there are called, by id. counts: of the answers of its runs, None
    where they are not known.
    """
    runs = ", ".join(names.get(run, f"{run[:8]} (deleted)") for run in calibrator.runs)
    samples = f"at most {calibrator.n_samples}" if calibrator.adaptive else f"{calibrator.n_samples}"
    if calibrator.n_samples:
        samples += f" at temperature {calibrator.sample_temperature:g}"
    return [
        *([("graded", str(counts))] if counts else []),
        ("answers to fit", f"{calibrator.questions:,}, {percent(calibrator.accuracy)} correct"),
        *([] if calibrator.holds_out else [("held out", "none")]),
        ("datasets", ", ".join(calibrator.datasets)),
        ("runs", runs or "none"),
        ("model", calibrator.model),
        ("samples", samples),
        ("evidence", "passages in the prompt" if calibrator.evidence else "none"),
        ("prompt", calibrator.prompt),
        ("holds for", "follow-ups, not first questions" if calibrator.for_follow_ups else HOLDS_FOR),
        ("method", METHODS.get(calibrator.method, calibrator.method)),
        ("signals", ", ".join(term.name for term in calibrator.design.terms if term.weight > 0) or "none"),
        *([("prior", f"held to {calibrator.prior}, of answers of other models")] if calibrator.prior else []),
        *([("prediction sets", str(calibrator.prediction_sets))] if calibrator.prediction_sets else []),
        ("fitted", {"at": calibrator.created_at.isoformat()}),
    ]


def diagram(confidence: Array, correct: Flags, title: str) -> JSON:
    """A reliability diagram, the counts under it, and the numbers of its table."""
    bins = metrics.reliability_bins(confidence, correct)
    shown = figures.reliability(bins.count, bins.confidence, bins.rate, bins.low, bins.high, title=title)
    counts = figures.histogram(confidence, correct, title="")
    shown["layout"].update(height=320, showlegend=False)
    counts["layout"].update(height=190)
    for figure, top in ((shown, 40), (counts, 24)):
        figure["layout"]["margin"] = {"l": 64, "r": 20, "t": top, "b": 44}
        figure["layout"]["xaxis"]["dtick"] = 0.25
    rows = zip(
        *(each.tolist() for each in (bins.confidence, bins.rate, bins.low, bins.high, bins.count)),
        strict=True,
    )
    return {
        "diagram": shown,
        "counts": counts,
        "table": {
            "head": ["mean confidence", "share correct", "95% from", "to", "answers"],
            "rows": [list(row) for row in rows],
            "shares": [0, 1, 2, 3],
        },
    }


def guarantee_view(guarantee: Guarantee | NoGuarantee) -> JSON:
    """A guarantee, or why there is none, in words."""
    words = str(guarantee)
    if isinstance(guarantee, Guarantee):
        words += f" They are {percent(guarantee.coverage)} of the {guarantee.n:,} held-out answers."
    return {"holds": isinstance(guarantee, Guarantee), "words": words, "threshold": guarantee.threshold}


def group_row(name: str, guarantee: Guarantee | NoGuarantee) -> JSON:
    """One row of the guarantees by dataset; words: the guarantee, or why there is none."""
    holds = isinstance(guarantee, Guarantee)
    return {
        "name": name,
        "n": guarantee.n,
        "threshold": guarantee.threshold if holds else None,
        "coverage": guarantee.coverage if holds else None,
        "accuracy": guarantee.accuracy if isinstance(guarantee, Guarantee) else None,
        "words": str(guarantee),
    }


def sets_row(checked: CheckedSets) -> JSON:
    """One row of the prediction sets; shares are of the sets of the held-out questions."""
    sets, n = checked.sets, checked.n
    counts = {name: getattr(checked, name) for name in ("empty", "one", "several", "anything")}
    return {
        "name": checked.group,
        "fitted": sets.n,
        "infinite": sets.infinite,
        "labels": sets.labels,
        "cutoff": sets.cutoff,
        "n": n,
        "size": checked.mean_size,
        "shares": {name: count / n if n else None for name, count in counts.items()},
        "coverage": checked.coverage,
        "interval": checked.coverage_ci,
        "words": str(sets),
    }


def hints(calibrator: Calibrator, seen: Seen | None) -> str:
    """What to know when reading the diagrams."""
    if seen is None:
        return ""
    counts = seen.labelled.counts
    held_out = (
        f"; held out and the guarantee are of the {counts.held_out:,} held out"
        if calibrator.holds_out
        else ""
    )
    parts = [
        f"{counts}. The diagrams, estimated, combined and calibrated are of the {counts.to_fit:,} to fit, "
        f"each scored by a fit that has not seen it{held_out}. Bars and brackets are 95% intervals."
    ]
    unknown = metrics.unknown(seen.calibrated)
    if unknown:
        parts.append(f"{unknown:,} of the answers to fit have no signals, hence no confidence.")
    if len(seen.correct) != calibrator.questions:
        parts.append(
            f"The runs now have {len(seen.correct):,} answers to fit; "
            f"it was fitted on {calibrator.questions:,}."
        )
    return " ".join(parts)
