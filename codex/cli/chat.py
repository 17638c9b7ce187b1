"""codex chat: a conversation in the terminal, each question asked after those before it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, nullcontext, suppress
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from codex.ask.response import AskResponse, ConversationUse
from codex.cli import terminal
from codex.cli.answering import told
from codex.cli.questions import Questions, questions
from codex.cli.terminal import INTERRUPTED, Overrides, printable
from codex.errors import Cancelled, CodexError

PROMPT = "> "
NEW, QUIT = "/new", "/quit"
COMMANDS = f"{NEW} leaves the conversation so far, {QUIT} ends."


def chat(
    overrides: Overrides = None,
    samples: Annotated[
        int | None, typer.Option(help="Independent answers drawn beside each shown one.")
    ] = None,
    evidence: Annotated[bool, typer.Option("--evidence", help="Retrieve passages first.")] = False,
) -> None:
    """Ask one question after another, each in the context of those before it.

    /new leaves the context, /quit ends; Ctrl-C stops an answer. A pipe brings a question a line.
    """
    console, errors = terminal.console(), terminal.console(stderr=True)
    failed = False
    with questions(overrides or [], samples, evidence) as asks:
        follows: str | None = None
        for line in _lines(console):
            if line == QUIT:
                break
            if line == NEW:
                follows = None
                console.print(Text("The next question is asked alone.", style="dim"))
            elif line.startswith("/") and len(line.split()) == 1:
                errors.print(Text(f"There is no command {printable(line)}: {COMMANDS}"))
            elif line:
                response = _answered(asks, line, follows, console, errors)
                follows = response.trace_id if response else follows
                failed |= response is None
    if failed and not sys.stdin.isatty():
        raise typer.Exit(1)


def _answered(
    asks: Questions, question: str, follows: str | None, console: Console, errors: Console
) -> AskResponse | None:
    """The response to a turn, printed; None where there is none, which is said."""
    try:
        # A workbench of this process is never interrupted midway: it stops by itself, within a token.
        stop = terminal.interruptible(errors) if asks.cancels else nullcontext()
        with stop as cancel, closing(asks.ask(question, follows, cancel)) as parts:
            response = told(parts, console)
    except (Cancelled, KeyboardInterrupt):
        console.print()
        errors.print(Text("Stopped; nothing was saved.", style="dim"))
        return None
    except CodexError as error:
        errors.print(Text.assemble(("error: ", "bold red"), printable(str(error))))
        return None
    if response.conversation is not None:
        console.print(Text(_used(response.conversation), style="dim"))
    return response


def _used(conversation: ConversationUse) -> str:
    """What the model was shown of the turns before, and what that takes of its context."""
    turns = "1 earlier turn" if conversation.turns == 1 else f"{conversation.turns} earlier turns"
    lost = f"; {conversation.dropped} more did not fit and left out" if conversation.dropped else ""
    if conversation.tokens is None:
        return f"after {turns}{lost}"
    size = f" of {conversation.context:,}" if conversation.context else ""
    return f"after {turns}: {conversation.tokens:,}{size} tokens of context{lost}"


def _lines(console: Console) -> Iterator[str]:
    """What is typed, or comes through a pipe, line by line, until its end."""
    typed = sys.stdin.isatty()
    if typed:
        _edit_lines()
        console.print(Text(COMMANDS, style="dim"))
    while True:
        try:
            line = input(PROMPT) if typed else next(sys.stdin)
        except (EOFError, StopIteration):
            return
        except KeyboardInterrupt:
            if not typed:
                raise typer.Exit(INTERRUPTED) from None
            console.print(Text(f"\n{COMMANDS}", style="dim"))
            continue
        if not typed:
            console.print(Text(f"{PROMPT}{printable(line.rstrip())}"))
        yield line.strip()


def _edit_lines() -> None:
    """Let arrow keys edit a line and bring earlier ones back, where Python was built with that."""
    with suppress(ImportError):
        import readline  # noqa: F401 - its import is what it does
