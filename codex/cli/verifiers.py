"""The commands about trained verifiers: codex train verifier and codex verifiers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Annotated, Literal

import typer
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from codex.ask.verifying import stored
from codex.calibration.calibrator import Metric, MetricName
from codex.calibration.glossary import GLOSSARY
from codex.cli import terminal
from codex.cli.runs import found_run, reached
from codex.cli.scores import print_json, tell_metrics
from codex.cli.served import Served
from codex.cli.terminal import Overrides, interruptible, printable
from codex.cli.versions import Kind, Version, add_commands, trained_there
from codex.errors import InvalidInput
from codex.grounding.trained import InUse, Method
from codex.settings import Settings, load_settings
from codex.store import Store
from codex.store.names import titled
from codex.text import percent
from codex.training.probe import check_engine as check_states
from codex.training.saved_verifiers import SavedVerifier
from codex.training.verified_runs import verify_run
from codex.training.verifier_models import (
    check_engine,
    engine_of,
    teach_readout,
    teach_verifier,
    verifying_engine,
)
from codex.training.verifier_options import FitOptions
from codex.types import Run

app = typer.Typer(help="The trained verifiers, and which one is active.")
VERIFIERS = Kind(
    path="/verifiers",
    of=lambda store: store.verifiers,
    activate=lambda active, version: active.verifier.activate(version),
    rollback=lambda active: active.verifier.rollback(),
    delete=lambda active, store, version: active.verifier.delete(version),
)
Tell = Callable[[str, int, int | None], None]
"""Told what is under way, what is done of it and what there is in all."""
LORA_OPTIONS = ("epochs", "layers", "rank", "learning_rate", "kl_weight", "seed")
"""Those that a readout does not have."""
SHOWN: tuple[MetricName, ...] = ("auroc", "ece", "ece_excess", "brier")


def train(
    context: typer.Context,
    overrides: Overrides = None,
    runs: Annotated[
        list[str] | None,
        typer.Option("--run", metavar="RUN", help="Learn from the graded answers of this run; repeatable."),
    ] = None,
    name: Annotated[str, typer.Option(help="Its name.")] = "verifier",
    method: Annotated[
        Method,
        typer.Option(help="Read the model's hidden states, in minutes; or train a LoRA adapter, in an hour."),
    ] = "readout",
    epochs: Annotated[
        int,
        typer.Option(min=1, max=100, help="lora: passes over the answers, at most."),
    ] = 10,
    layers: Annotated[
        float, typer.Option(min=0.01, max=1.0, help="lora: share of the layers adapted, from the last.")
    ] = 0.34,
    rank: Annotated[int, typer.Option(min=1, max=256, help="lora: rank of the adapter.")] = 8,
    learning_rate: Annotated[float, typer.Option(min=1e-7, max=1.0, help="lora: its largest value.")] = 1e-4,
    kl_weight: Annotated[
        float,
        typer.Option(min=0.0, max=1000.0, help="lora: weight of the divergence from the model."),
    ] = 1.0,
    seed: Annotated[int, typer.Option(min=0, max=2**31, help="lora: equal seeds give equal verifiers.")] = 0,
    activate: Annotated[bool, typer.Option("--activate", help="Activate it.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Train a verifier on half of a run's questions: it tells whether an answer is correct.

    The model that answers verifies too, or that of grounding.verifier_model. The other half of the questions
    stays unseen, so that guarantees can rest on it.
    """
    if not runs:
        raise InvalidInput("Name a run to train on: --run RUN; `codex runs` lists them.", ["run"])
    if method == "readout":
        _refuse_lora_options(context)
    settled = FitOptions(
        epochs=epochs,
        rank=rank,
        alpha=2 * rank,
        learning_rate=learning_rate,
        kl_weight=kl_weight,
        seed=seed,
    )
    with closing(reached(overrides)) as there:
        settings = load_settings(overrides or [])
        if method == "readout":
            version = _train_readout(there, settings, runs, name)
        else:
            version = _train_lora(there, settings, runs, name, settled, layers)
        if activate:
            VERIFIERS.activated(there, version)
        made = _saved(there, version)
    if as_json:
        print_json(made.model_dump(mode="json"))
    else:
        _tell(made)


@app.callback(invoke_without_command=True)
def list_verifiers(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of verifiers.")] = False,
) -> None:
    """List the trained verifiers, the newest first; activate or delete one."""
    if context.invoked_subcommand:
        return
    with closing(reached()) as there:
        if isinstance(there, Served):
            found = [SavedVerifier.model_validate(row) for row in there.call("GET", VERIFIERS.path)]
        else:
            found = [SavedVerifier.of(saved) for saved in there.verifiers.list()]
    if as_json:
        print_json([each.model_dump(mode="json") for each in found])
        return
    if not found:
        terminal.console().print("No verifiers yet: codex train verifier --run RUN")
        return
    table = Table("version", "", "method", "answers", "AUROC", "zero-shot", "ECE", "model", "sets", box=None)
    for it in found:
        trained, zero_shot = it.metrics["trained"], it.metrics["zero_shot"]
        table.add_row(
            Text(printable(titled(it.name, it.version))),
            "active" if it.active else "",
            it.method,
            f"{it.labels:,}",
            f"{trained['auroc'].value:.3f}",
            f"{zero_shot['auroc'].value:.3f}",
            f"{trained['ece'].value:.3f}",
            Text(printable(it.model)),
            Text(printable(", ".join(it.datasets))),
        )
    terminal.console().print(table)


