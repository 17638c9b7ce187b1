"""Teaching the model to answer: supervised fine-tuning on questions with their answers."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from torch import nn

from codex import prompts
from codex.engines.base import ModelConfig
from codex.engines.huggingface.adapters import MANIFEST, AdapterManifest, save_adapter
from codex.engines.models import Models
from codex.errors import Cancelled, TrainingError
from codex.hub import quiet_progress
from codex.outputs import output_folder
from codex.training.base_model import Base, load_base, trainable
from codex.training.batches import RowBatches, TokenRows
from codex.training.config import TrainConfig
from codex.training.course import Progress, Task, Trained, fit
from codex.training.data import answer_loss, answer_measures, prepare
from codex.training.examples import Source
from codex.training.folder import ADAPTER, MODEL
from codex.training.generated import graded_answers, held_out
from codex.training.token_cache import Prepared
from codex.training.tracking import keep_artifact, versions

KIND = "answerer"


@dataclass(frozen=True, slots=True)
class Answerer:
    """What a training made."""

    folder: Path
    """Of the adapter, or of the whole model."""
    manifest: AdapterManifest
    trained: Trained
    counts: Counter[str]
    """What became of the rows."""


def train_answerer(
    source: Source,
    engine: ModelConfig,
    models: Models,
    config: TrainConfig,
    folder: Path,
    *,
    told: Callable[[Prepared], None] | None = None,
    progress: Callable[[Progress], None] | None = None,
    cancel: threading.Event | None = None,
) -> Answerer:
    """Train on a source in a folder, which resumes where it was interrupted.

    told: called with the rows before training begins. Raises Cancelled when it was stopped: a checkpoint is
    kept, and the same call resumes. See `data.prepare`, `course.fit` and `adapters.save_adapter`.
    """
    base = load_base(engine, models, config)
    most = min(config.max_tokens, base.loaded.context)
    rows = prepare(
        source, base.loaded.tokenizer, base.loaded.ends, most, config.data, models.cache, base.name
    )
    if told:
        told(rows)
    validation = _batches(rows.validation, base, config, most) if len(rows.validation.lengths) else None
    task = Task(
        model=trainable(base.loaded.model, config),
        rows=_batches(rows.train, base, config, most),
        validation=validation,
        loss=answer_loss,
        identity={"kind": KIND, **base.identity, "data_sha256": rows.key},
        measures=answer_measures,
        generated=_generated(source, base, config),
        environment={
            "data": source.name,
            "data_sha256": rows.key,
            "rows": dict(rows.counts),
            "seed": config.seed,
            **base.identity,
        },
    )
    trained = fit(task, config, folder, progress, cancel)
    check_ended(trained)
    data = TrainedOn(KIND, prompts.fingerprint(), rows.key, len(rows.train.lengths))
    made = keep(task.model, base, folder, manifest_of(data, folder.name, base, config, trained), config)
    return Answerer(made[0], made[1], trained, rows.counts)


def check_ended(trained: Trained) -> None:
    """Raises Cancelled where somebody stopped it."""
    if trained.why == "cancelled":
        raise Cancelled(
            f"Stopped at a checkpoint, step {trained.step} of {trained.steps}. "
            "Give the same command again to resume."
        )


def _batches(rows: TokenRows, base: Base, config: TrainConfig, most: int) -> RowBatches:
    tokenizer = base.loaded.tokenizer
    pad: Any = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    packed = most if config.packing else None
    return RowBatches(rows, config.batch_size, config.seed, pad=pad or 0, packed=packed)


def _generated(
    source: Source, base: Base, config: TrainConfig
) -> Callable[[nn.Module], Mapping[str, float]] | None:
    """What generates and grades answers to held-out questions; None where it is off, or there are none."""
    asked = held_out(source, base.loaded, config, base.name) if config.generate_every else []
    return (lambda model: graded_answers(model, asked, base.loaded, config)) if asked else None


@dataclass(frozen=True, slots=True)
class TrainedOn:
    """What an adapter learned from; see AdapterManifest."""

    kind: str
    prompt: str
    data_sha256: str
    rows: int


def manifest_of(
    data: TrainedOn, name: str, base: Base, config: TrainConfig, trained: Trained
) -> AdapterManifest:
    """What an adapter says of itself, before its weights are written."""
    return AdapterManifest(
        kind=data.kind,
        name=name,
        base=base.fingerprint,
        base_sha256=base.sha256,
        prompt=data.prompt,
        settings=config.model_dump(mode="json"),
        data_sha256=data.data_sha256,
        rows=data.rows,
        steps=trained.step,
        metrics=trained.metrics,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=versions(),
    )


def keep(
    model: Any, base: Base, folder: Path, manifest: AdapterManifest, config: TrainConfig
) -> tuple[Path, AdapterManifest]:
    """Write what was trained into the folder of the training: an adapter, or a whole model.

    Returns where it is, and the manifest as written. Raises AdapterError, TrainingError.
    """
    if config.lora is not None:
        saved = save_adapter(model, folder / ADAPTER, manifest)
        keep_artifact(config, folder, folder / ADAPTER)
        return folder / ADAPTER, saved
    path = folder / MODEL
    try:
        with output_folder(path) as made, quiet_progress():
            model.save_pretrained(made)
            base.loaded.tokenizer.save_pretrained(made)
            (made / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise TrainingError(
            f"{path} cannot be written: {error.strerror or error}. The checkpoints are kept: make room, and "
            "give the same command again."
        ) from error
    return path, manifest
