"""The commands about questions: datasets list, show, add, import; and how good the graders are."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.markdown import Markdown
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from codex import engines
from codex.cli import terminal
from codex.cli.terminal import printable
from codex.datasets import hub
from codex.datasets.additions import add as add_question
from codex.datasets.columns import said as columns_said
from codex.datasets.formats.keys import KeyBase
from codex.datasets.importing import MOST_QUESTIONS, Imported, import_file
from codex.datasets.library import broken, datasets, find, items
from codex.datasets.questions import Understood
from codex.datasets.splits import split
from codex.datasets.table_files import is_table
from codex.engines.base import Engine
from codex.engines.models import Models, default_home
from codex.errors import InvalidInput
from codex.grading.grades import known
from codex.grading.kinds import counted, graded_as, grader_of
from codex.grading.study import AUTO, OWN_CASES, TEXT_GRADERS, Agreement, study
from codex.items import Item
from codex.settings import load_settings
from codex.text import percent

SHOWN = 10
"""Questions and rejected rows, unless more are asked for."""
COUNTED = 100_000
"""Questions whose graders are counted at most: reading a million takes half a minute."""
JUDGED_ANSWERS = 100
"""Of each set, by a judge that a model is: it takes a second for each."""

app = typer.Typer(help="The datasets that ship with Codex, and your own.", no_args_is_help=True)


@app.command("list")
def list_datasets(
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of datasets.")] = False,
) -> None:
    """List the datasets."""
    there, errors = datasets(default_home()), terminal.console(stderr=True)
    for each in broken(default_home()):
        said = printable(f"{each.name}: {each.why}")
        errors.print(Text.assemble(("left out  ", "red"), said), soft_wrap=True)
    if as_json:
        rows = [{"name": d.name, "rows": d.rows, "kind": d.kind, "about": d.about} for d in there]
        print(json.dumps(rows, indent=2))
        return
    table = Table("name", "questions", "from", "what it asks", box=None)
    for dataset in there:
        name, about = Text(printable(dataset.name)), Text(printable(dataset.about))
        table.add_row(name, f"{dataset.rows:,}", dataset.kind, about)
    terminal.console().print(table)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A dataset, a file of one, or OWNER/NAME of the hub.")],
    limit: Annotated[int, typer.Option(help="Show N questions.")] = SHOWN,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Show what a dataset holds, with its first questions."""
    if limit < 0:
        raise InvalidInput(f"--limit must be at least 0, not {limit}.", ["limit"])
    home, console = default_home(), terminal.console()
    of_machine = not is_table(Path(name)) and not hub.is_name(name)
    dataset = find(name, home) if of_machine else None
    first = list(itertools.islice(items(name, home), limit))
    if as_json:
        for item in first:
            print(json.dumps({**item.as_row(), "split": split(item.question), "graded_as": grader_of(item)}))
        return
    if dataset:
        card = printable(dataset.card)
        console.print(Markdown(card) if console.is_terminal else card)
    table = Table("id", "split", "question", "accepted answers", box=None)
    for item in first:
        own_id, asked = Text(printable(item.id)), Text(printable(item.asked))
        table.add_row(own_id, split(item.question), asked, _accepted(item))
    console.print(table)
    # A file or a set of the hub is not read further than it is shown.
    graders = counted(itertools.islice(items(name, home), COUNTED) if dataset else first)
    count = sum(graders.values())
    few = "" if dataset and count == dataset.rows else f" (the first {count:,})"
    console.print(graded_as(graders, few), highlight=False, soft_wrap=True)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="A dataset of your own, or a new name.")],
    question: Annotated[str, typer.Option(help="What is asked.")],
    answer: Annotated[list[str], typer.Option(help="An accepted answer; may be given several times.")],
) -> None:
    """Add a question with its accepted answers to a dataset."""
    dataset, _ = add_question(name, default_home(), question, answer)
    terminal.console().print(f"{name}: {dataset.rows:,} question{'' if dataset.rows == 1 else 's'}")


