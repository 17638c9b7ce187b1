"""The shell: thin commands over the same calls as the pages and the HTTP interface."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import DownloadColumn, Progress
from rich.table import Table
from rich.text import Text

from codex.ask.confidence import LikelyAnswers
from codex.ask.response import NOT_CALIBRATED, reply
from codex.ask.workbench import Workbench, last_trace
from codex.cli import (
    calibrate as cli_calibrate,
)
from codex.cli import (
    datasets as cli_datasets,
)
from codex.cli import (
    documents as cli_documents,
)
from codex.cli import (
    evaluate as cli_evaluate,
)
from codex.cli import (
    runs as cli_runs,
)
from codex.cli import (
    terminal,
)
from codex.cli.terminal import printable
from codex.engines.models import Models, default_home
from codex.errors import CodexError
from codex.private import UMASK
from codex.types import (
    Action,
    DecisionEvent,
    Event,
    GenerationEvent,
    Passage,
    PassagesEvent,
    SamplesEvent,
    Stance,
    Token,
    TokenEvent,
    Trace,
    TraceEvent,
)

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
models_app = typer.Typer(help="The models on this machine.")
app.add_typer(models_app, name="models")
app.add_typer(cli_datasets.app, name="datasets")
app.add_typer(cli_evaluate.app, name="evaluate")
app.add_typer(cli_runs.app, name="runs")
app.command("export")(cli_runs.export)
app.command("calibrate")(cli_calibrate.calibrate)
app.add_typer(cli_calibrate.app, name="calibrators")
app.command("index")(cli_documents.index)
app.command("search")(cli_documents.search)

Overrides = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[KEY=VALUE]...", help="Settings, e.g. engine=huggingface policy.answer_above=0.8"
    ),
]

# Lower bound of the probability and how a token at or above it looks: hue and underline, so that it
# reads without colour too. Below the last one: reverse.
SHADES = ((0.9, ""), (0.7, "yellow"), (0.5, "yellow underline"), (0.3, "red underline"))
WEAKEST = "red reverse"
STANCES = {Stance.SUPPORTED: "green", Stance.NOT_FOUND: "yellow", Stance.CONTRADICTED: "red"}
DECISIONS = {Action.ANSWER: "green", Action.DEFER: "yellow", Action.ABSTAIN: "red"}


@app.command()
def ask(
    question: str,
    overrides: Overrides = None,
    samples: Annotated[
        int | None, typer.Option(help="Independent answers drawn beside the shown one.")
    ] = None,
    evidence: Annotated[bool, typer.Option("--evidence", help="Look things up first.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what POST /infer answers.")] = False,
) -> None:
    """Ask one question and print the answer, its confidence and the decision."""
    workbench = Workbench.open(overrides or [])
    try:
        events = workbench.ask(question, n_samples=samples, enable_rag=evidence)
        trace = last_trace(events if as_json else _shown(events, terminal.console()))
    finally:
        workbench.close()
    if as_json:
        print(reply(trace).model_dump_json(indent=2))


@app.command()
def serve(
    overrides: Overrides = None,
    host: Annotated[
        str | None, typer.Option(help="The address to listen on; the same as server.host=…")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(help="The port to listen on, 0 for a free one; the same as server.port=…"),
    ] = None,
) -> None:
    """Start the workbench: pages and HTTP interface in one process."""
    from app import serve as start

    # An override is one word of Hydra's grammar, in which "::1" stands only between quotes.
    given = [f"server.host='{host}'"] if host is not None else []
    given += [f"server.port={port}"] if port is not None else []
    start([*(overrides or []), *given])


@models_app.callback(invoke_without_command=True)
def list_models(context: typer.Context) -> None:
    """List the models that are here and those that can be fetched by name."""
    if context.invoked_subcommand:
        return
    table = Table("name", "state", "size", "what it is", box=None)
    for model in Models(default_home()).list():
        table.add_row(
            model.name, "here" if model.present else "not fetched", _megabytes(model.size), model.about
        )
    terminal.console().print(table)


@models_app.command("fetch")
def fetch_model(name: str) -> None:
    """Bring a model to this machine; does nothing when it is here."""
    with Progress(
        *Progress.get_default_columns(), DownloadColumn(), console=terminal.console(stderr=True)
    ) as shown:
        task = shown.add_task(name, total=None, visible=False)

        def progress(received: int, total: int) -> None:
            shown.update(task, completed=received, total=total, visible=True)

        path = Models(default_home()).fetch(name, progress)
    print(path)


def main() -> None:
    """Run a command; an error that the user can act on is one line, and exit status 1."""
    os.umask(UMASK)
    try:
        _plain_where_piped(typer.main.get_command(app))()
    except CodexError as error:
        terminal.console(stderr=True).print(Text.assemble(("error: ", "bold red"), str(error)))
        sys.exit(1)


def _plain_where_piped(command: Any) -> Any:
    """The command; in a pipe or a file its help and usage errors have neither frames nor wrapped lines."""
    if not sys.stdout.isatty():
        command.context_settings = command.context_settings | {"terminal_width": terminal.UNWRAPPED}
        commands = [command]
        for each in commands:
            each.rich_markup_mode = None
            commands += getattr(each, "commands", {}).values()
    return command


def _shown(events: Iterator[Event], console: Console) -> Iterator[Event]:
    """Pass events on, printing each answer as it is written and then what was decided."""
    status = console.status("loading the model")
    status.start()
    try:
        for event in events:
            status.stop()
            if isinstance(event, PassagesEvent):
                console.print(Text(_looked_up(event.passages), style="dim"))
            elif isinstance(event, TokenEvent):
                console.print(_coloured(event.token), end="", soft_wrap=True)
            elif isinstance(event, GenerationEvent):
                console.print()
                status.update("drawing samples")
                status.start()
            elif isinstance(event, SamplesEvent):
                status.update("checking")
                status.start()
            elif isinstance(event, DecisionEvent):
                console.print(Text(event.decision.reason, style="dim"))
            elif isinstance(event, TraceEvent):
                _print_decision(event.trace, console)
            yield event
    finally:
        status.stop()


def _looked_up(passages: Sequence[Passage]) -> str:
    names = dict.fromkeys(printable(passage.document) for passage in passages)
    return f"looked up {len(passages)} passage{'s' if len(passages) > 1 else ''} in {', '.join(names)}"


def _print_evidence(trace: Trace, console: Console) -> None:
    """Each sentence with what the passages say of it, and the words it rests on."""
    for sentence in reply(trace).sentences:
        quoted = f" “{' '.join(sentence.quote.split())}”" if sentence.quote else ""
        console.print(
            Text.assemble(
                (f"{sentence.stance}: ", STANCES[sentence.stance]),
                printable(sentence.text.strip()),
                (printable(quoted), "dim"),
            )
        )


def _print_decision(trace: Trace, console: Console) -> None:
    last = trace.last
    _print_evidence(trace, console)
    confidence = "not available" if last.confidence.value is None else f"{last.confidence.value:.2f}"
    console.print(
        Text.assemble(
            (last.decision.action.upper(), f"bold {DECISIONS[last.decision.action]}"),
            f"  confidence {confidence}",
            (f" ({NOT_CALIBRATED if last.confidence.calibrated is None else 'calibrated'})", "dim"),
        )
    )
    if kept := trace.params.answer_set:
        console.print(Text(printable(str(LikelyAnswers.of(kept)))))
    if last.decision.action is Action.ABSTAIN:
        console.print(Text(printable(trace.answer)))


def _coloured(token: Token) -> Text:
    probability = 1.0 if token.logprob is None else math.exp(token.logprob)
    style = next((style for least, style in SHADES if probability >= least), WEAKEST)
    return Text(printable(token.text), style=style)


def _megabytes(size: int | None) -> str:
    return "" if size is None else f"{size / 1e6:.0f} MB"


if __name__ == "__main__":
    main()