@app.command()
def apply(
    version: Version,
    overrides: Overrides = None,
    run: Annotated[str, typer.Option(metavar="RUN", help="The run whose answers are verified.")] = "",
) -> None:
    """Verify the answers of a run again, so that a calibrator can be fitted on what it says of them.

    A question that it was trained on is verified by the part of it that did not see it.
    """
    with closing(reached(overrides)) as there:
        chosen = found_run(there, run).run
        _apply(there, load_settings(overrides or []), version, chosen)
    told = f"{printable(chosen.name)}: verified by {printable(version)}"
    terminal.console().print(told, highlight=False, soft_wrap=True)


add_commands(
    app, VERIFIERS, "a verifier", "Verify with it from the next question on; none: with the model as it is."
)


def _refuse_lora_options(context: typer.Context) -> None:
    """Raises InvalidInput where an option is given that a readout does not have."""
    for option in LORA_OPTIONS:
        source = context.get_parameter_source(option)
        if source is not None and source.name != "DEFAULT":
            named = option.replace("_", "-")
            raise InvalidInput(
                f"--{named} is an option of an adapter: add --method lora, or leave it out.", [option]
            )


def _train_readout(there: Store | Served, settings: Settings, runs: Sequence[str], name: str) -> str:
    """Returns the version."""
    engine = None
    if not isinstance(there, Served):
        engine = verifying_engine(settings)
        check_states(engine)
    ids = [found_run(there, run).run.id for run in runs]
    with _bar("reading the runs") as (cancel, tell):
        if isinstance(there, Served):
            return _trained_there(there, {"runs": ids, "name": name, "method": "readout"}, tell, cancel)
        assert engine
        answering = engine_of(settings).fingerprint
        try:
            return teach_readout(there, settings, ids, answering, engine, name, tell, cancel).version
        finally:
            engine.unload()


def _train_lora(
    there: Store | Served,
    settings: Settings,
    runs: Sequence[str],
    name: str,
    options: FitOptions,
    layers: float,
) -> str:
    """Returns the version."""
    if not isinstance(there, Served):
        check_engine(settings.engine.name)
    ids = [found_run(there, run).run.id for run in runs]
    with _bar("reading the runs") as (cancel, tell):
        if not isinstance(there, Served):
            return teach_verifier(there, settings, ids, name, options, layers, tell, cancel).version
        body = {
            "runs": ids,
            "name": name,
            "method": "lora",
            "epochs": options.epochs,
            "layers": layers,
            "rank": options.rank,
            "learning_rate": options.learning_rate,
            "kl_weight": options.kl_weight,
            "seed": options.seed,
        }
        return _trained_there(there, body, tell, cancel)


def _trained_there(there: Served, body: dict[str, object], tell: Tell, cancel: threading.Event) -> str:
    """Returns the version."""
    return trained_there(
        there, f"{VERIFIERS.path}/train", body, lambda now: tell(now.text, now.done, now.total), cancel
    )


def _apply(there: Store | Served, settings: Settings, version: str, run: Run) -> None:
    with _bar("verifying") as (cancel, tell):
        if isinstance(there, Served):
            trained_there(
                there,
                f"{VERIFIERS.path}/apply",
                {"version": version, "runs": [run.id]},
                lambda now: tell("verifying", now.done, now.total),
                cancel,
                "the run is as it was",
            )
            return
        in_use = InUse(stored(there.verifiers.load(version)), settings.home)
        engine, form = verifying_engine(settings), settings.grounding.verifier_form
        verify_run(there, run, engine, form, in_use, lambda done: tell("verifying", done, run.total), cancel)


@contextmanager
def _bar(first: str) -> Iterator[tuple[threading.Event, Tell]]:
    """What cancels the work inside, and what is told how far it is."""
    errors = terminal.console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn())
    with interruptible(errors) as cancel, Progress(*columns, console=errors, transient=True) as bar:
        task = bar.add_task(first, total=None)

        def tell(what: str, done: int, total: int | None) -> None:
            bar.update(task, description=printable(what) or first, completed=done, total=total)

        yield cancel, tell


def _saved(there: Store | Served, version: str) -> SavedVerifier:
    if isinstance(there, Served):
        return SavedVerifier.model_validate(there.call("GET", VERIFIERS.route(version)))
    return SavedVerifier.of(there.verifiers.load(version))


def _tell(made: SavedVerifier) -> None:
    console = terminal.console()
    sets = printable(", ".join(made.datasets))
    first, depth = made.layers
    if made.method == "readout":
        how = f"reads layer {first} of {depth}"
    else:
        how = f"{made.epochs} epochs, layers {first} to {depth}"
    console.print(
        f"{printable(made.version)}: trained on {made.labels:,} answers ({sets}), "
        f"{percent(made.accuracy)} of them correct; {how}, temperature {made.temperature:.2f}, "
        f"{made.seconds:.0f} s",
        highlight=False,
        soft_wrap=True,
    )
    kinds: tuple[Literal["zero_shot", "trained"], ...] = ("zero_shot", "trained")
    table = Table("of the same answers", "zero-shot", "trained, cross-fitted", box=None)
    for key in SHOWN:
        table.add_row(GLOSSARY[key].name, *(_interval(made.metrics[kind][key]) for kind in kinds))
    console.print(table)
    tell_metrics(console, SHOWN)
    console.print(made.advice, highlight=False, soft_wrap=True)


def _interval(metric: Metric) -> str:
    return f"{metric.value:z.3f} ({metric.low:z.3f} to {metric.high:z.3f})"