@app.command("import")
def import_dataset(
    file: Annotated[Path, typer.Argument(help="CSV, JSON, JSONL or Parquet; all but Parquet also as .gz.")],
    name: Annotated[str | None, typer.Option(help="Its name; by default that of the file.")] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD=COLUMN",
            help="Which column holds question, answers, context, choices, id, group, answerable or grader, "
            "where its name does not say so, e.g. question=Frage. Answers and choices may be in several; "
            "FIELD= says that no column holds it.",
        ),
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Of a text file, e.g. latin-1; else UTF-8.")] = None,
    separator: Annotated[
        str | None,
        typer.Option("--split", help='Split answers and choices in one text at this, e.g. "|".'),
    ] = None,
    key_base: Annotated[
        str | None,
        typer.Option(
            metavar="0|1|text",
            help="What the numbers of correct choices count from, where the rows do not tell; text: nothing, "
            "they are choices themselves.",
        ),
    ] = None,
    grader: Annotated[
        str | None, typer.Option(help="Grade all answers by this one; else chosen for each question.")
    ] = None,
    accept_rejects: Annotated[
        bool,
        typer.Option("--accept-rejects", help="Import the accepted rows, however many are rejected."),
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the dataset of that name.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was imported as an object.")] = False,
) -> None:
    """Import a file of questions, and say what was understood; rows that cannot be used are named."""
    errors = terminal.console(stderr=True)
    columns = TextColumn("{task.completed:,.0f} rows read"), TextColumn("{task.fields[rate]}")
    with Progress(*columns, console=errors, transient=True) as bar:
        task = bar.add_task("", total=None, rate="")

        def progress(done: int) -> None:
            if done % 1000 == 0:
                speed = bar.tasks[0].speed
                bar.update(task, completed=done, rate=f"{speed:,.0f} rows/s" if speed else "")

        def tell(understood: Understood) -> None:
            for line in understood.lines():
                errors.print(Text(printable(line)), soft_wrap=True)

        imported = import_file(
            file,
            default_home(),
            name,
            columns_said(column or []),
            encoding,
            split=separator,
            key_base=_key_base(key_base),
            grader=known(grader) if grader else None,
            accept_rejects=accept_rejects,
            replace=replace,
            tell=tell,
            progress=progress,
        )
    for row in imported.reasons[:SHOWN]:
        errors.print(Text.assemble(("rejected  ", "red"), printable(f"line {row.line}: {row.reason}")))
    if imported.rejected > SHOWN:
        more = f"… and {imported.rejected - SHOWN:,} more, see {imported.rejected_path}"
        errors.print(Text(printable(more)), soft_wrap=True)
    if as_json:
        print(json.dumps(_row_of(imported), indent=2))
    else:
        terminal.console().print(_told(imported), soft_wrap=True, highlight=False)


