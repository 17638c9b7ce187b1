"""The course of a training in a folder: metrics, evaluation, checkpoints, early stopping, resuming."""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn

from codex.errors import Cancelled, InvalidInput, TrainingError
from codex.training import loop
from codex.training.batches import Batch, RowBatches
from codex.training.checkpoints import Checkpoint, Checkpoints
from codex.training.config import TrainConfig
from codex.training.folder import held
from codex.training.state import After, Loss, Measures, Step, Training, computed_in
from codex.training.system import System
from codex.training.tracking import Status, trackers, write_environment

Engine = Callable[[Training, Any, Loss, TrainConfig, After], None]
"""Trains from where a training stands; see `loop.train`."""

FREE = {"threads", "keep", "save_every", "tracker", "generate_every", "generate", "generate_tokens"}
"""Settings that a training may resume with other values of: no loss depends on them."""

Why = Literal["done", "early", "cancelled"]
"""Why a training ended: all its steps, no lower validation loss for so long, or somebody stopped it."""

log = logging.getLogger(__name__)


class Units(Protocol):
    """An endless stream that can be entered at any place, as `Batches`, of what the engine takes."""

    @property
    def units(self) -> int:
        """Rows, or packs of rows, of an epoch."""
        ...

    def stream(self, position: int = 0) -> Iterator[Any]:
        """See Batches."""
        ...


@dataclass(frozen=True, slots=True)
class Task:
    """What is trained, and on what."""

    model: nn.Module
    """With gradients where it is trained."""
    rows: Units
    validation: RowBatches | None
    """None: nothing measures the training."""
    loss: Loss
    identity: Mapping[str, object]
    """What makes the training this one beside its settings: the data, the base model."""
    environment: Mapping[str, object]
    """What env.json tells beside versions, machine and settings."""
    measures: Measures | None = None
    """What the validation rows measure, validation_loss among it; None: the loss alone."""
    generated: Callable[[nn.Module], Mapping[str, float]] | None = None
    """Metrics of answers that the model generates, at `config.generate_every`; None: none are generated."""
    engine: Engine | None = None
    """What trains it; None: the engine of the configuration."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a training is."""

    step: int
    steps: int
    loss: float
    validation_loss: float | None
    """The newest; None: not yet."""
    tokens_per_second: float
    measured: Mapping[str, float] = field(default_factory=dict)
    """What the engine measured of the update, and the held-out rows where they were looked at after it."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A training at its end; the model has the weights of its best checkpoint."""

    why: Why
    step: int
    """Updates of those weights."""
    steps: int
    """Updates in all."""
    metrics: dict[str, float]
    """What was measured of those weights, such as validation_loss and perplexity, and as *_before of the
    model before; {} without validation rows."""


def steps_of(config: TrainConfig, units: int) -> int:
    """Updates in all. units: rows, or packs of rows, of an epoch."""
    return config.steps or max(1, math.ceil(config.epochs * units / (config.batch_size * config.accumulate)))


def fit(
    task: Task,
    config: TrainConfig,
    folder: Path,
    progress: Callable[[Progress], None] | None = None,
    cancel: threading.Event | None = None,
) -> Trained:
    """Train in a folder, from its newest checkpoint where it has one.

    cancel: writes a checkpoint and ends. Raises Conflict: another process trains there, or another training
    is there; TrainingError: the loss is not finite, the disk is full; the checkpoints before that are kept.
    InvalidInput for fp16 on a CPU.
    """
    device = next(task.model.parameters()).device
    if config.precision == "fp16" and device.type == "cpu":
        raise InvalidInput("train.precision=fp16 needs a GPU: take bf16, or fp32.", ["train.precision"])
    config = config.model_copy(update={"precision": computed_in(config, device)})
    identity = {"settings": config.model_dump(mode="json", exclude=FREE), **task.identity}
    with held(folder, identity), _deterministic(config), _memory_told():
        training = Training.begin(task.model, config, steps_of(config, task.rows.units))
        course = _Course(task, config, folder, training, progress, cancel)
        if not course.is_over:
            write_environment(folder, {"settings": config.model_dump(mode="json"), **task.environment})
            try:
                engine = task.engine or _engine(config)
                engine(training, task.rows, task.loss, config, course.after)
            except BaseException:
                course.close("FAILED")
                raise
        return course.end()


