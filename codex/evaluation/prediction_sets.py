"""Prediction sets from labelled questions: fitted on one half of them, checked on the other."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict

from codex.calibration import Calibrator
from codex.calibration.metrics import wilson
from codex.calibration.prediction_sets import ConformalPredictor, tie_of
from codex.datasets.splits import split
from codex.errors import Cancelled, InvalidInput
from codex.evaluation.generations import Generated, generated_of
from codex.grading.grades import grade
from codex.signals import answer_groups
from codex.signals.text import normalise
from codex.store import Store
from codex.types import Side

NO_SAMPLES = (
    "Prediction sets are made of samples, and none of the answers has any: ask with ask.n_samples=10."
)
"""What is said of answers without samples."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """A labelled question, and the different answers that its samples give."""

    question: str
    group: str
    shares: tuple[float, ...]
    """Of the samples, the share that gives each of them."""
    correct: tuple[bool, ...]
    """Which of them are correct."""

    @property
    def correct_share(self) -> float:
        """The largest share that a correct one has; 0 where no sample is correct."""
        pairs = zip(self.shares, self.correct, strict=True)
        return max((share for share, correct in pairs if correct), default=0.0)


class CheckedSets(BaseModel):
    """Prediction sets of one half of the questions, and how they do on the other half."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    group: str | None
    """The dataset that they are for; None: all together."""
    sets: ConformalPredictor
    n: int
    """Questions of the other half: what follows is counted on them."""
    empty: int
    """Sets without any answer."""
    one: int
    several: int
    anything: int
    """Sets that are any answer: infinite."""
    mean_size: float | None
    """Answers in a set that is not any answer; None where every set is."""
    held: int
    """Sets that hold the correct answer."""
    coverage: float | None
    """held / n; None where n is 0."""
    coverage_ci: tuple[float, float] | None
    """Wilson's 95 % interval."""


def sampled(
    generations: Iterable[Generated], grader: str | None = None, cancel: threading.Event | None = None
) -> list[Sampled]:
    """What the samples of labelled questions say; a question that comes twice counts once.

    An answer that the samples share with the graded one has its verdict; the others are graded by the
    grader named, else by the default. What failed, has no samples or no accepted answer is left out.
    Raises Cancelled, and InvalidInput for the grader "judge", which would have to ask a model.
    """
    found: dict[str, Sampled] = {}
    for each in generations:
        if cancel is not None and cancel.is_set():
            raise Cancelled("Grading the samples was cancelled.")
        observation = each.observation
        question = normalise(observation.question)
        labelled = not each.error and (each.answers or not each.answerable)
        labelled = labelled and (each.correct is not None or not each.by_person)
        if labelled and observation.samples and question not in found:
            found[question] = _sampled(each, grader)
    return list(found.values())


def sampled_runs(
    store: Store, run_ids: Sequence[str], cancel: threading.Event | None = None
) -> list[Sampled]:
    """The same of runs, graded as each was; a question that stands in several counts in the first.

    Raises NotFound, InvalidInput, Cancelled.
    """
    found: dict[str, Sampled] = {}
    for run_id in run_ids:
        grader = store.runs.get(run_id).run.params.grader
        generations: Iterator[Generated] = map(generated_of, store.runs.records(run_id))
        for each in sampled(generations, grader, cancel):
            found.setdefault(normalise(each.question), each)
    return list(found.values())


def conformal_predictor(questions: Sequence[Sampled], alpha: float) -> ConformalPredictor:
    """What the calibration half of the questions gives. Raises InvalidInput for alpha outside ]0, 1[."""
    return ConformalPredictor.of([each.correct_share for each in _on_side(questions, "calibration")], alpha)


def with_prediction_sets(calibrator: Calibrator, questions: Sequence[Sampled], alpha: float) -> Calibrator:
    """The calibrator with the sets of the calibration half of the questions. Raises as `answer_sets`."""
    return calibrator.model_copy(update={"prediction_sets": conformal_predictor(questions, alpha)})


def checked_sets(questions: Sequence[Sampled], alpha: float) -> list[CheckedSets]:
    """Prediction sets for all questions together, then, where there are several datasets, for each by itself.

    Raises InvalidInput for alpha outside ]0, 1[, and where no question has samples.
    """
    if not questions:
        raise InvalidInput(NO_SAMPLES, ["prediction_sets"])
    groups: dict[str, list[Sampled]] = defaultdict(list)
    for each in questions:
        groups[each.group].append(each)
    parts: list[tuple[str | None, Sequence[Sampled]]] = [(None, questions)]
    if len(groups) > 1:
        parts += sorted(groups.items())
    return [_checked(group, part, alpha) for group, part in parts]


def _checked(group: str | None, questions: Sequence[Sampled], alpha: float) -> CheckedSets:
    sets = conformal_predictor(questions, alpha)
    others = _on_side(questions, "test")
    n = len(others)
    ties = np.array([tie_of(each.question) for each in others])
    asked = np.repeat(np.arange(n), [len(each.shares) for each in others])
    inside = sets.holds([share for each in others for share in each.shares], ties[asked])
    sizes = np.bincount(asked[inside], minlength=n)
    anything = sets.holds(np.zeros(n), ties)
    # The largest share of a correct answer decides: where a smaller one is inside, it is too.
    held = int(sets.holds([each.correct_share for each in others], ties).sum())
    finite = sizes[~anything]
    return CheckedSets(
        group=group,
        sets=sets,
        n=n,
        empty=int((finite == 0).sum()),
        one=int((finite == 1).sum()),
        several=int((finite > 1).sum()),
        anything=int(anything.sum()),
        mean_size=float(finite.mean()) if len(finite) else None,
        held=held,
        coverage=held / n if n else None,
        coverage_ci=wilson(held, n) if n else None,
    )


def _sampled(each: Generated, grader: str | None) -> Sampled:
    samples = each.observation.samples
    groups = answer_groups(each.observation)
    return Sampled(
        question=each.observation.question,
        group=each.group,
        shares=tuple(len(group.members) / len(samples) for group in groups),
        correct=tuple(
            each.correct
            if group.contains_answer and each.correct is not None
            else bool(grade(each.item, samples[group.members[0]].text, grader).correct)
            for group in groups
        ),
    )


def _on_side(questions: Sequence[Sampled], side: Side) -> list[Sampled]:
    return [each for each in questions if split(each.question) == side]
