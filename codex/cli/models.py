"""codex models: which models are here, and bringing one here."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import typer
from rich.progress import DownloadColumn, Progress
from rich.table import Table

from codex.ask.models.listing import ListedModel
from codex.ask.models.listing import list_models as list_models_of
from codex.ask.workbench import Workbench
from codex.cli import terminal
from codex.cli.served import refuse, served
from codex.cli.terminal import Overrides
from codex.engines.models import Models, default_home
from codex.errors import StoreInUse
from codex.settings import load_settings
from codex.store import Store

app = typer.Typer(help="The models on this machine.")


@app.callback(invoke_without_command=True)
def list_models(context: typer.Context) -> None:
    """List the models that are here or can be fetched by name, and what a running workbench holds."""
    if context.invoked_subcommand:
        return
    active, listed = _listed()
    table = Table("name", "state", "size", "memory (estimate)", "calibrator", "what it is", box=None)
    for model in listed:
        kept = "yes" if model.calibrators else ""
        state = {"fetchable": "to fetch"}.get(model.state, model.state)
        table.add_row(model.name, state, _bytes(model.size), _bytes(model.memory), kept, model.about)
    terminal.console().print(table)
    if active is not None:
        held = active["process_memory"]
        memory = f", {_bytes(held)} held by its process" if held is not None else ""
        terminal.console().print(f"{active['model']}: {active['state']}{memory}. {active['calibration']}")
        if larger := active["larger"]:
            terminal.console().print(_larger(larger, active["larger_calibrator"]))


def _larger(larger: dict[str, Any], calibrator: str | None) -> str:
    """The model that a running workbench asks before a person."""
    memory = f", about {_bytes(larger['memory'])}" if larger["memory"] is not None else ""
    calibrated = f"Calibrated by {calibrator}." if calibrator else "Not calibrated."
    return f"Larger model {larger['model']}: {larger['error'] or larger['state']}{memory}. {calibrated}"


def _listed() -> tuple[dict[str, Any] | None, list[ListedModel]]:
    """The model of a running workbench, if there is one, and all models."""
    home = default_home()
    settings = load_settings([f"home={home}"])
    models = Models(home)
    if not settings.database.exists():
        return None, list_models_of(models)
    try:
        with Store(settings.database) as store:
            return None, list_models_of(models, store=store)
    except StoreInUse as in_use:
        with closing(served(home, in_use)) as there:
            said = there.call("GET", "/models")
    found = [ListedModel(**(each | {"calibrators": tuple(each["calibrators"])})) for each in said["models"]]
    return said["active"], found


@app.command("fetch")
def fetch_model(name: str) -> None:
    """Fetch a model to this machine, unless it is here already."""
    with Progress(
        *Progress.get_default_columns(), DownloadColumn(), console=terminal.console(stderr=True)
    ) as shown:
        task = shown.add_task(name, total=None, visible=False)

        def progress(received: int, total: int) -> None:
            shown.update(task, completed=received, total=total, visible=True)

        path = Models(default_home()).fetch(name, progress)
    print(path)


@app.command("judge")
def judge_models(overrides: Overrides = None) -> None:
    """Measure how reliable the model is as judge of evidence and as verifier; once, then it is kept."""
    given = overrides or []
    try:
        workbench = Workbench.open(given)
    except StoreInUse as in_use:
        why = (
            "It measures its own model while no question waits. For another model stop it, or give this "
            "command a home of its own (CODEX_HOME)."
        )
        refuse(load_settings(given).home, in_use, why)
    try:
        with Progress(*Progress.get_default_columns(), console=terminal.console(stderr=True)) as shown:
            task = shown.add_task("measuring", total=None)
            workbench.model.load()
            found = workbench.model.measure(
                lambda done, total: shown.update(task, completed=done, total=total)
            )
    finally:
        workbench.close()
    table = Table("role", "who", "AUROC", "95% interval", "reliable", box=None)
    for each in found:
        r = each.reliability
        interval = "" if r.low is None or r.high is None else f"{r.low:.2f} to {r.high:.2f}"
        auroc = "" if r.auroc is None else f"{r.auroc:.2f}"
        table.add_row(each.role, each.name, auroc, interval, "yes" if r.is_sufficient else "no")
    terminal.console().print(table)


def _bytes(size: int | None) -> str:
    if size is None:
        return ""
    return f"{size / 1e6:.0f} MB" if size < 1e9 else f"{size / 1e9:.1f} GB"
