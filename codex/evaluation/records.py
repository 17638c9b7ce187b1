"""One question of a run: asked, graded, and what is kept of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from codex.ask.request import AskOptions
from codex.ask.workbench import Workbench
from codex.engines.base import GenerationParams
from codex.errors import InvalidInput, PromptTooLong
from codex.grading.grades import grade
from codex.items import Item
from codex.types import Generation, Observation, Passage, Record, Run, Step

Observe = Callable[[Sequence[Passage]], tuple[Step, float]]
"""Asks with these passages; the step, and when it was begun (by time.monotonic)."""


def record_of(
    workbench: Workbench,
    run: Run,
    item: Item,
    observe: Observe,
    passages: Sequence[Passage] | None = None,
) -> Record:
    """Ask and grade one question; one that cannot be asked keeps its error.

    passages: retrieved for it already; None: they are retrieved first. Raises what ends the run.
    """
    observation = Observation(item.asked, Generation("", (), "stop", 0, 0.0, "none"))
    measured: dict[str, float | None] = {}
    correct = score = None
    error = graded_by = ""
    started = time.monotonic()
    try:
        if passages is None:
            passages = passages_of(workbench, run, item)
        step, started = observe(passages)
        observation, measured = step.observation, step.signals
        if passages and not observation.passages:
            raise InvalidInput("The passages did not fit the model's context; raise engine.context_size.")
        answered = observation.generation.text
        graded = grade(item, answered, run.params.grader, workbench.model.engine)
        correct, score, graded_by = graded.correct, graded.score, graded.grader
    except (PromptTooLong, InvalidInput) as wrong:
        error = str(wrong)
    return Record(
        id=item.id,
        group=item.group,
        answers=item.answers if item.answerable else (),
        observation=observation,
        signals=measured,
        correct=correct,
        grade=score,
        seconds=time.monotonic() - started,
        error=error,
        grader=graded_by,
        choices=item.choices,
        labels=item.labels,
    )


def passages_of(workbench: Workbench, run: Run, item: Item) -> tuple[Passage, ...]:
    """The passage that a question brings, or what the documents have for it, where the run looks there.

    Raises InvalidInput, RetrievalError, ModelError.
    """
    if item.context:
        place = Passage(item.id, item.group, item.group, item.context, 0, len(item.context))
        return (place,)
    if run.params.look_up:
        return tuple(workbench.index.search(item.question))
    return ()


def options_of(run: Run, item: Item, cancel: threading.Event) -> AskOptions:
    """How `Workbench.observe` asks a question of this run."""
    asked = run.params
    return {
        "history": item.history,
        "params": GenerationParams.of(asked.answer),
        "n_samples": asked.n_samples,
        "adaptive": asked.adaptive,
        "sample_temperature": asked.samples.temperature,
        "cancel": cancel,
    }
