"""The commands about probes of hidden states: codex train probe and codex probes."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from codex.ask.active import Active
from codex.ask.workbench import Workbench
from codex.cli import terminal
from codex.cli.runs import named_run, opened
from codex.cli.scores import print_json
from codex.cli.terminal import Overrides, interruptible, printable
from codex.settings import load_settings
from codex.signals.probes import Gain, Probes
from codex.text import percent
from codex.training.probe import train_probes

app = typer.Typer(help="The stored probes of hidden states, and which are active.")
NONE = "none"
"""In the place of a version: no probes."""


def train(
    overrides: Overrides = None,
    runs: Annotated[
        list[str] | None, typer.Option("--run", metavar="RUN", help="Learn from this run; repeatable.")
    ] = None,
    layers: Annotated[
        list[float] | None,
        typer.Option(
            "--layer",
            metavar="SHARE",
            help="Try this layer, as a share of the depth, e.g. 0.7; repeatable. By default five are tried.",
        ),
    ] = None,
    name: Annotated[str, typer.Option(help="Their name.")] = "probe",
    activate: Annotated[bool, typer.Option("--activate", help="Activate them.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what they add as JSON.")] = False,
) -> None:
    """Fit probes of the model's hidden states to graded answers: on half of the questions.

    What they read is kept with the answers of the runs: `codex calibrate --run RUN` combines it with the
    other signals.
    """
    errors = terminal.console(stderr=True)
    columns = (TextColumn("reading  {task.completed:.0f} of {task.total:.0f} answers"), BarColumn())
    with closing(Workbench.open(overrides or [])) as workbench, interruptible(errors) as cancel:
        ids = [named_run(workbench.store, run).run.id for run in runs or []]
        with Progress(*columns, console=errors, transient=True) as bar:
            task = bar.add_task("", total=0, visible=False)

            def progress(done: int, total: int) -> None:
                bar.update(task, completed=done, total=total, visible=True)

            made = train_probes(workbench, ids, name, layers, progress, cancel)
        if activate:
            workbench.active.activate_probes(made.version)
    if as_json:
        print_json({"version": made.version, **made.model_dump(mode="json", exclude={"folds"})})
        return
    _tell(made)


@app.callback(invoke_without_command=True)
def list_probes(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of probes.")] = False,
) -> None:
    """List the probes, the newest first; activate or delete some."""
    if context.invoked_subcommand:
        return
    with closing(opened()) as store:
        saved = store.probes.list()
    found = [(each, Probes.model_validate_json(each.body)) for each in saved]
    if as_json:
        print_json(
            [
                {
                    "version": each.version,
                    "active": each.active,
                    **it.model_dump(mode="json", exclude={"folds"}),
                }
                for each, it in found
            ]
        )
        return
    if not found:
        terminal.console().print("No probes yet: codex train probe --run RUN")
        return
    table = Table("version", "", "answers", "tell", "AUROC", "gain", "model", "sets", box=None)
    for each, it in found:
        whole = it.in_domain.get("")
        table.add_row(
            Text(printable(each.title)),
            "active" if each.active else "",
            f"{it.questions:,}",
            ", ".join(it.targets),
            f"{whole.probe:.3f}" if whole else "",
            _interval(whole) if whole else "",
            Text(printable(it.model)),
            Text(printable(", ".join(it.datasets))),
        )
    terminal.console().print(table)


@app.command()
def activate(version: Annotated[str, typer.Argument(help="The version, or none.")]) -> None:
    """Read these probes from the next question on."""
    with closing(opened()) as store:
        active = Active(load_settings(), store)
        active.activate_probes(None if version == NONE else version)
        _tell_active(store.probes.active())


@app.command()
def rollback() -> None:
    """Undo the last activation."""
    with closing(opened()) as store:
        active = Active(load_settings(), store)
        active.rollback_probes()
        _tell_active(store.probes.active())


@app.command()
def delete(
    version: Annotated[str, typer.Argument(help="The version.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete probes that are not active."""
    with closing(opened()) as store:
        title = printable(store.probes.load(version).title)
        if not yes:
            typer.confirm(f"Delete {title}? It cannot be brought back.", abort=True)
        store.probes.delete(version)
    terminal.console().print(f"deleted  {title}", highlight=False, soft_wrap=True)


def _tell_active(saved: object) -> None:
    shown = printable(getattr(saved, "title", NONE))
    terminal.console().print(f"active  {shown}", highlight=False, soft_wrap=True)


def _tell(made: Probes) -> None:
    console = terminal.console()
    accuracy = "" if made.accuracy is None else f", {percent(made.accuracy)} of them correct"
    told = f"{', '.join(made.targets)}; fitted on {made.questions:,} answers{accuracy}"
    console.print(f"{printable(made.version)}: {told}", highlight=False, soft_wrap=True)
    if not made.in_domain:
        return
    table = Table("dataset", "answers", "signals", "probe", "gain", "gain, dataset left out", box=None)
    for name, gain in made.in_domain.items():
        other = made.left_out.get(name)
        table.add_row(
            Text(printable(name or "all")),
            f"{gain.questions:,}",
            f"{gain.signals:.3f}",
            f"{gain.probe:.3f}",
            _interval(gain),
            _interval(other) if other else "",
        )
    console.print(table)
    if not made.helps:
        console.print(
            "It adds nothing that its interval tells from 0: a calibrator will leave it out.",
            highlight=False,
            soft_wrap=True,
        )


def _interval(gain: Gain) -> str:
    return f"{gain.gain:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"
