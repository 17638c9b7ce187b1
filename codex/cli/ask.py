"""codex ask: one question, its answer, its confidence and the decision."""

from __future__ import annotations

from typing import Annotated

import typer

from codex.cli import terminal
from codex.cli.terminal import Overrides


def ask(
    question: str,
    overrides: Overrides = None,
    samples: Annotated[
        int | None, typer.Option(help="Independent answers drawn beside the shown one.")
    ] = None,
    evidence: Annotated[bool, typer.Option("--evidence", help="Retrieve passages first.")] = False,
    documents: Annotated[
        list[str] | None,
        typer.Option(
            "--documents",
            metavar="NAME",
            help="Search only this document or folder; give it again for another one.",
        ),
    ] = None,
    follows: Annotated[
        str | None,
        typer.Option(
            metavar="TRACE",
            help="Follow up this answer; its questions must be kept (store.privacy=full). "
            "`codex chat` needs no id.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the response of POST /infer as JSON.")
    ] = False,
) -> None:
    """Ask one question and print the answer, its confidence and the decision."""
    # Not for the help, which they would take two seconds.
    from codex.cli.answering import told
    from codex.cli.questions import questions

    console = None if as_json else terminal.console()
    with questions(overrides or [], samples, evidence, documents) as asks:
        response = told(asks.ask(question, follows), console)
    if as_json:
        print(response.model_dump_json(indent=2))
