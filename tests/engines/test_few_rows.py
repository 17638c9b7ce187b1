"""Linear layers for few rows."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from codex.engines.huggingface.engine import HuggingFaceEngine
from codex.engines.huggingface.few_rows import FEW, WIDE, FewRows, use_few_rows


@pytest.mark.parametrize("outputs", [7, WIDE + 7])
@pytest.mark.parametrize("has_bias", [False, True])
@pytest.mark.parametrize(
    "leading", [(0,), (1,), (1, 1), (2,), (3, 2), (9, 1), (15,), (FEW, 1), (FEW + 1,), (11, 3)]
)
def test_the_outputs_are_those_of_the_plain_layer(
    outputs: int, has_bias: bool, leading: tuple[int, ...]
) -> None:
    layer = FewRows(24, outputs, bias=has_bias)
    states = torch.randn(*leading, 24)
    with torch.inference_mode():
        found = layer(states)
        torch.testing.assert_close(found, nn.functional.linear(states, layer.weight, layer.bias))
    assert found.is_contiguous()


def test_it_can_be_trained_through() -> None:
    layer = FewRows(4, 5)
    layer(torch.randn(3, 4)).sum().backward()
    assert layer.weight.grad is not None


def test_only_plain_layers_in_float32_are_computed_so() -> None:
    class Own(nn.Linear):
        """Another kind of layer."""

    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4).bfloat16(), Own(4, 4))
    use_few_rows(model)
    assert [type(layer) for layer in model] == [FewRows, nn.Linear, Own]


def test_the_engine_uses_it(hf: HuggingFaceEngine) -> None:
    layers = [it for it in hf._ready().model.modules() if isinstance(it, nn.Linear)]
    assert len(layers) > 100
    assert {type(it) for it in layers} == {FewRows}
