"""The grader of short answers: names, things and phrases."""

from __future__ import annotations

from codex.evaluation.grading.word_recall import word_recall
from codex.evaluation.items import Item


def score(item: Item, text: str) -> float:
    """How much of an accepted answer the text gives, in [0, 1]; correct above one half."""
    return word_recall(item.question, item.answers, text)
