"""Before a run starts: how long it takes, and what its answers will be enough for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Unpack

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from codex.ask.loop import adaptive
from codex.ask.request import AskOptions
from codex.ask.workbench import Workbench
from codex.calibration import Calibrator
from codex.calibration.crossfit import LEAST_LABELS
from codex.calibration.risk import fewest_labels, selective_threshold
from codex.datasets.splits import split
from codex.evaluation.calibrating import (
    Labelled,
    Target,
    guarantee_labels,
    labelled_runs,
    of_groups,
)
from codex.evaluation.callers import callers_for
from codex.evaluation.runner import asked_with, questions, run_params
from codex.items import Item
from codex.signals.text import normalise
from codex.store.evaluation.runs import Cost, RunSummary
from codex.text import percent
from codex.types import FOLLOWS, Origin, Side

ALPHA, DELTA = 0.2, 0.05
"""The risk and the error level of the guarantee that is estimated, unless others are named."""
MEASURED = 100
"""The last answers of a run that its time is measured on."""
BOTH_KINDS = 0.95
"""The chance that there are correct and incorrect answers among those that a calibrator is fitted on."""


EXAMPLE: JsonDict = {
    "questions": 60,
    "seconds": 300.0,
    "accuracy": 0.3,
    "graded": 100,
    "to_fit": 28,
    "held_out": 32,
    "fit_labels": 30,
    "fit_questions": 64,
    "alpha": 0.2,
    "delta": 0.05,
    "guarantee_labels": 47,
    "guarantee_questions": 93,
    "calibrator": "mine@0f1e2d3c",
    "differing": [],
    "lines": ["60 questions: about 5 minutes. This model is correct on about 30% of such questions."],
}


class Estimate(BaseModel):
    """What a run would take and be good for."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [EXAMPLE]})

    questions: int = Field(description="That it asks.")
    seconds: float | None = Field(description="About how long it takes; null: not measured yet.")
    accuracy: float | None = Field(description="Of this model on such questions so far; null: not known.")
    graded: int = Field(description="Answers that the accuracy is of.")
    to_fit: int = Field(description="Questions in the calibration half, each once.")
    held_out: int = Field(description="Questions in the held-out half, each once.")
    fit_labels: int = Field(description="Questions that a calibrator needs in the calibration half.")
    fit_questions: int | None = Field(description="Questions in all for that; null: the dataset has too few.")
    alpha: float
    delta: float
    guarantee_labels: int | None = Field(
        description="About so many held-out questions a guarantee needs; null: more do not help."
    )
    guarantee_questions: int | None = Field(
        description="Questions in all for that; null: the dataset has too few, or more do not help."
    )
    calibrator: str | None = Field(description="The version of the active one.")
    differing: list[str] = Field(
        description="How the active calibrator's answers were asked, where this run asks differently."
    )
    lines: list[str] = Field(description="All of it in words, a sentence or two each.")


def estimate(
    workbench: Workbench,
    dataset: str,
    *,
    limit: int | None = None,
    side: Side | None = None,
    evidence: bool = False,
    alpha: float = ALPHA,
    delta: float = DELTA,
    **options: Unpack[AskOptions],
) -> Estimate:
    """What a run asked so would take and be good for, by the runs that are stored; loads no model.

    Raises NotFound, InvalidInput.
    """
    selective_threshold([], [], alpha, delta)  # Says what is wrong with a level.
    every = questions(dataset, workbench.settings.home, None, side)
    chosen = questions(dataset, workbench.settings.home, limit, side)
    params = run_params(workbench, **options)
    origin = Origin(
        workbench.model.engine.fingerprint,
        asked_with(chosen),
        params.samples.temperature or 0.0,
        params.answer.temperature or 0.0,
        params.n_samples or 0,
        evidence or any(item.context for item in chosen),
        params.adaptive,
    )
    groups = sorted({item.group for item in every})
    runs = [each for each in workbench.store.runs.list() if each.run.model == origin.model]
    counts = workbench.store.runs.graded_of(groups)
    own = [counts[each.run.id] for each in runs if each.run.id in counts]
    correct, graded = sum(one for one, _ in own), sum(all_ for _, all_ in own)
    places = {half: _places(every, half) for half in ("calibration", "test")}
    fit_labels = _fit_labels(correct, graded)
    calibrator = workbench.active.calibrator
    earlier = _earlier(workbench, calibrator, runs, groups)
    labels = _guarantee_labels(workbench, calibrator, earlier, correct, graded, alpha, delta)
    found = Estimate(
        questions=len(chosen),
        seconds=_seconds(workbench, runs, origin, params.answer.max_tokens, len(chosen)),
        accuracy=correct / graded if graded else None,
        graded=graded,
        to_fit=sum(at < len(chosen) for at in places["calibration"]),
        held_out=sum(at < len(chosen) for at in places["test"]),
        fit_labels=fit_labels,
        fit_questions=_asked_for(fit_labels, places["calibration"]),
        alpha=alpha,
        delta=delta,
        guarantee_labels=labels,
        guarantee_questions=_asked_for(labels, places["test"]),
        calibrator=calibrator.version if calibrator else None,
        differing=differing(calibrator, origin) if calibrator else [],
        lines=[],
    )
    return found.model_copy(update={"lines": _lines(found, dataset, side)})


