"""API keys: codex keys."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from codex.access import SCOPES
from codex.access.keys import Key
from codex.cli import terminal
from codex.cli.scores import print_json
from codex.cli.terminal import printable
from codex.cli.users import access, logged
from codex.errors import InvalidInput

app = typer.Typer(help="Keys for the HTTP interface, with what each may do.")
UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


@app.callback(invoke_without_command=True)
def list_keys(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of keys.")] = False,
) -> None:
    """List the keys, never the keys themselves; create one, or revoke one."""
    if context.invoked_subcommand:
        return
    with access() as opened:
        keys = opened.keys.list()
    if as_json:
        print_json([_row(key) for key in keys])
        return
    if not keys:
        terminal.console().print("No keys: codex keys create NAME --scope ask", highlight=False)
        return
    table = Table("id", "name", "scopes", "created", "until", box=None)
    for key in keys:
        table.add_row(
            *(key.id, Text(printable(key.name)), " ".join(sorted(key.scopes)), f"{key.created_at:%Y-%m-%d}"),
            _until(key),
        )
    terminal.console().print(table)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Who uses it, or what for.")],
    scope: Annotated[
        list[str], typer.Option("--scope", help=f"{', '.join(SCOPES)}; give it again for further ones.")
    ],
    expires: Annotated[
        str | None, typer.Option(help="After so long: 12h, 30d or 8w. Left out: never.")
    ] = None,
) -> None:
    """Create a key and print it, this once."""
    until = None if expires is None else datetime.now(UTC) + _lasting(expires)
    with access() as opened:
        key, text = opened.keys.create(name, scope, until)
        logged(opened, "create key", f"{key.id} {' '.join(sorted(key.scopes))}")
    terminal.console(stderr=True).print(
        f"The key of {printable(key.name)}, {_until(key)}. Keep it: it is not shown again.", highlight=False
    )
    print(text)


@app.command()
def revoke(id_: Annotated[str, typer.Argument(metavar="ID", help="As `codex keys` lists it.")]) -> None:
    """Refuse a key from now on, also on a workbench that runs."""
    with access() as opened:
        opened.keys.revoke(id_)
        logged(opened, "revoke key", id_)
    terminal.console().print(f"revoked  {printable(id_)}", highlight=False)


def _lasting(text: str) -> timedelta:
    match = re.fullmatch(r"([1-9][0-9]{0,4})([hdw])", text)
    if match is None:
        raise InvalidInput(f"{text!r} is no length of time: write it as 12h, 30d or 8w.", ["expires"])
    return int(match[1]) * UNITS[match[2]]


def _until(key: Key) -> str:
    if key.revoked_at is not None:
        return f"revoked on {key.revoked_at:%Y-%m-%d}"
    if key.expires_at is None:
        return "never expires"
    verb = "expires" if key.holds(datetime.now(UTC)) else "expired"
    return f"{verb} on {key.expires_at:%Y-%m-%d %H:%M} UTC"


def _row(key: Key) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "created_at": key.created_at.isoformat(),
        "expires_at": key.expires_at and key.expires_at.isoformat(),
        "revoked_at": key.revoked_at and key.revoked_at.isoformat(),
    }
