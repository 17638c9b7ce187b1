"""Evidence signals: how far the answer stands in the passages that it was given."""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise

from codex.signals.focus import content_words
from codex.signals.registry import signal
from codex.signals.text import Word, is_spaceless, stem, words
from codex.signals.view import View


@signal(
    "evidence_overlap",
    label="Overlap with the evidence",
    meaning="The share of the answer's words that stand in the passages.",
    needs={"passages"},
    source="K-Precision; Adlakha et al. 2023, arXiv:2307.16877",
    higher_is_confident=True,
    scale=(0.0, 1.0),
)
def evidence_overlap(view: View) -> float | None:
    """Share of the answer's different words, stop words apart, that stand in any passage, in [0, 1].

    The whole form counts words that the answer repeats from the question, which the passages were found
    by and nearly always hold; the focus form leaves them out. Missing where no passage's text was kept.
    """
    said = _terms(tuple(content_words(view.answer)))
    texts = [passage.text for passage in view.observation.passages if passage.text]
    if not said or not texts:
        return None
    there = frozenset[str]().union(*map(_terms_of_passage, texts))
    return len(said & there) / len(said)


@signal(
    "retrieval_score",
    label="Best passage",
    meaning="How close in meaning the best passage is to what was searched for.",
    forms=("whole",),
    needs={"passages"},
    source="Cosine of embeddings; Reimers and Gurevych 2019, arXiv:1908.10084",
    higher_is_confident=True,
    scale=(0.0, 1.0),
)
def retrieval_score(view: View) -> float | None:
    """Highest cosine between the query and a passage, in [-1, 1]; missing where none was computed."""
    scores = [passage.scores.get("dense", math.nan) for passage in view.observation.passages]
    return max(filter(math.isfinite, scores), default=None)


@signal(
    "evidence_support",
    label="Support by the evidence",
    meaning="How likely the passages support the answer's weakest sentence.",
    forms=("whole",),
    needs={"grounding"},
    source="After SummaC; Laban et al. 2022, arXiv:2111.09525",
    higher_is_confident=True,
    scale=(0.0, 1.0),
)
def evidence_support(view: View) -> float | None:
    """Lowest probability of support among the sentences, in [0, 1].

    Missing where any sentence has none: the weakest might be that one. Missing too where the judge of the
    settings is not known to be reliable, whoever judged in its place.
    """
    grounding = view.observation.grounding
    support = [sentence.probability for sentence in grounding.sentences] if grounding else []
    known = [probability for probability in support if probability is not None and math.isfinite(probability)]
    return min(known) if known and len(known) == len(support) else None


# Tokenizing a passage takes most of a millisecond, and questions on one subject find the same passages.
@lru_cache(maxsize=1024)
def _terms_of_passage(text: str) -> frozenset[str]:
    every = words(text)
    return _terms(every) | {word.key for word in every if is_spaceless(word)}


def _terms(every: tuple[Word, ...]) -> frozenset[str]:
    """What is compared: words without possessives; of Chinese and Japanese the pairs of characters.

    A character that stands alone is its own term.
    """
    characters = [word for word in every if is_spaceless(word)]
    if not characters:
        return frozenset(map(stem, every))
    pairs = [(one, other) for one, other in pairwise(characters) if one.end == other.start]
    alone = set(characters).difference(*pairs)
    spaced = {stem(word) for word in every} - {word.key for word in characters}
    return frozenset(spaced | {one.key + other.key for one, other in pairs} | {word.key for word in alone})
