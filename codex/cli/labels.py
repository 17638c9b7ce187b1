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

from codex.ask.workbench import Workbench
from codex.calibration.calibrator import MetricName
from codex.calibration.glossary import GLOSSARY
from codex.cli import terminal
from codex.cli.runs import chosen_run, reached
from codex.cli.scores import print_json
from codex.cli.served import Served, served
from codex.cli.terminal import interruptible, printable
from codex.errors import Cancelled, InvalidInput, NotFound, StoreInUse
from codex.labelling.exchange import Scope, export_labels, import_labels
from codex.labelling.formats import FormatName, format_of
from codex.labelling.progress import progress as progress_of
from codex.labelling.recalibrating import recalibrate as recalibrated
from codex.outputs import output
from codex.settings import load_settings
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
METRICS: tuple[MetricName, ...] = ("auroc", "ece", "brier")


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
                "to_recalibrate": found.to_recalibrate,
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
def recalibrate(
    queue: Queue,
    name: Annotated[str, typer.Option(help="Of the calibrator; by default the queue's.")] = "",
    as_json: AsJson = False,
) -> None:
    """Fit a calibrator to the labels of a queue and save it; `codex calibrators activate` makes it active."""
    from codex.server.label_queues import RecalibrationBody

    console, errors = terminal.console(), terminal.console(stderr=True)
    with closing(_workbench()) as there, interruptible(errors) as cancel, errors.status("fitting"):
        chosen = _chosen(there if isinstance(there, Served) else there.store, queue)["id"]
        if isinstance(there, Served):
            path = f"/label-queues/{quote(chosen)}"
            begun = there.call("POST", f"{path}/recalibrate", {"name": name})
            if there.ended(begun, lambda _: None, cancel)["state"] == "cancelled":
                raise Cancelled("The fit was cancelled; nothing was saved.")
            said = there.call("GET", f"{path}/recalibration")
        else:
            made = recalibrated(there, chosen, name, cancel=cancel, embed=there.embed_questions)
            said = RecalibrationBody.of(made, there).model_dump(mode="json")
    if as_json:
        print_json(said)
        return
    console.print(printable(said["version"]), highlight=False, soft_wrap=True)
    table = Table("metric, 95% interval", "before", "after", box=None)
    for key in METRICS:
        table.add_row(GLOSSARY[key].name, *(_measured(said[when][key]) for when in ("before", "after")))
    console.print(table)
    console.print(said["note"], highlight=False, soft_wrap=True)


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


def _workbench() -> Workbench | Served:
    """A workbench, without its model, or the running one that has the database open. Raises Conflict."""
    try:
        return Workbench.open()
    except StoreInUse as in_use:
        return served(load_settings().home, in_use)


def _measured(found: Line) -> str:
    value, low, high = (found[name] for name in ("value", "low", "high"))
    if value is None:
        return "n/a"
    return f"{value:z.3f}" if low is None else f"{value:z.3f} ({low:z.3f} to {high:z.3f})"


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
