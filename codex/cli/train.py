"""codex train: teach the model of this machine from questions with answers."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn

from codex.cli import probes, terminal, tokenizers, verifiers
from codex.cli.runs import reached, readable
from codex.cli.terminal import INTERRUPTED, Overrides, interruptible, printable
from codex.datasets.columns import said
from codex.engines.models import Models
from codex.errors import Cancelled, InvalidInput
from codex.settings import load_settings
from codex.training.config import configured

if TYPE_CHECKING:
    from codex.training.answerer import Answerer
    from codex.training.course import Progress as Course
    from codex.training.examples import Source
    from codex.training.token_cache import Prepared

MEASURED = {
    "validation_loss": ("validation loss", ".3f"),
    "token_accuracy": ("token accuracy", ".1%"),
    "graded_accuracy": ("graded accuracy", ".1%"),
    "graded_refusals": ("refusals", ".1%"),
    "confidence_auroc": ("AUROC of the confidence", ".3f"),
    "confidence_ece": ("ECE of the confidence", ".3f"),
}
"""What is told of a training when it has ended: name of a metric -> title, format."""

app = typer.Typer(no_args_is_help=True, help="Teach the model of this machine.")


@app.callback()
def train() -> None:
    """Teach the model of this machine."""


app.command("probe")(probes.train)
app.command("verifier")(verifiers.train)
app.command("tokenizer")(tokenizers.train)


@app.command()
def answerer(
    overrides: Overrides = None,
    data: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="CSV, JSON, JSONL or Parquet with questions and answers; texts."),
    ] = None,
    run: Annotated[
        str | None, typer.Option(metavar="RUN", help="The questions of a run, by its id or its beginning.")
    ] = None,
    refuse: Annotated[
        bool,
        typer.Option("--refuse", help="Of a run: train “I don't know” where the model was incorrect."),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="By default in home/adapters, by the data's name."
        ),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(metavar="FIELD=COLUMN", help="Which column holds what: question=Frage; repeatable."),
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Of a text file; by default it is found out.")] = None,
) -> None:
    """Fine-tune the model on questions with answers; the same command resumes an interrupted training.

    Settings of the training are train.KEY=VALUE, e.g. train.epochs=1 train.lora.rank=8.
    """
    config, others = configured(overrides or [])
    settings = load_settings(others)
    if (data is None) == (run is None):
        raise InvalidInput("Say what to train on, one of --data FILE and --run RUN.", ["data"])
    if run is None and refuse:
        raise InvalidInput(
            "--refuse needs to know where the model is incorrect: evaluate it, and give --run.", ["refuse"]
        )
    errors = terminal.console(stderr=True)
    source = _source(data, run, refuse, column, encoding, others)
    with interruptible(errors) as cancel:
        from codex.training.answerer import train_answerer
        from codex.training.base_model import of_this_machine

        name = data.name.removesuffix(".gz").rpartition(".")[0] if data else f"run-{run}"
        folder = out or settings.home / "adapters" / name
        with _bar() as bar:
            shown = bar.add_task("loading the model", total=None)

            def told(rows: Prepared) -> None:
                _tell_rows(rows)
                bar.update(shown, description="training")

            def progress(at: Course) -> None:
                bar.update(shown, completed=at.step, total=at.steps, description=_described(at))

            models = Models(settings.home)
            try:
                made = train_answerer(
                    source,
                    of_this_machine(settings.engine),
                    models,
                    config,
                    folder,
                    told=told,
                    progress=progress,
                    cancel=cancel,
                )
            except Cancelled as stopped:
                errors.print(str(stopped), highlight=False, soft_wrap=True)
                raise typer.Exit(INTERRUPTED) from stopped
        _tell(made)


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


def _source(
    data: Path | None,
    run: str | None,
    refuse: bool,
    column: Sequence[str] | None,
    encoding: str | None,
    overrides: Sequence[str],
) -> Source:
    from codex.training.examples import FileSource, RunSource

    if data is not None:
        return FileSource(data, said(column or []) or None, encoding)
    assert run is not None
    with closing(reached(overrides)) as there, readable(there, [run]) as (store, [summary]):
        return RunSource(store, summary.run.id, refuse)


def _bar() -> Progress:
    console = terminal.console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,.0f}"))
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _described(at: Course) -> str:
    validation = "" if at.validation_loss is None else f", validation {at.validation_loss:.3f}"
    return f"loss {at.loss:.3f}{validation}, {at.tokens_per_second:,.0f} tokens/s"


def _tell_rows(rows: Prepared) -> None:
    from codex.training.examples import described

    for line in described(rows.counts):
        terminal.console().print(printable(line), highlight=False, soft_wrap=True)


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
