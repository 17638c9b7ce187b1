"""Stored generations as a run, so that pages and commands treat them as one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from codex.ask.request import new_id
from codex.errors import Cancelled, NotFound
from codex.evaluation.generations import SHARED, Generated, read
from codex.grading.grades import grade
from codex.signals import compute
from codex.store import Store
from codex.store.evaluation.runs import RunSummary
from codex.text import listed
from codex.types import Origin, Record, Run, RunParams, Sampling

BATCH = 64
"""Records kept at once."""
NAMED = 5
"""Sets of questions that the name of a run's dataset lists."""


def import_run(
    store: Store,
    path: Path,
    name: str = "",
    model: str | None = None,
    prompt: str | None = None,
    grader: str | None = None,
    progress: Callable[[int], None] | None = None,
    cancel: threading.Event | None = None,
    run_id: str | None = None,
) -> RunSummary:
    """Keep the answers of a file as a run, with their signals and grades; whole or not at all.

    model, prompt: fingerprints, where the file does not say them. grader: by name; without one a stored
    verdict counts, else the default grader's. progress: called with the number of lines read. run_id: a new
    one where None. Raises InvalidInput naming file and line, Cancelled; Conflict when the run is there.
    """
    lines = read(path)
    first = next(lines)
    run = replace(_run(path, first, name, model, prompt, grader), id=run_id or new_id())
    total, groups = 0, dict.fromkeys([first.group])
    store.runs.create(run)
    try:
        batch = [first]
        while batch:
            if cancel is not None and cancel.is_set():
                raise Cancelled("The import was cancelled; nothing of it was kept.")
            store.runs.add(run.id, [record_of(each, grader) for each in batch])
            groups |= dict.fromkeys(each.group for each in batch)
            total += len(batch)
            if progress is not None:
                progress(total)
            batch = list(islice(lines, BATCH))
        store.runs.finish(run.id, "done", total, listed(list(groups), NAMED))
    except BaseException:
        with suppress(NotFound):
            store.runs.delete(run.id)
        raise
    return store.runs.get(run.id)


def record_of(generated: Generated, grader: str | None = None) -> Record:
    """A line with its signals and its grade."""
    by_person = generated.by_person
    own = generated.grader_correct if by_person else generated.correct
    score, graded_by = generated.grade, generated.grader or ""
    if not generated.error and (grader or own is None):
        graded = grade(generated.item, generated.observation.generation.text, grader)
        own, score, graded_by = graded.correct, graded.score, graded.grader
    shared: Any = {name: getattr(generated, name) for name in SHARED}
    told = shared | {
        "answers": generated.answers if generated.answerable else (),
        "correct": generated.correct if by_person else own,
        "grade": score,
        "by_person": by_person,
        "grader_correct": own if by_person else None,
    }
    signals = {} if generated.error else compute(generated.observation)
    return Record(**told, signals=signals, grader=graded_by)


def _run(
    path: Path, first: Generated, name: str, model: str | None, prompt: str | None, grader: str | None
) -> Run:
    title = path.name.removesuffix(".gz").removesuffix(".jsonl")
    said = first.origin or Origin(f"generations {path.name}", "", 1.0)
    return Run(
        id="",
        name=name.strip() or title,
        dataset=first.group,
        created_at=datetime.now(UTC),
        model=model or said.model,
        prompt=prompt or said.prompt,
        params=RunParams(
            answer=Sampling(temperature=said.temperature),
            samples=Sampling(temperature=said.sample_temperature),
            n_samples=len(first.observation.samples),
            grader=grader,
            evidence=bool(first.observation.passages),
        ),
        total=0,
        state="running",
    )
