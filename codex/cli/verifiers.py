"""The commands about trained verifiers: codex train verifier and codex verifiers."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated, Literal

import typer
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from codex import engines
from codex.ask.verifying import ActiveVerifier, stored
from codex.calibration.calibrator import Metric, MetricName
from codex.calibration.glossary import GLOSSARY
from codex.cli import terminal
from codex.cli.runs import named_run, opened
from codex.cli.scores import print_json, tell_metrics
from codex.cli.terminal import Overrides, interruptible, printable
from codex.engines.base import Engine
from codex.engines.huggingface.loading import HuggingFaceConfig
from codex.engines.models import Models
from codex.grounding.trained import InUse, TrainedVerifier
from codex.settings import Settings, load_settings
from codex.store import Store
from codex.text import percent
from codex.training.verified_runs import verify_run
from codex.training.verifier import check_engine
from codex.training.verifier_labels import check_run, labelled_answers

app = typer.Typer(help="The trained verifiers, and which one is active.")
NONE = "none"
"""In the place of a version: no trained verifier."""
SHOWN: tuple[MetricName, ...] = ("auroc", "ece", "ece_excess", "brier")

Version = Annotated[str, typer.Argument(help="The version.")]


def train(
    overrides: Overrides = None,
    run: Annotated[str, typer.Option(metavar="RUN", help="Learn from the graded answers of this run.")] = "",
    name: Annotated[str, typer.Option(help="Its name.")] = "verifier",
    epochs: Annotated[
        int, typer.Option(min=1, max=100, help="Passes over the answers at most; cross-validation chooses.")
    ] = 10,
    layers: Annotated[
        float, typer.Option(min=0.01, max=1.0, help="Share of the layers that are adapted, from the last.")
    ] = 0.34,
    rank: Annotated[int, typer.Option(min=1, max=256, help="Rank of the adapter.")] = 8,
    learning_rate: Annotated[float, typer.Option(min=1e-7, max=1.0, help="Its largest value.")] = 1e-4,
    kl_weight: Annotated[
        float, typer.Option(min=0.0, help="Weight of the divergence from the model as it is.")
    ] = 1.0,
    seed: Annotated[int, typer.Option(min=0, max=2**31, help="Equal seeds give equal verifiers.")] = 0,
    activate: Annotated[bool, typer.Option("--activate", help="Activate it.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Train a verifier on half of a run's questions: an adapter that tells whether an answer is correct.

    The model that answers verifies too, or that of grounding.verifier_model. The other half of the questions
    stays unseen, so that guarantees can rest on it.
    """
    from codex.training.verifier import train_verifier
    from codex.training.verifier_fit import FitOptions

    settings = load_settings(overrides or [])
    config = verifying(settings)
    options = FitOptions(
        epochs=epochs,
        rank=rank,
        alpha=2 * rank,
        learning_rate=learning_rate,
        kl_weight=kl_weight,
        seed=seed,
    )
    errors = terminal.console(stderr=True)
    with closing(Store(settings.database)) as store, interruptible(errors) as cancel:
        chosen = named_run(store, run).run
        check_run(chosen, engine_of(settings).fingerprint)
        labelled = labelled_answers(store, chosen, settings.grounding.verifier_form)
        columns = (TextColumn("{task.description}"), BarColumn())
        with Progress(*columns, console=errors, transient=True) as bar:
            task = bar.add_task("reading the run", total=None)

            def progress(what: str, done: int, total: int) -> None:
                bar.update(task, description=what, completed=done, total=total)

            serving = verifying_engine(settings).fingerprint
            outcome = train_verifier(
                labelled, chosen, config, serving, settings.home, name, options, layers, progress, cancel
            )
        made = outcome.verifier
        store.verifiers.save(made.version, made.name, made.model_dump_json(), chosen.id)
        if activate:
            ActiveVerifier(store, settings.home).activate(made.version)
    if as_json:
        print_json(_said(made))
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
    with closing(opened()) as store:
        saved = store.verifiers.list()
    found = [(each, stored(each)) for each in saved]
    if as_json:
        print_json([{**_said(it), "version": each.version, "active": each.active} for each, it in found])
        return
    if not found:
        terminal.console().print("No verifiers yet: codex train verifier --run RUN")
        return
    table = Table("version", "", "answers", "AUROC", "zero-shot", "ECE", "model", "sets", box=None)
    for each, it in found:
        trained, zero_shot = it.metrics["trained"], it.metrics["zero_shot"]
        table.add_row(
            Text(printable(each.title)),
            "active" if each.active else "",
            f"{it.labels:,}",
            f"{trained['auroc'].value:.3f}",
            f"{zero_shot['auroc'].value:.3f}",
            f"{trained['ece'].value:.3f}",
            Text(printable(it.model)),
            Text(printable(", ".join(it.datasets))),
        )
    terminal.console().print(table)


