"""The commands that ask: codex evaluate, and codex evaluate graders."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, get_args

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from typer.core import TyperGroup

from codex.ask.workbench import Workbench
from codex.calibration import Calibrator
from codex.cli import datasets as cli_datasets
from codex.cli import served_runs, terminal
from codex.cli.runs import chosen_calibrator, evaluated_run, found_run, reached, stored_answers
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
from codex.cli.terminal import INTERRUPTED, interruptible, printable
from codex.datasets.splits import split
from codex.errors import Conflict, InvalidInput, StoreInUse
from codex.evaluation.estimate import estimate
from codex.evaluation.on_ray import Cluster, check_installed, run_on_ray
from codex.evaluation.runner import check_same, measure, prepare, run, run_params
from codex.evaluation.runner import extend as extended
from codex.evaluation.scoring import graded
from codex.evaluation.sweeps import combinations
from codex.grading.grades import taken
from codex.jobs import JobProgress
from codex.settings import load_settings
from codex.store import Store
from codex.store.evaluation.runs import RunSummary
from codex.types import Side

ASK = "ask"
"""The command that is meant when none is named."""
PLACES = ("home=", "store.path=")
"""Settings that say where a calibrator is."""


class _AskingFirst(TyperGroup):
    """A group whose options are those of its first command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, args if args[:1] and args[0] in self.commands else [ASK, *args])


app = typer.Typer(cls=_AskingFirst, help="Ask the questions of a dataset, or score answers that are there.")
app.command("graders")(cli_datasets.graders)


@app.command(ASK)
def evaluate(
    overrides: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY=VALUE]...",
            help="Settings; one with several values makes a run for each: engine.params.temperature=0.3,1.0",
        ),
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(help="Ask this set; `codex datasets list` names them.")
    ] = None,
    generations: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Score stored answers; repeatable. No model, no database."),
    ] = None,
    resume: Annotated[str | None, typer.Option(metavar="RUN", help="Resume an interrupted run.")] = None,
    extend: Annotated[
        str | None,
        typer.Option(metavar="RUN", help="Ask a run the next questions of its dataset, --limit N in all."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Ask only the first N questions.")] = None,
    side: Annotated[
        str | None, typer.Option("--split", help="Only one half of the split: calibration or test.")
    ] = None,
    name: Annotated[str, typer.Option(help="Its name.")] = "",
    grader: Annotated[
        str | None,
        typer.Option(
            help="Grade all answers with this grader, its name or module:object; by default it is chosen for "
            "each question."
        ),
    ] = None,
    evidence: Annotated[
        bool, typer.Option("--evidence", help="Retrieve passages for each question first.")
    ] = False,
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Ask on a Ray cluster: HOST:PORT of its head, auto for this machine's own, or local to "
            "start one here.",
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Engines on the cluster; by default as many as fit.")
    ] = None,
    calibrator: ScoredBy = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    as_lines: AsLines = False,
    page: AsPage = None,
) -> None:
    """Ask the questions of a dataset, or score answers that are there.

    `codex evaluate graders` measures the graders.
    """
    form = Form(as_json, as_csv, as_lines, page)
    grader = taken(grader) if grader else None
    cluster = _cluster(ray, workers)
    if sum(map(bool, (dataset, generations, resume, extend))) != 1:
        raise InvalidInput(
            "Say what to evaluate, one of --dataset NAME, --generations FILE, --resume RUN and --extend RUN.",
            ["dataset"],
        )
    if generations:
        _refuse("Stored answers are scored as they are", name=name, evidence=evidence, ray=ray)
        for given in overrides or []:
            if not given.startswith(PLACES):
                raise InvalidInput(
                    f"Stored answers take no settings such as {given!r}; "
                    "each file has its own --generations.",
                    ["overrides"],
                )
        loaded = chosen_calibrator(calibrator, None, overrides or []) if calibrator else None
        _score_files(generations, limit, _side(side), grader, loaded, form)
    elif resume is not None:
        _refuse(
            "A run resumes with the options it began with",
            limit=limit,
            split=side,
            name=name,
            grader=grader,
            evidence=evidence,
        )
        _resume(resume, overrides or [], calibrator, form, cluster=cluster)
    elif extend is not None:
        if limit is None:
            raise InvalidInput("Say how many questions the run is to have in all: --limit N.", ["limit"])
        _refuse(
            "A run is extended with the options it began with",
            split=side,
            name=name,
            grader=grader,
            evidence=evidence,
        )
        _resume(extend, overrides or [], calibrator, form, limit, cluster)
    elif dataset is not None:
        chosen = {"limit": limit, "side": _side(side), "grader": grader, "evidence": evidence}
        _ask(dataset, name, overrides or [], chosen, calibrator, form, cluster)


