"""The adapters of the home as they are listed: what each learned, from what, and what that brought."""

from __future__ import annotations

import json
import logging
import math
import shutil
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.config import JsonDict

from codex.engines.huggingface.adapters import MANIFEST, AdapterManifest
from codex.engines.models import Models
from codex.errors import Conflict, NotFound, TrainingError
from codex.training.folder import ADAPTER, IDENTITY, MODEL, locked

CHECKPOINTS = "checkpoints"
ENVIRONMENT = "env.json"
BEFORE = "_before"
"""How the names of metrics end that were measured before the training."""
HELD_OUT = "held-out questions"
"""Their number, among the counts of rows that a training by rewards keeps."""
GRADED = "graded_questions"
ADAPTERS = "adapters"
"""Their folder in the home."""

log = logging.getLogger(__name__)

SAVED: JsonDict = {
    "name": "answers",
    "kind": "answerer",
    "state": "done",
    "base": "smollm2-135m-instruct",
    "folder": "/home/me/.local/share/codex/adapters/answers",
    "created_at": "2026-01-31T12:00:00Z",
    "data": "run 5d2b8f0e9a1c4c7f8e6d3b2a1f0e9d8c: capitals",
    "rows": 120,
    "step": 24,
    "rewards": [],
    "held_out": 13,
    "before": {"graded_accuracy": 0.38, "confidence_ece": 0.31, "validation_loss": 2.1},
    "after": {"graded_accuracy": 0.46, "confidence_ece": 0.12, "validation_loss": 1.4},
    "merged": False,
}


class SavedAdapter(BaseModel):
    """A training of the model itself in the home's adapters: one that is done, or one that can be resumed."""

    model_config = ConfigDict(
        frozen=True, use_attribute_docstrings=True, json_schema_extra={"examples": [SAVED]}
    )

    name: str
    """Of its folder."""
    kind: Literal["answerer", "reward"]
    state: Literal["done", "unfinished"]
    """unfinished: it was interrupted, or runs; the same name and settings resume it."""
    base: str
    """The model that it is for, as fingerprints of engines name it."""
    folder: str
    """Where it is on this machine."""
    created_at: datetime
    data: str
    """What it learned from."""
    rows: int | None
    """Questions that it was trained on; null: it is unfinished."""
    step: int
    """Updates of its weights; of one that is unfinished, those of its newest checkpoint."""
    rewards: tuple[str, ...]
    """By which it was trained; empty: by the answers themselves."""
    held_out: int
    """Questions that it was measured on."""
    before: dict[str, float]
    """What they measure of the model before: graded_accuracy and graded_refusals, shares; ECE, Brier score
    and AUROC of confidence_ (from the log-probability) or stated_ (as written); validation_loss, in nats."""
    after: dict[str, float]
    """The same of the trained model."""
    merged: bool
    """Whether it was made into a model, which GET /models lists by the same name."""


def saved_adapters(home: Path) -> list[SavedAdapter]:
    """All of them, the newest first. What is no adapter of one model is left out."""
    folder = home / ADAPTERS
    if not folder.is_dir():
        return []
    found = (_saved(each, home) for each in folder.iterdir() if not each.is_symlink())
    return sorted(filter(None, found), key=lambda each: each.created_at, reverse=True)


def discard_empty(folder: Path) -> None:
    """Delete the folder of a training that was stopped before it had anything to resume from."""
    if not (folder / IDENTITY).is_file():
        return
    with suppress(Conflict, TrainingError, OSError), locked(folder):
        kept = [folder / ADAPTER, folder / MODEL, *(folder / CHECKPOINTS).glob("step-*")]
        if not any(each.exists() for each in kept):
            shutil.rmtree(folder)


def saved_adapter(home: Path, name: str) -> SavedAdapter:
    """One by its name. Raises NotFound."""
    known = saved_adapters(home)  # A name that is listed is that of a folder, whatever else is asked for.
    found = next((each for each in known if each.name == name), None)
    if found is None:
        raise NotFound(f"There is no adapter {name!r}. There are: {', '.join(it.name for it in known)}.")
    return found


def merged_folder(home: Path, name: str) -> Path:
    """Where the model is that was made of an adapter: among the models, under its name."""
    return Models(home).folder / name


def delete_adapter(home: Path, name: str) -> None:
    """Delete an adapter with its checkpoints, and the model that was made of it.

    Raises NotFound; Conflict where a process trains there; TrainingError.
    """
    found = saved_adapter(home, name)
    folder = Path(found.folder)
    try:
        with locked(folder):
            if found.merged:
                shutil.rmtree(merged_folder(home, name))
            shutil.rmtree(folder)
    except OSError as error:
        raise TrainingError(f"{folder} cannot be deleted: {error.strerror or error}.") from error


def _saved(folder: Path, home: Path) -> SavedAdapter | None:
    """None: it is no training of the model, or its files are not as they were written."""
    try:
        return _read_adapter(folder, home)
    except (ValueError, TypeError, AttributeError, OSError):
        log.warning("The training in %s is not listed: its files cannot be read.", folder)
        return None


def _read_adapter(folder: Path, home: Path) -> SavedAdapter | None:
    identity, told = _read(folder / IDENTITY), _read(folder / ENVIRONMENT)
    if identity.get("kind") not in ("answerer", "reward"):
        return None
    rows = told.get("rows")
    common = {
        "name": folder.name,
        "kind": identity["kind"],
        "base": identity.get("base", ""),
        "folder": str(folder),
        "data": str(told.get("data", "")),
        "rewards": identity.get("rewards", ()),
    }
    manifest = _manifest(folder / ADAPTER)
    if manifest is None:
        return _unfinished(folder, common)
    metrics = {name: value for name, value in manifest.metrics.items() if math.isfinite(value)}
    held_out = rows.get(HELD_OUT, 0) if isinstance(rows, dict) and identity["kind"] == "reward" else None
    return SavedAdapter(
        **common,
        state="done",
        created_at=datetime.fromisoformat(manifest.created_at),
        rows=manifest.rows,
        step=manifest.steps,
        held_out=int(metrics.get(GRADED, 0) if held_out is None else held_out),
        before={it.removesuffix(BEFORE): value for it, value in metrics.items() if it.endswith(BEFORE)},
        after={it: value for it, value in metrics.items() if not it.endswith(BEFORE)},
        merged=is_merged(home, folder.name, manifest),
    )


def _unfinished(folder: Path, common: Mapping[str, Any]) -> SavedAdapter | None:
    """One that has a checkpoint but is not done; None: nothing is there to resume from."""
    steps = sorted(each.name.removeprefix("step-") for each in (folder / CHECKPOINTS).glob("step-*"))
    if not steps or not steps[-1].isdecimal():
        return None
    at = datetime.fromtimestamp((folder / IDENTITY).stat().st_mtime, UTC)
    nothing: dict[str, Any] = {"rows": None, "held_out": 0, "before": {}, "after": {}, "merged": False}
    return SavedAdapter(**common, **nothing, state="unfinished", created_at=at, step=int(steps[-1]))


def is_merged(home: Path, name: str, manifest: AdapterManifest) -> bool:
    """Whether the model of that name was made of these weights."""
    found = _manifest(merged_folder(home, name))
    return found is not None and found.weights_sha256 == manifest.weights_sha256


def _manifest(folder: Path) -> AdapterManifest | None:
    try:
        return AdapterManifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (ValidationError, OSError):
        return None


def _read(path: Path) -> dict[str, Any]:
    """A file of JSON that one of our trainings wrote; empty: it is not there, or it is another one's."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