class _Course:
    """What happens after each update."""

    def __init__(
        self,
        task: Task,
        config: TrainConfig,
        folder: Path,
        training: Training,
        progress: Callable[[Progress], None] | None,
        cancel: threading.Event | None,
    ) -> None:
        self._task, self._config, self._training = task, config, training
        self._progress, self._cancel = progress, cancel or threading.Event()
        self._checkpoints = Checkpoints(folder / "checkpoints", config.keep)
        self._per_epoch = task.rows.units / (config.batch_size * config.accumulate)
        self._every = config.evaluate_every or max(1, round(self._per_epoch))
        self._kept: dict[str, Any] = {
            "best": None,
            "since_best": 0,
            "last": None,
            "measured": {},
            "measured_before": {},
        }
        """What of the course a checkpoint keeps: the lowest validation loss, evaluations since, the loss at
        the last one, and what was measured at its step and before the first one."""
        newest = self._checkpoints.newest()
        if newest is not None:
            self._checkpoints.load(newest, training)
            self._kept |= newest.extra
            log.info("Resuming at step %d of %d.", training.step, training.steps)
        else:
            self._kept["measured_before"] = {**self._evaluated(), **self._generated()}
        self._system = System()
        self._trackers = trackers(config, folder, training.step)
        self._began = time.perf_counter()

    @property
    def is_over(self) -> bool:
        return self._training.step >= self._training.steps or self._is_early or self._cancel.is_set()

    def after(self, step: Step) -> bool:
        """Whether the training continues."""
        seconds = time.perf_counter() - self._began
        line: dict[str, float | int] = {
            "step": step.step,
            "epoch": round(step.step / self._per_epoch, 4),
            "loss": step.loss,
            "learning_rate": step.learning_rate,
            "gradient_norm": step.gradient_norm,
            "tokens": step.tokens,
            "seconds": round(seconds, 4),
            **step.measured,
        }
        is_last = step.step == self._training.steps
        measured: dict[str, float] = {}
        if is_last or step.step % self._every == 0:
            measured |= self._evaluated()
        if self._config.generate_every and (is_last or step.step % self._config.generate_every == 0):
            measured |= self._generated()
        self._kept["measured"] = measured
        line |= measured | self._system.measured()
        loss = measured.get("validation_loss")
        if loss is not None:
            self._kept["last"] = loss
            is_best = self._kept["best"] is None or loss < self._kept["best"]
            self._kept["best"] = loss if is_best else self._kept["best"]
            self._kept["since_best"] = 0 if is_best else self._kept["since_best"] + 1
        for tracker in self._trackers:
            tracker.add(line)
        if self._progress:
            rate = step.tokens / max(seconds, 1e-9)
            told = (self._training.step, self._training.steps, step.loss, self._kept["last"], rate)
            self._progress(Progress(*told, {**step.measured, **measured}))
        continues = not self.is_over
        if loss is not None or not continues or step.step % self._config.save_every == 0:
            for tracker in self._trackers:
                tracker.sync()
            self._checkpoints.save(self._training, loss, self._kept)
        self._began = time.perf_counter()
        return continues

    def end(self) -> Trained:
        """Give the model the weights of the best checkpoint."""
        done = self._training.step >= self._training.steps
        why: Why = "done" if done else "early" if self._is_early else "cancelled"
        self.close("KILLED" if why == "cancelled" else "FINISHED")
        best = self._best()
        self._checkpoints.load_weights(best, self._training)
        metrics: dict[str, float] = dict(best.extra.get("measured", {}))
        if why != "cancelled" and "graded_accuracy" not in metrics:
            metrics |= self._generated()
        before = {f"{name}_before": value for name, value in self._kept["measured_before"].items()}
        return Trained(why, best.step, self._training.steps, metrics | before)

    def close(self, status: Status) -> None:
        """Nothing more is tracked."""
        for tracker in self._trackers:
            tracker.close(status)

    def _best(self) -> Checkpoint:
        best = self._checkpoints.best()
        if best is None:
            raise Cancelled("The training was stopped before its first update; nothing was learned.")
        return best

    @property
    def _is_early(self) -> bool:
        patience = self._config.patience
        return patience is not None and self._kept["since_best"] >= patience

    def _evaluated(self) -> dict[str, float]:
        """What the validation rows measure; {} without any."""
        if self._task.validation is None:
            return {}
        measures = self._task.measures or self._loss_alone
        model, batches = self._training.model, self._task.validation.once()
        found = loop.evaluate(model, batches, measures, self._config)
        return found | {"perplexity": math.exp(min(found["validation_loss"], 700.0))}

    def _loss_alone(self, model: nn.Module, batch: Batch) -> dict[str, Tensor]:
        return {"validation_loss": self._task.loss(model, batch)}

    def _generated(self) -> Mapping[str, float]:
        """Metrics of generated answers; {} where none are to be generated."""
        if self._task.generated is None or not self._config.generate_every:
            return {}
        with loop.measuring(self._training.model, self._config):
            return self._task.generated(self._training.model)


def _engine(config: TrainConfig) -> Engine:
    if config.engine == "loop":
        return loop.train
    from codex.training import hf

    return hf.train


@contextmanager
def _deterministic(config: TrainConfig) -> Iterator[None]:
    """The threads of the training, and deterministic operations where they are wanted, while it runs."""
    threads, was = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    try:
        if config.threads:
            torch.set_num_threads(config.threads)
        if config.deterministic:
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
            torch.use_deterministic_algorithms(True)
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(was)


@contextmanager
def _memory_told() -> Iterator[None]:
    """Say what to lower where a GPU has not enough memory."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise TrainingError(
            "The GPU has not enough memory. Lower train.batch_size, and raise train.accumulate by as much; "
            "or lower train.max_tokens; or set train.gradient_checkpointing=true or train.quantization=nf4. "
            "The last checkpoint is kept."
        ) from error
