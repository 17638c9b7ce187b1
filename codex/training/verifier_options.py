"""How a verifier is trained."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FitOptions:
    """How a verifier is trained."""

    epochs: int = 10
    """At most; cross-validation chooses."""
    folds: int = 3
    adapted: int = 12
    """Tokens at the end of a prompt for which the adapter is on, at most."""
    rank: int = 8
    alpha: int = 16
    """The adapter counts alpha / rank times."""
    learning_rate: float = 1e-4
    batch_size: int = 16
    kl_weight: float = 1.0
    """Of the divergence from the unchanged model, in nats, beside the cross-entropy."""
    seed: int = 0
