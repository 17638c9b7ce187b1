"""Attention of half-precision models on a CPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "codex_sdpa"


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    **options: Any,
) -> tuple[Tensor, None]:
    """PyTorch's attention, in float32 where one token a row is continued.

    PyTorch's kernel for bfloat16 is four times as slow at that, conversion included: 416 µs for 11 rows of 64
    tokens of SmolLM2 on two cores, against 100 µs.
    """
    if query.shape[2] > 1 or query.dtype is torch.float32:
        return _sdpa(module, query, key, value, attention_mask, **options)
    if attention_mask is not None and attention_mask.is_floating_point():
        attention_mask = attention_mask.float()
    out, none = _sdpa(module, query.float(), key.float(), value.float(), attention_mask, **options)
    return out.to(query.dtype), none


def attend_in_float32(model: PreTrainedModel) -> None:
    """Let a model on a CPU that uses PyTorch's attention use `attend`."""
    if model.config._attn_implementation == "sdpa":
        model.set_attn_implementation(NAME)


_sdpa: Callable[..., tuple[Tensor, None]] = sdpa_attention_forward
AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, sdpa_mask)