@app.command()
def activate(version: Annotated[str, typer.Argument(help="The version, or none.")]) -> None:
    """Verify with it from the next question on; none: with the model as it is."""
    with closing(opened()) as store:
        _active(store).activate(None if version == NONE else version)
        _tell_active(store)


@app.command()
def apply(
    version: Version,
    overrides: Overrides = None,
    run: Annotated[str, typer.Option(metavar="RUN", help="The run whose answers are verified.")] = "",
) -> None:
    """Verify the answers of a run again, so that a calibrator can be fitted on what it says of them.

    A question that it was trained on is verified by the adapter that did not see it.
    """
    settings = load_settings(overrides or [])
    errors = terminal.console(stderr=True)
    columns = (TextColumn("verifying  {task.completed:.0f} of {task.total:.0f}"), BarColumn())
    with closing(Store(settings.database)) as store, interruptible(errors) as cancel:
        chosen = named_run(store, run).run
        in_use = InUse(stored(store.verifiers.load(version)), settings.home)
        with Progress(*columns, console=errors, transient=True) as bar:
            task = bar.add_task("", total=chosen.total)
            engine = verifying_engine(settings)
            form = settings.grounding.verifier_form
            verify_run(store, chosen, engine, form, in_use, lambda n: bar.update(task, completed=n), cancel)
    told = f"{printable(chosen.name)}: verified by {printable(version)}"
    terminal.console().print(told, highlight=False, soft_wrap=True)


@app.command()
def rollback() -> None:
    """Undo the last activation."""
    with closing(opened()) as store:
        _active(store).rollback()
        _tell_active(store)


@app.command()
def rename(version: Version, name: str) -> None:
    """Rename a verifier; its version stays."""
    with closing(opened()) as store:
        store.verifiers.rename(version, name)


@app.command()
def delete(
    version: Version,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete a verifier that is not active, with its adapters."""
    with closing(opened()) as store:
        title = printable(store.verifiers.load(version).title)
        if not yes:
            typer.confirm(f"Delete {title}? It cannot be brought back.", abort=True)
        _active(store).delete(version)
    terminal.console().print(f"deleted  {title}", highlight=False, soft_wrap=True)


def verifying(settings: Settings) -> HuggingFaceConfig:
    """The model that verifies, by the settings, as it is held for training.

    Raises CapabilityError where it takes no adapter.
    """
    engine, model = settings.engine, settings.grounding.verifier_model
    check_engine(engine.name)
    told = engine.model_dump(include=set(HuggingFaceConfig.model_fields))
    if engine.name == "llama_cpp":  # Its weights are made whole again, whatever the file holds them in.
        told["dtype"] = "float32"
        told["quantization"] = "none"
    held = HuggingFaceConfig.model_validate(told)
    return held.model_copy(update={"model_path": model}) if model else held


def engine_of(settings: Settings, model: str | None = None) -> Engine:
    """That of the settings, with their model or another one."""
    config = settings.engine.model_copy(update={"model_path": model}) if model else settings.engine
    return engines.create(config.name, config, Models(settings.home))


def verifying_engine(settings: Settings) -> Engine:
    """The one that verifies, by the settings."""
    return engine_of(settings, settings.grounding.verifier_model)


def _active(store: Store) -> ActiveVerifier:
    return ActiveVerifier(store, load_settings().home)


def _tell_active(store: Store) -> None:
    saved = store.verifiers.active()
    shown = printable(saved.title) if saved else NONE
    terminal.console().print(f"active: {shown}", highlight=False, soft_wrap=True)


def _said(made: TrainedVerifier) -> dict[str, object]:
    return {"version": made.version, **made.model_dump(mode="json", exclude={"questions"})}


def _tell(made: TrainedVerifier) -> None:
    console = terminal.console()
    sets = printable(", ".join(made.datasets))
    console.print(
        f"{printable(made.version)}: trained on {made.labels:,} answers ({sets}), "
        f"{percent(made.accuracy)} of them correct; {made.epochs} epochs, layers {made.layers[0]} to "
        f"{made.layers[1]}, temperature {made.temperature:.2f}, {made.seconds:.0f} s",
        highlight=False,
        soft_wrap=True,
    )
    kinds: tuple[Literal["zero_shot", "trained"], ...] = ("zero_shot", "trained")
    table = Table("of the same answers", "zero-shot", "trained, cross-fitted", box=None)
    for key in SHOWN:
        table.add_row(GLOSSARY[key].name, *(_interval(made.metrics[kind][key]) for kind in kinds))
    console.print(table)
    tell_metrics(console, SHOWN)
    if not made.reliability.is_sufficient:
        console.print(
            "Its AUROC is not clearly above chance: where it is active, P(True) is not used. More answers "
            "or a larger model may help.",
            highlight=False,
            soft_wrap=True,
        )


def _interval(metric: Metric) -> str:
    return f"{metric.value:z.3f} ({metric.low:z.3f} to {metric.high:z.3f})"
