"""Best of n: the model learns, supervised, the best of its own answers to each question.

Reward-ranked fine-tuning (RAFT), Dong et al. 2023, arXiv:2304.06767; each update begins with new answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from codex.grounding.stated import read_stated
from codex.training import loop
from codex.training.agents import AgentOptions
from codex.training.batches import Batch, RowBatches, TokenLists
from codex.training.config import TrainConfig
from codex.training.generated import Answer, sampled
from codex.training.questions import Asked, Questions
from codex.training.rewards import Reward
from codex.training.state import After, Loss, Step, Training

if TYPE_CHECKING:
    from codex.engines.huggingface.loading import LoadedModel


@dataclass(frozen=True, slots=True)
class BestOf:
    """An engine of trainings by rewards, which are summed; see `course.Task`."""

    loaded: LoadedModel
    rewards: Sequence[Reward]
    options: AgentOptions

    def __call__(
        self, training: Training, batches: Questions, loss: Loss, config: TrainConfig, after: After
    ) -> None:
        """See loop.train. Raises what a reward raises."""
        rounds = _Rounds(training.model, batches, self, config)

        def supervised(model: nn.Module, batch: Batch) -> Tensor:
            if batch.inputs:
                return loss(model, batch)
            zero = [value.sum() * 0 for value in model.parameters() if value.requires_grad]
            return torch.stack(zero).sum()

        def told(step: Step) -> bool:
            return after(replace(step, measured=rounds.measured))

        # An update trains on one answer a question at most, which are fewer batches than were answered.
        loop.train(training, rounds, supervised, config.model_copy(update={"accumulate": rounds.size}), told)


@dataclass(slots=True)
class _Rounds:
    """Batches of the best answers, which the model gives when an update begins; see `Batches`."""

    model: nn.Module
    questions: Questions
    how: BestOf
    config: TrainConfig
    size: int = field(init=False)
    """Batches of an update."""
    measured: dict[str, float] = field(init=False, default_factory=dict)
    """Of the answers of the update: see `_measured`."""

    def __post_init__(self) -> None:
        self.size = -(-self.questions.per_update // self.config.batch_size)

    def stream(self, position: int = 0) -> Iterator[Batch]:
        update = position // self.size
        while True:
            yield from self._batches(update)
            update += 1

    def _batches(self, update: int) -> Iterator[Batch]:
        """A question whose answers all get the same reward teaches nothing, and is left out."""
        asked, n = self.questions.of(update), self.how.options.generations
        answers = self._answers(asked, update)
        rewards = self._rewards(asked, answers).reshape(len(asked), n)
        self.measured = _measured(answers, rewards)
        rows = [
            (it.prompt, list(answers[at * n + int(rewards[at].argmax())].tokens))
            for at, it in enumerate(asked)
            if rewards[at].max() > rewards[at].min()
        ]
        pad = self.how.loaded.tokenizer.pad_token_id or 0
        made = [*RowBatches(TokenLists(rows), self.config.batch_size, self.config.seed, pad=pad).once()]
        empty = Batch({}, weight=0.0 if made else 1.0, tokens=0)
        yield from [*made, *[empty] * (self.size - len(made))]

    def _answers(self, asked: Sequence[Asked], update: int) -> list[Answer]:
        """n to each question, in the order of the questions; the same ones after an interruption."""
        options, found = self.how.options, []
        device = next(self.model.parameters()).device
        seed = np.random.SeedSequence([self.config.seed, update]).generate_state(1, np.uint64)
        random = torch.Generator(device).manual_seed(int(seed[0]))
        # Decoding takes far less memory than an update.
        at_once = max(1, 4 * self.config.batch_size // options.generations)
        with loop.measuring(self.model, self.config):
            for at in range(0, len(asked), at_once):
                prompts = [it.prompt for it in asked[at : at + at_once]]
                found += sampled(
                    self.model,
                    prompts,
                    self.how.loaded,
                    options.tokens,
                    n=options.generations,
                    temperature=options.temperature,
                    random=random,
                )
        return found

    def _rewards(self, asked: Sequence[Asked], answers: Sequence[Answer]) -> NDArray[np.float64]:
        """[answers]: the sum of the rewards of each."""
        each = [it for it in asked for _ in range(self.how.options.generations)]
        given = [it.text for it in each], [it.text for it in answers], [it.item for it in each]
        total = np.zeros(len(answers))
        for reward in self.how.rewards:
            total += np.asarray(reward(*given), np.float64)
        return total


def _measured(answers: Sequence[Answer], rewards: NDArray[np.float64]) -> dict[str, float]:
    """Mean reward, its deviation within a question, that of the best answer, tokens, readable confidences;
    learned: the share of questions that are trained on. rewards: [questions, n]
    """
    found = {
        "reward": rewards.mean(),
        "reward_deviation": rewards.std(axis=1, ddof=1).mean(),
        "best_reward": rewards.max(axis=1).mean(),
        "learned": (rewards.max(axis=1) > rewards.min(axis=1)).mean(),
        "completion_tokens": np.mean([len(it.tokens) for it in answers]),
        "readable": np.mean([read_stated(it.text).confidence is not None for it in answers]),
    }
    return {name: round(float(value), 6) for name, value in found.items()}
