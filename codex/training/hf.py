"""The same training by the Trainer of Transformers."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Any

import torch
from accelerate.state import GradientState
from torch import Tensor, nn
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from codex.training.batches import Batch, Batches
from codex.training.config import TrainConfig
from codex.training.loop import MIXED
from codex.training.state import After, Loss, Step, Training, computed_in


def train(training: Training, batches: Batches, loss: Loss, config: TrainConfig, after: After) -> None:
    """See loop.train: the same batches, optimizer, learning rates, loss and random numbers."""
    if training.step >= training.steps:
        return
    GradientState._reset_state()
    settings = getattr(training.model, "config", None)
    use_cache = getattr(settings, "use_cache", None)
    with tempfile.TemporaryDirectory() as folder:  # The Trainer wants one; nothing is written into it.
        trainer = _Trainer(training, batches, loss, config, after, folder)
        training.use_scaler(trainer.accelerator.scaler)
        try:
            trainer.train()
        finally:
            if settings is not None:  # The Trainer turns it off for good.
                settings.use_cache = use_cache
            trainer.accelerator.unwrap_model(training.model, keep_fp32_wrapper=False)


class _Stream:
    """The batches as what the Trainer takes for a loader of unknown length."""

    def __init__(self, training: Training, batches: Batches) -> None:
        self._training = training
        self._batches = batches

    def __iter__(self) -> Iterator[Batch]:
        return self._training.remaining(self._batches)


def arguments_of(training: Training, config: TrainConfig, folder: str) -> dict[str, Any]:
    """What a Trainer is told of a training; checkpoints and metrics are not the Trainer's. folder: any."""
    device = next(training.model.parameters()).device
    precision = MIXED[computed_in(config, device)]
    return {
        "output_dir": folder,
        "max_steps": training.steps - training.step,
        "per_device_train_batch_size": config.batch_size,
        "gradient_accumulation_steps": config.accumulate,
        "max_grad_norm": config.clip or 0.0,
        "bf16": precision == "bf16",
        "fp16": precision == "fp16",
        "use_cpu": device.type == "cpu",
        "save_strategy": "no",
        "logging_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "seed": config.seed,
    }


class Observed(Trainer):
    """What a Trainer tells of an update."""

    training: Training
    total: Tensor | float = 0.0
    """The loss."""
    norm: float = 0.0
    """Of the gradient, before clipping."""
    tokens: int = 0
    """Of all rows."""

    def _get_grad_norm(self, model: nn.Module, grad_norm: Any = None) -> Any:
        norm: Any = super()._get_grad_norm(model, grad_norm)  # type: ignore[no-untyped-call]
        self.norm = float(norm)
        return norm

    def floating_point_ops(self, inputs: Any) -> int:
        return 0

    def measured(self) -> dict[str, float]:
        """What else was measured of the update."""
        return {}


class _Trainer(Observed):
    def __init__(
        self,
        training: Training,
        batches: Batches,
        loss: Loss,
        config: TrainConfig,
        after: After,
        folder: str,
    ) -> None:
        self.training = training
        self._stream = _Stream(training, batches)
        self._loss = loss
        arguments = TrainingArguments(**arguments_of(training, config, folder))
        super().__init__(
            model=training.model,
            args=arguments,
            optimizers=(training.optimizer, training.scheduler),
            callbacks=[Told(self, after)],
        )
        self.remove_callback(PrinterCallback)
        self.loss_is_scaled_for_ga = True

    def get_train_dataloader(self) -> Any:
        return self._stream

    def _get_num_items_in_batch(self, batch_samples: list[Batch], device: torch.device) -> Any:
        self.total, self.tokens = 0.0, sum(batch.tokens for batch in batch_samples)
        return sum(batch.weight for batch in batch_samples)

    def _prepare_inputs(self, inputs: Any) -> Any:
        return inputs.to(self.args.device)

    def compute_loss(
        self,
        model: nn.Module,
        inputs: Any,
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        part = self._loss(model, inputs) * (inputs.weight / num_items_in_batch)
        self.total = self.total + part.detach()
        return part


class Told(TrainerCallback):
    """Tells of each update as the loop does."""

    def __init__(self, trainer: Observed, after: After) -> None:
        self._trainer = trainer
        self._after = after
        self._loss = self._rate = 0.0

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        training = self._trainer.training
        self._loss = float(self._trainer.total)
        training.check_finite(self._loss)
        self._rate = float(training.scheduler.get_last_lr()[0])

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        training = self._trainer.training
        training.step += 1
        training.position += args.gradient_accumulation_steps
        trainer = self._trainer
        step = Step(training.step, self._loss, self._rate, trainer.norm, trainer.tokens, trainer.measured())
        if not self._after(step):
            control.should_training_stop = True
