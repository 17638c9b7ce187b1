"""The models that a workbench can change to: what is loaded, what is here, what can be fetched."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Literal

from codex.ask.models.larger import LargerStatus, calibrator_version
from codex.ask.models.switching import engine_settings
from codex.ask.workbench import Workbench
from codex.calibration import Calibrator
from codex.calibration.shipped import shipped_calibrators
from codex.engines import EngineName
from codex.engines.base import ModelConfig
from codex.engines.catalogue import catalogue
from codex.engines.memory import cache_token_bytes, estimated_memory, model_memory, resident_memory
from codex.engines.models import PACKAGED, ModelEntry, Models, model_id
from codex.engines.openai_api.config import ServedConfig
from codex.errors import Cancelled, InvalidInput
from codex.jobs import Job, JobProgress, Jobs
from codex.store import Store

FETCH = "fetch-model"
"""The kind of the jobs that fetch a model."""
CONTEXT = 4096
"""Tokens of the cache in an estimate where the engine does not say how many it holds."""


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model that is here or can be fetched."""

    name: str
    """What `engine.model_path` takes."""
    state: Literal["loaded", "here", "fetchable"]
    about: str
    size: int
    """Bytes on disk; about, where it is not here."""
    memory: int
    """Bytes, estimated: see `engines.memory.estimated_memory`."""
    licence: str | None
    """None: not known of a model that is not in the catalogue."""
    parameters: float | None
    """Billions."""
    sha256: str | None
    calibrators: tuple[str, ...]
    """Versions that were fitted on this model's answers."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """The model in use."""

    model: str
    """The engine's fingerprint."""
    name: str
    engine: str
    base_url: str | None
    """Of a server; None: it is held in this process."""
    state: str
    """As `Status.state`."""
    process_memory: int | None
    """Bytes that this process holds, measured: the model and all else; None where the system does not say."""
    memory: int | None
    """Bytes of the model alone, estimated; None: a server holds it."""
    calibrated: bool
    calibration: str
    """What the active calibrator was fitted on, or why it does not hold."""
    calibrators: tuple[str, ...]
    """Versions that would hold if they were active."""
    larger: LargerStatus | None = None
    """The model beside it that is asked before a person is; None: there is none."""
    larger_calibrator: str | None = None
    """The version that calibrates that one's confidence; None: it is an estimate."""


def loaded_model(workbench: Workbench) -> LoadedModel:
    """The model in use, and whether a calibrator holds for it. Raises StoreError."""
    status, engine, larger = workbench.model.status, workbench.settings.engine, workbench.larger
    held, models = isinstance(engine, ModelConfig), Models(workbench.settings.home)
    saved = {
        each.version: Calibrator.model_validate_json(each.body) for each in workbench.store.calibrators.list()
    }
    return LoadedModel(
        model=status.model,
        name=engine.model_path,
        engine=engine.name,
        base_url=engine.where if isinstance(engine, ServedConfig) else None,
        state=status.state,
        process_memory=resident_memory(),
        memory=model_memory(models, engine.model_path, _context(workbench)) if held else None,
        calibrated=status.calibrated,
        calibration=status.calibration,
        calibrators=tuple(version for version, each in saved.items() if not workbench.active.mismatch(each)),
        larger=larger.status if larger else None,
        larger_calibrator=calibrator_version(workbench.store, larger.fingerprint) if larger else None,
    )


def list_models(
    models: Models, context: int = CONTEXT, store: Store | None = None, loaded: str = ""
) -> list[ListedModel]:
    """Every model, those that are here first.

    context: tokens of the cache in the estimates. store: whose calibrators are named; None: those that ship.
    loaded: the name of the model in use.
    """
    fitted = _calibrators(store)
    return [_listed(entry, models, context, fitted, loaded) for entry in models.list()]


def models_of(workbench: Workbench) -> list[ListedModel]:
    """`list_models` of a workbench. Raises StoreError."""
    engine = workbench.settings.engine
    held = workbench.model.status.state == "ready" and isinstance(engine, ModelConfig)
    models, loaded = Models(workbench.settings.home), engine.model_path if held else ""
    return list_models(models, _context(workbench), workbench.store, loaded)


def change_model(
    workbench: Workbench,
    model: str,
    engine: EngineName | None = None,
    base_url: str | None = None,
    api_key_env: str | None = None,
) -> LoadedModel:
    """Load another model by name. Raises what `engine_settings` and `ModelInUse.switch` raise."""
    workbench.model.switch(engine_settings(workbench.settings, model, engine, base_url, api_key_env))
    return loaded_model(workbench)


def start_fetch(workbench: Workbench, jobs: Jobs, name: str) -> Job:
    """Fetch a model in the background; cancelled, the next fetch of it resumes.

    name: of the catalogue, or owner/repo or owner/repo/file.gguf of the Hugging Face hub. Raises Conflict
    while another is fetched, InvalidInput.
    """
    models = Models(workbench.settings.home)
    if models.find(name) is None and not Models.is_fetchable(name):
        raise InvalidInput(
            f"{name!r} cannot be fetched: it takes a name of the list, or owner/repo or owner/repo/file.gguf "
            "of the Hugging Face hub.",
            ["model"],
        )

    def work(job: Job) -> str:
        began = time.monotonic()
        first: list[int] = []

        def progress(done: int, total: int) -> None:
            if job.cancel.is_set():
                raise Cancelled("The fetch was cancelled.")
            if not first:
                first.append(done)  # What was here already says nothing of the rate.
            seconds = time.monotonic() - began
            rate = (done - first[0]) / seconds / 1e6 if seconds > 1 else None
            left = (total - done) / 1e6 / rate if rate else None
            job.report(JobProgress(round(done / 1e6), round(total / 1e6), "MB", rate, "MB", left))

        return models.fetch(name, progress).name

    return jobs.start(FETCH, f"Fetching {name}", work, about=name)


def _listed(
    entry: ModelEntry, models: Models, context: int, fitted: dict[str, list[str]], loaded: str
) -> ListedModel:
    known = catalogue().get(entry.name)
    packaged = PACKAGED.get(entry.name)
    described = known or packaged
    by_catalogue = described.token_bytes if described else 0
    per_token = cache_token_bytes(entry.path) if entry.present else by_catalogue
    is_loaded = bool(loaded) and entry.present and models.find(loaded) == entry.path
    found = fitted.get(model_id(entry.name, entry.path), ()) if entry.present or packaged else ()
    return ListedModel(
        name=entry.name,
        state="loaded" if is_loaded else "here" if entry.present else "fetchable",
        about=entry.about,
        size=entry.size,
        memory=estimated_memory(entry.size, per_token, context),
        licence=known.licence if known else "Apache-2.0" if packaged else None,
        parameters=known.parameters if known else 0.135 if packaged else None,
        sha256=packaged.sha256 if packaged else known.sha256 if known else None,
        calibrators=tuple(found),
    )


def _calibrators(store: Store | None) -> dict[str, list[str]]:
    """Versions of calibrators by the model in their fingerprint, whichever engine ran it."""
    pairs = [(each.model, each.version) for each in shipped_calibrators()]
    if store is not None:
        pairs += [(json.loads(each.body)["model"], each.version) for each in store.calibrators.list()]
    found: dict[str, list[str]] = {}
    for model, version in dict.fromkeys(pairs):
        found.setdefault(model.split(":")[1] if ":" in model else model, []).append(version)
    return found


def _context(workbench: Workbench) -> int:
    engine = workbench.settings.engine
    return engine.context_size if isinstance(engine, ModelConfig) else CONTEXT
