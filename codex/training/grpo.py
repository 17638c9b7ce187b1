"""Reinforcement by TRL's GRPO: answers to a question are rewarded against each other (arXiv:2402.03300)."""

from __future__ import annotations

import math
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from accelerate.state import AcceleratorState, GradientState
from torch import nn
from transformers import PrinterCallback
from trl import GRPOConfig, GRPOTrainer

from codex.grounding.stated import read_stated
from codex.items import Item
from codex.training.agents import AgentOptions
from codex.training.config import TrainConfig
from codex.training.hf import Observed, Told, arguments_of
from codex.training.questions import Asked, Questions
from codex.training.rewards import Reward
from codex.training.state import After, Loss, Training
from datasets import Dataset

if TYPE_CHECKING:
    from codex.engines.huggingface.loading import LoadedModel


@dataclass(frozen=True, slots=True)
class Grpo:
    """An engine of trainings by rewards, which are summed; see `course.Task`."""

    loaded: LoadedModel
    rewards: Sequence[Reward]
    options: AgentOptions

    def __call__(
        self, training: Training, batches: Questions, loss: Loss, config: TrainConfig, after: After
    ) -> None:
        """See loop.train. The loss is GRPO's own. Raises what a reward raises."""
        if training.step >= training.steps:
            return
        AcceleratorState._reset_state(reset_partial_state=True)
        GradientState._reset_state()
        use_cache = training.model.config.use_cache  # type: ignore[union-attr]
        with tempfile.TemporaryDirectory() as folder:  # The Trainer wants one; nothing is written into it.
            with _quiet():
                trainer = _Trainer(training, batches, self, config, after, folder)
            training.use_scaler(trainer.accelerator.scaler)
            try:
                with _quiet():
                    trainer.train()
            finally:
                training.model.config.use_cache = use_cache  # type: ignore[union-attr]
                trainer.accelerator.unwrap_model(training.model, keep_fp32_wrapper=False)


@contextmanager
def _quiet() -> Iterator[None]:
    """TRL calls what Transformers deprecates, and a user can do nothing about it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


class _Stream:
    """The questions as what the Trainer takes for a loader of unknown length: a row for each answer."""

    def __init__(self, training: Training, batches: Questions, generations: int) -> None:
        self._training, self._batches, self._generations = training, batches, generations

    def __iter__(self) -> Iterator[list[dict[str, Any]]]:
        asked: Iterator[list[Asked]] = self._training.remaining(self._batches)  # type: ignore[arg-type, assignment]
        for some in asked:
            rows = [{"prompt": it.text, "ids": it.prompt, "item": it.item} for it in some]
            yield [row for row in rows for _ in range(self._generations)]


class _Trainer(Observed, GRPOTrainer):  # type: ignore[misc]
    eos_token_ids: list[int]

    def __init__(
        self,
        training: Training,
        batches: Questions,
        how: Grpo,
        config: TrainConfig,
        after: After,
        folder: str,
    ) -> None:
        self.training = training
        self._stream = _Stream(training, batches, how.options.generations)
        self._seen = 0
        self._is_readable: list[bool] = []
        arguments = GRPOConfig(
            **arguments_of(training, config, folder),
            num_generations=how.options.generations,
            max_completion_length=how.options.tokens,
            temperature=how.options.temperature,
            gradient_checkpointing=False,  # The model was loaded with it, where it is wanted.
        )
        super().__init__(  # type: ignore[call-arg]
            model=training.model,
            reward_funcs=[self._function(each) for each in how.rewards],
            args=arguments,
            # Only GRPOTrainer's checks see it: the questions come from the stream.
            train_dataset=Dataset.from_list([{"prompt": ""}]),
            processing_class=how.loaded.tokenizer,
            callbacks=[Told(self, after)],
            optimizers=(training.optimizer, training.scheduler),
        )
        self.eos_token_ids = sorted({*self.eos_token_ids, *how.loaded.ends})
        self.generation_config.eos_token_id = self.eos_token_ids
        self.remove_callback(PrinterCallback)

    def get_train_dataloader(self) -> Any:
        return self._stream

    def training_step(self, model: nn.Module, inputs: Any, num_items_in_batch: Any = None) -> Any:
        if self._step % self.args.gradient_accumulation_steps == 0:
            self.total = 0.0
        part = super().training_step(model, inputs, num_items_in_batch)
        self.total = self.total + part.detach()
        return part

    def measured(self) -> dict[str, float]:
        """Of the answers of the update: mean reward, its deviation within a question, tokens, readable."""
        kept = self._metrics["train"]
        names = {
            "reward": "reward",
            "reward_std": "reward_deviation",
            "completions/mean_length": "completion_tokens",
        }
        found = {ours: float(np.mean(kept[theirs])) for theirs, ours in names.items() if kept.get(theirs)}
        found["readable"] = float(np.mean(self._is_readable))
        kept.clear()
        self._is_readable = []
        return {name: round(value, 6) for name, value in found.items() if math.isfinite(value)}

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> Any:
        self._ids = [row["ids"] for row in inputs]
        made = super()._generate_and_score_completions(inputs)
        seen = int(self.state.num_input_tokens_seen)
        self.tokens, self._seen = seen - self._seen, seen
        return made

    def _tokenize_prompts(self, prompts: list[Any]) -> tuple[list[list[int]], None, dict[str, Any]]:
        # As the engine makes them, and not by the tokenizer alone.
        return self._ids, None, {}

    def _calculate_rewards(self, inputs: Any, prompts: Any, completions: Any, ids: Any) -> torch.Tensor:
        self._is_readable += [read_stated(text).confidence is not None for text in completions]
        found: torch.Tensor = super()._calculate_rewards(inputs, prompts, completions, ids)
        return found

    def _send_telemetry(self) -> None:
        """Nothing is sent."""

    def _function(self, reward: Reward) -> Callable[..., list[float]]:
        """A reward as TRL calls it."""

        def rewarded(
            prompts: list[str], completions: list[str], item: list[Item], **more: object
        ) -> list[float]:
            return list(reward(prompts, completions, item))

        rewarded.__name__ = reward.name
        return rewarded
