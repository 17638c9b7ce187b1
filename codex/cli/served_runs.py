"""Runs that the running workbench asks, for codex evaluate."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from codex.cli.served import LOOK, Served, summary_of
from codex.datasets.table_files import is_table
from codex.errors import Conflict
from codex.jobs import JobProgress
from codex.settings import load_settings
from codex.store.evaluation.runs import RunSummary

PARAMS = "engine.params."
CARRIED = ("ask.n_samples", "ask.adaptive", "ask.sample_temperature", PARAMS)
"""Settings that a request for a run brings, by how their keys begin."""


def begin(there: Served, dataset: str, name: str, overrides: Sequence[str], **chosen: Any) -> RunSummary:
    """Start a run with the settings that can be carried. Raises NotFound, InvalidInput, Conflict, ModelError.

    chosen: limit, side, grader and evidence.
    """
    while there.health()["status"] == "loading":
        time.sleep(LOOK)
    side = chosen.pop("side")
    body = {"dataset": _dataset(dataset), "name": name, "split": side, **chosen, **_carried(overrides)}
    return summary_of(there.call("POST", "/evaluations", body))


def estimated(there: Served, dataset: str, overrides: Sequence[str], **chosen: Any) -> list[str]:
    """What a run would take and be good for, in words. Raises NotFound, InvalidInput. chosen: as `begin`."""
    side = chosen.pop("side")
    query = {"dataset": _dataset(dataset), "split": side, **chosen, **_carried(overrides)}
    query |= {"max_tokens": query.pop("params", {}).get("max_tokens")}
    query["evidence"] = "true" if query["evidence"] else None
    asked = urlencode({name: value for name, value in query.items() if value is not None})
    lines: list[str] = there.call("GET", f"/evaluations/estimate?{asked}")["lines"]
    return lines


def resume(there: Served, run_id: str, overrides: Sequence[str], limit: int | None = None) -> None:
    """Resume a run, which is asked as it began. Raises NotFound, Conflict.

    limit: extend it to so many questions.
    """
    if carried := [each for each in overrides if each.lstrip("+").startswith(CARRIED)]:
        raise Conflict(
            f"The running workbench resumes a run with what it began with: leave {carried[0]} out."
        )
    if limit is None:
        there.call("POST", f"/evaluations/{run_id}/resume")
    else:
        there.call("POST", f"/evaluations/{run_id}/extend", {"limit": limit})


def finished(
    there: Served, run_id: str, progress: Callable[[JobProgress], None], cancel: threading.Event
) -> RunSummary:
    """A run when its job has ended; `cancel` stops it. Raises what the job failed by."""
    path = f"/evaluations/{run_id}"
    job = there.call("GET", path)["job"]
    if job is not None:
        there.ended(job, progress, cancel)
    return summary_of(there.call("GET", path))


def _dataset(dataset: str) -> str:
    """Its name; of a file, the place: the workbench runs in a folder of its own."""
    return os.path.abspath(dataset) if is_table(Path(dataset)) else dataset


def _carried(overrides: Sequence[str]) -> dict[str, Any]:
    settings = load_settings(overrides)
    params = settings.engine.params.model_dump(mode="json")
    carried: dict[str, Any] = {}
    for override in overrides:
        key = override.lstrip("+").partition("=")[0].strip()
        if key == "ask.n_samples":
            carried["n_samples"] = settings.ask.n_samples
        elif key == "ask.adaptive":
            carried["adaptive"] = settings.ask.adaptive
        elif key == "ask.sample_temperature":
            carried["sample_temperature"] = settings.ask.sample_temperature
        elif key.startswith(PARAMS):
            name = key.removeprefix(PARAMS)
            carried.setdefault("params", {})[name] = params[name]
    return carried
