"""The stored traces: codex sessions."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urlencode

import typer
from rich.table import Table
from rich.text import Text

from codex.cli import terminal
from codex.cli.runs import reached
from codex.cli.scores import print_json
from codex.cli.served import Served
from codex.cli.terminal import printable
from codex.errors import InvalidInput
from codex.outputs import output
from codex.store.codec.nouns import decode, encode
from codex.store.traces.history import MOST, ExportTable, Filter, TraceLine
from codex.text import number, percent
from codex.types import Action

app = typer.Typer(help="Every answer that was given, and its session.")
SHOWN = 50
"""Characters of a question in the list."""

Wanted = Annotated[str, typer.Option("--text", help="In question or answer; or a whole question.")]
Decided = Annotated[Action | None, typer.Option("--action", help="What was decided.")]


@app.callback(invoke_without_command=True)
def list_traces(
    context: typer.Context,
    text: Wanted = "",
    action: Decided = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="Answers, the newest first.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of traces.")] = False,
) -> None:
    """List the answers, the newest first; export them, or delete a session for good."""
    if context.invoked_subcommand:
        return
    with closing(reached()) as there:
        if isinstance(there, Served):
            found = there.call("GET", f"/traces?{urlencode({**_asked(text, action), 'size': limit})}")
            lines, total = [decode(TraceLine, line) for line in found["traces"]], found["total"]
        else:
            page = there.history.page(Filter(text=text, action=action), size=limit)
            lines, total = page.traces, page.total
    if as_json:
        print_json([encode(line) for line in lines])
        return
    if not lines:
        terminal.console().print("No answers: ask with codex ask, or leave out a filter")
        return
    table = Table("session", "question", "decision", "confidence", "steps", "tokens", "s", box=None)
    for line in lines:
        question = line.question if line.question is not None else f"SHA-256 {line.question_sha256[:12]}"
        table.add_row(
            Text(printable(line.session_id)),
            Text(printable(question[:SHOWN])),
            str(line.action),
            "n/a" if line.confidence.value is None else percent(line.confidence.value),
            f"{line.steps}",
            f"{line.prompt_tokens} + {line.generated_tokens}",
            number(line.seconds),
        )
    terminal.console().print(table)
    terminal.console().print(f"{len(lines):,} of {total:,}", style="dim")


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="It ends in .jsonl or .parquet.")],
    text: Wanted = "",
    action: Decided = None,
    tokens: Annotated[bool, typer.Option("--tokens", help="A row for each token instead.")] = False,
) -> None:
    """Write what is stored of the answers into a file: a row for each step."""
    table: ExportTable = "tokens" if tokens else "events"
    kind = file.suffix.removeprefix(".")
    if kind not in ("jsonl", "parquet"):
        raise InvalidInput(f"{file} ends in neither .jsonl nor .parquet: name it so.", ["file"])
    wanted = Filter(text=text, action=action)
    with closing(reached()) as there, output(file, "file") as out:
        if isinstance(there, Served):
            there.fetched("/traces/export", {**_asked(text, action), "format": kind, "table": table}, out)
        elif kind == "parquet":
            there.history.write_parquet(Path(out.name), wanted, table)
        else:
            out.writelines(f"{line}\n".encode() for line in there.history.lines_of_json(wanted, table))


@app.command()
def delete(
    session: Annotated[str, typer.Argument(help="Its id.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete a session for good: the database file is rewritten without it."""
    with closing(reached()) as there:
        if not yes:
            typer.confirm(f"Delete {printable(session)} for good? It cannot be brought back.", abort=True)
        if isinstance(there, Served):
            there.call("DELETE", f"/sessions/{quote(session, safe='')}")
            erased = "the running workbench erases it from the file"
        else:
            there.delete_session(session)
            there.erasure.run()
            erased = "erased from the file"
    terminal.console().print(f"deleted  {printable(session)}; {erased}", highlight=False, soft_wrap=True)


def _asked(text: str, action: Action | None) -> dict[str, str | None]:
    return {"text": text, **({"action": str(action)} if action else {})}
