"""Answers that a model under training gives to held-out questions: generated, graded, and how confident."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from codex.calibration.metrics import auroc, brier, ece
from codex.engines.huggingface.rendering import encode, render
from codex.grading.kinds import grader_of
from codex.grading.wording import refuses
from codex.items import Item
from codex.text import sha256
from codex.training.config import TrainConfig
from codex.training.examples import Source
from codex.training.filters import filtered
from codex.training.rewards import is_correct

if TYPE_CHECKING:
    from codex.engines.huggingface.loading import LoadedModel


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A held-out question."""

    prompt: list[int]
    """Its tokens, up to where the answer begins."""
    item: Item
    """What is accepted."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model answered."""

    text: str
    avg_logprob: float
    """Mean log-probability of its tokens, without the one that ends it, in nats; NaN: it has none."""
    tokens: tuple[int, ...] = ()
    """With the one that ends it; without one where it was cut off."""


def held_out(source: Source, loaded: LoadedModel, config: TrainConfig, model: str) -> list[HeldOut]:
    """At most `config.generate` of the questions that measure the training, the same at every call.

    Those of the smallest hash are taken, so that a file that is sorted by topic gives all of its topics.
    Left out: texts, prompts that leave no room for an answer, and questions that a judge would have to grade.
    model: what the user calls it.
    """
    counts: Counter[str] = Counter()
    asked = (
        (example.item, example)
        for example, is_validation in filtered(source.examples(counts), config.data, counts)
        if is_validation
    )
    gradable = ((item, it) for item, it in asked if item is not None and grader_of(item) != "judge")
    chosen = heapq.nsmallest(config.generate, gradable, key=lambda each: sha256(each[1].question))
    texts = [render(loaded.tokenizer, example.prompt, model) for _, example in chosen]
    prompts = encode(loaded.tokenizer, texts, control=True, opened=True) if texts else []
    room = loaded.context - config.generate_tokens
    return [
        HeldOut(prompt, item)
        for (item, _), prompt in zip(chosen, prompts, strict=True)
        if 0 < len(prompt) <= room
    ]


def graded_answers(
    model: nn.Module, asked: Sequence[HeldOut], loaded: LoadedModel, config: TrainConfig
) -> dict[str, float]:
    """Metrics of greedy answers to these questions; one that is not defined is left out.

    graded_questions: how many could be graded; graded_accuracy: the share of correct answers, by the
    evaluation's graders; graded_refusals: the share of answers that refuse; confidence_auroc, confidence_ece
    and confidence_brier of exp(mean log-probability) as the confidence. The model is used as it is: see
    `loop.measuring`.
    """
    grades, answers = [], []
    rows = max(1, 4 * config.batch_size)  # Decoding takes far less memory than an update.
    for at in range(0, len(asked), rows):
        some = asked[at : at + rows]
        said = greedy(model, [it.prompt for it in some], loaded, config.generate_tokens)
        grades += [is_correct(it.item, answer.text) for it, answer in zip(some, said, strict=True)]
        answers += said
    told = [(answer, bool(it)) for answer, it in zip(answers, grades, strict=True) if it is not None]
    if not told:
        return {}
    correct = np.array([it for _, it in told])
    confidence = np.exp([answer.avg_logprob for answer, _ in told])
    found = {
        "graded_questions": float(len(told)),
        "graded_accuracy": float(correct.mean()),
        "graded_refusals": float(np.mean([refuses(answer.text) for answer, _ in told])),
        "confidence_auroc": auroc(confidence, correct),
        "confidence_ece": ece(confidence, correct),
        "confidence_brier": brier(confidence, correct),
    }
    return {name: value for name, value in found.items() if math.isfinite(value)}


def greedy(
    model: nn.Module, prompts: Sequence[Sequence[int]], loaded: LoadedModel, most: int
) -> list[Answer]:
    """The likeliest continuation of each prompt, token by token. most: tokens of an answer.

    Log-probabilities are those of the model's own distribution.
    """
    return _decoded(model, prompts, loaded, most, 1, lambda logprobs: logprobs.argmax(-1))


def sampled(
    model: nn.Module,
    prompts: Sequence[Sequence[int]],
    loaded: LoadedModel,
    most: int,
    *,
    n: int,
    temperature: float,
    random: torch.Generator,
) -> list[Answer]:
    """n continuations of each prompt, those of the first one first; see `greedy`.

    random: on the device of the model.
    """

    def drawn(logprobs: Tensor) -> Tensor:
        shares = (logprobs / temperature).softmax(-1)
        return torch.multinomial(shares, 1, generator=random)[:, 0]

    return _decoded(model, prompts, loaded, most, n, drawn)


def _decoded(
    model: nn.Module,
    prompts: Sequence[Sequence[int]],
    loaded: LoadedModel,
    most: int,
    n: int,
    choose: Callable[[Tensor], Tensor],
) -> list[Answer]:
    """n continuations of each prompt. choose: tokens [rows] from log-probabilities [rows, vocabulary]."""
    device = next(model.parameters()).device
    ids, mask = padded(prompts, loaded.tokenizer, device)
    ends = torch.tensor(sorted(loaded.ends), device=device)
    chosen: list[Tensor] = []
    logprobs: list[Tensor] = []
    cache: Any = None
    is_open = torch.ones(len(prompts) * n, dtype=torch.bool, device=device)
    for at in range(most):
        positions = (mask.cumsum(-1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        out: Any = model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        cache, logits = out.past_key_values, out.logits[:, -1]
        if at == 0 and n > 1:  # A prompt is read once.
            cache.batch_repeat_interleave(n)
            logits, mask = logits.repeat_interleave(n, 0), mask.repeat_interleave(n, 0)
        distribution = logits.float().log_softmax(-1)
        token = choose(distribution)
        chosen.append(torch.where(is_open, token, -1))
        logprobs.append(distribution.gather(1, token[:, None])[:, 0])
        is_open = is_open & ~torch.isin(token, ends)
        if not is_open.any():
            break
        ids = token[:, None]
        mask = torch.cat([mask, mask.new_ones(len(mask), 1)], dim=1)
    return _answers(torch.stack(chosen, 1), torch.stack(logprobs, 1), loaded)


def padded(prompts: Sequence[Sequence[int]], tokenizer: Any, device: torch.device) -> tuple[Tensor, Tensor]:
    """[rows, longest]: the prompts, padded on the left, and 1 where a token is a prompt's."""
    pad = tokenizer.pad_token_id or 0
    longest = max(map(len, prompts))
    ids = [[pad] * (longest - len(it)) + list(it) for it in prompts]
    mask = [[0] * (longest - len(it)) + [1] * len(it) for it in prompts]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)


def _answers(tokens: Tensor, logprobs: Tensor, loaded: LoadedModel) -> list[Answer]:
    """tokens, logprobs: [rows, steps]; tokens are -1 after the one that ends a row."""
    found = []
    for row, of_row in zip(tokens.tolist(), logprobs.tolist(), strict=True):
        own = [token for token in row if token >= 0]
        n = len(own) - (own[-1] in loaded.ends)
        text = str(loaded.tokenizer.decode(own[:n], skip_special_tokens=True)).strip()
        found.append(Answer(text, sum(of_row[:n]) / n if n else math.nan, tuple(own)))
    return found
