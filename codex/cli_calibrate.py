"""The commands that make a confidence mean what it says: codex calibrate and codex calibrators."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from codex.calibration import Calibrator
from codex.calibration.risk import Guarantee, NoGuarantee
from codex.cli_runs import named_run, opened
from codex.cli_scores import print_json
from codex.errors import InvalidInput
from codex.evaluation.calibrating import (
    Labelled,
    active_policy,
    fitted,
    guarantee,
    keep,
    labelled_generations,
    labelled_runs,
    promising,
)
from codex.evaluation.generations import read
from codex.policy import Policy
from codex.store import Store
from codex.terminal import interruptible, printable

app = typer.Typer(help="The calibrators that are stored, and which of them speaks.")
NONE = "none"
"""In the place of a version: no calibrator."""


def calibrate(
    runs: Annotated[
        list[str] | None,
        typer.Option("--run", metavar="RUN", help="Fit to the answers of this run; repeatable."),
    ] = None,
    generations: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="Fit to stored answers; repeatable. With -o no database is opened."
        ),
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            help="none, temperature, platt, isotonic, venn_abers, or auto: the best by Brier score."
        ),
    ] = "auto",
    alpha: Annotated[
        float | None, typer.Option(help="Promise that at most this share of the answers given is wrong.")
    ] = None,
    delta: Annotated[float, typer.Option(help="The chance that the promise is broken.")] = 0.05,
    name: Annotated[str, typer.Option(help="What to call it.")] = "calibrator",
    model: Annotated[
        str | None, typer.Option(help="The fingerprint of the model, where a file does not say it.")
    ] = None,
    prompt: Annotated[
        str | None, typer.Option(help="The fingerprint of the prompts, where a file does not say it.")
    ] = None,
    activate: Annotated[
        bool, typer.Option("--activate", help="Let it speak, and the policy with its promise decide.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write it as JSON.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON, with what is promised.")] = False,
) -> None:
    """Fit a confidence to graded answers: one half of the questions; the other half can prove it."""
    if bool(runs) == bool(generations):
        raise InvalidInput("Say what to fit to: --run RUN or --generations FILE.", ["run"])
    if not (runs or activate or output is None):
        labelled = _of_files(generations or [], model, prompt)
        made, promised, _ = _fit(labelled, method, name, alpha, delta, Policy())
    else:
        with closing(opened()) as store:
            if runs:
                labelled = labelled_runs(store, [named_run(store, run).run.id for run in runs])
            else:
                labelled = _of_files(generations or [], model, prompt)
            made, promised, policy = _fit(labelled, method, name, alpha, delta, active_policy(store))
            keep(store, made, policy, active=activate)
    if output is not None:
        _write(output, made)
    if as_json:
        print_json(
            {
                "version": made.version,
                **made.model_dump(mode="json"),
                "promise": promised and promised.model_dump(),
            }
        )
    else:
        _tell(made, promised)


@app.callback(invoke_without_command=True)
def list_calibrators(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of calibrators.")] = False,
) -> None:
    """List the calibrators, the newest first."""
    if context.invoked_subcommand:
        return
    with closing(opened()) as store:
        found = [(each, Calibrator.model_validate_json(each.body)) for each in store.calibrators.list()]
    if as_json:
        print_json([{"version": each.version, "active": each.active, **_line(it)} for each, it in found])
        return
    if not found:
        Console().print("No calibrators yet: codex calibrate --run RUN")
        return
    table = Table(
        "version", "", "method", "answers", "AUROC", "ECE excess", "Brier", "model", "sets", box=None
    )
    for each, it in found:
        after = it.metrics["after"]
        table.add_row(
            Text(printable(each.version)),
            "active" if each.active else "",
            it.method,
            f"{it.questions:,}",
            *(f"{after[key].value:.3f}" for key in ("auroc", "ece_excess", "brier")),
            Text(printable(it.model)),
            Text(printable(", ".join(it.datasets))),
        )
    Console().print(table)


@app.command()
def activate(version: Annotated[str, typer.Argument(help="The version, or none.")]) -> None:
    """Let a calibrator speak from the next question on."""
    with closing(opened()) as store:
        store.calibrators.activate(None if version == NONE else version)
        _tell_active(store)


@app.command()
def rollback() -> None:
    """Take the last activation back."""
    with closing(opened()) as store:
        store.calibrators.rollback()
        _tell_active(store)


@app.command()
def history() -> None:
    """What was activated when, the newest first."""
    with closing(opened()) as store:
        changes = store.calibrators.history()
    table = Table("activated", "version", "", box=None)
    for change in changes:
        when = f"{change.activated_at:%Y-%m-%d %H:%M:%S}"
        table.add_row(when, Text(printable(change.version or NONE)), "taken back" if change.undone else "")
    Console().print(table)


def _of_files(paths: Sequence[Path], model: str | None, prompt: str | None) -> Labelled:
    errors = Console(stderr=True)
    with interruptible(errors) as cancel, errors.status("reading"):
        return labelled_generations(
            chain.from_iterable(read(path) for path in paths), model, prompt, cancel=cancel
        )


def _fit(
    labelled: Labelled, method: str, name: str, alpha: float | None, delta: float, policy: Policy
) -> tuple[Calibrator, Guarantee | NoGuarantee | None, Policy | None]:
    errors = Console(stderr=True)
    columns = (TextColumn("fitting  {task.completed:.0f} of {task.total:.0f}"), BarColumn())
    with interruptible(errors) as cancel, Progress(*columns, console=errors, transient=True) as bar:
        task = bar.add_task("", total=0, visible=False)

        def progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, visible=True)

        made = fitted(labelled, method, name, progress, cancel)
    if alpha is None:
        return made, None, None
    promised = guarantee(labelled, made, alpha, delta, policy)
    return made, promised, promising(policy, promised, made)


def _write(path: Path, made: Calibrator) -> None:
    try:
        path.write_text(made.model_dump_json(indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error.strerror}.", ["output"]) from error


def _tell(made: Calibrator, promised: Guarantee | NoGuarantee | None) -> None:
    console = Console()
    sets = printable(", ".join(made.datasets))
    console.print(
        f"{printable(made.version)}: {made.method}, fitted to {made.questions:,} answers ({sets}), "
        f"{made.accuracy:.1%} of them right",
        highlight=False,
        soft_wrap=True,
    )
    table = Table("cross-fitted", "AUROC", "ECE", "ECE excess", "Brier", "NLL", box=None)
    for when, figures in made.metrics.items():
        row = (figures[key] for key in ("auroc", "ece", "ece_excess", "brier", "nll"))
        table.add_row(when, *(f"{it.value:.3f} ({it.low:.3f} to {it.high:.3f})" for it in row))
    console.print(table)
    if promised is not None:
        console.print(str(promised), highlight=False, soft_wrap=True)


def _tell_active(store: Store) -> None:
    active = store.calibrators.active()
    Console().print(f"active: {active.version if active else NONE}", highlight=False)


def _line(made: Calibrator) -> dict[str, object]:
    return made.model_dump(mode="json", exclude={"design", "map", "reference"})
