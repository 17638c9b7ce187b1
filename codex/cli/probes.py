"""The commands about probes of hidden states: codex train probe and codex probes."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import closing
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from codex.ask.active import Active
from codex.ask.workbench import Workbench
from codex.cli import terminal
from codex.cli.runs import found_run, named_run, reached
from codex.cli.scores import print_json
from codex.cli.served import Served
from codex.cli.terminal import Overrides, interruptible, printable
from codex.cli.versions import Kind, add_commands, trained_there, workbench_or_served
from codex.errors import InvalidInput
from codex.jobs import OnProgress
from codex.signals.probes import Gain
from codex.store import Store
from codex.store.names import titled
from codex.text import percent
from codex.training.probe import train_probes
from codex.training.saved_probes import SavedProbes

app = typer.Typer(help="The stored probes of hidden states, and which are active.")
PROBES = Kind(
    path="/probes",
    of=lambda store: store.probes,
    activate=Active.activate_probes,
    rollback=Active.rollback_probes,
    delete=lambda active, store, version: store.probes.delete(version),
)


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
    if not runs:
        raise InvalidInput("Name a run to train on: --run RUN; `codex runs` lists them.", ["run"])
    with closing(workbench_or_served(overrides or [])) as there:
        made = _train(there, runs, name, layers)
        if activate:
            PROBES.activated(there, made.version)
    if as_json:
        print_json(made.model_dump(mode="json"))
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
    with closing(reached()) as there:
        found = _saved(there)
    if as_json:
        print_json([it.model_dump(mode="json") for it in found])
        return
    if not found:
        terminal.console().print("No probes yet: codex train probe --run RUN")
        return
    table = Table("version", "", "answers", "tell", "AUROC", "gain", "model", "sets", box=None)
    for it in found:
        whole = it.in_domain.get("")
        table.add_row(
            Text(printable(titled(it.name, it.version))),
            "active" if it.active else "",
            f"{it.questions:,}",
            ", ".join(it.targets),
            f"{whole.probe:.3f}" if whole else "",
            _interval(whole) if whole else "",
            Text(printable(it.model)),
            Text(printable(", ".join(it.datasets))),
        )
    terminal.console().print(table)


add_commands(app, PROBES, "probes", "Read these probes from the next question on.")


def _train(
    there: Workbench | Served, runs: Sequence[str], name: str, layers: Sequence[float] | None
) -> SavedProbes:
    errors = terminal.console(stderr=True)
    columns = (TextColumn("reading  {task.completed:.0f} of {task.total:.0f} answers"), BarColumn())
    with interruptible(errors) as cancel, Progress(*columns, console=errors, transient=True) as bar:
        task = bar.add_task("", total=0, visible=False)

        def progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, visible=True)

        if isinstance(there, Served):
            return _train_there(there, runs, name, layers, progress, cancel)
        ids = [named_run(there.store, run).run.id for run in runs]
        made = train_probes(there, ids, name, layers, progress, cancel)
        return SavedProbes.of(there.store.probes.load(made.version))


def _train_there(
    there: Served,
    runs: Sequence[str],
    name: str,
    layers: Sequence[float] | None,
    progress: OnProgress,
    cancel: threading.Event,
) -> SavedProbes:
    """Trained and saved by the running workbench, when its model is loaded."""
    body = {"runs": [found_run(there, run).run.id for run in runs], "name": name, "layers": layers}
    version = trained_there(
        there, "/probes/train", body, lambda now: progress(now.done, now.total or 0), cancel
    )
    return SavedProbes.model_validate(there.call("GET", PROBES.route(version)))


def _saved(there: Store | Served) -> list[SavedProbes]:
    if isinstance(there, Served):
        return [SavedProbes.model_validate(row) for row in there.call("GET", "/probes")]
    return [SavedProbes.of(saved) for saved in there.probes.list()]


def _tell(made: SavedProbes) -> None:
    console = terminal.console()
    accuracy = "" if made.accuracy is None else f", {percent(made.accuracy)} of them correct"
    told = f"{', '.join(made.targets)}; fitted on {made.questions:,} answers{accuracy}"
    console.print(f"{printable(made.version)}: {told}", highlight=False, soft_wrap=True)
    if made.in_domain:
        console.print(_gains(made))
    console.print(made.advice, highlight=False, soft_wrap=True)


def _gains(made: SavedProbes) -> Table:
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
    return table


def _interval(gain: Gain) -> str:
    return f"{gain.gain:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]"
