"""From the labels of a queue to a calibrator: fitted, compared with what is active, and saved.

Each label counts for 1 / the probability that its answer was drawn, so that what the labels say is true of
all answers of the queue. Whatever was labelled out of turn in a random order was not drawn: it is left out.

Half of the questions are held out to prove a guarantee. Where the others are too few to fit on, no guarantee
would be possible anyway: then all labels are fitted on, and the calibrator says that none was held out.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from codex.ask.workbench import Workbench
from codex.calibration import LEAST_LABELS, Calibrator, estimated_confidences
from codex.calibration.calibrator import Metric, MetricName, measured
from codex.calibration.familiarity import Embed
from codex.errors import InvalidInput, NotFound
from codex.evaluation.calibrating import Counts, Labelled, each_once, fitted, keep
from codex.evaluation.seen import ASK_PAGE, seen
from codex.jobs import OnProgress
from codex.labelling.progress import SPLIT, usable
from codex.labelling.sampling import probabilities
from codex.store import Store
from codex.store.evaluation.table import Table
from codex.store.labelling.queues import Standing
from codex.store.names import MAX_NAME
from codex.types import Origin, Step

Array = NDArray[np.float64]
Metrics = dict[MetricName, Metric]

RESAMPLES = 300
"""Behind each interval of the comparison."""


@dataclass(frozen=True, slots=True)
class Recalibrated:
    """A calibrator that was fitted on labels and saved; it is not active yet."""

    calibrator: Calibrator
    before: Metrics
    """Of the confidence that is shown now, or of the estimate, for `answers` of the labelled answers."""
    after: Metrics
    """Of the new calibrator, for the same answers, none of which its fit has seen."""
    answers: int
    weighted: bool
    """Whether labels count unevenly."""
    unseen: bool
    """Whether only those are compared that the active calibrator was not fitted on."""
    active: str
    """The version that is shown now; "": none holds for these answers, so that it is estimated."""
    familiar: bool
    """Whether the active calibrator was fitted on all of these answers, so that `before` is estimated."""
    counts: Counts
    """How many labels were fitted on and held out."""
    more: int
    """Where none is held out: about so many more labels are enough to hold half of them out; 0 else."""

    @property
    def note(self) -> str:
        """What the fit and the comparison rest on, in a few sentences."""
        to_fit, held_out = self.counts.to_fit, self.counts.held_out
        if self.calibrator.holds_out:
            fit = f"Fitted on {to_fit:,} labels; {held_out:,} others are held out to prove a guarantee."
        else:
            fit = (
                f"Fitted on all {to_fit:,} labels, so that none is left to prove a guarantee: label about "
                f"{self.more:,} more and recalibrate to hold half of them out."
            )
        how = ", weighted by how likely each was to be drawn" if self.weighted else ""
        compared = f"Compared on {self.answers:,} labelled answers, each by a fit that did not see it{how}"
        if self.unseen:
            compared += "; the active calibrator was fitted on the others"
        what = self.active or "no calibrator, an estimate"
        if self.familiar:
            what = f"an estimate without a calibrator, since {self.active} was fitted on these answers"
        return f"{fit} {compared}. Before: {what}."


def check_enough(found: Standing) -> None:
    """Raises InvalidInput where a queue has too few labels to fit on."""
    _check_enough(int(usable(found).sum()))


def _check_enough(labels: int) -> None:
    if labels < LEAST_LABELS:
        raise InvalidInput(
            f"{labels:,} label{' is' if labels == 1 else 's are'} too few to recalibrate with: "
            f"{LEAST_LABELS} are needed. "
            f"Label {LEAST_LABELS - labels:,} more.",
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

    It is fitted on one half of the questions, or, where that has fewer than LEAST_LABELS labels, on all.
    name: as the queue's where it is empty. Raises NotFound; InvalidInput where there are too few labels, of
    one kind, or of answers that came about in several ways; Cancelled, with nothing saved.
    """
    store = workbench.store
    queue = store.label_queues.get(queue_id)
    found = store.label_queues.standing(queue_id)
    check_enough(found)
    labelled = _labelled(store, found, workbench.active.origin())
    _check_enough(len(labelled.table.ids))
    short = LEAST_LABELS - labelled.counts.to_fit
    if short > 0:
        labelled = replace(labelled, sides=("calibration", "test"))
    calibrator, cross = fitted(
        labelled,
        "auto",
        (name.strip() or queue.name.replace("@", " ")).strip()[:MAX_NAME],
        progress,
        cancel,
        embed,
    )
    active = workbench.active.calibrator
    if active is not None and active.mismatch(labelled.origin):
        active = None
    rows, before = _shown_now(active, labelled)
    after = np.tile(calibrator.confidences(labelled.table.signals), (len(cross), 1))
    after[:, labelled.is_to_fit] = cross
    correct, weight = labelled.table.correct[rows], labelled.table.counts
    weight = None if weight is None else weight[rows]
    made = Recalibrated(
        calibrator,
        measured(before[rows], correct, RESAMPLES, weight),
        measured(after[:, rows], correct, RESAMPLES, weight),
        answers=len(correct),
        weighted=weight is not None and bool(np.ptp(weight) > 0),
        unseen=not rows.all(),
        active=active.version if active else "",
        familiar=active is not None and bool(seen(active, labelled.table, labelled.runs).all()),
        counts=labelled.counts,
        more=max(0, SPLIT * short),
    )
    keep(store, calibrator)
    return made


def _shown_now(active: Calibrator | None, labelled: Labelled) -> tuple[NDArray[np.bool_], Array]:
    """The answers to compare on, and the confidence of each answer: of the active calibrator, if it can be.

    Of answers that it was fitted on it would look better than it is. Where these are all, it is the estimate.
    """
    table = labelled.table
    known = np.zeros(len(table.ids), np.bool_) if active is None else seen(active, table, labelled.runs)
    if active is None or known.all():
        return np.ones_like(known), estimated_confidences(table.signals, len(table.ids))
    return ~known, active.confidences(table.signals)


def _labelled(store: Store, found: Standing, wanted: Origin) -> Labelled:
    """The labelled answers with what their labels say, and how they came about."""
    told = usable(found)
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
        groups=np.full(len(kept), ASK_PAGE),
        correct=correct[use],
        signals={
            name: np.array([step.signals.get(name) for step, _ in kept], dtype=np.float64) for name in names
        },
        ungraded=0,
        counts=None if counts is None else counts[use],
    )
    return Labelled(each_once(table), origin, (), len(kept))
