"""The commands that make a confidence mean what it says: codex calibrate and codex calibrators."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from codex.ask.active import Active
from codex.calibration import Calibrator
from codex.calibration.calibrator import MetricName
from codex.calibration.glossary import GLOSSARY
from codex.calibration.prediction_sets import ConformalPredictor
from codex.calibration.risk import Guarantee, NoGuarantee, selective_threshold
from codex.cli import terminal
from codex.cli.guarantees import tell_groups, tell_sets
from codex.cli.runs import named_run, reached, readable, stored_answers
from codex.cli.scores import MEANT, print_json, tell_metrics
from codex.cli.served import Served
from codex.cli.terminal import interruptible, printable
from codex.cli.versions import NONE, Kind, add_commands
from codex.errors import Cancelled, Conflict, InvalidInput
from codex.evaluation.calibrating import (
    Counts,
    Labelled,
    Target,
    fitted,
    group_guarantees,
    guarantee,
    keep,
    labelled_generations,
    labelled_runs,
    with_guarantee,
)
from codex.evaluation.calibrating import delete as delete_calibrator
from codex.evaluation.prediction_sets import (
    CheckedSets,
    Sampled,
    checked_sets,
    sampled,
    sampled_runs,
    with_prediction_sets,
)
from codex.jobs import OnProgress
from codex.outputs import output
from codex.policy import Policy
from codex.retrieval.config import RetrievalConfig
from codex.retrieval.embedding import Embedding
from codex.settings import load_settings
from codex.store import Store
from codex.text import moment, percent


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is to be fitted and guaranteed."""

    method: str
    name: str
    alpha: float | None
    delta: float
    by_group: bool
    prediction_sets: float | None
    """The alpha of the sets."""

    def __post_init__(self) -> None:
        """Raise InvalidInput, before the fit, for what cannot be asked for."""
        if self.by_group and self.alpha is None:
            raise InvalidInput("--by-group needs --alpha, the risk to guarantee.", ["alpha"])
        if self.alpha is not None:
            selective_threshold([], [], self.alpha, self.delta)
        if self.prediction_sets is not None:
            ConformalPredictor.of([], self.prediction_sets)


@dataclass(frozen=True, slots=True)
class _Fit:
    """What came of it."""

    made: Calibrator
    counts: Counts
    sets: list[CheckedSets]
    guarantee: Guarantee | NoGuarantee | None = None
    groups: dict[str, Guarantee | NoGuarantee] | None = None
    policy: Policy | None = None


app = typer.Typer(help="The stored calibrators, and which one is active.")
CALIBRATORS = Kind(
    path="/calibrators",
    of=lambda store: store.calibrators,
    activate=Active.activate_calibrator,
    rollback=Active.rollback_calibrator,
    delete=lambda active, store, version: delete_calibrator(store, version),
)
METRICS: tuple[MetricName, ...] = ("auroc", *MEANT)


def calibrate(
    runs: Annotated[
        list[str] | None,
        typer.Option("--run", metavar="RUN", help="Fit on the answers of this run; repeatable."),
    ] = None,
    generations: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="Fit on stored answers; repeatable. With -o no database is opened."
        ),
    ] = None,
    method: Annotated[
        str,
        typer.Option(help="none, temperature, platt, isotonic, venn_abers, or auto: chosen by Brier score."),
    ] = "auto",
    alpha: Annotated[
        float | None,
        typer.Option(help="Guarantee that at most this share of the answers given is incorrect."),
    ] = None,
    delta: Annotated[
        float, typer.Option(help="The chance that the guarantee does not hold: 1 minus the confidence level.")
    ] = 0.05,
    by_group: Annotated[
        bool, typer.Option("--by-group", help="Say what --alpha guarantees for each dataset by itself.")
    ] = False,
    prediction_sets: Annotated[
        float | None,
        typer.Option(
            metavar="ALPHA", help="Make prediction sets; at most this share lacks the correct answer."
        ),
    ] = None,
    answer_sets: Annotated[float | None, typer.Option(hidden=True)] = None,
    name: Annotated[str, typer.Option(help="Its name.")] = "calibrator",
    model: Annotated[
        str | None, typer.Option(help="The fingerprint of the model, for files that do not give it.")
    ] = None,
    prompt: Annotated[
        str | None, typer.Option(help="The fingerprint of the prompts, for files that do not give it.")
    ] = None,
    activate: Annotated[
        bool, typer.Option("--activate", help="Activate it, and the policy with its guarantee.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write it as JSON.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON, with its guarantees.")] = False,
) -> None:
    """Fit a calibrator on graded answers: on half of the questions; the other half proves it."""
    if bool(runs) == bool(generations):
        raise InvalidInput("Say what to fit on: --run RUN or --generations FILE.", ["run"])
    wanted = _Wanted(method, name, alpha, delta, by_group, prediction_sets or answer_sets)
    files = generations or []
    if not (runs or activate or output is None):
        labelled, samples = _of_files(files, model, prompt), _samples_of_files(files, wanted)
        fit = _fit(labelled, samples, wanted, load_settings().policy)
        _write(output, fit.made)
    else:
        with closing(reached()) as store:
            if isinstance(store, Served):
                fit = _fit_there(store, runs or [], wanted)
                if output is not None:
                    _write(output, fit.made)
                if activate:
                    _activate_there(store, fit, wanted)
                _print(fit, as_json)
                return
            if runs:
                ids = [named_run(store, run).run.id for run in runs]
                labelled, samples = labelled_runs(store, ids), _samples_of_runs(store, ids, wanted)
            else:
                labelled, samples = _of_files(files, model, prompt), _samples_of_files(files, wanted)
            active = Active(load_settings(), store)
            fit = _fit(labelled, samples, wanted, active.policy)
            if output is not None:
                _write(output, fit.made)
            keep(store, fit.made, fit.policy)
            if activate and fit.policy is not None:
                active.activate(fit.made.version, fit.policy)
            elif activate:
                active.activate_calibrator(fit.made.version)
    _print(fit, as_json)


