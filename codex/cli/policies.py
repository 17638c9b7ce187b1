"""The saved policies: codex policies."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated
from urllib.parse import quote

import typer
from rich.table import Table
from rich.text import Text

from codex.ask.active import Active
from codex.cli import terminal
from codex.cli.runs import reached
from codex.cli.scores import print_json
from codex.cli.served import Served
from codex.cli.terminal import printable
from codex.policy import Policy
from codex.settings import load_settings
from codex.store import Store
from codex.store.versions.policies import SavedPolicy
from codex.text import chosen as percentage

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
    with closing(reached()) as there:
        saved = there.policies() if isinstance(there, Served) else there.policies.list()
    found = [(each, Policy.model_validate_json(each.body)) for each in saved]
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
    table = Table(
        "version", "name", "", "answer from", "abstain below", "larger from", "rules", "guarantee", box=None
    )
    for each, it in found:
        table.add_row(
            Text(printable(each.version)),
            Text(printable(each.name)),
            "active" if each.active else "",
            percentage(it.answer_above),
            percentage(it.abstain_below),
            "" if it.larger_above is None else percentage(it.larger_above),
            f"{len(it.rules)}",
            Text(str(it.guarantee or "")),
        )
    terminal.console().print(table)


@app.command()
def show(version: Version) -> None:
    """Print a policy as JSON."""
    with closing(reached()) as there:
        print(Policy.model_validate_json(_policy(there, version).body).model_dump_json(indent=2))


@app.command()
def rename(version: Version, name: str) -> None:
    """Rename a policy; its version stays."""
    with closing(reached()) as there:
        if isinstance(there, Served):
            there.call("PATCH", _path(version), {"name": name})
        else:
            there.policies.rename(version, name)


@app.command()
def activate(version: Annotated[str, typer.Argument(help="The version, or settings.")]) -> None:
    """Activate a policy from the next question on."""
    chosen = None if version == SETTINGS else version
    with closing(reached()) as there:
        if isinstance(there, Served):
            _tell_active(there.call("POST", "/policies/activate", {"version": chosen})["version"])
            return
        active = Active(load_settings(), there)
        body = there.policies.get(chosen).body if chosen else None
        active.activate_policy(Policy.model_validate_json(body) if body else None)
        _tell_active(active.policy.version)


@app.command()
def rollback() -> None:
    """Undo the last activation."""
    with closing(reached()) as there:
        if isinstance(there, Served):
            _tell_active(there.call("POST", "/policies/rollback")["version"])
            return
        active = Active(load_settings(), there)
        active.rollback_policy()
        _tell_active(active.policy.version)


@app.command()
def delete(
    version: Version,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete a policy that is not active."""
    with closing(reached()) as there:
        title = printable(_policy(there, version).title)
        if not yes:
            typer.confirm(f"Delete {title}? It cannot be brought back.", abort=True)
        if isinstance(there, Served):
            there.call("DELETE", _path(version))
        else:
            there.policies.delete(version)
    terminal.console().print(f"deleted  {title}", highlight=False, soft_wrap=True)


def _policy(there: Store | Served, version: str) -> SavedPolicy:
    return there.policy(version) if isinstance(there, Served) else there.policies.get(version)


def _path(version: str) -> str:
    return f"/policies/{quote(version, safe='')}"


def _tell_active(version: str) -> None:
    terminal.console().print(f"active: {printable(version)}", highlight=False)
