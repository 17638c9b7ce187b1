"""What the commands that train a model share: options, and how far a training is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn

from codex.cli import terminal
from codex.cli.terminal import printable

if TYPE_CHECKING:
    from codex.training.course import Progress as Course
    from codex.training.token_cache import Prepared

Data = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="CSV, JSON, JSONL or Parquet with questions and answers; texts."),
]
Columns = Annotated[
    list[str] | None,
    typer.Option(metavar="FIELD=COLUMN", help="Which column holds what: question=Frage; repeatable."),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FOLDER", help="By default in home/adapters, by the data's name."),
]
Encoding = Annotated[str | None, typer.Option(help="Of a text file; by default it is found out.")]


def called(data: Path | None, run: str | None) -> str:
    """What a training is called after its data."""
    return data.name.removesuffix(".gz").rpartition(".")[0] if data else f"run-{run}"


class Bar:
    """How far a training is, on a terminal."""

    def __init__(self, tells_rows: bool = True) -> None:
        console = terminal.console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,.0f}"))
        self._bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._shown = self._bar.add_task("loading the model", total=None)
        self._tells_rows = tells_rows

    def __enter__(self) -> Bar:
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def told(self, rows: Prepared) -> None:
        """Training begins on these rows."""
        self.counted(rows.counts)

    def counted(self, counts: Counter[str]) -> None:
        """Training begins; what became of the rows."""
        if self._tells_rows:
            _tell_rows(counts)
        self._bar.update(self._shown, description="training")

    def progress(self, at: Course) -> None:
        """An update is done."""
        self._bar.update(self._shown, completed=at.step, total=at.steps, description=_described(at))


def _described(at: Course) -> str:
    validation = "" if at.validation_loss is None else f", validation {at.validation_loss:.3f}"
    return f"loss {at.loss:.3f}{validation}, {at.tokens_per_second:,.0f} tokens/s"


def _tell_rows(counts: Counter[str]) -> None:
    from codex.training.examples import described

    for line in described(counts):
        terminal.console().print(printable(line), highlight=False, soft_wrap=True)