@app.callback(invoke_without_command=True)
def list_calibrators(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of calibrators.")] = False,
) -> None:
    """List the calibrators, the newest first."""
    if context.invoked_subcommand:
        return
    with closing(reached()) as there:
        saved = there.calibrators() if isinstance(there, Served) else there.calibrators.list()
    found = [(each, Calibrator.model_validate_json(each.body)) for each in saved]
    if as_json:
        print_json(
            [
                {"version": each.version, **_line(it), "name": each.name, "active": each.active}
                for each, it in found
            ]
        )
        return
    if not found:
        terminal.console().print("No calibrators yet: codex calibrate --run RUN")
        return
    shown: tuple[MetricName, ...] = ("auroc", "ece_excess", "brier")
    names = (GLOSSARY[key].name for key in shown)
    table = Table("version", "", "method", "answers", *names, "model", "sets", box=None)
    for each, it in found:
        after = it.metrics["after"]
        table.add_row(
            Text(printable(each.title)),
            "active" if each.active else "",
            it.method,
            f"{it.questions:,}",
            *(f"{after[key].value:z.3f}" for key in shown),
            Text(printable(it.model)),
            Text(printable(", ".join(it.datasets))),
        )
    terminal.console().print(table)


add_commands(app, CALIBRATORS, "a calibrator", "Activate a calibrator from the next question on.")


@app.command()
def history() -> None:
    """What was activated when, the newest first."""
    with closing(reached()) as there:
        changes = there.activations() if isinstance(there, Served) else there.calibrators.history()
    table = Table("activated", "version", "", box=None)
    for change in changes:
        when = moment(change.activated_at)
        table.add_row(when, Text(printable(change.version or NONE)), "undone" if change.undone else "")
    terminal.console().print(table)


def _of_files(paths: Sequence[Path], model: str | None, prompt: str | None) -> Labelled:
    errors = terminal.console(stderr=True)
    with interruptible(errors) as cancel, errors.status("reading"):
        return labelled_generations(stored_answers(paths), model, prompt, cancel=cancel)


def _samples_of_files(paths: Sequence[Path], wanted: _Wanted) -> list[Sampled]:
    if wanted.prediction_sets is None:
        return []
    errors = terminal.console(stderr=True)
    with interruptible(errors) as cancel, errors.status("grading the samples"):
        return sampled(stored_answers(paths), cancel=cancel)


def _samples_of_runs(store: Store, ids: Sequence[str], wanted: _Wanted) -> list[Sampled]:
    if wanted.prediction_sets is None:
        return []
    errors = terminal.console(stderr=True)
    with interruptible(errors) as cancel, errors.status("grading the samples"):
        return sampled_runs(store, ids, cancel)