def _cluster(address: str | None, workers: int | None) -> Cluster | None:
    """Raises InvalidInput; CapabilityError where Ray is missing."""
    if address is None:
        if workers is not None:
            raise InvalidInput("--workers are those of a cluster: say which, with --ray.", ["workers"])
        return None
    check_installed()
    return Cluster(address, workers)


def _refuse(why: str, **given: object) -> None:
    """Raise InvalidInput for an option that would mean nothing."""
    for name, value in given.items():
        if value:
            raise InvalidInput(f"{why}: leave --{name} out.", [name])


def _score_files(
    paths: Sequence[Path],
    limit: int | None,
    side: Side | None,
    grader: str | None,
    calibrator: Calibrator | None,
    form: Form,
) -> None:
    """The answers of all files together; each set among them by itself too."""
    errors = terminal.console(stderr=True)
    with interruptible(errors) as cancel, errors.status("reading"):
        chosen = (
            each for each in stored_answers(paths) if side is None or split(each.observation.question) == side
        )
        table, answers = graded(islice(chosen, limit), grader, cancel)
    if side and not (table.ids or table.ungraded):
        raise InvalidInput(f"No question is on the side {side!r} of the split.", ["split"])
    title = ", ".join(path.name.removesuffix(".gz").removesuffix(".jsonl") for path in paths)
    facts = {"files": " ".join(map(str, paths))}
    if side:
        facts["split"] = f"the {side} side"
    if limit:
        facts["limit"] = f"the first {limit:,} questions"
    said = tell(Evaluated(title, table, answers, facts), form, calibrator)
    if said is not None:
        print_json(said)


def _ask(
    dataset: str,
    name: str,
    overrides: Sequence[str],
    chosen: dict[str, Any],
    calibrator: str | None,
    form: Form,
    cluster: Cluster | None,
) -> None:
    """A run for each combination of the settings, one after the other."""
    each = combinations(overrides)
    if len(each) > 1 and not form.as_json and (form.page or not form.scored):
        raise InvalidInput("For several runs use --json, or `codex runs show` for each.", ["html"])
    for one in each:
        load_settings(one.overrides)  # A wrong value of the last run is said before the first.
    said = []
    for number, one in enumerate(each, start=1):
        with closing(_opened(one.overrides, cluster)) as workbench:
            if number == 1 and isinstance(workbench, Served):
                for other in each[1:]:  # The same of what the workbench refuses.
                    _opened(other.overrides).close()
            loaded = _calibrator(calibrator, workbench)
            title = " ".join([name or dataset, *one.swept])
            _tell_estimate(workbench, dataset, one.overrides, chosen)
            with terminal.console(stderr=True).status("loading the model"):
                if isinstance(workbench, Served):
                    begun = served_runs.begin(workbench, dataset, title, one.overrides, **chosen).run
                else:
                    begun = prepare(workbench, dataset, name=title, **chosen)
            count = f"{number} of {len(each)}: " if len(each) > 1 else ""
            said.append(_finished(workbench, begun.id, f"{count}{begun.name}", loaded, form, cluster))
    _print_all(said)


def _tell_estimate(
    workbench: Workbench | Served, dataset: str, overrides: Sequence[str], chosen: dict[str, Any]
) -> None:
    """How long the run will take, and what it is good for."""
    wanted = {name: chosen[name] for name in ("limit", "side", "evidence")}
    if isinstance(workbench, Served):
        lines = served_runs.estimated(workbench, dataset, overrides, **wanted)
    else:
        lines = estimate(workbench, dataset, **wanted).lines
    for line in lines:
        terminal.console(stderr=True).print(printable(line), highlight=False, soft_wrap=True, markup=False)


def _resume(
    name: str,
    overrides: Sequence[str],
    calibrator: str | None,
    form: Form,
    limit: int | None = None,
    cluster: Cluster | None = None,
) -> None:
    """limit: extend the run to so many questions first."""
    with closing(reached(overrides, served_runs.CARRIED)) as there:
        begun = found_run(there, name).run
    with closing(_opened([*begun.params.overrides, *overrides], cluster)) as workbench:
        loaded = _calibrator(calibrator, workbench)
        if isinstance(workbench, Served):
            served_runs.resume(workbench, begun.id, overrides, limit)
            _print_all([_finished(workbench, begun.id, begun.name, loaded, form)])
            return
        if overrides:
            check_same(workbench, begun, run_params(workbench))
        if limit is not None:
            check_same(workbench, begun)
            extended(workbench, begun.id, limit)
        _print_all([_finished(workbench, begun.id, begun.name, loaded, form, cluster)])


