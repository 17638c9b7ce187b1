"""What the next-token distribution says, measured while it is at hand and then let go."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from codex.engines.base import ALTERNATIVES
from codex.engines.huggingface.token_bytes import TokenBytes
from codex.types import Alternative, Token

_LOWEST = -1e9
"""Stands for the logarithm of zero where that is multiplied by zero."""
_HEAD = 5
"""Numbers in a packed row before the alternatives."""


def measure(logits: Tensor, chosen: Tensor) -> Tensor:
    """The statistics of one step, packed so that they leave the device in one transfer.

    logits: [n, vocabulary], float32, raw; n is the number of rows, or 1 where all rows share one
    distribution. chosen: [rows], the token ids drawn. Returns [rows, 5 + 2k], float64, k the smaller of
    ALTERNATIVES and the vocabulary: id, log-probability, entropy H(p) in nats, rank (1 + how many are
    likelier), self-certainty, the k likeliest ids, their log-probabilities.

    Self-certainty is KL(U || p) = -log V - mean_j log p_j in nats, U uniform over the V tokens; its mean
    over the tokens of a text is that of Kang et al. 2025, arXiv:2502.18581.
    """
    rows, vocabulary = len(chosen), logits.shape[-1]
    logprobs = logits.log_softmax(-1)
    top = logprobs.topk(min(ALTERNATIVES, vocabulary))
    own = logprobs.expand(rows, -1).gather(-1, chosen[:, None])
    columns = (
        chosen[:, None],
        own,
        -(logprobs.exp() * logprobs.clamp_min(_LOWEST)).sum(-1, keepdim=True),
        1 + (logprobs > own).sum(-1, keepdim=True),
        -math.log(vocabulary) - logprobs.mean(-1, keepdim=True),
        top.indices,
        top.values,
    )
    return torch.cat([it.double().expand(rows, -1) for it in columns], -1)


def unpack(values: list[float], spelled: TokenBytes, ends: frozenset[int]) -> Token:
    """One row of `measure`, on the host, as a Token. The chosen token is always among its alternatives.

    ends: the tokens that end an answer.
    """
    token_id, logprob, entropy, rank, certainty = values[:_HEAD]
    k = (len(values) - _HEAD) // 2
    likeliest = dict(zip(map(int, values[_HEAD : _HEAD + k]), values[_HEAD + k :], strict=True))
    chosen = int(token_id)
    likeliest.setdefault(chosen, logprob)
    return Token(
        id=chosen,
        bytes=spelled[chosen],
        logprob=logprob,
        entropy=max(0.0, entropy),
        entropy_exact=True,
        rank=int(rank),
        self_certainty=certainty if math.isfinite(certainty) else None,
        alternatives=tuple(
            Alternative(at, spelled[at], value, at in ends)
            for at, value in likeliest.items()
            if value > -math.inf
        ),
    )
