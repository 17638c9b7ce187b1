"""codex doctor: what is installed and set, what is wrong with it, and how to mend that."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from codex.cli import terminal
from codex.cli.scores import print_json
from codex.cli.terminal import Overrides, printable
from codex.doctor.checks import diagnose, lines, report

STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def doctor(
    overrides: Overrides = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for a bug report.")] = False,
) -> None:
    """Check the installation, the machine, the settings and the home; change nothing."""
    found = diagnose(overrides or [])
    if as_json:
        print_json(report(found))
    else:
        for line in lines(found):
            state, rest = line[:4], line[4:]
            shown = Text.assemble((state, STYLES.get(state.strip(), "")), printable(rest))
            terminal.console().print(shown, soft_wrap=True)
    if any(finding.state == "fail" for finding in found):
        raise typer.Exit(1)
