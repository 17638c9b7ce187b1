"""What the Calibrate and Train pages share: a list of versions, and the jobs that make them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from codex.calibration.calibrator import Metric, MetricName
from codex.jobs import Job
from codex.pages import JSON
from codex.pages.job_view import job_view
from codex.store.versions.activations import Activation
from codex.store.versions.versions import SavedVersion
from codex.text import sha256


def news(wanted: JSON, shown: JSON) -> JSON:
    """What a page is sent: the version of what is shown, and all of it where the page has another one.

    wanted: {seen: the version that the page has}.
    """
    version = sha256(json.dumps(shown))[:16]
    return {"version": version, **({} if wanted.get("seen") == version else shown)}


def can_go_back(history: Sequence[Activation]) -> bool:
    """Whether there is an activation to undo."""
    return any(not each.undone for each in history)


def standing(saved: SavedVersion, history: Sequence[Activation]) -> str:
    """Whether a version is active, as the end of a sentence."""
    if saved.active:
        return "is saved and active"
    was = any(each.version == saved.version for each in history)
    return "is saved, no longer active" if was else "is saved, not yet active"


def made_view(job: Job, made: str | None, stands: Mapping[str, str]) -> JSON:
    """A job that makes a version. stands: how the saved ones stand now, by version."""
    words = {
        "done": f"{made} {stands.get(made, 'was saved, and deleted since')}" if made else None,
        "cancelled": "Stopped; nothing was saved.",
    }
    return {**job_view(job, words.get(job.state)), "made": made}


def metrics_row(label: str, title: str, found: Mapping[MetricName, Metric] | None) -> JSON:
    """One row of a table of metrics."""
    return {
        "label": label,
        "title": title,
        "metrics": found and {name: metric.model_dump() for name, metric in found.items()},
    }
