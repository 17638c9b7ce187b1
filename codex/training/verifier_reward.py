"""A reward that needs no accepted answers: P(True) of an answer, by the model that is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from torch import nn

from codex.engines.base import ALTERNATIVES
from codex.engines.huggingface.rendering import encode, render
from codex.errors import InvalidInput
from codex.grounding.stated import read_stated
from codex.items import Item
from codex.prompts import judging
from codex.signals.verifier import label_probability
from codex.training import loop
from codex.training.base_model import Base
from codex.training.config import TrainConfig
from codex.training.examples import example_of
from codex.training.generated import padded
from codex.types import Alternative

if TYPE_CHECKING:
    from peft import PeftModel

UNTOLD = 0.5
"""Of an answer of which the model says neither True nor False, or whose prompt is too long."""


@dataclass(frozen=True, slots=True)
class VerifierReward:
    """P(True) in [0, 1], Kadavath et al. 2022, arXiv:2207.05221, by the model as it was before the training.

    The model under training could learn to say True of everything, so its adapter is off meanwhile. An empty
    answer gets 0.
    """

    name: str = "verifier"
    model: PeftModel | None = None
    """Under training; None: not known yet, see `of`."""
    base: Base | None = None
    config: TrainConfig | None = None

    def of(self, model: nn.Module, base: Base, config: TrainConfig) -> VerifierReward:
        """The same, by that model. model: with an adapter."""
        return replace(self, model=cast("PeftModel", model), base=base, config=config)

    def __call__(
        self, prompts: Sequence[str], answers: Sequence[str], references: Sequence[Item]
    ) -> list[float]:
        """See Reward. Raises InvalidInput where it is of no model."""
        if self.model is None or self.base is None or self.config is None:
            raise InvalidInput("The reward verifier works in a training alone: give it a model.", ["reward"])
        base, found = self.base, [0.0] * len(answers)
        said = [read_stated(text).answer for text in answers]
        some = [at for at, answer in enumerate(said) if answer]
        texts = [
            render(
                base.loaded.tokenizer,
                judging.verify(example_of(references[at]).prompt, said[at]),
                base.name,
            )
            for at in some
        ]
        rows = encode(base.loaded.tokenizer, texts, control=True, opened=True) if texts else []
        size = max(1, 4 * self.config.batch_size)
        with loop.measuring(self.model, self.config), self.model.disable_adapter():
            for first in range(0, len(rows), size):
                part = rows[first : first + size]
                for at, value in zip(some[first : first + size], self._read(part, base), strict=True):
                    found[at] = value
        return found

    def _read(self, prompts: Sequence[list[int]], base: Base) -> list[float]:
        """P(True) after each prompt, by the model as it is."""
        model, loaded = self.model, base.loaded
        assert model is not None
        cut = [ids if len(ids) <= loaded.context else ids[:1] for ids in prompts]
        ids, mask = padded(cut, loaded.tokenizer, next(model.parameters()).device)
        positions = (mask.cumsum(-1) - 1).clamp(min=0)
        out: Any = model(
            input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=False, logits_to_keep=1
        )
        logprobs = out.logits[:, -1].float().log_softmax(-1)
        top = logprobs.topk(min(ALTERNATIVES, logprobs.shape[-1]))
        found = []
        for whole, tokens, values in zip(prompts, top.indices.tolist(), top.values.tolist(), strict=True):
            likeliest = [
                Alternative(token, loaded.spelled[token], value)
                for token, value in zip(tokens, values, strict=True)
            ]
            told = label_probability(likeliest, "True", "False") if len(whole) <= loaded.context else None
            found.append(UNTOLD if told is None else told)
        return found
