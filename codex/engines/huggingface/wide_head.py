"""The last layer, from a hidden state to a score for every token of the vocabulary, on a CPU in float32."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

OUTPUTS = 8192
"""From so many on it pays."""
AT_ONCE = 2048
"""Outputs computed by one product; 512 to 4096 are alike."""


class WideHead(nn.Linear):
    """A linear layer of very many outputs, for few inputs at a time.

    The matrix library is slow at a product a few rows high and 49,152 columns wide: on two cores 48 ms for
    2 rows of SmolLM2 and 39 ms for 11, where its parts, transposed, take 4 ms and 16 ms.
    """

    def forward(self, input: Tensor) -> Tensor:
        """[..., features] -> [..., outputs]"""
        rows = input.reshape(-1, self.in_features)
        if len(rows) == 1 or torch.is_grad_enabled():
            return super().forward(input)
        found = rows.new_empty((self.out_features, len(rows)))
        for part, of_part in zip(self.weight.split(AT_ONCE), found.split(AT_ONCE), strict=True):
            torch.mm(part, rows.t(), out=of_part)
        return found.t().contiguous().view(*input.shape[:-1], self.out_features)


def widen_head(model: PreTrainedModel) -> None:
    """Let the model's last layer be computed so, where that is faster."""
    head = model.get_output_embeddings()
    if type(head) is not nn.Linear or head.bias is not None or head.out_features < OUTPUTS:
        return
    if head.weight.device.type == "cpu" and head.weight.dtype is torch.float32:
        head.__class__ = WideHead
