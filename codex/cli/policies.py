"""The saved policies: codex policies."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from codex.ask.active import Active
from codex.cli import terminal
from codex.cli.runs import opened
from codex.cli.scores import print_json
from codex.cli.terminal import printable
from codex.policy import Policy
from codex.settings import load_settings

app = typer.Typer(help="The saved policies, and which one is active.")
SETTINGS = "settings"
"""In the place of a version: the policy of the settings."""

Version = Annotated[str, typer.Argument(help="The version.")]


@app.callback(invoke_without_command=True)
def list_policies(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of policies.")] = False,
) -> None:
    """List the policies, the newest first; show, rename, activate or delete one."""
    if context.invoked_subcommand:
        return
    with closing(opened()) as store:
        found = [(each, Policy.model_validate_json(each.body)) for each in store.policies.list()]
    if as_json:
        print_json(
            [
                {"version": each.version, "name": each.name, "active": each.active, "policy": it.model_dump()}
                for each, it in found
            ]
        )
        return
    if not found:
        terminal.console().print("No policies yet: save one on the Tune page")
        return
    table = Table("version", "name", "", "answer above", "abstain below", "rules", "guarantee", box=None)
    for each, it in found:
        table.add_row(
            Text(printable(each.version)),
            Text(printable(each.name)),
            "active" if each.active else "",
            f"{it.answer_above:g}",
            f"{it.abstain_below:g}",
            f"{len(it.rules)}",
            Text(str(it.guarantee or "")),
        )
    terminal.console().print(table)


@app.command()
def show(version: Version) -> None:
    """Print a policy as JSON."""
    with closing(opened()) as store:
        print(Policy.model_validate_json(store.policies.load(version)).model_dump_json(indent=2))


@app.command()
def rename(version: Version, name: str) -> None:
    """Rename a policy; its version stays."""
    with closing(opened()) as store:
        store.policies.rename(version, name)


@app.command()
def activate(version: Annotated[str, typer.Argument(help="The version, or settings.")]) -> None:
    """Activate a policy from the next question on."""
    with closing(opened()) as store:
        active = Active(load_settings(), store)
        if version == SETTINGS:
            active.activate_policy(None)
        else:
            active.activate_policy(Policy.model_validate_json(store.policies.get(version).body))
        _tell_active(active)


@app.command()
def rollback() -> None:
    """Undo the last activation."""
    with closing(opened()) as store:
        active = Active(load_settings(), store)
        active.rollback_policy()
        _tell_active(active)


@app.command()
def delete(
    version: Version,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete a policy that is not active."""
    with closing(opened()) as store:
        title = printable(store.policies.get(version).title)
        if not yes:
            typer.confirm(f"Delete {title}? It cannot be brought back.", abort=True)
        store.policies.delete(version)
    terminal.console().print(f"deleted  {title}", highlight=False, soft_wrap=True)


def _tell_active(active: Active) -> None:
    terminal.console().print(f"active: {printable(active.policy.version)}", highlight=False)
