"""LoRA weights beside a model, which change it only during the passes that are made inside `on`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager

from torch import Tensor, nn

Pair = tuple[Tensor, Tensor]
"""A [rank, inputs] and B [outputs, rank] of a linear layer."""


class Switched:
    """An adapter of some linear layers (Hu et al. 2021, arXiv:2106.09685): y = W x + scaling B A x.

    No module is replaced, so that outside of `on` the model computes what it always did, to the last bit.
    """

    def __init__(self, pairs: Mapping[nn.Module, Pair], scaling: float) -> None:
        self._pairs = dict(pairs)
        self._scaling = scaling

    @contextmanager
    def on(self) -> Iterator[None]:
        """The model has the adapter inside. Of one model, one adapter at a time, in one thread."""
        with ExitStack() as hooks:
            for module, pair in self._pairs.items():
                hooks.callback(module.register_forward_hook(self._adding(*pair)).remove)
            yield

    def _adding(self, a: Tensor, b: Tensor) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor]:
        def add(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
            change = inputs[0].to(a.dtype) @ a.T @ b.T
            return output + (change * self._scaling).to(output.dtype)

        return add


def linear_layers(layer: nn.Module) -> dict[str, nn.Linear]:
    """The linear layers of a decoder layer by their name inside it, 4-bit ones too."""
    return {name: it for name, it in layer.named_modules() if isinstance(it, nn.Linear)}
