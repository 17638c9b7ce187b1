"""Attention: of half-precision models on a CPU, and the weights that are told of it."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from codex.engines.huggingface.attention import NAME, Queries, attend, use_own_attention, watched


class Heads(nn.Module):
    """What attention knows of its layer."""

    num_key_value_groups = 3
    is_causal = True
    layer_idx = 0


def tiny(attention: str) -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=100,
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        attn_implementation=attention,
    )
    return LlamaForCausalLM(config).bfloat16().eval()


@pytest.mark.parametrize("masked", ["not", "boolean", "added"])
def test_a_step_is_computed_in_float32(masked: str) -> None:
    query = torch.randn(2, 6, 1, 16).bfloat16()
    key, value = torch.randn(2, 2, 9, 16).bfloat16(), torch.randn(2, 2, 9, 16).bfloat16()
    allowed = torch.ones(2, 1, 1, 9, dtype=torch.bool)
    allowed[1, ..., :4] = False
    added = torch.zeros(allowed.shape).masked_fill(~allowed, float("-inf"))
    mask = {"not": None, "boolean": allowed, "added": added.bfloat16()}[masked]
    exact = {"not": None, "boolean": allowed, "added": added}[masked]
    found, _ = attend(Heads(), query, key, value, mask)
    truth, _ = sdpa_attention_forward(Heads(), query.float(), key.float(), value.float(), exact)
    assert found.dtype is torch.bfloat16
    torch.testing.assert_close(found, truth.bfloat16())


@pytest.mark.parametrize("masked", ["not", "boolean", "added"])
@pytest.mark.parametrize("rows", [[0, 2], [1]])
def test_positions_tell_their_own_weight(masked: str, rows: list[int]) -> None:
    query, key, value = torch.randn(3, 6, 5, 16), torch.randn(3, 2, 9, 16), torch.randn(3, 2, 9, 16)
    allowed = torch.ones(5, 9, dtype=torch.bool).tril(4)[None, None].repeat(3, 1, 1, 1)
    if masked != "not":
        allowed[1, ..., :3] = False
    added = torch.zeros(allowed.shape).masked_fill(~allowed, float("-inf"))
    queries = Queries({7}, rows, 2)
    layer = Heads()
    with watched(queries):
        for number in (6, 7):
            layer.layer_idx = number
            attend(layer, query, key, value, {"not": None, "boolean": allowed, "added": added}[masked])
    scores = query @ key.repeat_interleave(3, 1).transpose(2, 3) / 4 + added
    truth = scores.softmax(-1)[rows][:, :, [3, 4], [7, 8]]
    assert list(queries.weights()) == [7]
    torch.testing.assert_close(queries.weights()[7], truth)


@torch.inference_mode()
def test_a_model_says_the_same_with_it() -> None:
    model = tiny("sdpa")
    ids = torch.tensor([[5, 17, 3, 42, 8]])
    before = model(input_ids=ids).logits[:, -1].float()
    use_own_attention(model)
    assert model.config._attn_implementation == NAME
    begun = model(input_ids=ids[:, :-1], use_cache=True)
    after = model(input_ids=ids[:, -1:], past_key_values=begun.past_key_values).logits[:, -1].float()
    torch.testing.assert_close(after, before, atol=0.02, rtol=0.02)


def test_another_attention_stays() -> None:
    model = tiny("eager")
    use_own_attention(model)
    assert model.config._attn_implementation == "eager"
