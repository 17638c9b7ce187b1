"""How near texts come to the accepted ones, and how they read by themselves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from pydantic import BaseModel, ConfigDict

from codex.errors import InvalidInput
from codex.grading.grades import token_f1
from codex.grading.wording import plain

MOST_REFERENCES = 10
"""Accepted wordings of one question that BLEU, chrF and ROUGE compare with; some have hundreds."""


class TextScores(BaseModel):
    """Figures of all answers together. None where they cannot be said."""

    model_config = ConfigDict(frozen=True)

    n: int
    """Answers that have an accepted one to be compared with."""
    exact_match: float | None
    """Share equal to an accepted one after normalising, in [0, 1]."""
    f1: float | None
    """Mean of the best F1 over words, in [0, 1]; Rajpurkar et al. 2016, arXiv:1606.05250."""
    bleu: float | None
    """Of the corpus, in [0, 100]; sacreBLEU."""
    chrf: float | None
    """chrF2 of the corpus, in [0, 100]; sacreBLEU."""
    rouge1: float | None
    """Mean of the best ROUGE-1 F1, in [0, 1]."""
    rouge2: float | None
    rouge_l: float | None
    perplexity: float | None
    """exp of minus the mean, over answers, of their mean log-probability."""
    distinct1: float | None
    """Different words of all answers over all of their words; Li et al. 2016, arXiv:1510.03055."""
    distinct2: float | None
    """The same of pairs of neighbouring words."""


def text_scores(
    texts: Sequence[str], references: Sequence[Sequence[str]], mean_logprobs: ArrayLike = ()
) -> TextScores:
    """Every metric. texts: [n]; references: [n], the accepted wordings of each; mean_logprobs: [n] in nats.

    Answers without an accepted wording (to questions that cannot be answered) count for `perplexity` and
    `distinct` alone.
    """
    if len(texts) != len(references):
        raise InvalidInput(f"There are {len(texts)} answers, and accepted ones for {len(references)}.")
    pairs = [
        (text, [reference for reference in accepted if reference.strip()])
        for text, accepted in zip(texts, references, strict=True)
    ]
    pairs = [(text, accepted) for text, accepted in pairs if accepted]
    usual = [(text, accepted[:MOST_REFERENCES]) for text, accepted in pairs]
    rouge1, rouge2, rouge_l = rouge(usual)
    return TextScores(
        n=len(pairs),
        exact_match=_mean([float(plain(text) in map(plain, accepted)) for text, accepted in pairs]),
        f1=_mean([_best_f1(text, accepted) for text, accepted in pairs]),
        bleu=bleu(usual),
        chrf=chrf(usual),
        rouge1=rouge1,
        rouge2=rouge2,
        rouge_l=rouge_l,
        perplexity=perplexity(mean_logprobs),
        distinct1=distinct(texts, 1),
        distinct2=distinct(texts, 2),
    )


Pairs = Sequence[tuple[str, Sequence[str]]]
"""Texts, each with at least one accepted one."""


def bleu(pairs: Pairs) -> float | None:
    """Corpus BLEU-4 of sacreBLEU with its usual tokenizer, in [0, 100]."""
    from sacrebleu.metrics.bleu import BLEU

    return float(BLEU().corpus_score(*_streams(pairs)).score) if pairs else None


def chrf(pairs: Pairs) -> float | None:
    """Corpus chrF2 of sacreBLEU, in [0, 100]."""
    from sacrebleu.metrics.chrf import CHRF

    return float(CHRF().corpus_score(*_streams(pairs)).score) if pairs else None


def rouge(pairs: Pairs) -> tuple[float | None, float | None, float | None]:
    """Mean F1 of ROUGE-1, ROUGE-2 and ROUGE-L against the reference that is nearest by each, in [0, 1]."""
    if not pairs:
        return None, None, None
    # Seconds: it brings all of NLTK.
    from rouge_score.rouge_scorer import RougeScorer

    names = ("rouge1", "rouge2", "rougeL")
    scorer = RougeScorer(list(names))
    scored = [scorer.score_multi(accepted, text) for text, accepted in pairs]
    one, two, longest = (_mean([each[name].fmeasure for each in scored]) for name in names)
    return one, two, longest


def perplexity(mean_logprobs: ArrayLike) -> float | None:
    """exp of minus the mean, at least 1. mean_logprobs: [n] in nats per token, NaN left out."""
    values = np.asarray(mean_logprobs, float)
    values = values[np.isfinite(values)]
    return _finite(math.exp(min(-float(values.mean()), 700.0))) if len(values) else None


def distinct(texts: Sequence[str], n: int) -> float | None:
    """Different n-grams of words over all of them, in [0, 1]; None where there is no n-gram."""
    grams = [
        gram
        for words in (text.casefold().split() for text in texts)
        for gram in zip(*(words[start:] for start in range(n)), strict=False)
    ]
    return len(set(grams)) / len(grams) if grams else None


def _best_f1(text: str, accepted: Sequence[str]) -> float:
    said = plain(text).split()
    return max(token_f1(said, plain(answer).split()) for answer in accepted)


def _streams(pairs: Pairs) -> tuple[list[str], Any]:
    """As sacreBLEU takes them: the texts, and for each place in line its references, or None."""
    longest = max(len(accepted) for _, accepted in pairs)
    streams = [
        [accepted[place] if place < len(accepted) else None for _, accepted in pairs]
        for place in range(longest)
    ]
    return [text for text, _ in pairs], streams


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
