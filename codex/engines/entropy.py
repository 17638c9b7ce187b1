"""The entropy of a distribution of which only the likeliest tokens are known."""

from __future__ import annotations

from collections.abc import Iterable
from math import exp, log


def entropy_bounds(logprobs: Iterable[float], vocabulary: int) -> tuple[float, float]:
    """The least and the greatest entropy, in nats, that a distribution can have.

    logprobs: natural logarithms of the k likeliest tokens' probabilities; vocabulary: how many tokens
    there are. With H_k = -sum p log p over the k and m = 1 - sum p the mass of the rest, the rest adds
    least when one token holds all of m, and most when all V - k tokens share it evenly:
    [H_k - m log m, H_k - m log m + m log(V - k)].
    """
    known = head = 0.0
    count = 0
    for logprob in logprobs:
        p = exp(logprob)
        known += p
        head -= p * logprob
        count += 1
    rest = 1.0 - known
    # Rounding in the engine's 32 bits can leave a rest of about 1e-7 either way where there is none.
    if rest <= 0.0 or count >= vocabulary:
        return head, head
    low = head - rest * log(rest)
    return low, low + rest * log(vocabulary - count)


def entropy_estimate(logprobs: Iterable[float], vocabulary: int) -> float:
    """The midpoint of `entropy_bounds`, in nats."""
    low, high = entropy_bounds(logprobs, vocabulary)
    return (low + high) / 2
