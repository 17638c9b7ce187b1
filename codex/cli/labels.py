"""What people say of answers: codex labels."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.table import Table
from rich.text import Text

from codex.cli import terminal
from codex.cli.runs import chosen_run, reached
from codex.cli.scores import print_json
from codex.cli.served import Served
from codex.cli.terminal import printable
from codex.errors import InvalidInput, NotFound
from codex.labelling.exchange import Scope, export_labels, import_labels
from codex.labelling.formats import FormatName, format_of
from codex.labelling.progress import progress as progress_of
from codex.outputs import output
from codex.store import Store

app = typer.Typer(help="What people say of answers, and the queues that wait for it.")
SHOWN_ID = 8
"""Letters of an id in a list: enough to name it by."""

Queue = Annotated[str, typer.Argument(help="The queue, by its name, its id, or the beginning of that.")]
OfQueue = Annotated[str | None, typer.Option("--queue", help="Of this queue alone.")]
AsFormat = Annotated[
    FormatName | None, typer.Option("--format", help="Of the file; by default its ending says it.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Line = dict[str, Any]


@app.callback(invoke_without_command=True)
def list_labels(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List what counts of answers of the Ask page, the newest first; export or import labels of all."""
    if context.invoked_subcommand:
        return
    with closing(reached()) as there:
        if isinstance(there, Served):
            found: list[Line] = there.call("GET", f"/labels?limit={limit}")
        else:
            found = [
                {"trace_id": it.trace_id, "correct": it.correct, "labelled_at": _told(it.labelled_at)}
                for it in there.counted_labels(limit)
            ]
    if as_json:
        print_json(found)
        return
    if not found:
        terminal.console().print("No labels yet: the thumbs on the Ask page make them, and the Label page")
        return
    table = Table("answer", "verdict", "labelled", box=None)
    for line in found:
        verdict = "correct" if line["correct"] else "incorrect"
        table.add_row(line["trace_id"], verdict, line["labelled_at"][:16].replace("T", " "))
    terminal.console().print(table)


@app.command()
def queues(as_json: AsJson = False) -> None:
    """List the queues, the newest first."""
    with closing(reached()) as there:
        found = _queues(there)
    if as_json:
        print_json(found)
        return
    if not found:
        terminal.console().print("No queues yet: make one on the Label page")
        return
    table = Table("queue", "name", "answers", "order", "made", box=None)
    for line in found:
        made = line["created_at"][:10]
        table.add_row(
            line["id"][:SHOWN_ID], Text(printable(line["name"])), line["source"], line["order"], made
        )
    terminal.console().print(table)


@app.command()
def progress(queue: Queue, as_json: AsJson = False) -> None:
    """Tell how far a queue is, and what its labels say of all its answers."""
    with closing(reached()) as there:
        chosen = _chosen(there, queue)["id"]
        if isinstance(there, Served):
            said = there.call("GET", f"/label-queues/{quote(chosen)}/progress")
        else:
            queues = there.label_queues
            found = progress_of(queues.standing(chosen), queues.labels_made(chosen))
            said = {
                "answers": found.answers,
                "labelled": found.labelled,
                "more": found.more,
                "note": found.note,
                "days": [{"day": day.day.isoformat(), "labels": day.labels} for day in found.days],
            }
    if as_json:
        print_json(said)
        return
    console = terminal.console()
    console.print(said["note"], highlight=False, soft_wrap=True)
    for line in said["days"]:
        console.print(f"{line['day']}  {line['labels']:,}", highlight=False)


@app.command()
def export(
    file: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="CSV, JSONL, Parquet or JSON by its ending."),
    ],
    queue: OfQueue = None,
    run: Annotated[
        str | None, typer.Option(help="Of this run alone, by its id or the beginning of it.")
    ] = None,
    asked: Annotated[bool, typer.Option("--asked", help="Of answers of the Ask page alone.")] = False,
    form: AsFormat = None,
) -> None:
    """Export labels with their answers: a table, or what Label Studio or Argilla import."""
    if (queue is not None) + (run is not None) + asked > 1:
        raise InvalidInput("Name a queue, a run or --asked, not several of them.", ["queue", "run", "asked"])
    chosen = form or format_of(file)
    with closing(reached()) as there:
        of_queue = _chosen(there, queue)["id"] if queue is not None else None
        of_run = "" if asked else _run(there, run) if run is not None else None
        with output(file) as out:
            if isinstance(there, Served):
                there.fetched("/labels/records", {"format": chosen, "queue": of_queue, "run": of_run}, out)
            else:
                export_labels(there, chosen, out, Scope(of_run, of_queue))
    terminal.console().print(f"labels in {file}", highlight=False, soft_wrap=True)


@app.command("import")
def import_file(file: Path, form: AsFormat = None) -> None:
    """Import labels of answers that are stored here: all of them, or none."""
    with closing(reached()) as there:
        if isinstance(there, Served):
            came = there.sent("/labels/records", file, {"format": form})
            new, replaced, older = came["new"], came["replaced"], came["older"]
        else:
            found = import_labels(there, file, form)
            new, replaced, older = found.new, found.replaced, found.older
    said = f"labels: {new:,} new, {replaced:,} replaced"
    said += f", {older:,} older than what is here" if older else ""
    terminal.console().print(said, highlight=False, soft_wrap=True)


def _told(moment: datetime) -> str:
    """As a route sends it."""
    return moment.isoformat().replace("+00:00", "Z")


def _queues(there: Store | Served) -> list[Line]:
    if isinstance(there, Served):
        found: list[Line] = there.call("GET", "/label-queues")
        return [{name: line[name] for name in _SHOWN} for line in found]
    return [
        {
            "id": each.id,
            "name": each.name,
            "source": each.source,
            "run_id": each.run_id,
            "order": each.ordering,
            "overlap": each.overlap,
            "created_at": _told(each.created_at),
        }
        for each in there.label_queues.list()
    ]


_SHOWN = ("id", "name", "source", "run_id", "order", "overlap", "created_at")


def _chosen(there: Store | Served, name: str) -> Line:
    """The queue of that name or id, or the only one whose id begins so. Raises NotFound."""
    known = _queues(there)
    for found in (
        [line for line in known if name in (line["id"], line["name"])],
        [line for line in known if name and line["id"].startswith(name)],
    ):
        if len(found) == 1:
            return found[0]
    raise NotFound(f"No queue is called {name!r}; `codex labels queues` lists them.")


def _run(there: Store | Served, name: str) -> str:
    runs = there.runs() if isinstance(there, Served) else there.runs.list()
    return chosen_run(runs, name).run.id
