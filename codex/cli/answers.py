"""People's answers: codex answers."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.table import Table
from rich.text import Text

from codex.ask.people.answers import PeoplesAnswers, end_of
from codex.cli import terminal
from codex.cli.runs import reached
from codex.cli.scores import print_json
from codex.cli.served import Served
from codex.cli.terminal import printable
from codex.retrieval.config import RetrievalConfig
from codex.retrieval.embedding import Embedding
from codex.store import Store
from codex.store.codec.nouns import encode
from codex.text import moment

app = typer.Typer(help="Answers that people gave, which come before the model's.")
MOST = 1000
"""Answers in the list."""
AnswerId = Annotated[str, typer.Argument(help="The answer's id, as the list prints it.")]


@app.callback(invoke_without_command=True)
def list_answers(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of answers.")] = False,
) -> None:
    """List people's answers, the newest first; add, withdraw or delete one."""
    if context.invoked_subcommand:
        return
    with closing(reached()) as there:
        if isinstance(there, Served):
            found: list[dict[str, Any]] = there.call("GET", f"/answers?limit={MOST}")
        else:
            found = [encode(each) for each in there.people.list(MOST)]
    if as_json:
        print_json(found)
        return
    if not found:
        terminal.console().print("No answers yet: add one, or answer a question on the Label page")
        return
    table = Table("id", "question", "answer", "by", "on", "state", box=None)
    for each in found:
        cells = (each["id"], each["question"] or "(not saved)", each["answer"], each["author"])
        at = datetime.fromisoformat(each["edited_at"] or each["made_at"])
        table.add_row(*(Text(printable(cell)) for cell in cells), moment(at), _state(each))
    terminal.console().print(table)


@app.command()
def add(
    question: str,
    answer: str,
    author: Annotated[str, typer.Option("--author", help="Shown to everybody that it is given to.")],
    source: Annotated[str, typer.Option("--source", help="What it rests on.")] = "",
    until: Annotated[
        datetime | None,
        typer.Option("--until", help="The last day that it is given on.", formats=["%Y-%m-%d"]),
    ] = None,
) -> None:
    """Keep a person's answer to a question."""
    expires = end_of(until.date()) if until else None
    with closing(reached()) as there:
        if isinstance(there, Served):
            body = {"question": question, "answer": answer, "author": author, "source": source}
            body |= {"expires_at": expires.isoformat()} if expires else {}
            kept = there.call("POST", "/answers", body)["id"]
        else:
            embedding = Embedding(RetrievalConfig())
            with closing(embedding):
                people = PeoplesAnswers(there, embedding.encode)
                told = people.put(answer, author, question=question, source=source, expires_at=expires)
            kept = told.id
    _tell("kept", kept)


@app.command()
def withdraw(answer_id: AnswerId) -> None:
    """Give an answer no more; it stays in the list."""
    with closing(reached()) as there:
        if isinstance(there, Served):
            there.call("POST", f"{_path(answer_id)}/withdraw")
        else:
            _stored(there).withdraw(answer_id)
    _tell("withdrawn", answer_id)


@app.command()
def delete(answer_id: AnswerId) -> None:
    """Delete an answer for good."""
    with closing(reached()) as there:
        if isinstance(there, Served):
            there.call("DELETE", _path(answer_id))
        else:
            _stored(there).delete(answer_id)
    _tell("deleted", answer_id)


def _path(answer_id: str) -> str:
    return f"/answers/{quote(answer_id, safe='')}"


def _stored(store: Store) -> PeoplesAnswers:
    """For what embeds nothing."""
    return PeoplesAnswers(store, lambda questions: Embedding(RetrievalConfig()).encode(questions))


def _state(each: dict[str, Any]) -> str:
    if each["withdrawn_at"]:
        return "withdrawn"
    until = each["expires_at"]
    if not until:
        return "given"
    at = datetime.fromisoformat(until)
    return f"{'given until' if at > datetime.now(UTC) else 'expired'} {moment(at)}"


def _tell(what: str, answer_id: str) -> None:
    terminal.console().print(f"{what}  {printable(answer_id)}", highlight=False, soft_wrap=True)
