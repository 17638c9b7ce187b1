"""Who may sign in on the pages: codex users."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Annotated, get_args

import typer
from rich.table import Table
from rich.text import Text

from codex.access import LOCAL, ROLES, Access, Role
from codex.cli import terminal
from codex.cli.scores import print_json
from codex.cli.terminal import printable
from codex.errors import InvalidInput
from codex.settings import load_settings

app = typer.Typer(help="Who may sign in on the pages, and what they may do.")
Named = Annotated[str, typer.Argument(help="The user's name.")]
Typed = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]
RoleName = Annotated[Role, typer.Option("--role", help="What they may do.")]


@contextmanager
def access() -> Iterator[Access]:
    """The access of the home, for a command; it may write while a workbench runs."""
    with closing(Access(load_settings().home)) as opened:
        yield opened


def logged(opened: Access, action: str, target: str) -> None:
    """Log what a command of the home's owner did."""
    opened.audit.add(LOCAL.id, "", action, target, 200)


@app.callback(invoke_without_command=True)
def list_users(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of users.")] = False,
) -> None:
    """List the users; make one, change one, or delete one."""
    if context.invoked_subcommand:
        return
    with access() as opened:
        users = opened.users.list()
    if as_json:
        print_json(
            [{"name": it.name, "role": it.role, "created_at": it.created_at.isoformat()} for it in users]
        )
        return
    if not users:
        terminal.console().print("No users: codex users create NAME --role admin", highlight=False)
        return
    table = Table("name", "role", "since", "scopes", box=None)
    for user in users:
        scopes = " ".join(sorted(ROLES[user.role]))
        table.add_row(Text(printable(user.name)), user.role, f"{user.created_at:%Y-%m-%d}", scopes)
    terminal.console().print(table)


@app.command()
def create(
    name: Named,
    role: RoleName = "viewer",
    stdin: Typed = False,
    oidc: Annotated[
        bool, typer.Option("--oidc", help="Without a password: by the provider of server.oidc alone.")
    ] = False,
) -> None:
    """Make a user, who signs in with the password that is asked for."""
    with access() as opened:
        user = opened.users.create(name, role, None if oidc else _password(stdin))
        logged(opened, "create user", f"{user.name} {role}")
    terminal.console().print(f"created  {printable(name)}, {role}", highlight=False)


@app.command()
def role(name: Named, role: Annotated[Role, typer.Argument(help=f"{', '.join(get_args(Role))}.")]) -> None:
    """Give a user another role; it holds from their next request on."""
    with access() as opened:
        opened.users.set_role(name, role)
        logged(opened, "set role", f"{name} {role}")
    terminal.console().print(f"changed  {printable(name)}, {role}", highlight=False)


@app.command()
def password(name: Named, stdin: Typed = False) -> None:
    """Set another password; whoever signed in with the old one is signed out."""
    with access() as opened:
        opened.users.get(name)
        opened.users.set_password(name, _password(stdin))
        logged(opened, "set password", name)
    terminal.console().print(f"changed  {printable(name)}", highlight=False)


@app.command()
def delete(name: Named) -> None:
    """Delete a user and sign them out; what they did stays."""
    with access() as opened:
        opened.users.delete(name)
        logged(opened, "delete user", name)
    terminal.console().print(f"deleted  {printable(name)}", highlight=False)


def _password(stdin: bool) -> str:
    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise InvalidInput(
            "There is no terminal to ask for the password: give --password-stdin.", ["password"]
        )
    typed: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return typed
