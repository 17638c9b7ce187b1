"""The audit log: codex audit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from codex.cli import terminal
from codex.cli.terminal import printable
from codex.cli.users import access, logged
from codex.errors import CodexError
from codex.outputs import output

app = typer.Typer(help="Who did what on a workbench that others reach.")


@app.callback(invoke_without_command=True)
def list_entries(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Entries, the newest first.")] = 50,
) -> None:
    """List the newest entries; export all of them, or verify that none was changed."""
    if context.invoked_subcommand:
        return
    with access() as opened:
        entries = opened.audit.page(limit=limit)
    if not entries:
        terminal.console().print("No entries: they begin where a key or a sign-in is needed", highlight=False)
        return
    table = Table("id", "when (UTC)", "who", "from", "action", "target", "outcome", box=None)
    for it in entries:
        words = (it.who, it.address, it.action, it.target)
        shown = [Text(printable(word)) for word in words]
        table.add_row(f"{it.id}", f"{it.at:%Y-%m-%d %H:%M:%S}", *shown, f"{it.outcome}")
    terminal.console().print(table)


@app.command()
def export(file: Annotated[Path, typer.Argument(help="Lines of JSON are written there.")]) -> None:
    """Write all entries into a file, oldest first."""
    with access() as opened, output(file, "file") as out:
        out.writelines(line.encode() for line in opened.audit.lines())
        logged(opened, "export audit log", file.name)


@app.command()
def verify() -> None:
    """Verify the chain of hashes: each entry covers the one before it."""
    with access() as opened:
        broken = opened.audit.broken()
    if broken is not None:
        raise CodexError(f"The audit log was changed: entry {broken} does not follow from those before it.")
    terminal.console().print("The chain of entries is whole", highlight=False)
