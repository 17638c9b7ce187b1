"""codex train: teach the model of this machine from questions with answers."""

from __future__ import annotations

import typer

from codex.cli import probes

app = typer.Typer(no_args_is_help=True, help="Train an adapter for the model of this machine.")


@app.callback()
def train() -> None:
    """Train an adapter for the model of this machine."""


app.command("probe")(probes.train)
