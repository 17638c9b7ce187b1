"""The evidence of an answer as the page shows it: its sentences, the passages and the words they rest on.

Texts are cut here and travel in parts, because Python and JavaScript count characters differently.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

from codex.grounding.told import judged_by
from codex.pages import JSON
from codex.store.codec.nouns import encode
from codex.text import number
from codex.types import Observation, Passage, Similarity, Stance, Support

CONTEXT = 80
"""Characters of a passage that are shown on each side of a quote."""

SCORES = {
    "dense": ("meaning", "Cosine of the question's and the passage's embeddings"),
    "bm25": ("words", "BM25: how many of the question's words it holds, rare ones counting more"),
    "fused": ("fused", "Both searches together: the sum of their weights over the ranks"),
    "rerank": ("reranked", "What the cross-encoder says of question and passage"),
}
"""What each score of a passage is called, and what it is."""


def evidence_view(observation: Observation, texts: Sequence[str]) -> JSON:
    """What was found for a question, and what it says of each sentence of the answer.

    texts: what each token of the answer shows; a sentence lies in the tokens `first` to `last`.
    """
    grounding = observation.grounding
    supports = grounding.sentences if grounding else ()
    ends = list(accumulate(len(text) for text in texts))
    return {
        "passages": passages_view(observation.passages, supports),
        "sentences": [
            {
                **_sentence(support, observation),
                "first": next((i for i, end in enumerate(ends) if end > support.start), len(ends) - 1),
                "last": next((i for i, end in enumerate(ends) if end >= support.end), len(ends) - 1),
            }
            for support in supports
        ],
        "judged": judged_by(grounding) if grounding else None,
        **(encode(grounding, without=("sentences",)) if grounding else {"judge": None, "seconds": None}),
    }


def passages_view(passages: Sequence[Passage], supports: Sequence[Support] = ()) -> list[JSON]:
    """Passages, best first; the text of each in parts with the sentences that rest on them."""
    return [
        {
            **encode(passage, without=("text", "scores")),
            "parts": _parts(
                passage.text,
                {
                    n: support.quote
                    for n, support in enumerate(supports)
                    if support.passage == index and support.quote
                },
            ),
            "cited": [
                n
                for n, support in enumerate(supports)
                if support.passage == index and support.stance not in (None, Stance.NOT_FOUND)
            ],
            "scores": [
                {"label": SCORES[name][0], "meaning": SCORES[name][1], "value": passage.scores[name]}
                for name in SCORES
                if name in passage.scores
            ],
        }
        for index, passage in enumerate(passages)
    ]


def stances(supports: Sequence[Support]) -> str:
    """In words what the passages say of an answer, e.g. "1 of 2 sentences supported, 1 contradicted"."""
    if any(support.stance is None for support in supports):
        return "evidence not judged"
    count = {stance: sum(support.stance is stance for support in supports) for stance in Stance}
    sentences = "sentence" if len(supports) == 1 else "sentences"
    said = f"{count[Stance.SUPPORTED]} of {len(supports)} {sentences} supported"
    against = count[Stance.CONTRADICTED]
    return f"{said}, {against} contradicted" if against else said


def compared(similarity: Similarity | None) -> str:
    """How the samples were compared, in words."""
    if similarity is None:
        return "by wording"
    return f"by meaning: {similarity.method}, {number(similarity.seconds)} s"


def _sentence(support: Support, observation: Observation) -> JSON:
    passage = None if support.passage is None else observation.passages[support.passage]
    quote = support.quote if passage and passage.text else None
    return {
        "text": observation.generation.text[support.start : support.end].strip(),
        **encode(support, without=("start", "end", "quote")),
        "span": [passage.start + at for at in quote] if passage and quote else None,
        "excerpt": _excerpt(passage.text, quote) if passage and quote else None,
    }


def _parts(text: str, quotes: dict[int, tuple[int, int]]) -> list[tuple[str, list[int]]]:
    """A text cut at the borders of its quotes, each part with the quotes that hold it; they join to it."""
    if not text:
        return []
    borders = sorted({0, len(text), *(min(at, len(text)) for quote in quotes.values() for at in quote)})
    return [
        (text[start:end], [n for n, quote in quotes.items() if quote[0] <= start and end <= quote[1]])
        for start, end in pairwise(borders)
    ]


def _excerpt(text: str, quote: tuple[int, int]) -> list[tuple[str, bool]]:
    """A quote among its neighbouring words, in parts, each with whether it is the quote."""
    start, end = quote
    before, after = text[max(0, start - CONTEXT) : start], text[end : end + CONTEXT]
    if start > CONTEXT:
        before = f"… {before.partition(' ')[2] or before}"
    if end + CONTEXT < len(text):
        after = f"{after.rpartition(' ')[0] or after} …"
    return [part for part in ((before, False), (text[start:end], True), (after, False)) if part[0]]
