"""codex backup and codex restore: the home as one file, and back."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from codex.backup.making import archive_of, check_place, save
from codex.backup.restoring import restore as restore_into
from codex.cli import terminal
from codex.cli.runs import reached
from codex.cli.served import Served
from codex.cli.terminal import Overrides, printable
from codex.errors import InvalidInput, NotFound
from codex.settings import load_settings

Replaces = Annotated[bool, typer.Option("--replace", help="Replace what is there.")]


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where it is written, e.g. codex.tar.gz.")],
    overrides: Overrides = None,
    replace: Replaces = False,
) -> None:
    """Write everything that is kept, but models, into one file, also while the workbench runs."""
    settings = load_settings(overrides or [])
    if not settings.database.exists():
        raise NotFound(f"There is nothing to back up: {settings.database} is not there.")
    check_place(file, settings.home)
    errors = terminal.console(stderr=True)
    with errors.status("backing up"), closing(reached(overrides)) as there:
        pieces = there.pieces("/backup") if isinstance(there, Served) else archive_of(settings.home, there)
        made = save(pieces, file, replace)
    for name in made.left_out:
        errors.print(f"left out  {printable(name)}: no plain file", markup=False, soft_wrap=True)
    for model in made.models:
        errors.print(f"left out  model {printable(model.name)}: {model.remedy}", markup=False, soft_wrap=True)
    count = len(made.members)
    terminal.console().print(
        f"{count:,} {'file' if count == 1 else 'files'}, {_size(made.size)}, in {file} "
        f"({_size(file.stat().st_size)})",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `codex backup` wrote.")],
    overrides: Overrides = None,
    replace: Replaces = False,
) -> None:
    """Put a backup into the home, whole or not at all; nothing else may use the home meanwhile."""
    settings = load_settings(overrides or [])
    if settings.store.path is not None:
        raise InvalidInput(
            "A backup is restored into the home itself. Leave store.path out, and move codex.duckdb "
            "afterwards.",
            ["store.path"],
        )
    console, errors = terminal.console(), terminal.console(stderr=True)

    def tell(line: str) -> None:
        errors.print(line, markup=False, highlight=False, soft_wrap=True)

    with errors.status("restoring"):
        done = restore_into(file, settings.home, replace, tell)
    made = done.manifest
    count = f"{done.answers:,} {'answer' if done.answers == 1 else 'answers'}"
    tell("the index of vectors is rebuilt by the next `codex index`; searches work before")
    for model in made.models:
        tell(f"model {printable(model.name)}: {model.remedy}")
    console.print(
        f"restored  {settings.home}: {count}, as of {made.created_at.astimezone():%d %b %Y %H:%M}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def _size(size: int) -> str:
    return f"{size / 1e6:.2g} MB" if size >= 1e5 else f"{size / 1e3:.2g} kB"
