"""The commands about what was evaluated: codex runs and codex export."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import chain
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote

import numpy as np
import typer
from numpy.typing import NDArray
from pydantic import ValidationError
from rich.table import Table
from rich.text import Text

from codex.calibration import Calibrator
from codex.calibration.glossary import GLOSSARY
from codex.cli import terminal
from codex.cli.scores import (
    AsCsv,
    AsJson,
    AsLines,
    AsPage,
    Evaluated,
    Form,
    ScoredBy,
    print_json,
    tell,
)
from codex.cli.served import Served, served
from codex.cli.terminal import Overrides, interruptible, printable
from codex.errors import InvalidInput, NotFound, StoreInUse
from codex.evaluation import report
from codex.evaluation.comparison import METRICS, OUTCOMES, Comparison, Difference, compare_runs
from codex.evaluation.generations import (
    Generated,
    generated_of,
    generated_of_traces,
    line_of,
    read,
    write_lines,
)
from codex.evaluation.imported import import_run
from codex.settings import load_settings
from codex.store import Store
from codex.store.codec.nouns import encode
from codex.store.evaluation.runs import RunSummary
from codex.store.versions.versions import SavedVersion
from codex.text import percent

Verdict = Literal["correct", "incorrect", "none", "clear"]
SHOWN_ID = 8
"""Letters of a run's id in the list: enough to name it by."""

app = typer.Typer(help="The stored runs.")


@app.callback(invoke_without_command=True)
def list_runs(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of runs.")] = False,
) -> None:
    """List the runs, the newest first; show, rename or delete one."""
    if context.invoked_subcommand:
        return
    with closing(reached()) as there:
        found = _runs(there)
    if as_json:
        print_json([_line(summary) for summary in found])
        return
    if not found:
        terminal.console().print("No runs yet: codex evaluate --dataset NAME")
        return
    table = Table(box=None)
    for title in ("run", "name", "dataset", "begun", "state", "asked", "correct", "failed"):
        table.add_column(title, no_wrap=title in ("begun", "asked"))
    for summary in found:
        run, labels = summary.run, summary.correct + summary.incorrect
        table.add_row(
            run.id[:SHOWN_ID],
            Text(printable(run.name)),
            Text(printable(run.dataset)),
            f"{run.created_at.astimezone():%d %b %H:%M}",
            run.state,
            f"{summary.done:,} of {run.total:,}",
            percent(summary.correct / labels) if labels else "",
            str(summary.failed or ""),
        )
    terminal.console().print(table)


@app.command()
def show(
    run: Annotated[str, typer.Argument(help="The run, by its id or the beginning of it.")],
    overrides: Overrides = None,
    calibrator: ScoredBy = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    as_lines: AsLines = False,
    page: AsPage = None,
) -> None:
    """Show the scores of a run: every signal, and the confidence."""
    form = Form(as_json, as_csv, as_lines, page)
    with closing(reached(overrides)) as there, readable(there, [run]) as (store, [summary]):
        loaded = chosen_calibrator(calibrator, there) if calibrator else None
        said = tell(evaluated_run(store, summary), form, loaded)
    if said is not None:
        print_json({"run": summary.run.id, "name": summary.run.name, **said})


@app.command("import")
def import_file(
    file: Path,
    name: Annotated[str, typer.Option(help="Its name.")] = "",
    model: Annotated[
        str | None, typer.Option(help="The fingerprint of the model, where the file does not say it.")
    ] = None,
    prompt: Annotated[
        str | None, typer.Option(help="The fingerprint of the prompts, where the file does not say it.")
    ] = None,
    grader: Annotated[str | None, typer.Option(help="How to grade; by default as the file says.")] = None,
) -> None:
    """Import stored answers as a run."""
    errors = terminal.console(stderr=True)
    with closing(reached()) as there, errors.status("reading") as status:

        def progress(count: int) -> None:
            status.update(f"{count:,} answers")

        if isinstance(there, Served):  # Ctrl-C closes the connection, and nothing of it is kept.
            told = {"name": name, "model": model, "prompt": prompt, "grader": grader}
            summary = there.imported(file, told)
        else:
            with interruptible(errors) as cancel:
                summary = import_run(there, file, name, model, prompt, grader, progress, cancel)
    terminal.console().print(
        f"{printable(summary.run.name)}: {summary.done:,} answers; the run is {summary.run.id}",
        highlight=False,
        soft_wrap=True,
    )


@app.command()
def rename(run: str, name: str, overrides: Overrides = None) -> None:
    """Rename a run."""
    with closing(reached(overrides)) as there:
        run_id = chosen_run(_runs(there), run).run.id
        if isinstance(there, Served):
            there.call("PATCH", f"/evaluations/{run_id}", {"name": name})
        else:
            there.runs.rename(run_id, name)