def _prompts(calibrator: Calibrator, origin: Origin) -> str:
    if calibrator.templates != origin.prompt.removesuffix(FOLLOWS):
        return "other prompt templates"
    return "follow-ups" if calibrator.for_follow_ups else "first questions"


def differing(calibrator: Calibrator, origin: Origin) -> list[str]:
    """How a calibrator's answers came about, in words, where others came about differently."""
    words = {
        "model": f"model {calibrator.model}",
        "prompt": _prompts(calibrator, origin),
        "evidence": "passages in the prompt" if calibrator.evidence else "no passages in the prompt",
        "temperature": f"answers at temperature {calibrator.temperature:g}",
        "n_samples": f"{calibrator.n_samples} samples",
        "adaptive": "no more samples than needed" if calibrator.adaptive else "all samples",
        "sample_temperature": f"samples at temperature {calibrator.sample_temperature:g}",
    }
    without = not (calibrator.n_samples or origin.n_samples)
    return [
        said
        for name, said in words.items()
        if getattr(calibrator, name) != getattr(origin, name)
        and not (name in ("sample_temperature", "adaptive") and without)
    ]


def seconds_each(costs: Sequence[Cost], n_samples: float, max_tokens: int | None) -> float:
    """Seconds of a question with so many samples on average: by the tokens that such answers have.

    costs: at least one, of questions that were asked with any number of samples.
    """

    def capped(tokens: int) -> float:
        return tokens if max_tokens is None else min(tokens, max_tokens)

    measured = expected = 0.0
    for cost in costs:
        each = [capped(tokens) for tokens in cost.samples or (cost.answer,)]
        measured += cost.answer + sum(cost.samples)
        expected += capped(cost.answer) + n_samples * sum(each) / len(each)
    mean = sum(cost.seconds for cost in costs) / len(costs)
    return mean * expected / measured if measured else mean


def _seconds(
    workbench: Workbench, runs: Sequence[RunSummary], origin: Origin, max_tokens: int | None, count: int
) -> float | None:
    """By the newest run that this model was asked here, first one that was asked alike."""
    here = [each for each in runs if each.run.params.questions is not None and each.done > each.failed]
    here.sort(key=lambda each: each.run.origin != origin)  # The newest first, else.
    alike = [each for each in here if each.run.params.evidence == origin.evidence] or here
    costs = workbench.store.runs.costs(alike[0].run.id, MEASURED) if alike else []
    if not costs:
        return None
    at_once = min(callers_for(workbench.model.engine), count)
    drawn = _samples_drawn(costs, alike[0].run.origin, origin)
    return count * seconds_each(costs, drawn, max_tokens) / at_once


def _samples_drawn(costs: Sequence[Cost], earlier: Origin, origin: Origin) -> float:
    """The mean number of samples of a question; of an adaptive run by an earlier one of as many at most."""
    if not origin.adaptive:
        return origin.n_samples
    if earlier.adaptive and earlier.n_samples == origin.n_samples:
        return sum(len(cost.samples) for cost in costs) / len(costs)
    return max(min(adaptive.GROUPS[0], origin.n_samples), adaptive.SHARE * origin.n_samples)


def _places(items: Sequence[Item], half: Side) -> list[int]:
    """Where the different questions of a half stand."""
    seen: dict[str, int] = {}
    for at, item in enumerate(items):
        seen.setdefault(normalise(item.asked), at)
    return [at for at in seen.values() if split(items[at].question) == half]


