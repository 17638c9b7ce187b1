"""A supervised start: the format of a stated confidence, and nothing of what it should be."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import nn

from codex.engines.huggingface.rendering import encode
from codex.errors import Cancelled
from codex.grounding.stated import read_stated
from codex.prompts.stating import stated
from codex.training import loop
from codex.training.agents import AgentOptions
from codex.training.batches import RowBatches, TokenLists
from codex.training.config import TrainConfig
from codex.training.data import answer_end, answer_loss
from codex.training.generated import greedy
from codex.training.questions import Asked
from codex.training.state import Step, Training

if TYPE_CHECKING:
    from codex.engines.huggingface.loading import LoadedModel


def teach_format(
    model: nn.Module,
    asked: Sequence[Asked],
    loaded: LoadedModel,
    config: TrainConfig,
    options: AgentOptions,
    cancel: threading.Event | None = None,
) -> None:
    """Train `options.start` updates on the model's own greedy answers, each with a confidence at random.

    The confidence is drawn uniformly from 0%, 10%, …, 100%, so that nothing is learned of how likely an
    answer is to be correct. Raises Cancelled.
    """
    config = config.model_copy(update={"steps": options.start})
    rows = _rows(
        model, asked[: options.start * config.batch_size * config.accumulate], loaded, config, options
    )

    def after(step: Step) -> bool:
        if cancel is not None and cancel.is_set():
            raise Cancelled("The training was stopped in its start; nothing was learned.")
        return True

    batches = RowBatches(rows, config.batch_size, config.seed, pad=loaded.tokenizer.pad_token_id or 0)
    loop.train(Training.begin(model, config, options.start), batches, answer_loss, config, after)


def _rows(
    model: nn.Module, asked: Sequence[Asked], loaded: LoadedModel, config: TrainConfig, options: AgentOptions
) -> TokenLists:
    rng = random.Random(config.seed)
    said: list[str] = []
    at_once = max(1, 4 * config.batch_size)
    with loop.measuring(model, config):
        for at in range(0, len(asked), at_once):
            prompts = [it.prompt for it in asked[at : at + at_once]]
            said += [answer.text for answer in greedy(model, prompts, loaded, options.tokens)]
    answers = [read_stated(text).answer.partition("\n")[0].strip() for text in said]
    texts = [stated(answer, rng.randrange(0, 101, 10)) for answer in answers]
    end = answer_end(loaded.tokenizer, loaded.ends)
    tokens = encode(loaded.tokenizer, texts, control=False, opened=True)
    return TokenLists([(it.prompt, [*made, *end]) for it, made in zip(asked, tokens, strict=True)])
