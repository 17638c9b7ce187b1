"""Where a training stands: everything that has to be the same for it to resume as if nothing had happened."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from codex.errors import TrainingError
from codex.training.batches import Batch, Batches
from codex.training.config import TrainConfig

Loss = Callable[[nn.Module, Batch], Tensor]
"""The loss of a batch: a scalar, the mean over the terms that `Batch.weight` counts."""

Measures = Callable[[nn.Module, Batch], Mapping[str, Tensor]]
"""What is measured of a batch, by name: scalars, each a mean over the same terms as the loss."""


@dataclass(frozen=True, slots=True)
class Step:
    """One update of the weights."""

    step: int
    """Counted from 1."""
    loss: float
    """Before the update, in nats where it is a log-likelihood."""
    learning_rate: float
    """Of the update."""
    gradient_norm: float
    """2-norm, before clipping."""
    tokens: int
    """Of all rows of the update."""
    measured: Mapping[str, float] = field(default_factory=dict)
    """What else the engine measured, by its name in metrics.ndjson."""


Precision = Literal["fp32", "bf16", "fp16"]

After = Callable[[Step], bool]
"""Called after each update; False ends the training."""


@dataclass(slots=True)
class Training:
    """A model under training."""

    model: nn.Module
    optimizer: Optimizer
    scheduler: LambdaLR
    steps: int
    """Updates in all."""
    rng: dict[str, Any]
    """The state of all random numbers at the next batch; see `captured`."""
    step: int = 0
    """Updates that are done."""
    position: int = 0
    """Batches that were taken."""
    scaler: Any = None
    """Of the loss in fp16, while an engine runs."""
    scaler_state: dict[str, Any] = field(default_factory=dict)
    """What the scaler begins with."""

    @classmethod
    def begin(cls, model: nn.Module, config: TrainConfig, steps: int) -> Training:
        """The beginning of a training of those weights of the model that require gradients."""
        optimizer = optimizer_of(model, config)
        seed_all(config.seed)
        return cls(model, optimizer, scheduler_of(optimizer, config, steps), steps, captured())

    def remaining(self, batches: Batches) -> Iterator[Batch]:
        """The batches it has not taken; random numbers begin where they were when it stood here."""
        restore(self.rng)
        yield from batches.stream(self.position)

    def use_scaler(self, scaler: Any) -> None:
        """Take the scaler of the engine that runs it; None where there is none."""
        self.scaler = scaler
        if scaler is not None and self.scaler_state:
            scaler.load_state_dict(self.scaler_state)

    def weights(self) -> dict[str, Tensor]:
        """The weights that are trained, by name."""
        return {name: value for name, value in self.model.named_parameters() if value.requires_grad}

    def state_dict(self) -> dict[str, Any]:
        """Everything else, as it is now."""
        return {
            "step": self.step,
            "position": self.position,
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "scaler": self.scaler.state_dict() if self.scaler is not None else self.scaler_state,
            "rng": captured(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Stand where that state was taken."""
        self.step, self.position = state["step"], state["position"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])
        self.scaler_state, self.rng = state["scaler"], state["rng"]

    def check_finite(self, loss: float) -> None:
        """Raises TrainingError before an update that would destroy the weights."""
        if not math.isfinite(loss):
            raise TrainingError(
                f"The loss of step {self.step + 1} is {loss}: it changed nothing, and the last checkpoint is "
                "kept. Lower train.learning_rate, set train.clip, or set train.precision=fp32."
            )


def computed_in(config: TrainConfig, device: torch.device) -> Precision:
    """The precision of a training there. auto: a CPU without instructions for it takes ten times as long."""
    if config.precision != "auto":
        return config.precision
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    return "bf16" if torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported() else "fp32"


def optimizer_of(model: nn.Module, config: TrainConfig) -> Optimizer:
    """AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101) over the weights that require gradients."""
    trained = [value for value in model.parameters() if value.requires_grad]
    groups = [
        {"params": [value for value in trained if value.ndim >= 2], "weight_decay": config.weight_decay},
        {"params": [value for value in trained if value.ndim < 2], "weight_decay": 0.0},
    ]
    return AdamW([group for group in groups if group["params"]], lr=config.learning_rate, fused=True)


def scheduler_of(optimizer: Optimizer, config: TrainConfig, steps: int) -> LambdaLR:
    """The learning rate of each update: a warmup in a line, then as `config.schedule` says."""
    warmup = math.ceil(config.warmup * steps)

    def share(done: int) -> float:
        if done < warmup:
            return (done + 1) / (warmup + 1)
        left = 1 - (done - warmup) / max(steps - warmup, 1)
        if config.schedule == "constant":
            return 1.0
        return max(left, 0.0) if config.schedule == "linear" else 0.5 * (1 - math.cos(math.pi * left))

    return LambdaLR(optimizer, share)


def seed_all(seed: int) -> None:
    """Seed the random numbers of Python, NumPy, torch and CUDA."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def captured() -> dict[str, Any]:
    """The states of all random numbers, as tensors and plain values."""
    name, keys, place, has_gauss, gauss = np.random.get_state(legacy=True)
    return {
        "python": random.getstate(),
        "numpy": (name, torch.from_numpy(np.asarray(keys).astype(np.int64)), place, has_gauss, gauss),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def restore(rng: dict[str, Any]) -> None:
    """Set all random numbers to the states that `captured` took."""
    version, values, gauss = rng["python"]
    random.setstate((version, tuple(values), gauss))
    name, keys, place, has_gauss, kept = rng["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), place, has_gauss, kept))
    torch.set_rng_state(rng["torch"])
    if rng["cuda"] and torch.cuda.device_count() == len(rng["cuda"]):
        torch.cuda.set_rng_state_all(rng["cuda"])
