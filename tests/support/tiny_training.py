"""A training of a tiny random Llama in a folder, with an adapter and dropout."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from codex.training.base_model import with_adapter
from codex.training.batches import RowBatches
from codex.training.config import Lora, TrainConfig
from codex.training.course import Progress, Task, Trained, fit
from codex.training.data import answer_loss
from codex.training.state import Loss
from tests.support.tiny_llama import TinyRows, tiny_llama

CONFIG = TrainConfig(
    precision="fp32",
    lora=Lora(rank=2, dropout=0.3, targets=("q_proj", "v_proj")),
    learning_rate=1e-2,
    batch_size=2,
    accumulate=2,
    steps=12,
    save_every=3,
    evaluate_every=6,
)
MEASURED = {"seconds", "memory_bytes", "cpu_percent"}
"""Metrics of the machine, which no two trainings share."""


def task(loss: Loss = answer_loss, data: str = "rows") -> Task:
    """The model, its rows and those that measure it."""
    return Task(
        model=with_adapter(tiny_llama(), CONFIG.lora or Lora(), CONFIG.seed),
        rows=RowBatches(TinyRows(20), CONFIG.batch_size, CONFIG.seed),
        validation=RowBatches(TinyRows(6, seed=1), CONFIG.batch_size, CONFIG.seed),
        loss=loss,
        identity={"data_sha256": data},
        environment={"data": data},
    )


def trained(
    folder: Path,
    config: TrainConfig = CONFIG,
    *,
    of: Task | None = None,
    progress: Callable[[Progress], None] | None = None,
    cancel: threading.Event | None = None,
) -> Trained:
    """Train in a folder, or resume there."""
    return fit(of or task(), config, folder, progress, cancel)
