"""Linear layers of a model in float32 on a CPU, for the few rows of a step."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

FEW = 32
"""Rows up to which it pays in every layer."""
WIDTHS = {1: 2, **dict.fromkeys(range(9, 16), 16)}
"""Rows that are computed as so many: 1 as 2, and 9 to 15 as 16, take less time than they do themselves."""
WIDE = 8192
"""Outputs from which on it pays for any number of rows."""
AT_ONCE = 2048
"""Outputs of a wide layer computed by one product; 512 to 4096 are alike."""


class FewRows(nn.Linear):
    """A linear layer that computes the transpose of its outputs, a wide one in parts.

    The matrix library is slow at a product of few rows as PyTorch asks for it. All layers but the last of
    SmolLM2 take 36 ms for 1 row, 58 ms for 2 and 72 ms for 11 on two cores, where this takes 14, 14 and
    54 ms; the last one, of 49,152 outputs, 48 ms for 2 rows and 39 ms for 11, where this takes 4 and 16 ms.
    """

    def forward(self, input: Tensor) -> Tensor:
        """[..., features] -> [..., outputs]"""
        rows = input.reshape(-1, self.in_features)
        n, is_wide = len(rows), self.out_features >= WIDE
        if torch.is_grad_enabled() or not n or (n > FEW and not is_wide):
            return super().forward(input)
        width = WIDTHS.get(n, n)
        columns = (pad(rows, (0, 0, 0, width - n)) if width > n else rows).t()
        if is_wide:
            found = rows.new_empty((self.out_features, width))
            for part, of_part in zip(self.weight.split(AT_ONCE), found.split(AT_ONCE), strict=True):
                torch.mm(part, columns, out=of_part)
        else:
            found = self.weight @ columns
        outputs = found[:, :n].t().contiguous()
        if self.bias is not None:
            outputs += self.bias
        return outputs.view(*input.shape[:-1], self.out_features)


def use_few_rows(model: nn.Module) -> None:
    """Let every linear layer in float32 on a CPU be computed so."""
    for layer in model.modules():
        if type(layer) is nn.Linear and layer.weight.dtype is torch.float32 and layer.weight.is_cpu:
            layer.__class__ = FewRows
