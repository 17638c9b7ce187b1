"""Codex's own training loop."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState
from torch import nn

from codex.training.batches import Batch, Batches
from codex.training.config import TrainConfig
from codex.training.state import After, Loss, Measures, Step, Training, captured, computed_in, restore

MIXED = {"fp32": "no", "bf16": "bf16", "fp16": "fp16"}
"""Precisions by their names in accelerate and Transformers."""


def train(training: Training, batches: Batches, loss: Loss, config: TrainConfig, after: After) -> None:
    """Train from where `training` stands to its last step, or until `after` says False.

    The batches of an update count by their weights, so `accumulate` batches of one row give the gradient of
    one batch of as many rows. Raises TrainingError when the loss is not finite.
    """
    accelerator = _accelerator(training.model, config)
    model, optimizer = accelerator.prepare(training.model, training.optimizer)
    training.use_scaler(accelerator.scaler)
    remaining = training.remaining(batches)
    try:
        while training.step < training.steps:
            group = [batch.to(accelerator.device) for batch in islice(remaining, config.accumulate)]
            weight = sum(batch.weight for batch in group)
            total = torch.zeros((), device=accelerator.device)
            model.train()
            for batch in group:
                part = loss(model, batch) * (batch.weight / weight)
                accelerator.backward(part)
                total += part.detach()
                del part  # With it goes its graph, which would take memory beside that of the next batch.
            training.check_finite(value := total.item())
            rate = float(training.scheduler.get_last_lr()[0])
            norm = accelerator.clip_grad_norm_(model.parameters(), config.clip or math.inf)
            optimizer.step()
            optimizer.zero_grad()
            if not accelerator.optimizer_step_was_skipped:
                training.scheduler.step()
            training.step += 1
            training.position += len(group)
            if not after(Step(training.step, value, rate, float(norm), sum(b.tokens for b in group))):
                break
    finally:
        accelerator.unwrap_model(model, keep_fp32_wrapper=False)


def evaluate(
    model: nn.Module, batches: Iterable[Batch], measures: Measures, config: TrainConfig
) -> dict[str, float]:
    """The mean of each measure over all terms of the batches, in the precision of the training."""
    device = next(model.parameters()).device
    totals: dict[str, float] = {}
    weight = 0.0
    with measuring(model, config):
        for batch in batches:
            for name, value in measures(model, batch.to(device)).items():
                totals[name] = totals.get(name, 0.0) + value.item() * batch.weight
            weight += batch.weight
    return {name: total / weight for name, total in totals.items()}


@contextmanager
def measuring(model: nn.Module, config: TrainConfig) -> Iterator[None]:
    """Use a model under training without a trace: no gradients, no dropout, random numbers as they were."""
    device = next(model.parameters()).device
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(computed_in(config, device))
    was_training, rng = model.training, captured()
    model.eval()
    try:
        with torch.no_grad(), torch.autocast(device.type, dtype, enabled=dtype is not None):
            yield
    finally:
        model.train(was_training)
        restore(rng)


def _accelerator(model: nn.Module, config: TrainConfig) -> Accelerator:
    """accelerate's states are those of the process: one training must not see those of another."""
    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()
    device = next(model.parameters()).device
    return Accelerator(mixed_precision=MIXED[computed_in(config, device)], cpu=device.type == "cpu")
