"""Runs: the questions of a dataset asked one after another, each kept as it comes.

A cancelled or killed run resumes where it stopped: a question with a record is not asked again.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Unpack

from codex import prompts
from codex.ask.request import AskOptions, new_id, resolve
from codex.ask.workbench import Workbench
from codex.datasets.library import load
from codex.datasets.splits import split
from codex.errors import (
    CapabilityError,
    Conflict,
    InvalidInput,
)
from codex.evaluation.callers import Callers, callers_for
from codex.evaluation.course import Course, OnJobProgress
from codex.grading.grades import known
from codex.items import Item
from codex.jobs import JobProgress
from codex.store.evaluation.runs import RunSummary
from codex.text import sha256
from codex.types import Run, RunParams, Side

ASIDE = ("home=", "server.", "store.")
"""Settings that no answer depends on, by how they begin."""


def questions(dataset: str, home: Path, limit: int | None = None, side: Side | None = None) -> list[Item]:
    """The first questions of a dataset, of one side of the split or of both.

    Raises NotFound; InvalidInput when none is left.
    """
    if limit is not None and limit < 1:
        raise InvalidInput(f"limit must be at least 1, not {limit}.", ["limit"])
    chosen = [item for item in load(dataset, home) if side is None or split(item.question) == side]
    if not chosen:
        there = f" on the side {side!r} of the split" if side else ""
        raise InvalidInput(f"The dataset {dataset!r} has no questions{there}.", ["dataset"])
    return chosen[:limit]


def prepare(
    workbench: Workbench,
    dataset: str,
    *,
    name: str = "",
    limit: int | None = None,
    side: Side | None = None,
    grader: str | None = None,
    evidence: bool = False,
    **options: Unpack[AskOptions],
) -> Run:
    """A new run in the store, with how it asks settled; `run` asks its questions.

    grader: None grades each question by its own, else by the default. evidence: look up in the user's
    documents what a question brings no passage for. options: params,
    n_samples and sample_temperature, as in `Workbench.ask`.

    Loads the model. Raises NotFound, InvalidInput, ModelError.
    """
    items = questions(dataset, workbench.settings.home, limit, side)
    prompt = asked_with(items)
    workbench.model.load()
    run = Run(
        id=new_id(),
        name=name.strip() or dataset,
        dataset=dataset,
        created_at=datetime.now(UTC),
        model=workbench.model.engine.fingerprint,
        prompt=prompt,
        params=replace(
            run_params(workbench, **options),
            grader=known(grader) if grader else None,
            evidence=evidence or any(item.context for item in items),
            look_up=evidence,
            split=side,
            limit=limit,
            questions=_digest(items),
            overrides=overrides_of(workbench, **options),
        ),
        total=len(items),
        state="cancelled",
        probe=workbench.active.probe,
        verifier=workbench.model.grounder.trained,
    )
    workbench.store.runs.create(run)
    return run


def asked_with(items: Sequence[Item]) -> str:
    """The fingerprint of the prompts that these questions are asked with.

    Raises InvalidInput where some are follow-ups and some are not: one calibrator cannot hold for both.
    """
    follow_ups = sum(bool(item.history) for item in items)
    if 0 < follow_ups < len(items):
        raise InvalidInput(
            f"{follow_ups:,} of these {len(items):,} questions come after a history and the others do not: a "
            "run asks either follow-ups or first questions. Part the dataset.",
            ["dataset"],
        )
    return prompts.fingerprint(follows=follow_ups > 0)


def run_params(workbench: Workbench, **options: Unpack[AskOptions]) -> RunParams:
    """How the workbench asks: the parameters of answer and samples, and how they are checked.

    Raises InvalidInput.
    """
    request = resolve("?", options, workbench.settings, workbench.active.policy, workbench.active.calibrator)
    return RunParams(
        answer=request.params.sampling,
        samples=request.sample_params.sampling,
        n_samples=request.n_samples,
        adaptive=request.adaptive,
        checks=_checks(workbench),
        stated=workbench.model.grounder.stated,
    )


def _checks(workbench: Workbench) -> dict[str, object]:
    """The settings of the checks, but for the stated confidence, of which the run keeps the prompt."""
    return workbench.settings.grounding.model_dump(mode="json", exclude={"state_confidence"})


def overrides_of(workbench: Workbench, **options: Unpack[AskOptions]) -> tuple[str, ...]:
    """The settings that a run is asked with, KEY=VALUE: those of the workbench, and what a request changes.

    Left out are those that no answer depends on, by `ASIDE`. options: as of `prepare`.
    """
    settings = workbench.settings
    own, params = settings.engine.params, options.get("params") or settings.engine.params
    wanted = {
        "ask.n_samples": (options.get("n_samples"), settings.ask.n_samples),
        "ask.adaptive": (options.get("adaptive"), settings.ask.adaptive),
        "ask.sample_temperature": (options.get("sample_temperature"), settings.ask.sample_temperature),
        **{f"engine.params.{key}": (value, getattr(own, key)) for key, value in params},
    }
    changed = [
        f"{key}={json.dumps(value)}"
        for key, (value, usual) in wanted.items()
        if value is not None and value != usual
    ]
    kept = [each for each in workbench.overrides if not each.lstrip("+~").startswith(ASIDE)]
    return (*kept, *changed)


def measure(
    workbench: Workbench,
    run: Run,
    progress: OnJobProgress | None = None,
    cancel: threading.Event | None = None,
) -> None:
    """Before a run, so that its answers have the same signals: how reliable are its judge and verifier?

    What is kept is not measured again. Raises Cancelled, ModelError.
    """

    def done(judged: int, total: int) -> None:
        if progress is not None:
            said = "Measuring how reliable judge and verifier are"
            progress(JobProgress(done=judged, total=total, unit="labelled answers", text=said))

    with suppress(CapabilityError):  # Then its questions have no verdict either.
        workbench.model.measure(done, cancel, evidence=run.params.evidence)


def run(
    workbench: Workbench,
    run_id: str,
    progress: OnJobProgress | None = None,
    cancel: threading.Event | None = None,
    callers: int | None = None,
) -> RunSummary:
    """Ask the questions of a run that have no record yet, several at once where the engine batches.

    Live questions come first: while one is under way, none of the run's is.

    A question that cannot be asked keeps its error. When `cancel` is set the run stops within a token, as
    cancelled, and can be gone on with. Raises Conflict when the workbench has another model or asks another
    way than the run began, or the dataset has changed; NotFound; and what ends a run: ModelError,
    StoreError. The run is failed then, and can be gone on with too.
    """

    def course(run: Run, left: Sequence[Item]) -> Course:
        made = callers or callers_for(workbench.model.engine)
        return Callers(workbench, run, iter(left), made, progress, cancel)

    return resumed(workbench, run_id, course)


def resumed(workbench: Workbench, run_id: str, course: Callable[[Run, Sequence[Item]], Course]) -> RunSummary:
    """A run after a course through the questions that have no record yet. Raises as `run`."""
    summary = workbench.store.runs.get(run_id)
    items = _items(workbench, summary.run)
    with workbench.model.holding(f"The evaluation {summary.run.name!r}"):
        workbench.model.load()
        check_same(workbench, summary.run)
        done = workbench.store.runs.ids(run_id)
        return course(summary.run, [item for item in items if item.id not in done]).go(len(done))


def extend(workbench: Workbench, run_id: str, limit: int) -> Run:
    """A run with the next questions of its set and split, `limit` in all; `run` asks them, as the others.

    Raises NotFound; Conflict when it was imported, or the set has other questions than when it began;
    InvalidInput when that is no more than it has, or more than the set has.
    """
    run = workbench.store.runs.get(run_id).run
    began = _items(workbench, run)
    every = questions(run.dataset, workbench.settings.home, None, run.params.split)
    if not len(began) < limit <= len(every):
        there = f"The set has {len(every):,}" if len(began) < len(every) else "The set has no more"
        raise InvalidInput(
            f"The run {run.name!r} has {len(began):,} questions, so it cannot be extended to {limit:,}. "
            f"{there}.",
            ["limit"],
        )
    asked_with(every[:limit])
    params = replace(run.params, limit=limit, questions=_digest(every[:limit]))
    extended = replace(run, params=params, total=limit)
    workbench.store.runs.extend(extended)
    return extended


def check_same(workbench: Workbench, run: Run, params: RunParams | None = None) -> None:
    """Raise Conflict, with what differs, unless the workbench asks as the run did.

    params: as `run_params` gives them, where somebody asked for others than the run's.
    """
    pairs: dict[str, tuple[object, object]] = {
        "model": (run.model, workbench.model.engine.fingerprint),
        "prompt": (run.prompt, prompts.fingerprint(follows=run.origin.follows)),
        "probe": (run.probe, workbench.active.probe),
        "verifier": (run.verifier, workbench.model.grounder.trained),
        "stated": (run.params.stated, workbench.model.grounder.stated),
        **_pairs("checks", run.params.checks, _checks(workbench)),
    }
    if params is not None:
        pairs |= _pairs("answer", asdict(run.params.answer), asdict(params.answer))
        pairs |= _pairs("samples", asdict(run.params.samples), asdict(params.samples))
        pairs["n_samples"] = (run.params.n_samples, params.n_samples)
        pairs["adaptive"] = (run.params.adaptive, params.adaptive)
    differing = [f"{name} was {was!r}, now {is_!r}" for name, (was, is_) in pairs.items() if was != is_]
    if differing:
        raise Conflict(
            f"The run {run.name!r} cannot be resumed: {'; '.join(differing)}. "
            "Start Codex with the settings it began with, or begin another run."
        )


def _pairs(
    name: str, was: Mapping[str, object], now: Mapping[str, object]
) -> dict[str, tuple[object, object]]:
    return {f"{name}.{key}": (was.get(key), now.get(key)) for key in {**was, **now}}


def _items(workbench: Workbench, run: Run) -> list[Item]:
    if run.params.questions is None:
        raise Conflict(f"The run {run.name!r} was imported; there is nothing to ask.")
    items = questions(run.dataset, workbench.settings.home, run.params.limit, run.params.split)
    if _digest(items) != run.params.questions:
        raise Conflict(
            f"The dataset {run.dataset!r} has other questions than when the run {run.name!r} began. "
            "Begin another run."
        )
    return items


def _digest(items: Sequence[Item]) -> str:
    """Of what is asked, and under which ids."""
    asked = "\0".join(
        f"{item.id}\0{item.asked}\0{item.context or ''}"
        + "".join(f"\0{it.role}\0{it.content}" for it in item.history)
        for item in items
    )
    return sha256(asked)[:16]