def _fit_there(there: Served, runs: Sequence[str], wanted: _Wanted) -> _Fit:
    """Fitted and saved by the running workbench, on its runs."""
    if not runs:
        raise Conflict(
            "The running workbench fits on runs: `codex runs import FILE` makes one of a file, for --run. "
            "With -o and without --activate, a file needs no workbench."
        )
    with readable(there, runs) as (store, found):
        ids = [each.run.id for each in found]
        labelled, samples = labelled_runs(store, ids), _samples_of_runs(store, ids, wanted)
    body = {"runs": ids, "method": wanted.method, "name": wanted.name, "sets": wanted.prediction_sets}
    body |= {"alpha": None} if wanted.alpha is None else {"alpha": wanted.alpha, "delta": wanted.delta}

    def make(progress: OnProgress, cancel: threading.Event) -> Calibrator:
        job = there.ended(
            there.call("POST", "/calibrators/fit", body),
            lambda now: progress(now.done, now.total or 0),
            cancel,
        )
        if job["state"] == "cancelled":
            raise Cancelled("The fit was cancelled; nothing was saved.")
        return Calibrator.model_validate_json(there.calibrator(job["about"]).body)

    active = Policy.model_validate(there.call("GET", "/policies/active")["policy"])
    return _fit(labelled, samples, wanted, active, make)


def _activate_there(there: Served, fit: _Fit, wanted: _Wanted) -> None:
    if fit.policy is None:
        there.call("POST", "/calibrators/activate", {"version": fit.made.version})
    else:
        target = {"alpha": wanted.alpha, "delta": wanted.delta}
        body = {"version": fit.made.version, **target, "activate": True}
        there.call("POST", "/calibrators/guarantee", body)


def _fit(
    labelled: Labelled,
    samples: list[Sampled],
    wanted: _Wanted,
    policy: Policy,
    make: Callable[[OnProgress, threading.Event], Calibrator] | None = None,
) -> _Fit:
    """make: fits in the place of this process."""
    sets = [] if wanted.prediction_sets is None else checked_sets(samples, wanted.prediction_sets)
    errors = terminal.console(stderr=True)
    columns = (TextColumn("fitting  {task.completed:.0f} of {task.total:.0f}"), BarColumn())
    with interruptible(errors) as cancel, Progress(*columns, console=errors, transient=True) as bar:
        task = bar.add_task("", total=0, visible=False)

        def progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, visible=True)

        if make is not None:
            made = make(progress, cancel)
        else:
            embed = Embedding(RetrievalConfig()).encode
            made, _ = fitted(labelled, wanted.method, wanted.name, progress, cancel, embed)
    if wanted.prediction_sets is not None and make is None:
        made = with_prediction_sets(made, samples, wanted.prediction_sets)
    if wanted.alpha is None:
        return _Fit(made, labelled.counts, sets)
    target = Target(wanted.alpha, wanted.delta, policy)
    found = guarantee(labelled, made, target)
    groups = group_guarantees(labelled, made, target) if wanted.by_group else None
    return _Fit(made, labelled.counts, sets, found, groups, with_guarantee(policy, found, made))


def _write(path: Path, made: Calibrator) -> None:
    with output(path) as file:
        file.write(made.model_dump_json(indent=2).encode() + b"\n")


def _print(fit: _Fit, as_json: bool) -> None:
    if as_json:
        print_json(_said(fit))
    else:
        _tell(fit)


def _said(fit: _Fit) -> dict[str, object]:
    return {
        "version": fit.made.version,
        **fit.made.model_dump(mode="json"),
        "counts": fit.counts.model_dump(),
        "guarantee": fit.guarantee and fit.guarantee.model_dump(),
        "guarantees_by_group": fit.groups and {name: it.model_dump() for name, it in fit.groups.items()},
        "checked_sets": [it.model_dump(mode="json") for it in fit.sets],
    }


def _tell(fit: _Fit) -> None:
    console, made = terminal.console(), fit.made
    sets = printable(", ".join(made.datasets))
    console.print(f"{fit.counts}.", highlight=False, soft_wrap=True)
    console.print(
        f"{printable(made.version)}: {made.method}, fitted on {made.questions:,} answers ({sets}), "
        f"{percent(made.accuracy)} of them correct",
        highlight=False,
        soft_wrap=True,
    )
    table = Table(
        f"cross-fitted, of the {made.questions:,} to fit",
        *(f"{when} calibration" for when in made.metrics),
        box=None,
    )
    for key in METRICS:
        row = (metrics[key] for metrics in made.metrics.values())
        table.add_row(
            GLOSSARY[key].name, *(f"{it.value:z.3f} ({it.low:z.3f} to {it.high:z.3f})" for it in row)
        )
    console.print(table)
    tell_metrics(console, METRICS)
    if fit.guarantee is not None:
        console.print(str(fit.guarantee), highlight=False, soft_wrap=True)
    if fit.groups is not None:
        tell_groups(console, fit.groups)
    if fit.sets:
        tell_sets(console, fit.sets)


def _line(made: Calibrator) -> dict[str, object]:
    return made.model_dump(mode="json", exclude={"design", "map", "reference"})
