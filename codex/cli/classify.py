"""codex classify: a label for each row of a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from codex import engines
from codex.classify import files
from codex.classify.rows import FormatType
from codex.cli import terminal
from codex.cli.terminal import Overrides, interruptible, printable
from codex.engines.models import Models
from codex.errors import InvalidInput
from codex.outputs import output
from codex.settings import load_settings

if TYPE_CHECKING:
    from codex.classify.estimator import LocalLLMClassifier

SHOWN = 5
"""Rows that failed, of which the reason is printed."""


def classify(
    file: Annotated[Path, typer.Argument(help="CSV, JSON, JSONL or Parquet; all but Parquet also as .gz.")],
    overrides: Overrides = None,
    column: Annotated[
        list[str] | None, typer.Option(help="What is classified; give it again for several columns.")
    ] = None,
    labels: Annotated[str, typer.Option(metavar="A,B,…", help="All labels there are, with commas.")] = "",
    out: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="CSV, JSONL or Parquet by its ending."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the output.")] = False,
    instructions: Annotated[str, typer.Option(help="What the labels mean, in a sentence.")] = "",
    template: Annotated[str | None, typer.Option(help="text, record, statement, or a file of one.")] = None,
    form: Annotated[FormatType, typer.Option("--format", help="How several columns are shown.")] = "list",
    encoding: Annotated[str | None, typer.Option(help="Of a text file, e.g. latin-1; else UTF-8.")] = None,
    prefix: Annotated[str, typer.Option(help="Of the names of the new columns.")] = "",
) -> None:
    """Classify each row of a file; an interrupted run resumes when the same command is given again."""
    from codex.classify.estimator import LocalLLMClassifier

    console, errors = terminal.console(), terminal.console(stderr=True)
    names = [name.strip() for name in labels.split(",") if name.strip()]
    if not column:
        raise InvalidInput("Say which column is classified, e.g. --column text.", ["column"])
    if len(names) < 2:
        raise InvalidInput("Name at least two labels, e.g. --labels positive,negative.", ["labels"])
    target = out or _beside(file)
    files.check_writable(target, overwrite)
    given = files.read(file, column, encoding)
    new = [f"{prefix}label", *(f"{prefix}probability_{name}" for name in names), f"{prefix}error"]
    taken = [name for name in new if name in given.names]
    if taken:
        raise InvalidInput(f"{file.name} has a column {taken[0]!r} already: give --prefix.", ["prefix"])
    settings = load_settings(overrides or [])
    kept = target.with_name(f"{target.name}.rows")
    classifier = LocalLLMClassifier(
        engine=engines.create(settings.engine.name, settings.engine, Models(settings.home)),
        labels=names,
        instructions=instructions,
        template_name=template,
        format_type=form,
        cache=kept,
    )
    usable = [at for at in range(len(given.rows)) if at not in given.problems]
    found: dict[int, dict[str, Any]] = {at: {new[-1]: why} for at, why in given.problems.items()}
    if usable:
        with interruptible(errors) as cancel:
            outcomes = classifier.outcomes(_told(given, usable, column), cancel=cancel)
        for at, outcome in zip(usable, outcomes, strict=True):
            found[at] = _values(new, names, outcome)

    def lines() -> Iterator[dict[str, Any]]:
        for at, row in enumerate(given.rows):
            yield {**row, **found[at]}

    with output(target) as sink:
        files.write(sink, target, [*given.names, *new], new[1:-1], lines())
    failed = {at: values[new[-1]] for at, values in found.items() if values.get(new[-1])}
    if not failed.keys() - given.problems.keys():
        kept.unlink(missing_ok=True)
    _tell(console, classifier, Counter(values.get(new[0]) for values in found.values()), target)
    for at, why in list(failed.items())[:SHOWN]:
        said = printable(f"row {at + 1:,}: {why}")
        errors.print(Text.assemble(("failed  ", "red"), said), soft_wrap=True)
    if failed:
        again = " Give the command again with --overwrite to try them." if kept.exists() else ""
        raise InvalidInput(
            f"{len(failed):,} of {len(found):,} rows could not be classified; {target} says why.{again}"
        )


def _beside(file: Path) -> Path:
    """FILE.labels.csv for a CSV, and so on; a list of JSON becomes lines."""
    name = file.name.removesuffix(".gz")
    stem, ending = Path(name).stem, Path(name).suffix.lower()
    return file.with_name(
        f"{stem}.labels{ending if ending in files.ENDINGS else '.jsonl' if 'json' in ending else '.csv'}"
    )


def _told(given: files.Given, usable: list[int], columns: list[str]) -> Any:
    """The texts of one column, or a table of several."""
    if len(columns) == 1:
        return [str(given.rows[at].get(columns[0])) for at in usable]
    import pandas as pd

    return pd.DataFrame([{name: given.rows[at].get(name) for name in columns} for at in usable], dtype=object)


def _values(new: list[str], labels: list[str], outcome: Any) -> dict[str, Any]:
    if isinstance(outcome, Exception):
        return {new[-1]: str(outcome)}
    best = max(range(len(labels)), key=lambda at: outcome.probabilities[at])
    return {new[0]: labels[best], **dict(zip(new[1:-1], outcome.probabilities, strict=True))}


def _tell(console: Any, classifier: LocalLLMClassifier, counts: Counter[str | None], target: Path) -> None:
    table = Table("label", "rows", box=None)
    for label, count in counts.most_common():
        table.add_row(Text(printable(label or "(failed)")), f"{count:,}")
    console.print(table)
    spent = classifier.usage_
    console.print(
        f"{spent.rows:,} rows classified by {spent.requests:,} requests of {spent.prompt_tokens:,} tokens "
        f"read and {spent.completion_tokens:,} written",
        highlight=False,
        soft_wrap=True,
    )
    console.print(f"labels in {target}", highlight=False, soft_wrap=True)
