"""The commands for documents: index and search. Neither loads a language model."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from codex import retrieval
from codex.cli import terminal
from codex.cli.terminal import INTERRUPTED, interruptible, paths_and_overrides, printable
from codex.errors import InvalidInput, NotFound
from codex.retrieval import uploads
from codex.retrieval.config import MAX_PASSAGES
from codex.retrieval.index import Document, Index, Report, checked_query
from codex.settings import Settings, load_settings
from codex.types import Passage

MAX_NOTES = 20
"""Documents whose notes are printed after indexing."""
STYLES = {"indexed": "green", "waiting": "yellow", "skipped": "red"}


def index(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATH]... [KEY=VALUE]...",
            help="Files and folders to index, and settings, e.g. retrieval.max_file_mb=200. "
            "A word with = is a setting unless a file of that name exists.",
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option(help="First look for indexed files that have changed or been deleted.")
    ] = False,
    rebuild: Annotated[
        bool, typer.Option(help="Index every document again, e.g. with another embedding.")
    ] = False,
    encoding: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The encoding of these text, CSV and HTML files, e.g. shift_jis; kept for later runs. "
            "auto: detect it again.",
        ),
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Remove a document, by name or path.")
    ] = None,
) -> None:
    """Index files and folders; without any, index what is waiting and list all documents."""
    paths, overrides = paths_and_overrides(words or [])
    for path in paths:
        if not path.exists():
            raise InvalidInput(f"There is no file or folder {str(path)!r}.", ["PATH"])
    if encoding is not None and not paths:
        raise InvalidInput("--encoding needs the files that it applies to.", ["encoding"])
    settings = load_settings(overrides)
    console, errors = terminal.console(), terminal.console(stderr=True)
    with _opened(settings) as found:
        if remove:
            _remove(found, settings, remove, console)
            if not (paths or check or rebuild):
                return
        if rebuild:
            found.rebuild()
        given = _added(found, paths, encoding, errors)
        report = _indexed(found, errors, check=check)
        documents = found.documents()
        if not (paths or check or rebuild or remove):
            console.print(_table(documents))
        failed = _skipped(report, given, documents)
        for document in failed:
            why = printable(f"{document.path}: {document.reason}")
            errors.print(Text.assemble(("skipped  ", "red"), why), soft_wrap=True)
        _print_notes(errors, [it for it in documents if it.id in given and it.state == "indexed"])
        console.print(_summary(report, documents), soft_wrap=True)
    if report.cancelled:
        errors.print("Stopped. What is indexed stays; `codex index` resumes with the rest.")
        raise typer.Exit(INTERRUPTED)
    states = Counter(document.state for document in documents if not given or document.id in given)
    if failed and not states["indexed"]:
        raise typer.Exit(1)


def search(
    query: str,
    overrides: Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Settings.")] = None,
    k: Annotated[int | None, typer.Option("--k", help="Number of passages; default: retrieval.k.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the passages as JSON.")] = False,
) -> None:
    """Search the indexed documents by meaning and by words."""
    query = checked_query(query)
    if k is not None and not 1 <= k <= MAX_PASSAGES:
        raise InvalidInput(f"--k must be from 1 to {MAX_PASSAGES}, not {k}.", ["k"])
    settings = load_settings(overrides or [])
    with _opened(settings) as found:
        empty = found.is_empty
        passages = found.search(query, k)
    if not passages:
        why = "No documents are indexed yet: run `codex index PATH`." if empty else "No passages found."
        terminal.console(stderr=True).print(why)
    if as_json:
        # In ASCII, so that nothing a document holds can act on a terminal.
        print(json.dumps([asdict(passage) for passage in passages], indent=2))
        return
    console = terminal.console()
    for number, passage in enumerate(passages, 1):
        console.print(_shown(number, passage))


@contextmanager
def _opened(settings: Settings) -> Iterator[Index]:
    found = retrieval.Index(settings.retrieval, settings.home)
    try:
        yield found
    finally:
        found.close()


def _remove(found: Index, settings: Settings, names: Sequence[str], console: Console) -> None:
    documents = found.documents()
    chosen: dict[str, Document] = {}
    for name in names:
        path = Path(name).absolute()
        named = [d for d in documents if name in (d.id, d.name) or d.path == path]
        if not named:
            raise NotFound(f"There is no document {name!r} in the index; `codex index` lists them.")
        chosen |= {document.id: document for document in named}
    found.remove(list(chosen))
    uploads.delete(settings.documents, [document.path for document in chosen.values()])
    for document in chosen.values():
        console.print(Text(f"removed  {printable(str(document.path))}"))


def _added(found: Index, paths: Sequence[Path], encoding: str | None, errors: Console) -> set[str]:
    if not paths:
        return set()
    with errors.status("looking for files"):
        return {document.id for document in found.add(paths, encoding=encoding)}


def _indexed(found: Index, errors: Console, *, check: bool) -> Report:
    """Run with a progress bar; the first Ctrl-C stops after the current step, a second one at once."""
    columns = (
        TextColumn("{task.completed:.0f} of {task.total:.0f} files"),
        BarColumn(),
        TextColumn("{task.fields[rate]}{task.fields[left]}  {task.fields[name]}", markup=False),
    )
    with interruptible(errors) as cancel, Progress(*columns, console=errors, transient=True) as bar:
        task = bar.add_task("", total=0, visible=False, rate="", left="", name="")

        def progress(now: retrieval.IndexingProgress) -> None:
            left = "" if now.seconds_left is None else f", {now.seconds_left:.0f} s left"
            bar.update(
                task,
                completed=now.done,
                total=now.total,
                rate=f"{now.chunks_per_second:.0f} passages/s",
                left=left,
                name=printable(now.document),
                visible=True,
            )

        return found.run(progress, cancel, check=check)


def _skipped(report: Report, given: set[str], documents: Sequence[Document]) -> list[Document]:
    """What could not be read: found in this run, or named by the user."""
    ids = given | {document.id for document in report.skipped}
    return [document for document in documents if document.id in ids and document.state == "skipped"]


def _print_notes(errors: Console, indexed: Sequence[Document]) -> None:
    """What could not be read of the documents named now, or is uncertain."""
    noted = [document for document in indexed if document.reason]
    for document in noted[:MAX_NOTES]:
        why = printable(f"{document.path}: {document.reason}")
        errors.print(Text.assemble(("note  ", "yellow"), why), soft_wrap=True)
    if len(noted) > MAX_NOTES:
        errors.print(f"{len(noted) - MAX_NOTES} more notes; `codex index` lists them.")


def _summary(report: Report, documents: Sequence[Document]) -> str:
    states = Counter(document.state for document in documents)
    noun = "passage" if report.chunks == 1 else "passages"
    new = f"{report.indexed} indexed ({report.chunks} {noun}) in {report.seconds:.3g} s"
    did = new if report.indexed else "nothing new to index"
    gone = f", {report.removed} gone and removed" if report.removed else ""
    there = ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "no documents"
    return f"{did}{gone}; in total {there}"


def _table(documents: Sequence[Document]) -> Table:
    table = Table("name", "state", "pages", "passages", "size", "note", box=None)
    for document in documents:
        table.add_row(
            Text(printable(document.name)),
            Text(document.state, style=STYLES[document.state]),
            "" if document.pages is None else str(document.pages),
            str(document.chunks or ""),
            f"{document.size / 1e6:.2g} MB" if document.size >= 1e5 else f"{document.size / 1e3:.2g} kB",
            Text(printable(document.reason), style="dim"),
        )
    return table


def _shown(number: int, passage: Passage) -> Text:
    page = f", page {passage.page}" if passage.page else ""
    heading = f"  {passage.heading}" if passage.heading else ""
    scores = "  ".join(f"{name} {value:z.3g}" for name, value in passage.scores.items())
    return Text.assemble(
        (f"{number}. {printable(passage.document)}{page}", "bold"),
        (printable(heading), ""),
        (f"  {scores}\n", "dim"),
        printable(passage.text.strip()) + "\n",
    )
