"""Token signals: how likely the model found its own answer, token by token."""

from __future__ import annotations

import numpy as np

from codex.signals.registry import signal
from codex.signals.view import View


@signal(
    "avg_logprob",
    label="Mean log-probability",
    meaning="How likely the model found its words, on average.",
    unit="nats per token",
    needs={"logprobs"},
    source="Malinin and Gales 2021, arXiv:2002.07650",
    higher_is_confident=True,
    scale=(-3.0, 0.0),
)
def avg_logprob(view: View) -> float:
    """Mean of ln p over the tokens, at most 0."""
    return float(view.logprobs.mean())


@signal(
    "sum_logprob",
    label="Sequence log-probability",
    meaning="How likely the model found this exact answer as a whole (MSP).",
    unit="nats",
    needs={"logprobs"},
    source="Maximum sequence probability; Fadeeva et al. 2023, arXiv:2311.07383",
    higher_is_confident=True,
    scale=(-20.0, 0.0),
)
def sum_logprob(view: View) -> float:
    """Sum of ln p over the tokens, at most 0."""
    return float(view.logprobs.sum())


@signal(
    "perplexity",
    label="Perplexity",
    meaning="Among how many equally likely words it was choosing, in effect.",
    unit="words",
    needs={"logprobs"},
    source="Jelinek et al. 1977; exp of minus the mean log-probability",
    higher_is_confident=False,
    scale=(1.0, 10.0),
)
def perplexity(view: View) -> float:
    """exp(-mean ln p), at least 1."""
    with np.errstate(over="ignore"):
        return float(np.exp(-view.logprobs.mean()))


@signal(
    "entropy",
    label="Mean entropy",
    meaning="How spread out the choice of the next word was, on average.",
    unit="nats per token",
    needs={"entropies"},
    source="Fomicheva et al. 2020, arXiv:2005.10608",
    higher_is_confident=False,
    scale=(0.0, 5.0),
)
def entropy(view: View) -> float:
    """Mean entropy of the next-token distributions, at least 0."""
    return float(view.entropies.mean())


@signal(
    "max_entropy",
    label="Highest entropy",
    meaning="How spread out the choice was at the least certain word.",
    unit="nats",
    needs={"entropies"},
    source="Fadeeva et al. 2023, arXiv:2311.07383",
    higher_is_confident=False,
    scale=(0.0, 8.0),
)
def max_entropy(view: View) -> float:
    """Highest entropy among the next-token distributions, at least 0."""
    return float(view.entropies.max())


@signal(
    "top1_prob",
    label="First token's probability",
    meaning="How likely the model found the first token of its answer.",
    needs={"logprobs"},
    source="Hendrycks and Gimpel 2017, arXiv:1610.02136",
    higher_is_confident=True,
    scale=(0.0, 1.0),
)
def top1_prob(view: View) -> float:
    """Probability of the answer's first token, in [0, 1]."""
    return float(np.exp(view.logprobs[0]))


@signal(
    "min_prob",
    label="Weakest token's probability",
    meaning="How likely the model found the least likely token of its answer.",
    needs={"logprobs"},
    source="Manakul et al. 2023, arXiv:2303.08896 (Max(-log p))",
    higher_is_confident=True,
    scale=(0.0, 1.0),
)
def min_prob(view: View) -> float:
    """Lowest probability among the answer's tokens, in [0, 1]."""
    return float(np.exp(view.logprobs.min()))


@signal(
    "end_logprob",
    label="End's log-probability",
    meaning="How likely the model found it that its answer was complete.",
    unit="nats",
    forms=("whole",),
    needs={"end"},
    source="Codex's own; the last factor of a sequence's probability, Sutskever et al. 2014, arXiv:1409.3215",
    higher_is_confident=True,
    scale=(-3.0, 0.0),
)
def end_logprob(view: View) -> float | None:
    """ln p of the end-of-sequence token after the answer, at most 0; missing where none ended it."""
    return view.observation.generation.end_logprob


@signal(
    "margin",
    label="Mean margin",
    meaning="How far the likeliest token was ahead of the second, on average.",
    needs={"alternatives"},
    source="Scheffer et al. 2001, doi:10.1007/3-540-44816-0_31",
    higher_is_confident=True,
    scale=(0.0, 1.0),
)
def margin(view: View) -> float:
    """Mean of p(likeliest) - p(second) over the positions, in [0, 1]."""
    return float(view.margins.mean())


@signal(
    "self_certainty",
    label="Self-certainty",
    meaning="How far the choice of each word was from pure chance.",
    unit="nats",
    needs={"full vocabulary"},
    source="Kang et al. 2025, arXiv:2502.18581",
    higher_is_confident=True,
    scale=(0.0, 30.0),
)
def self_certainty(view: View) -> float:
    """Mean of KL(uniform || next-token distribution) over the vocabulary, at least 0."""
    return float(view.self_certainties.mean())