@app.command()
def label(
    run: Annotated[str, typer.Argument(help="The run, by its id or the beginning of it.")],
    question: Annotated[str, typer.Argument(help="The question, by its id.")],
    verdict: Annotated[Verdict, typer.Argument(help="none: not gradable; clear: the grader's.")],
    overrides: Overrides = None,
) -> None:
    """Say whether an answer of a run is correct; it counts instead of the grader's verdict."""
    correct = {"correct": True, "incorrect": False}.get(verdict)
    with closing(reached(overrides)) as there:
        run_id = chosen_run(_runs(there), run).run.id
        if isinstance(there, Served):
            path = f"/evaluations/{run_id}/questions/{quote(question)}/label"
            there.call(*("DELETE", path) if verdict == "clear" else ("PUT", path, {"correct": correct}))
        elif verdict == "clear":
            there.runs.unlabel(run_id, question)
        else:
            there.runs.label(run_id, question, correct)


@app.command()
def compare(
    first: Annotated[str, typer.Argument(help="A run, by its id or the beginning of it.")],
    second: Annotated[str, typer.Argument(help="The run that is compared with it.")],
    overrides: Overrides = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
) -> None:
    """Compare two runs on the questions that both were asked."""
    with closing(reached(overrides)) as there:
        known = _runs(there)
        one, other = (chosen_run(known, name).run.id for name in (first, second))
        if isinstance(there, Served):
            found = Comparison.model_validate(
                there.call("GET", f"/evaluations/{other}/comparison?against={one}")
            )
        else:
            found = compare_runs(there, one, other)
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    console = terminal.console()
    console.print(Text(printable(found.summary)), soft_wrap=True)
    counts = [f"{getattr(found, name)} {words}" for name, words in OUTCOMES.items() if name != "not graded"]
    console.print(Text(f"{'; '.join(counts)}; {found.shared - found.n} not graded in both."), soft_wrap=True)
    table = Table(box=None)
    for title in ("", "first", "second", "difference, 95 % interval"):
        table.add_column(title, no_wrap=True)
    for name in METRICS:
        table.add_row(GLOSSARY[name].name, *_compared(getattr(found, name)))
    console.print(table)


