"""What the tests of the huggingface engine share: rows, a decode run to its end, and the truth."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
import torch

from codex.engines.base import ALTERNATIVES, Engine, GenerationParams
from codex.engines.huggingface.engine import HuggingFaceEngine
from codex.types import Generation, Message, Prompt, Token

CLOSE = 1e-3
"""Nats. Float32 rounding over 30 layers moves a log-probability of this model by about 1e-5."""

CAPITAL = [Message("user", "What is the capital of France?")]
POEM = [Message("user", "Write a poem about the sea.")]


def greedy(max_tokens: int, **given: object) -> GenerationParams:
    return GenerationParams.model_validate({"max_tokens": max_tokens, **given})


def sampled(max_tokens: int, seed: int = 0, **given: object) -> GenerationParams:
    return GenerationParams.model_validate(
        {"max_tokens": max_tokens, "temperature": 1.0, "seed": seed, **given}
    )


def decode(
    engine: Engine, prompt: Prompt, rows: Sequence[GenerationParams], prefix: Sequence[Token] = ()
) -> tuple[list[Token], list[Generation]]:
    """The streamed tokens of row 0, and every row's Generation."""
    streamed: list[Token] = []
    done: dict[int, Generation] = {}
    for item in engine.decode(prompt, rows, prefix=prefix):
        if isinstance(item, Token):
            assert 0 not in done, "a token of row 0 came after its Finished"
            streamed.append(item)
        else:
            done[item.row] = item.generation
    return streamed, [done[row] for row in range(len(rows))]


def teacher_forced(hf: HuggingFaceEngine, prompt: Prompt, ids: Sequence[int]) -> torch.Tensor:
    """Log-probabilities [len(ids), vocabulary], float64, of one forward pass without any cache."""
    opening, model = hf._encode(prompt), hf._ready().model
    whole = torch.tensor([[*opening, *ids]], device=model.device)
    with torch.inference_mode():
        logits = model(input_ids=whole, use_cache=False).logits[0]
    return logits[len(opening) - 1 : -1].double().cpu().log_softmax(-1)


def assert_tokens_match(tokens: Sequence[Token], truth: torch.Tensor) -> None:
    vocabulary = truth.shape[-1]
    for token, logprobs in zip(tokens, truth, strict=True):
        own = logprobs[token.id]
        assert token.logprob == pytest.approx(own.item(), abs=CLOSE)
        assert token.entropy == pytest.approx(-(logprobs.exp() * logprobs).sum().item(), abs=CLOSE)
        assert token.entropy_exact
        certainty = -math.log(vocabulary) - logprobs.mean().item()
        assert token.self_certainty == pytest.approx(certainty, abs=CLOSE)
        # A rank may differ only among tokens that rounding cannot tell apart.
        assert (logprobs > own + CLOSE).sum() < token.rank <= 1 + (logprobs > own - CLOSE).sum()
        assert [it.logprob for it in token.alternatives[:ALTERNATIVES]] == pytest.approx(
            logprobs.topk(ALTERNATIVES).values.tolist(), abs=CLOSE
        )
        assert [it.logprob for it in token.alternatives if it.id == token.id] == [token.logprob]
        assert len(token.alternatives) == ALTERNATIVES + (token.rank > ALTERNATIVES)
