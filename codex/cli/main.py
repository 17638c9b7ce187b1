"""The shell: thin commands over the same calls as the pages and the HTTP interface."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

import typer
from rich.text import Text
from typer.core import TyperGroup

from codex.cli import terminal
from codex.errors import CodexError
from codex.private import UMASK
from codex.redaction import masked
from codex.redaction.logs import mask_logs

COMMANDS = {
    "ask": ("ask:ask", "Ask one question and print the answer, its confidence and the decision."),
    "chat": ("chat:chat", "Ask one question after another, each in the context of those before it."),
    "serve": ("serve:command", "Start the workbench: pages and HTTP interface in one process."),
    "export": (
        "runs:export",
        "Export answers with their tokens, in the format that `codex evaluate --generations` reads.",
    ),
    "calibrate": (
        "calibrate:calibrate",
        "Fit a calibrator on graded answers: on half of the questions; the other half proves it.",
    ),
    "classify": (
        "classify:classify",
        "Classify each row of a file; an interrupted run resumes when the same command is given again.",
    ),
    "plugins": (
        "plugins:list_plugins",
        "List what installed packages add, such as signals or rewards, and what does not load.",
    ),
    "index": (
        "documents:index",
        "Index files and folders; without any, index what is waiting and list all documents.",
    ),
    "search": ("documents:search", "Search the indexed documents by meaning and by words."),
    "doctor": (
        "doctor:doctor",
        "Check the installation, the machine, the settings and the home; change nothing.",
    ),
    "backup": (
        "backup:backup",
        "Write everything that is kept, but models, into one file, also while the workbench runs.",
    ),
    "restore": (
        "backup:restore",
        "Put a backup into the home, whole or not at all; nothing else may use the home meanwhile.",
    ),
    "users": ("users:app", "Who may sign in on the pages, and what they may do."),
    "keys": ("keys:app", "Keys for the HTTP interface, with what each may do."),
    "audit": ("audit:app", "Who did what on a workbench that others reach."),
    "models": ("models:app", "The models on this machine."),
    "datasets": ("datasets:app", "The datasets that ship with Codex, and your own."),
    "evaluate": ("evaluate:app", "Ask the questions of a dataset, or score answers that are there."),
    "runs": ("runs:app", "The stored runs."),
    "calibrators": ("calibrate:app", "The stored calibrators, and which one is active."),
    "probes": ("probes:app", "The stored probes of hidden states, and which are active."),
    "verifiers": ("verifiers:app", "The trained verifiers, and which one is active."),
    "policies": ("policies:app", "The saved policies, and which one is active."),
    "answers": ("answers:app", "Answers that people gave, which come before the model's."),
    "labels": ("labels:app", "What people say of answers, and the queues that wait for it."),
    "sessions": ("sessions:app", "Every answer that was given, and its session."),
    "train": ("train:app", "Teach the model of this machine."),
}
"""What `codex --help` lists: where each command is, below codex.cli, and the first line of its help."""


class Commands(TyperGroup):
    """Only the command that runs is imported: all of them take seconds."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        return name, None if name is None or command is None else self.load(name), rest

    def load(self, name: str) -> Any:
        """The command of that name, in full. Raises KeyError."""
        module, _, attribute = COMMANDS[name][0].partition(":")
        found = getattr(import_module(f"codex.cli.{module}"), attribute)
        # Beside the empty callback, a command is in a group even where it is the only one.
        alone = typer.Typer(callback=lambda: None)
        if isinstance(found, typer.Typer):
            alone.add_typer(found, name=name)
        else:
            alone.command(name)(found)
        made: Any = typer.main.get_command(alone)
        self.commands[name] = made.commands[name]
        if self.rich_markup_mode is None:
            _plain(self.commands[name])
        return self.commands[name]


app = typer.Typer(cls=Commands, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def codex() -> None:
    """Answers from a local language model, each with how likely it is to be correct."""
    from codex.signals import add_signals

    add_signals()


for _name, (_, _help) in COMMANDS.items():
    app.command(_name, help=_help)(lambda: None)


def program() -> Any:
    """The program with all its commands in full, as typer has it."""
    group: Any = typer.main.get_command(app)
    for name in COMMANDS:
        group.load(name)
    return group


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
        _plain(command)
    return command


def _plain(command: Any) -> None:
    commands = [command]
    for each in commands:
        each.rich_markup_mode = None
        commands += getattr(each, "commands", {}).values()
