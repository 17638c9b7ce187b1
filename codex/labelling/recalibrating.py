"""From the labels of a queue to a calibrator: fitted, compared with what is active, and saved.

Each label counts for 1 / the probability that its answer was drawn, so that what the labels say is true of
all answers of the queue. Whatever was labelled out of turn in a random order was not drawn: it is left out.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from codex.ask.workbench import Workbench
from codex.calibration import LEAST_LABELS, Calibrator, heuristic_confidences
from codex.calibration.calibrator import Metric, MetricName, measured
from codex.calibration.familiarity import Embed
from codex.errors import InvalidInput, NotFound
from codex.evaluation.calibrating import Labelled, crossfitted, each_once, keep, on_side
from codex.jobs import OnProgress
from codex.labelling.sampling import probabilities
from codex.store import Store
from codex.store.label_queues import Standing
from codex.store.names import MAX_NAME
from codex.store.runs import Table
from codex.types import Origin, Step

Array = NDArray[np.float64]
Metrics = dict[MetricName, Metric]

RESAMPLES = 300
"""Behind each interval of the comparison."""
SPLIT = 2
"""Half of the questions are fitted on."""


@dataclass(frozen=True, slots=True)
class Recalibrated:
    """A calibrator that was fitted on labels and saved; it is not active yet."""

    calibrator: Calibrator
    before: Metrics
    """Of the confidence that is shown now, for `answers` of the labelled answers."""
    after: Metrics
    """Of the new calibrator, for the same answers, none of which its fit has seen."""
    answers: int
    weighted: bool
    """Whether labels count unevenly."""
    held_out: bool
    """Whether only those held out are compared, since the active calibrator has seen the others."""
    active: str
    """The version that is shown now; "": none holds for these answers, so that it is a heuristic."""

    @property
    def note(self) -> str:
        """What the comparison rests on, as a sentence."""
        which = f"{self.answers:,} labelled answers"
        if self.held_out:
            which += " held out: the active calibrator was fitted on the others"
        else:
            which += ", each by a fit that did not see it"
        how = ", weighted by how likely each was to be drawn" if self.weighted else ""
        what = self.active or "no calibrator, a heuristic"
        return f"On {which}{how}. Before: {what}."


def check_enough(found: Standing) -> None:
    """Raises InvalidInput where a queue has too few labels to fit on."""
    n = int((~np.isnan(found.correct) & _drawn(found)).sum())
    if n < SPLIT * LEAST_LABELS:
        raise _too_few(n, SPLIT * LEAST_LABELS - n)


def _too_few(labels: int, more: int) -> InvalidInput:
    return InvalidInput(
        f"{labels:,} labels are too few to recalibrate with: {LEAST_LABELS} are needed to fit on, which is "
        f"half of all, since the others prove it. Label about {more:,} more.",
        ["queue"],
    )


def recalibrate(
    workbench: Workbench,
    queue_id: str,
    name: str = "",
    progress: OnProgress | None = None,
    cancel: threading.Event | None = None,
    embed: Embed | None = None,
) -> Recalibrated:
    """Fit a calibrator to the labels of a queue and save it; it is not made active.

    name: as the queue's where it is empty. Raises NotFound; InvalidInput where there are too few labels, of
    one kind, or of answers that came about in several ways; Cancelled, with nothing saved.
    """
    store = workbench.store
    queue = store.label_queues.get(queue_id)
    found = store.label_queues.standing(queue_id)
    check_enough(found)
    wanted = workbench.active.origin()
    labelled = _labelled(store, found, wanted)
    counts = labelled.counts
    if counts.to_fit < LEAST_LABELS:
        raise _too_few(counts.graded - counts.duplicates, SPLIT * (LEAST_LABELS - counts.to_fit))
    calibrator, cross = crossfitted(
        labelled,
        "auto",
        (name.strip() or queue.name.replace("@", " ")).strip()[:MAX_NAME],
        progress,
        cancel,
        embed,
    )
    active = workbench.active.calibrator
    holds = active is not None and not active.mismatch(labelled.origin)
    seen = holds and active is not None and bool(set(active.runs) & set(labelled.runs))
    fit_on, held = (on_side(labelled.table, side) for side in ("calibration", "test"))

    def shown(table: Table) -> Array:
        if holds and active is not None:
            return active.confidences(table.signals)
        return heuristic_confidences(table.signals, len(table.ids))

    after = np.tile(calibrator.confidences(held.signals), (len(cross), 1))
    tables = [held] if seen else [fit_on, held]
    compared = after if seen else np.concatenate([cross, after], axis=1)
    correct = np.concatenate([table.correct for table in tables])
    weight = (
        None
        if held.counts is None
        else np.concatenate([table.counts for table in tables if table.counts is not None])
    )
    before = np.concatenate([shown(table) for table in tables])
    made = Recalibrated(
        calibrator,
        measured(before, correct, RESAMPLES, weight),
        measured(compared, correct, RESAMPLES, weight),
        len(correct),
        weight is not None and bool(np.ptp(weight) > 0),
        bool(seen),
        active.version if holds and active is not None else "",
    )
    keep(store, calibrator)
    return made


def _drawn(found: Standing) -> NDArray[np.bool_]:
    """[m]: the labels that say something of all answers; every one where the order is not random."""
    drawn: NDArray[np.bool_] = found.rank < found.next_rank
    return drawn if found.is_random else np.ones(found.labelled, dtype=np.bool_)


def _labelled(store: Store, found: Standing, wanted: Origin) -> Labelled:
    """The labelled answers with what their labels say, and how they came about."""
    told = ~np.isnan(found.correct) & _drawn(found)
    keys = [key for key, use in zip(found.keys, told.tolist(), strict=True) if use]
    correct = found.correct[told] == 1
    counts = None
    if found.is_random:
        counts = 1 / probabilities(found.weight[told], found.next_rank)
    runs = sorted({run for run, _ in keys})
    if len(runs) > 1:
        raise InvalidInput(
            "The labels of this queue are of several runs: make a queue of one of them.", ["queue"]
        )
    if runs[0]:
        return _of_run(store, runs[0], [question for _, question in keys], correct, counts)
    return _of_traces(store, [trace for _, trace in keys], correct, counts, wanted)


def _of_run(
    store: Store, run_id: str, ids: list[str], correct: NDArray[np.bool_], counts: Array | None
) -> Labelled:
    graded = store.runs.table(run_id)
    place = {id_: at for at, id_ in enumerate(graded.ids)}
    there = [id_ in place for id_ in ids]
    rows = np.array([place[id_] for id_ in ids if id_ in place], dtype=np.int64)
    table = Table(
        ids=tuple(graded.ids[at] for at in rows),
        questions=tuple(graded.questions[at] for at in rows),
        texts=tuple(graded.texts[at] for at in rows),
        groups=graded.groups[rows],
        correct=correct[there],
        signals={name: column[rows] for name, column in graded.signals.items()},
        ungraded=0,
        counts=None if counts is None else counts[there],
    )
    return Labelled(each_once(table), store.runs.get(run_id).run.origin, (run_id,), len(rows))


def _of_traces(
    store: Store, ids: list[str], correct: NDArray[np.bool_], counts: Array | None, wanted: Origin
) -> Labelled:
    """Those of the Ask page that came about as most of them did with the present model and settings."""
    steps: list[tuple[Step, str]] = []
    origins: list[Origin | None] = []
    for id_ in ids:
        try:
            trace = store.load(id_)
        except NotFound:  # It was deleted in the meantime.
            origins.append(None)
            continue
        origins.append(trace.origin)
        steps.append((trace.last, store.question(id_) or trace.question_sha256))
    ways = Counter(each for each in origins if each is not None and replace(each, evidence=False) == wanted)
    if not ways:
        raise InvalidInput(
            f"None of the {len(ids):,} labels is of an answer of {wanted.model} as it is asked now: choose "
            "the model and the settings that answered, or label newer answers.",
            ["queue"],
        )
    (origin, _), *_ = ways.most_common(1)
    use = np.array([each == origin for each in origins], dtype=np.bool_)
    kept = [step for step, each in zip(steps, filter(None, origins), strict=True) if each == origin]
    names = dict.fromkeys(name for step, _ in kept for name in step.signals)
    table = Table(
        ids=tuple(id_ for id_, chosen in zip(ids, use.tolist(), strict=True) if chosen),
        questions=tuple(question for _, question in kept),
        texts=tuple(step.observation.generation.text for step, _ in kept),
        groups=np.full(len(kept), "Ask page"),
        correct=correct[use],
        signals={
            name: np.array([step.signals.get(name) for step, _ in kept], dtype=np.float64) for name in names
        },
        ungraded=0,
        counts=None if counts is None else counts[use],
    )
    return Labelled(each_once(table), origin, (), len(kept))
