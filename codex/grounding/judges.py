"""Judges of the evidence: how far the passages support a sentence of the answer, and with which words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from codex.grounding.sentences import Span, sentences
from codex.signals.focus import content_words
from codex.signals.text import stem
from codex.types import Passage, Stance

Embed = Callable[[Sequence[str]], NDArray[np.float32]]
"""Texts -> vectors [n, d] of length 1."""

SHORT = 4
"""A sentence of fewer content words ("Paris.") says nothing without its question, and is read after it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a judge makes of one sentence."""

    probability: float | None
    """That the passages support it, in [0, 1]; None where that was not to be told."""
    contradiction: float | None = None
    """That they contradict it, in [0, 1]; None where it was not asked."""
    passage: int | None = None
    """The best passage."""
    quote: Span | None = None
    """Its words that come closest."""


class Judge(Protocol):
    """Says how far passages support a sentence."""

    @property
    def name(self) -> str:
        """Who judges, with the name of the model."""

    @property
    def thresholds(self) -> Thresholds:
        """From where on its probabilities count."""

    def judge(self, question: str, sentence: str, passages: Sequence[Passage]) -> Finding:
        """passages: at least one. Raises ModelError, Cancelled."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From where on a judge's numbers are called by a name."""

    supported: float
    contradicted: float = 0.5
    """More likely contradicted than not."""

    def stance(self, finding: Finding) -> Stance:
        """Supported goes before contradicted: that is asked only where there is no support."""
        if finding.probability is not None and finding.probability >= self.supported:
            return Stance.SUPPORTED
        if finding.contradiction is not None and finding.contradiction >= self.contradicted:
            return Stance.CONTRADICTED
        return Stance.NOT_FOUND


PROBABLE = Thresholds(supported=0.5)
"""For a probability that a model gives: more likely than not."""
MOST_WORDS = Thresholds(supported=0.75)
"""For a share of words: a sentence with one of four words of its own is said of something else."""
CLOSE = Thresholds(supported=0.6)
"""For a cosine of sentence embeddings: paraphrases lie above it with MiniLM, sentences about the same
thing that say something else mostly below."""


@dataclass(frozen=True, slots=True)
class LexicalJudge:
    """The share of a sentence's content words that stand in a passage; no model."""

    name: str = "lexical"
    thresholds: Thresholds = MOST_WORDS

    def judge(self, question: str, sentence: str, passages: Sequence[Passage]) -> Finding:
        """The quote is the passage's sentence that holds most of the words, of equals the shortest."""
        wanted = _keys(sentence)
        asked = wanted | _keys(question)
        if not wanted:
            return Finding(None)
        shares = [len(wanted & _keys(passage.text)) / len(wanted) for passage in passages]
        # Between passages that hold the sentence alike, the one about the question is meant.
        near = [
            (share, len(asked & _keys(passage.text))) for share, passage in zip(shares, passages, strict=True)
        ]
        best = max(range(len(passages)), key=lambda i: (*near[i], -i))
        quote = _closest(passages[best].text, wanted, asked) if shares[best] else None
        return Finding(shares[best], passage=best if shares[best] else None, quote=quote)


@dataclass(frozen=True, slots=True)
class EmbeddingJudge:
    """The highest cosine between a sentence and a sentence of the passages."""

    embed: Embed
    name: str = "embedding"
    thresholds: Thresholds = CLOSE

    def judge(self, question: str, sentence: str, passages: Sequence[Passage]) -> Finding:
        places = [(i, span) for i, it in enumerate(passages) for span in sentences(it.text)]
        if not places:
            return Finding(None)
        texts = [passages[i].text[slice(*span)] for i, span in places]
        vectors = self.embed([statement(question, sentence), *texts])
        cosines = vectors[1:] @ vectors[0]
        at = int(cosines.argmax())
        passage, span = places[at]
        return Finding(float(np.clip(cosines[at], 0.0, 1.0)), passage=passage, quote=span)


def statement(question: str, sentence: str) -> str:
    """A sentence that stands on its own: a short one is read after its question."""
    return f"{question} {sentence}" if len(_keys(sentence)) < SHORT else sentence


def _closest(text: str, wanted: frozenset[str], asked: frozenset[str]) -> Span | None:
    def held(span: Span) -> tuple[int, int, int]:
        keys = _keys(text[slice(*span)])
        return len(keys & wanted), len(keys & asked), span[0] - span[1]

    return max(sentences(text), key=held, default=None)


@lru_cache(maxsize=1024)
def _keys(text: str) -> frozenset[str]:
    return frozenset(stem(word) for word in content_words(text))