def _asked_for(labels: int | None, places: Sequence[int]) -> int | None:
    """So many questions are asked until so many of a half are."""
    return None if labels is None or labels > len(places) else places[labels - 1] + 1


def _fit_labels(correct: int, graded: int) -> int:
    """Enough to fit a calibrator, and to have answers of both kinds at this accuracy."""
    share = (correct + 0.5) / (graded + 1)
    n = np.arange(LEAST_LABELS, 10_000)
    both = 1 - share**n - (1 - share) ** n >= BOTH_KINDS
    return int(n[np.argmax(both)]) if both.any() else len(n)


def _earlier(
    workbench: Workbench,
    calibrator: Calibrator | None,
    runs: Sequence[RunSummary],
    groups: Sequence[str],
) -> Labelled | None:
    """The newest answers to such questions that the active calibrator judges."""
    counts = workbench.store.runs.graded_of(groups)
    for each in runs:
        if calibrator and each.run.id in counts and not calibrator.mismatch(each.run.origin):
            labelled = labelled_runs(workbench.store, [each.run.id])
            table = of_groups(labelled.table, groups)
            earlier = replace(labelled, table=table, sides=calibrator.sides)
            if earlier.held_out.ids:
                return earlier
    return None


def _guarantee_labels(
    workbench: Workbench,
    calibrator: Calibrator | None,
    earlier: Labelled | None,
    correct: int,
    graded: int,
    alpha: float,
    delta: float,
) -> int | None:
    """Held-out questions that a guarantee needs; None where more would not help.

    By the answers that the active calibrator judges. Where there are none, the fewest that could do: as many
    as it takes at this accuracy if only correct answers were given.
    """
    if calibrator and earlier:
        return guarantee_labels(earlier, calibrator, Target(alpha, delta, workbench.active.policy))
    share = correct / graded if graded else 1.0
    return math.ceil(fewest_labels(alpha, delta) / share) if share else None


def _lines(found: Estimate, dataset: str, side: Side | None) -> list[str]:
    count = f"{found.questions:,} question{'' if found.questions == 1 else 's'}"
    took = (
        f"{count}: about {duration(found.seconds)}."
        if found.seconds is not None
        else f"{count}. How long they take is not measured yet: the first questions will tell."
    )
    known = (
        f"This model is correct on about {percent(round(found.accuracy, 2))} of such questions "
        f"({found.graded:,} graded so far)."
        if found.accuracy is not None
        else "How often this model is correct on such questions is not known yet."
    )
    lines = [f"{took} {known}"]
    if side == "test":
        lines.append("All are held out: a calibrator cannot be fitted on them.")
    else:
        need = (
            f"A calibrator needs at least {found.fit_labels:,} questions in the calibration half, with "
            f"correct and incorrect answers among them; {found.to_fit:,} of these are."
        )
        lines.append(need + _more(found.fit_questions, found.questions, dataset))
    level = f"A {percent(found.alpha)} guarantee at the {percent(1 - found.delta)} confidence level"
    if side == "calibration":
        lines.append(f"{level} needs held-out questions; none of these is.")
    elif found.guarantee_labels is None:
        lines.append(f"{level} cannot be reached at this accuracy, however many questions are asked.")
    else:
        bound = "about" if found.accuracy is not None else "at least"
        need = f"{level} needs {bound} {found.guarantee_labels:,} held-out questions"
        at = " at this accuracy" if found.accuracy is not None else ""
        lines.append(
            f"{need}{at}; {found.held_out:,} of these are."
            + _more(found.guarantee_questions, found.questions, dataset)
        )
    if found.differing:
        lines.append(
            f"The active calibrator {found.calibrator} was fitted with {', '.join(found.differing)}: "
            "this run cannot be used to check it."
        )
    return lines


def _more(needed: int | None, asked: int, dataset: str) -> str:
    if needed is None:
        return f" The dataset {dataset} has too few."
    return f" That takes {needed - asked:,} more." if needed > asked else " That is enough."


def duration(seconds: float) -> str:
    """In words, to the second below two minutes, to the minute below two hours."""
    for most, unit, name in ((120, 1, "second"), (7200, 60, "minute")):
        if seconds < most:
            number = max(1, round(seconds / unit))
            return f"{number} {name}{'' if number == 1 else 's'}"
    return f"{seconds / 3600:.1f} hours"
