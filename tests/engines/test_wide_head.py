"""The last layer computed in parts."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM

from codex.engines.huggingface.engine import HuggingFaceEngine
from codex.engines.huggingface.wide_head import AT_ONCE, OUTPUTS, WideHead, widen_head


def tiny(vocabulary: int, dtype: str = "float32") -> LlamaForCausalLM:
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
    )
    return LlamaForCausalLM(config).to(getattr(torch, dtype))


@pytest.mark.parametrize("leading", [(1,), (2,), (11, 1), (3, 5)])
def test_the_scores_are_those_of_the_plain_layer(leading: tuple[int, ...]) -> None:
    head = WideHead(24, 3 * AT_ONCE + 7, bias=False)
    states = torch.randn(*leading, 24)
    with torch.inference_mode():
        found = head(states)
        torch.testing.assert_close(found, nn.functional.linear(states, head.weight))
    assert found.is_contiguous()


def test_it_can_be_trained_through() -> None:
    head = WideHead(4, OUTPUTS, bias=False)
    head(torch.randn(3, 4)).sum().backward()
    assert head.weight.grad is not None


@pytest.mark.parametrize(
    ("vocabulary", "dtype", "expected"),
    [(OUTPUTS, "float32", WideHead), (OUTPUTS - 1, "float32", nn.Linear), (OUTPUTS, "bfloat16", nn.Linear)],
)
def test_only_a_wide_layer_in_float32_is_computed_so(
    vocabulary: int, dtype: str, expected: type[nn.Linear]
) -> None:
    model = tiny(vocabulary, dtype)
    widen_head(model)
    assert type(model.get_output_embeddings()) is expected


def test_the_engine_uses_it(hf: HuggingFaceEngine) -> None:
    model = hf._ready().model
    assert model.dtype is torch.float32
    assert type(model.get_output_embeddings()) is WideHead
