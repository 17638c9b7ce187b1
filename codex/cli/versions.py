"""The commands about versions that calibrators, probes and verifiers share: activate, rename, delete."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

import typer

from codex.ask.active import Active
from codex.ask.workbench import Workbench
from codex.cli import terminal
from codex.cli.runs import reached
from codex.cli.served import LOOK, Served, served
from codex.cli.terminal import printable
from codex.errors import Cancelled, StoreInUse
from codex.jobs import JobProgress
from codex.settings import load_settings
from codex.store import Store
from codex.store.names import titled
from codex.store.versions import versions

NONE = "none"
"""In the place of a version: none of the kind."""
Version = Annotated[str, typer.Argument(help="The version.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of versions: where they are kept, over HTTP and in a store."""

    path: str
    """Of its routes."""
    of: Callable[[Store], versions.Versions]
    activate: Callable[[Active, str | None], None]
    rollback: Callable[[Active], None]
    delete: Callable[[Active, Store, str], None]

    def route(self, version: str) -> str:
        """Of one version."""
        return f"{self.path}/{quote(version, safe='')}"

    def title(self, there: Store | Served, version: str) -> str:
        """A version after its name where it was renamed. Raises NotFound."""
        if isinstance(there, Served):
            row = there.call("GET", self.route(version))
            return titled(row["name"], row["version"])
        return self.of(there).load(version).title

    def active(self, store: Store) -> str | None:
        """The version that is active."""
        saved = self.of(store).active()
        return saved.version if saved else None

    def activated(self, there: Store | Workbench | Served, version: str | None) -> str | None:
        """Activate one; returns the version that is active now. Raises NotFound."""
        if isinstance(there, Served):
            active: str | None = there.call("POST", f"{self.path}/activate", {"version": version})["version"]
            return active
        if isinstance(there, Workbench):
            self.activate(there.active, version)
            return version
        self.activate(Active(load_settings(), there), version)
        return self.active(there)

    def rolled_back(self, there: Store | Served) -> str | None:
        """Undo the last activation; returns the version that is active now. Raises Conflict."""
        if isinstance(there, Served):
            active: str | None = there.call("POST", f"{self.path}/rollback")["version"]
            return active
        self.rollback(Active(load_settings(), there))
        return self.active(there)

    def renamed(self, there: Store | Served, version: str, name: str) -> None:
        """Call one something else. Raises NotFound, InvalidInput."""
        if isinstance(there, Served):
            there.call("PATCH", self.route(version), {"name": name})
        else:
            self.of(there).rename(version, name)

    def deleted(self, there: Store | Served, version: str) -> None:
        """Delete one that is not active. Raises NotFound, Conflict."""
        if isinstance(there, Served):
            there.call("DELETE", self.route(version))
        else:
            self.delete(Active(load_settings(), there), there, version)


def add_commands(app: typer.Typer, kind: Kind, one: str, chosen: str) -> None:
    """The commands of a kind. one: what it is called, with its article; chosen: what activating one does."""

    @app.command(help=chosen)
    def activate(version: Annotated[str, typer.Argument(help="The version, or none.")]) -> None:
        with closing(reached()) as there:
            tell_active(kind.activated(there, None if version == NONE else version))

    @app.command(help="Undo the last activation.")
    def rollback() -> None:
        with closing(reached()) as there:
            tell_active(kind.rolled_back(there))

    @app.command(help=f"Rename {one}; the version stays.")
    def rename(version: Version, name: str) -> None:
        with closing(reached()) as there:
            kind.renamed(there, version, name)

    @app.command(help=f"Delete {one}, unless active.")
    def delete(version: Version, yes: Yes = False) -> None:
        with closing(reached()) as there:
            title = printable(kind.title(there, version))
            if not yes:
                typer.confirm(f"Delete {title}? It cannot be brought back.", abort=True)
            kind.deleted(there, version)
        terminal.console().print(f"deleted  {title}", highlight=False, soft_wrap=True)


def tell_active(version: str | None) -> None:
    """Say which version is active now."""
    terminal.console().print(f"active: {printable(version or NONE)}", highlight=False, soft_wrap=True)


def workbench_or_served(overrides: Sequence[str]) -> Workbench | Served:
    """The workbench of the settings, or the running one that has the database open."""
    try:
        return Workbench.open(overrides)
    except StoreInUse as in_use:
        return served(load_settings(overrides).home, in_use, overrides)


def trained_there(
    there: Served,
    path: str,
    body: Mapping[str, object],
    progress: Callable[[JobProgress], None],
    cancel: threading.Event,
    kept: str = "nothing was saved",
) -> str:
    """What a job of the running workbench made, by its version; begun when its model is loaded.

    Raises Cancelled; the error that it failed by.
    """
    while there.health()["status"] == "loading":
        time.sleep(LOOK)
    job = there.ended(there.call("POST", path, body), progress, cancel)
    if job["state"] == "cancelled":
        raise Cancelled(f"It was cancelled; {kept}.")
    return str(job["about"])