def _opened(overrides: Sequence[str], cluster: Cluster | None = None) -> Workbench | Served:
    """A workbench of these settings, or the running one that has the database open. Raises Conflict."""
    try:
        return Workbench.open(overrides)
    except StoreInUse as in_use:
        if cluster is not None:
            raise Conflict(
                "A run on a cluster is written by this command, and a running workbench has the database "
                "open: stop it, or give the run its own home (CODEX_HOME)."
            ) from in_use
        return served(load_settings(overrides).home, in_use, overrides, served_runs.CARRIED)


def _calibrator(name: str | None, workbench: Workbench | Served) -> Calibrator | None:
    there = workbench if isinstance(workbench, Served) else workbench.store
    return chosen_calibrator(name, there) if name else None


def _finished(
    workbench: Workbench | Served,
    run_id: str,
    title: str,
    calibrator: Calibrator | None,
    form: Form,
    cluster: Cluster | None = None,
) -> dict[str, object] | None:
    """Ask what is left of a run, and tell what it came to. Exits when it is stopped."""
    errors = terminal.console(stderr=True)
    with interruptible(errors) as cancel:
        try:
            summary = _with_bar(workbench, run_id, title, cancel, errors, cluster)
        except BaseException:
            _say_how_to_go_on(run_id, errors, cluster)
            raise
    if summary.run.state == "cancelled":
        errors.print(f"Stopped; {summary.done:,} of {summary.run.total:,} answers are kept.", highlight=False)
        _say_how_to_go_on(run_id, errors, cluster)
        raise typer.Exit(INTERRUPTED)
    failed = f", {summary.failed:,} could not be asked" if summary.failed else ""
    errors.print(
        f"{printable(title)}: {summary.done:,} questions{failed}; the run is {run_id}",
        highlight=False,
        soft_wrap=True,
    )
    with _store(workbench, summary) as store:
        said = tell(evaluated_run(store, summary), form, calibrator)
    return None if said is None else {"run": run_id, "name": summary.run.name, **said}


@contextmanager
def _store(workbench: Workbench | Served, summary: RunSummary) -> Iterator[Store]:
    """With the answers of a run."""
    if isinstance(workbench, Served):
        with workbench.copied([summary.run]) as store:
            yield store
    else:
        yield workbench.store


def _with_bar(
    workbench: Workbench | Served,
    run_id: str,
    title: str,
    cancel: threading.Event,
    errors: Console,
    cluster: Cluster | None,
) -> RunSummary:
    columns = (
        TextColumn("{task.description}  {task.completed:.0f} of {task.total:.0f}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[rate]}{task.fields[left]}", markup=False),
    )
    with Progress(*columns, console=errors, transient=True) as bar:
        task = bar.add_task(printable(title), total=0, visible=False, rate="", left="")

        def progress(now: JobProgress) -> None:
            rate = "" if now.rate is None else f"{now.rate:.2g} questions/s"
            left = "" if now.seconds_left is None else f", {_duration(now.seconds_left)} left"
            bar.update(task, completed=now.done, total=now.total, rate=rate, left=left, visible=True)

        if isinstance(workbench, Served):
            return served_runs.finished(workbench, run_id, progress, cancel)
        measure(workbench, workbench.store.runs.get(run_id).run, progress, cancel)
        if cluster is not None:
            return run_on_ray(workbench, run_id, cluster, progress, cancel)
        return run(workbench, run_id, progress, cancel)


def _say_how_to_go_on(run_id: str, errors: Console, cluster: Cluster | None) -> None:
    there = f" --ray {cluster.address}" if cluster else ""
    errors.print(f"Resume with: codex evaluate --resume {run_id}{there}", highlight=False, soft_wrap=True)


def _print_all(said: Sequence[dict[str, object] | None]) -> None:
    """One run as an object, several as a list."""
    there = [each for each in said if each is not None]
    if there:
        print_json(there[0] if len(said) == 1 else there)


def _side(name: str | None) -> Side | None:
    for side in get_args(Side):
        if side == name:
            return side  # type: ignore[no-any-return]
    if name is not None:
        raise InvalidInput(f"--split is calibration or test, not {name!r}.", ["split"])
    return None


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