def graders(
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Settings of the judge's engine.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="A folder with nq.jsonl.gz and triviaqa.jsonl.gz of EVOUNA, or with cases, NAME.jsonl: an "
            "object with question, answers, text and correct a line. By default Codex's own cases."
        ),
    ] = None,
    engine_judge: Annotated[
        bool, typer.Option("--engine-judge", help="Measure the model as judge too, on a sample.")
    ] = False,
    sample: Annotated[
        int | None, typer.Option(min=1, help="So many answers of each set; by default all, of a judge 100.")
    ] = None,
    systems: Annotated[bool, typer.Option("--systems", help="A row for each system too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of measurements.")] = False,
) -> None:
    """Measure every grader against people's verdicts on the same answers, by type of answer; best first."""
    if engine_judge and sample is None:
        sample = JUDGED_ANSWERS
    names = [*TEXT_GRADERS, "judge"] if engine_judge else TEXT_GRADERS
    data = data or OWN_CASES
    if data is None:
        raise InvalidInput("Name a folder of answers that people judged: --data FOLDER.", ["data"])
    columns = (
        TextColumn("grading"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with (
        _judge(overrides or [], engine_judge) as engine,
        Progress(*columns, console=terminal.console(stderr=True), transient=True) as bar,
    ):
        task = bar.add_task("", total=None)
        found = study(
            data,
            names,
            engine,
            sample,
            lambda done, total: bar.update(task, completed=done, total=total),
        )
    if as_json:
        print(json.dumps([_finite(row) for row in found], indent=2))
        return
    console = terminal.console()
    console.print(_measured(row for row in found if _is_shown(row, systems)))
    console.print(
        "agreement: share of the answers on which grader and people agree; kind: incorrect answers called "
        "correct; strict: correct ones called incorrect; none: not graded. auto grades each answer by its "
        f"type. The default is {AUTO}.",
        highlight=False,
    )


@contextmanager
def _judge(overrides: Sequence[str], wanted: bool) -> Iterator[Engine | None]:
    if not wanted:
        yield None
        return
    settings = load_settings(overrides)
    engine = engines.create(settings.engine.name, settings.engine, Models(settings.home))
    try:
        with terminal.console(stderr=True).status("loading the model"):
            engine.load()
        yield engine
    finally:
        engine.unload()


def _key_base(said: str | None) -> KeyBase | None:
    bases: dict[str, KeyBase] = {"0": 0, "1": 1, "text": "text"}
    if said is not None and said not in bases:
        raise InvalidInput(f"--key-base is 0, 1 or text, not {said!r}.", ["key_base"])
    return bases[said] if said else None


def _row_of(imported: Imported) -> dict[str, object]:
    understood = imported.understood
    return {
        "name": imported.dataset.name,
        "questions": imported.dataset.rows,
        "complete": imported.complete,
        "duplicates": imported.duplicates,
        "rejected": imported.rejected,
        "reasons": [row._asdict() for row in imported.reasons],
        "columns": understood.columns,
        "key_base": understood.key_base,
        "graders": dict(understood.graders),
        "unanswerable": understood.unanswerable,
        "without_context": understood.without_context,
    }


def _told(imported: Imported) -> str:
    dataset = imported.dataset
    duplicates = f", {imported.duplicates:,} duplicates left out" if imported.duplicates else ""
    rejected = f", {imported.rejected:,} rejected" if imported.rejected else ""
    rest = (
        "" if imported.complete else f"\nThe file holds more than {MOST_QUESTIONS:,}: the rest was not read."
    )
    return f"{dataset.name}: {dataset.rows:,} questions imported{duplicates}{rejected}{rest}"


def _accepted(item: Item) -> Text:
    if not item.answerable:
        return Text("only a refusal", style="dim")
    return Text(printable(" | ".join(item.answers)))


def _is_shown(row: Agreement, systems: bool) -> bool:
    """Types are told apart for the automatic choice: of another grader they say little."""
    return (systems or row.system == "all") and (row.grader == AUTO or row.type == "all")


def _measured(rows: Iterator[Agreement]) -> Table:
    table = Table(box=None)
    for heading in ("grader", "set", "system", "type"):
        table.add_column(heading, no_wrap=True)
    for heading in ("answers", "agreement", "kappa", "AC1", "kind", "strict", "none"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        counts = (f"{count:,}" for count in (row.too_kind, row.too_strict, row.ungraded))
        shares = (percent(row.agreement), f"{row.kappa:.2f}", f"{row.ac1:.2f}")
        system = Text(printable(row.system))
        table.add_row(row.grader, Text(printable(row.set)), system, row.type, f"{row.n:,}", *shares, *counts)
    return table


def _finite(row: Agreement) -> dict[str, object]:
    """As JSON has it, which knows no NaN."""
    values = dataclasses.asdict(row)
    return {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in values.items()}