@app.command()
def delete(
    run: str,
    overrides: Overrides = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete a run and its answers."""
    with closing(reached(overrides)) as there:
        summary = chosen_run(_runs(there), run)
        what = f"{printable(summary.run.name)}, {summary.done:,} answers"
        if not yes:
            typer.confirm(f"Delete {what}? They cannot be brought back.", abort=True)
        if isinstance(there, Served):
            there.call("DELETE", f"/evaluations/{summary.run.id}")
        else:
            there.delete_run(summary.run.id)
    terminal.console().print(f"deleted  {what}", highlight=False, soft_wrap=True)


def export(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="JSONL; compressed when it ends in .gz.")
    ],
    run: Annotated[str | None, typer.Argument(help="The run, by its id or the beginning of it.")] = None,
    traces: Annotated[
        bool, typer.Option("--traces", help="Export every answer of the Ask page, with its labels.")
    ] = False,
) -> None:
    """Export answers with their tokens, in the format that `codex evaluate --generations` reads."""
    if (run is None) != traces:
        raise InvalidInput("Name a run to export, or give --traces.", ["run"])
    with closing(reached()) as there:
        chosen = chosen_run(_runs(there), run) if run is not None else None
        if isinstance(there, Served):
            lines = there.lines(f"/evaluations/{chosen.run.id}/export" if chosen else "/labels/export")
        else:
            lines = map(line_of, _of_run(there, chosen) if chosen else generated_of_traces(there))
        count = write_lines(output, lines)
    noun = "answer" if count == 1 else "answers"
    terminal.console().print(f"{count:,} {noun} in {output}", highlight=False, soft_wrap=True)


def opened(overrides: Sequence[str] | None = None) -> Store:
    """The store of the settings. Raises SettingsError, StoreError."""
    settings = load_settings(overrides or [])
    kept = settings.store
    return Store(settings.database, mask_secrets=kept.mask_secrets, redact=kept.redact)


def reached(overrides: Sequence[str] | None = None, carried: Sequence[str] = ()) -> Store | Served:
    """The store of the settings, or the running workbench that has it open.

    carried: as for `served`.
    Raises SettingsError, StoreError, Conflict.
    """
    try:
        return opened(overrides)
    except StoreInUse as in_use:
        return served(load_settings(overrides or []).home, in_use, overrides or [], carried)


def _runs(there: Store | Served) -> list[RunSummary]:
    return there.runs() if isinstance(there, Served) else there.runs.list()


@contextmanager
def readable(there: Store | Served, names: Sequence[str]) -> Iterator[tuple[Store, list[RunSummary]]]:
    """The runs of these names, and a store that holds them: a copy of those of a running workbench.

    Raises NotFound.
    """
    found = [chosen_run(_runs(there), name) for name in names]
    if isinstance(there, Served):
        with there.copied(list({each.run.id: each.run for each in found}.values())) as store:
            yield store, [store.runs.get(each.run.id) for each in found]
    else:
        yield there, found


def found_run(there: Store | Served, name: str) -> RunSummary:
    """The run of that id, or the only one whose id begins so. Raises NotFound, for an empty name too."""
    return chosen_run(_runs(there), name)


def named_run(store: Store, name: str) -> RunSummary:
    """The run of that id, or the only one whose id begins so. Raises NotFound, for an empty name too."""
    return chosen_run(store.runs.list(), name)


def chosen_run(runs: Sequence[RunSummary], name: str) -> RunSummary:
    """The same among these runs."""
    if not name:
        raise NotFound("The name of the run is empty; `codex runs` lists them.")
    found = [summary for summary in runs if summary.run.id.startswith(name)]
    exact = [summary for summary in found if summary.run.id == name]
    if len(exact or found) != 1:
        several = f"{len(found)} runs have an id that begins with" if found else "No run has the id"
        raise NotFound(f"{several} {name!r}; `codex runs` lists them.")
    return (exact or found)[0]


def stored_answers(paths: Sequence[Path]) -> Iterator[Generated]:
    """The answers of all files, one file after the other. Raises InvalidInput for a file named twice."""
    files: dict[str, Path] = {}
    for path in paths:
        file = os.path.realpath(path)
        if file in files:
            raise InvalidInput(
                f"{path} is the same file as {files[file]}: its answers would count twice.", ["generations"]
            )
        files[file] = path
    return chain.from_iterable(map(read, paths))


def saved_calibrator(there: Store | Served, version: str) -> SavedVersion:
    """A calibrator by its version. Raises NotFound."""
    return there.calibrator(version) if isinstance(there, Served) else there.calibrators.load(version)


def chosen_calibrator(name: str, store: Store | Served | None, overrides: Sequence[str] = ()) -> Calibrator:
    """A calibrator of a file, or of the store by its version. Raises NotFound, InvalidInput.

    store: None for that of the settings, or of the running workbench that has it open.
    """
    path = Path(name)
    if path.is_file():
        try:
            return Calibrator.model_validate_json(path.read_bytes())
        except (ValidationError, OSError) as error:
            raise InvalidInput(f"{path} is not a calibrator: {error}", ["calibrator"]) from error
    if store is not None:
        return Calibrator.model_validate_json(saved_calibrator(store, name).body)
    with closing(reached(overrides)) as there:
        return Calibrator.model_validate_json(saved_calibrator(there, name).body)


def evaluated_run(store: Store, summary: RunSummary) -> Evaluated:
    """The graded answers of a run, to be told."""
    run = summary.run

    def rows(confidence: NDArray[np.float64] | None) -> Iterable[report.Row]:
        of = {} if confidence is None else dict(zip(table.ids, confidence.tolist(), strict=True))
        return (report.record_row(record, of.get(record.id)) for record in store.runs.records(run.id))

    table = store.runs.table(run.id)
    asked = run.params
    facts = {
        "dataset": run.dataset,
        "model": run.model,
        "asked": f"{run.created_at:%Y-%m-%d %H:%M} UTC, {summary.done:,} of {run.total:,} questions",
        "samples": "" if asked.n_samples is None else str(asked.n_samples),
        "settings": " ".join(asked.overrides),
        "labels": summary.by_person_in_words,
    }
    return Evaluated(run.name, table, store.runs.answers(run.id), facts, rows)


def _of_run(store: Store, summary: RunSummary) -> Iterator[Generated]:
    origin = summary.run.origin
    for record in store.runs.records(summary.run.id):
        yield generated_of(record, origin)


def _compared(found: Difference) -> list[str]:
    values = ["" if value is None else f"{value:z.3f}" for value in (found.first, found.second)]
    reach = f" [{found.interval[0]:+z.3f}, {found.interval[1]:+z.3f}]" if found.interval else ""
    return [*values, "" if found.difference is None else f"{found.difference:+z.3f}{reach}"]


def _line(summary: RunSummary) -> dict[str, object]:
    run = summary.run
    return {
        "id": run.id,
        "name": run.name,
        "dataset": run.dataset,
        "created_at": run.created_at.isoformat(),
        "model": run.model,
        "state": run.state,
        "total": run.total,
        "done": summary.done,
        "correct": summary.correct,
        "incorrect": summary.incorrect,
        "failed": summary.failed,
        "graders": summary.graders,
        "by_person": summary.by_person,
        "corrected": summary.corrected,
        "params": encode(run.params),
    }
