"""The shell: thin commands over the same calls as the pages and the HTTP interface."""

from __future__ import annotations

import os
import sys
from typing import Any

import typer
from rich.text import Text

from codex.cli import (
    answers,
    ask,
    audit,
    backup,
    calibrate,
    chat,
    classify,
    datasets,
    doctor,
    documents,
    evaluate,
    keys,
    labels,
    models,
    plugins,
    policies,
    probes,
    runs,
    serve,
    sessions,
    terminal,
    train,
    users,
    verifiers,
)
from codex.errors import CodexError
from codex.private import UMASK
from codex.redaction import masked
from codex.redaction.logs import mask_logs
from codex.signals import add_signals

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def codex() -> None:
    """Answers from a local language model, each with how likely it is to be correct."""
    add_signals()


app.command()(ask.ask)
app.command()(chat.chat)
app.command("serve")(serve.command)
app.add_typer(users.app, name="users")
app.add_typer(keys.app, name="keys")
app.add_typer(audit.app, name="audit")
app.add_typer(models.app, name="models")
app.add_typer(datasets.app, name="datasets")
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(runs.app, name="runs")
app.command()(runs.export)
app.command()(calibrate.calibrate)
app.add_typer(calibrate.app, name="calibrators")
app.add_typer(probes.app, name="probes")
app.add_typer(verifiers.app, name="verifiers")
app.add_typer(policies.app, name="policies")
app.add_typer(answers.app, name="answers")
app.add_typer(labels.app, name="labels")
app.add_typer(sessions.app, name="sessions")
app.command()(classify.classify)
app.add_typer(train.app, name="train")
app.command("plugins")(plugins.list_plugins)
app.command()(documents.index)
app.command()(documents.search)
app.command()(doctor.doctor)
app.command()(backup.backup)
app.command()(backup.restore)


def main() -> None:
    """Run a command; an error that the user can act on is one line, and exit status 1."""
    os.umask(UMASK)
    mask_logs()
    try:
        _plain_where_piped(typer.main.get_command(app))()
    except CodexError as error:
        terminal.console(stderr=True).print(Text.assemble(("error: ", "bold red"), masked(str(error))))
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
