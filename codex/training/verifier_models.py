"""Verifiers trained on runs: with which model, by the settings, and whether it fits into memory."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Sequence
from pathlib import Path

from codex import engines
from codex.engines.base import Engine
from codex.engines.huggingface.loading import HuggingFaceConfig, Placement
from codex.engines.memory import SCRATCH, available_memory
from codex.engines.models import Models, size_on_disk
from codex.errors import CapabilityError, Conflict, InvalidInput, ModelError
from codex.grounding.trained import TrainedVerifier
from codex.settings import Settings
from codex.store import Store
from codex.training.probe import check_engine as check_states
from codex.training.readout import train_readout
from codex.training.verifier import OnEpoch, OnProgress, computing, train_verifier
from codex.training.verifier_labels import Labelled, check_run, labelled_answers
from codex.training.verifier_options import FitOptions
from codex.types import Run

GB = 1e9
"""Bytes."""
BITS = {"float32": 32, "bfloat16": 16, "float16": 16}


def teach_readout(
    store: Store,
    settings: Settings,
    run_ids: Sequence[str],
    answering: str,
    engine: Engine,
    name: str = "verifier",
    progress: OnProgress | None = None,
    cancel: threading.Event | None = None,
) -> TrainedVerifier:
    """Train a verifier's readouts on runs, and save it; it is not active.

    answering: the fingerprint of the engine that answers. engine: the one that verifies. Raises what
    `readout_answers` and `train_readout` raise.
    """
    runs, labelled = readout_answers(store, settings, run_ids, answering, engine)
    made = train_readout(labelled, runs, engine, settings.home, name, progress, cancel)
    store.verifiers.save(made.version, made.name, made.model_dump_json(), runs[0].id)
    return made


def teach_verifier(
    store: Store,
    settings: Settings,
    run_ids: Sequence[str],
    name: str = "verifier",
    options: FitOptions | None = None,
    upper: float = 1 / 3,
    progress: OnProgress | None = None,
    cancel: threading.Event | None = None,
    on_epoch: OnEpoch | None = None,
) -> TrainedVerifier:
    """Train the adapter of a verifier on runs, for the model that the settings verify with, and save it.

    It is not active. upper: see `train_verifier`. Raises what `answers_to_learn` and `train_verifier` raise;
    ModelError where the memory is too small.
    """
    runs, labelled = answers_to_learn(store, settings, run_ids)
    config = verifying(settings)
    check_memory(config, Models(settings.home))
    made = train_verifier(
        labelled,
        runs,
        config,
        verifying_engine(settings).fingerprint,
        settings.home,
        name,
        options or FitOptions(),
        upper,
        progress,
        cancel,
        on_epoch,
    ).verifier
    store.verifiers.save(made.version, made.name, made.model_dump_json(), runs[0].id)
    return made


def answers_to_learn(store: Store, settings: Settings, run_ids: Sequence[str]) -> tuple[list[Run], Labelled]:
    """The runs of these ids, each once, with their labels.

    Raises NotFound; InvalidInput where a run is of another model, of other prompts, or of follow-ups, or
    where the labels are too few; Conflict while one of them runs; CapabilityError for a model of a server.
    """
    check_engine(settings.engine.name)
    return _answers(store, settings, run_ids, engine_of(settings).fingerprint)


def readout_answers(
    store: Store, settings: Settings, run_ids: Sequence[str], answering: str, engine: Engine
) -> tuple[list[Run], Labelled]:
    """The same for a readout. Raises CapabilityError where the one that verifies shows no hidden states."""
    check_states(engine)
    return _answers(store, settings, run_ids, answering)


def _answers(
    store: Store, settings: Settings, run_ids: Sequence[str], model: str
) -> tuple[list[Run], Labelled]:
    runs = [store.runs.get(run_id).run for run_id in dict.fromkeys(run_ids)]
    if not runs:
        raise InvalidInput("Name a run to train on: --run RUN; `codex runs` lists them.", ["runs"])
    for run in runs:
        if run.state == "running":
            raise Conflict(f"The run {run.name!r} is still running. Wait for it, or cancel it.")
        check_run(run, model)
    found = labelled_answers(store, runs, settings.grounding.verifier_form)
    found.check()
    return runs, found


def check_engine(name: str) -> None:
    """Raises CapabilityError where adapters are not switched on for one call."""
    if name not in ("huggingface", "llama_cpp"):
        raise CapabilityError(
            f"A verifier is trained with a model that Codex holds itself, and the settings name {name}. "
            "Evaluate and train with engine=huggingface or engine=llama_cpp."
        )


def verifying(settings: Settings) -> HuggingFaceConfig:
    """The model that verifies, by the settings, as it is held for training.

    Raises CapabilityError where it takes no adapter.
    """
    engine, model = settings.engine, settings.grounding.verifier_model
    check_engine(engine.name)
    told = engine.model_dump(include=set(HuggingFaceConfig.model_fields))
    if engine.name == "llama_cpp":  # Its weights are made whole again, whatever the file holds them in.
        told["dtype"] = "float32"
        told["quantization"] = "none"
    held = HuggingFaceConfig.model_validate(told)
    return held.model_copy(update={"model_path": model}) if model else held


def engine_of(settings: Settings, model: str | None = None) -> Engine:
    """That of the settings, with their model or another one."""
    config = settings.engine.model_copy(update={"model_path": model}) if model else settings.engine
    return engines.create(config.name, config, Models(settings.home))


def verifying_engine(settings: Settings) -> Engine:
    """The one that verifies, by the settings."""
    return engine_of(settings, settings.grounding.verifier_model)


def check_memory(config: HuggingFaceConfig, models: Models) -> None:
    """Raises ModelError where main memory is too small for the model a second time, as it is trained."""
    needed, free = training_memory(config, models), available_memory()
    if needed is not None and free is not None and needed > free:
        held = Placement.of(computing(config)).dtype
        raise ModelError(
            f"To train it, {config.model_path} is loaded once more, as {held}: about {needed / GB:.1f} GB, "
            f"and {free / GB:.1f} GB of memory are free. Unload the model that answers (the next question "
            "loads it again), train where no workbench runs, or name a smaller grounding.verifier_model."
        )


def training_memory(config: HuggingFaceConfig, models: Models) -> int | None:
    """Bytes of main memory that the model takes while it is trained; None on a GPU, or where unknown."""
    place, path = Placement.of(computing(config)), models.find(config.model_path)
    weights = _weights(path) if path is not None else None
    if place.device != "cpu" or place.quantization == "nf4" or weights is None:
        return None
    return round(weights * BITS[place.dtype] / 8 * (1 + SCRATCH))


def _weights(path: Path) -> float | None:
    """How many a model has, by its size and how the file or folder says that it holds them."""
    size = size_on_disk(path)
    try:
        if path.is_dir():
            told = json.loads((path / "config.json").read_text("utf-8"))
            return size * 8 / BITS[told.get("dtype") or told.get("torch_dtype") or "float32"]
        from codex.engines.gguf_header import read_header

        held = re.fullmatch(r"[A-Z]+?(\d+)(_1)?.*", read_header(path).quantization)
    except (OSError, ValueError, KeyError, ModelError):
        return None
    if held is None:
        return None
    bits = int(held[1])
    # A block's scale comes to half a bit a weight, its offset (Q4_1, Q5_1) to as much again.
    blocks = 0.0 if bits >= BITS["float16"] else 1.0 if held[2] else 0.5
    return size * 8 / (bits + blocks)
