"""codex train: teach the model of this machine from questions with answers."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from codex.cli import probes, rewards, terminal, tokenizers, verifiers
from codex.cli.runs import reached, readable
from codex.cli.terminal import INTERRUPTED, Overrides, interruptible, printable
from codex.cli.trainings import Bar, Columns, Data, Encoding, Output, called
from codex.datasets.columns import said
from codex.engines.models import Models
from codex.errors import Cancelled, InvalidInput
from codex.settings import load_settings
from codex.training.config import TrainConfig, configured

if TYPE_CHECKING:
    from codex.training.answerer import Answerer
    from codex.training.examples import Source
    from codex.training.sweep import Sweep

MEASURED = {
    "validation_loss": ("validation loss", ".3f"),
    "token_accuracy": ("token accuracy", ".1%"),
    "graded_accuracy": ("graded accuracy", ".1%"),
    "graded_refusals": ("refusals", ".1%"),
    "confidence_auroc": ("AUROC of the confidence", ".3f"),
    "confidence_ece": ("ECE of the confidence", ".3f"),
}
"""What is told of a training when it has ended: name of a metric -> title, format."""

PLACES = ("home=", "store.path=")
"""Settings that all trainings of a sweep share."""

Run = Annotated[
    str | None, typer.Option(metavar="RUN", help="The questions of a run, by its id or its beginning.")
]
Refuse = Annotated[
    bool, typer.Option("--refuse", help="Of a run: train “I don't know” where the model was incorrect.")
]
app = typer.Typer(no_args_is_help=True, help="Teach the model of this machine.")


@app.callback()
def train() -> None:
    """Teach the model of this machine."""


app.command("probe")(probes.train)
app.command("verifier")(verifiers.train)
app.command("reward")(rewards.train)
app.command("tokenizer")(tokenizers.train)


@app.command()
def answerer(
    overrides: Overrides = None,
    data: Data = None,
    run: Run = None,
    refuse: Refuse = False,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="By default engine.model_path; a new one: a plug-in's name, or module:object.",
        ),
    ] = None,
    tokenizer: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Of a new model: a folder, a plug-in's name, or module:object."),
    ] = None,
    out: Output = None,
    column: Columns = None,
    encoding: Encoding = None,
) -> None:
    """Fine-tune the model on questions with answers; the same command resumes an interrupted training.

    Settings of the training are train.KEY=VALUE, e.g. train.epochs=1 train.lora.rank=8.
    """
    config, others = configured(overrides or [])
    config, named = _model(config, others, model, tokenizer)
    settings = load_settings([*others, *named])
    errors = terminal.console(stderr=True)
    source = _source(data, run, refuse, column, encoding, others)
    with interruptible(errors) as cancel:
        from codex.training.answerer import train_answerer
        from codex.training.base_model import of_this_machine

        folder = out or settings.home / "adapters" / called(data, run)
        with Bar() as bar:
            models = Models(settings.home)
            try:
                made = train_answerer(
                    source,
                    of_this_machine(settings.engine),
                    models,
                    config,
                    folder,
                    told=bar.told,
                    progress=bar.progress,
                    cancel=cancel,
                )
            except Cancelled as stopped:
                errors.print(str(stopped), highlight=False, soft_wrap=True)
                raise typer.Exit(INTERRUPTED) from stopped
        _tell(made)


@app.command()
def sweep(
    overrides: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY=VALUE]...",
            help="Settings; those with several values are combined: train.epochs=1,2 "
            "train.learning_rate=1e-4,3e-4",
        ),
    ] = None,
    data: Data = None,
    run: Run = None,
    refuse: Refuse = False,
    optuna: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="Search ranges, train.learning_rate=interval(1e-5,1e-3), N trainings."
        ),
    ] = None,
    out: Output = None,
    column: Columns = None,
    encoding: Encoding = None,
) -> None:
    """Fine-tune the model with several settings, and compare; the same command resumes.

    Each training has a folder of its own; those that are done are not done again.
    """
    from codex.training.search import search, space
    from codex.training.sweep import Result, Sweep, Trial, trials

    given = overrides or []
    over = space(given) if optuna else None
    several = [] if over else trials(given)
    fixed = list(over.fixed) if over else [it for it in given if it.startswith(PLACES)]
    config, others = configured(fixed)
    settings = load_settings(others)
    errors = terminal.console(stderr=True)
    source = _source(data, run, refuse, column, encoding, others)
    with interruptible(errors) as cancel:
        folder = out or settings.home / "adapters" / f"{called(data, run)}-sweep"
        made = Sweep(source, Models(settings.home), folder, cancel)
        total = optuna or len(several)

        def train(number: int, trial: Trial) -> Result:
            if cancel.is_set():
                raise Cancelled("Stopped between two trainings. Give the same command again to resume.")
            with Bar(tells_rows=number == 0) as bar:
                told = f"{number + 1} of {total}: {trial.name}"
                errors.print(
                    f"{told}: done before" if made.done(trial) else told, highlight=False, soft_wrap=True
                )
                return made.train(trial, bar.told, bar.progress)

        try:
            if over:
                search(over, total, config.seed, train)
            for number, trial in enumerate(several):
                train(number, trial)
        except Cancelled as stopped:
            errors.print(str(stopped), highlight=False, soft_wrap=True)
            _tell_sweep(made)
            raise typer.Exit(INTERRUPTED) from stopped
    _tell_sweep(made)


@app.command()
def merge(
    adapter: Annotated[Path, typer.Argument(help="The folder of an adapter, as `codex train` saved it.")],
    overrides: Overrides = None,
    out: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FOLDER", help="By default model/ beside it.")
    ] = None,
) -> None:
    """Write a model with an adapter in its weights, which engine=huggingface then loads as any other."""
    from codex.training.base_model import of_this_machine
    from codex.training.merging import merge as merged

    settings = load_settings(overrides or [])
    folder = out or adapter.parent / "model"
    with terminal.console(stderr=True).status("merging"):
        merged(adapter, of_this_machine(settings.engine), Models(settings.home), folder)
    terminal.console().print(
        f"saved in {folder}; use it: engine=huggingface engine.model_path={folder}",
        highlight=False,
        soft_wrap=True,
    )


def _model(
    config: TrainConfig, overrides: Sequence[str], model: str | None, tokenizer: str | None
) -> tuple[TrainConfig, list[str]]:
    """The settings that name the model, which is made where it is new; all weights of such a one are trained.

    Raises InvalidInput for a tokenizer of a model that is not new; see `own_models.new_model`.
    """
    from codex.training import own_models

    own_models.check_tokenizer_is_wanted(model, tokenizer)
    if model is None or tokenizer is None:
        return config, [] if model is None else [f"engine.model_path={model}"]
    own_models.take(model, tokenizer)
    with terminal.console(stderr=True).status("making the model"):
        models = Models(load_settings(overrides).home)
        folder = own_models.new_model(model, tokenizer, models, config.seed)
    if "lora" not in config.model_fields_set:
        config = TrainConfig.model_validate(config.model_dump(exclude_unset=True) | {"lora": None})
    return config, [f"engine.model_path={folder.name}"]


def _source(
    data: Path | None,
    run: str | None,
    refuse: bool,
    column: Sequence[str] | None,
    encoding: str | None,
    overrides: Sequence[str],
) -> Source:
    """Raises InvalidInput where nothing, or too much, is said to train on; what its kinds raise."""
    from codex.training.examples import FileSource, RunSource

    if (data is None) == (run is None):
        raise InvalidInput("Say what to train on, one of --data FILE and --run RUN.", ["data"])
    if run is None and refuse:
        raise InvalidInput(
            "--refuse needs to know where the model is incorrect: evaluate it, and give --run.", ["refuse"]
        )
    if data is not None:
        return FileSource(data, said(column or []) or None, encoding)
    assert run is not None
    with closing(reached(overrides)) as there, readable(there, [run]) as (store, [summary]):
        return RunSource(store, summary.run.id, refuse)


def _tell(made: Answerer) -> None:
    console = terminal.console()
    why = ", stopped early: the validation loss no longer fell" if made.trained.why == "early" else ""
    console.print(
        f"trained {made.manifest.rows:,} rows, {made.trained.step:,} of {made.trained.steps:,} updates{why}",
        highlight=False,
        soft_wrap=True,
    )
    metrics = made.trained.metrics
    for name, (title, form) in MEASURED.items():
        if name in metrics and f"{name}_before" in metrics:
            console.print(
                f"{title} {metrics[f'{name}_before']:{form}} before, {metrics[name]:{form}} now",
                highlight=False,
                soft_wrap=True,
            )
    console.print(f"saved in {made.folder}", highlight=False, soft_wrap=True)


def _tell_sweep(made: Sweep) -> None:
    """The trainings of a sweep as a table, the best first."""
    from codex.training.sweep import ordered, varied

    console = terminal.console()
    keys = varied(made.results)
    shown = {name: it for name, it in MEASURED.items() if any(name in one.metrics for one in made.results)}
    table = Table(*(key.removeprefix("train.") for key in keys), "updates", box=None)
    for title, _ in shown.values():
        table.add_column(title, justify="right")
    for it in ordered(made.results):
        values = dict(each.split("=", 1) for each in it.trial.chosen)
        numbers = [
            format(it.metrics[name], form) if name in it.metrics else "" for name, (_, form) in shown.items()
        ]
        step = "failed" if it.error else f"{it.step:,}"
        table.add_row(*(values.get(key, "") for key in keys), step, *numbers)
    if not made.results:
        return
    console.print(table)
    for it in made.results:
        if it.error:
            console.print(f"{it.trial.name} failed: {printable(it.error)}", highlight=False, soft_wrap=True)
    best = ordered(made.results)[0]
    if best.loss is not None:
        console.print(f"lowest validation loss: {best.folder}", highlight=False, soft_wrap=True)
    console.print(f"saved in {made.table}", highlight=False, soft_wrap=True)
