"""Agreement signals: how far independent samples say the same thing.

The answer shown is compared with the samples and never counted as one of them: it was not drawn as
they were. What says the same is told by a model where the observation holds its `similarity`, which is
of the whole answers in both forms, and by the wording otherwise.
"""

from __future__ import annotations

import numpy as np

from codex.signals.registry import signal
from codex.signals.view import View


@signal(
    "answer_frequency",
    label="Agreeing samples",
    meaning="The share of the samples that say the same as the answer.",
    needs={"1 sample"},
    source="Self-consistency; Wang et al. 2022, arXiv:2203.11171",
    higher_is_confident=True,
    scale=(0.0, 1.0),
)
def answer_frequency(view: View) -> float:
    """Share of the samples that are equivalent to the answer, in [0, 1]."""
    return view.classes.count(view.answer_class) / len(view.samples)


@signal(
    "self_consistency_var",
    label="Disagreement",
    meaning="How likely two samples, drawn at random, say different things.",
    needs={"2 samples"},
    source="Gini 1912; 1 - sum of squared shares",
    higher_is_confident=False,
    scale=(0.0, 1.0),
)
def self_consistency_var(view: View) -> float:
    """1 - the sum of the squared class shares, in [0, 1 - 1/n].

    With each sample as the one-hot vector of its class this is their total variance, the trace of
    the covariance matrix; 0 when all say the same.
    """
    return float(1.0 - np.square(view.shares).sum())


@signal(
    "lexical_similarity",
    label="Similarity of the samples",
    meaning="How much of their wording two samples share, on average.",
    needs={"2 samples"},
    source="Fomicheva et al. 2020, arXiv:2005.10608; ROUGE-L of Lin 2004",
    higher_is_confident=True,
    scale=(0.0, 1.0),
)
def lexical_similarity(view: View) -> float:
    """Mean ROUGE-L F1 over the pairs of different samples, in [0, 1]."""
    n = len(view.samples)
    return float((view.wording.sum() - n) / (n * (n - 1)))


@signal(
    "distinct_answers",
    label="Different answers",
    meaning="How many different things the samples say.",
    unit="answers",
    needs={"1 sample"},
    source="Number of semantic sets; Lin et al. 2023, arXiv:2305.19187",
    higher_is_confident=False,
    scale=(1.0, 10.0),
)
def distinct_answers(view: View) -> float:
    """Number of classes among the samples, in [1, n]."""
    return float(len(view.shares))


@signal(
    "semantic_entropy",
    label="Semantic entropy",
    meaning="How evenly the samples spread over different answers.",
    unit="nats",
    needs={"2 samples"},
    source="Discrete form; Farquhar et al. 2024, doi:10.1038/s41586-024-07421-0",
    higher_is_confident=False,
    scale=(0.0, 2.3),
)
def semantic_entropy(view: View) -> float:
    """Entropy of the class shares, in [0, ln n]: each sample is counted once."""
    return float(-(view.shares * np.log(view.shares)).sum())


@signal(
    "degmat",
    label="Degree of the samples",
    meaning="How far a sample says what all of them say, itself included.",
    needs={"2 samples"},
    source="1 - U_Deg; Lin et al. 2023, arXiv:2305.19187",
    higher_is_confident=True,
    scale=(0.0, 1.0),
)
def degmat(view: View) -> float:
    """trace(D) / n^2 with D the degree matrix of the similarities: their mean, in [1/n, 1].

    Over wordings and a fixed number of samples it ranks as `lexical_similarity` does.
    """
    return float(view.similarity.mean())


@signal(
    "cocoa_ppl",
    label="CoCoA",
    meaning="How unlikely the model found its words, times how far the samples differ from them.",
    unit="nats per token",
    needs={"logprobs", "1 sample"},
    source="Vashurin et al. 2025, arXiv:2502.04964",
    higher_is_confident=False,
    scale=(0.0, 3.0),
)
def cocoa_ppl(view: View) -> float:
    """-mean ln p times (1 - mean similarity of the answer to the samples), at least 0."""
    return float(-view.logprobs.mean() * (1.0 - view.answer_similarity.mean()))
