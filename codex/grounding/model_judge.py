"""The language model as the judge of the evidence, asked for one word or one letter at a time."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from codex.engines.base import Engine
from codex.grounding.judges import Finding, LexicalJudge, Thresholds
from codex.prompts import judging
from codex.signals.verifier import label_probability
from codex.types import Alternative, Message, Passage

SAID = Thresholds(supported=0.6, contradicted=0.3)
"""Small models lean to yes, and share what is left. On 84 questions of SQuAD 2.0 Qwen2.5-Coder-1.5B supports
84 % of the right answers and 37 % of the wrong ones this much (at one half 95 % and 72 %). It contradicts
57 % of answers to another question about the passage this much, and none that were right."""


class ModelJudge:
    """Judges the sentences of one answer, after its question and passages as its own prompt has them.

    The support of a sentence is the mean of two probabilities: that the passages answer exactly this
    question, which is asked once, and that the sentence is what they answer. All before that is in the
    engine's cache; each asking reads some forty tokens. Passage and quote are the lexical judge's.
    """

    thresholds = SAID

    def __init__(
        self, engine: Engine, conversation: Sequence[Message], cancel: threading.Event | None = None
    ) -> None:
        """conversation: what led to the answer; it begins with the passages."""
        self._engine = engine
        self._conversation = conversation
        self._cancel = cancel

    @property
    def name(self) -> str:
        return f"model {self._engine.fingerprint}"

    def judge(self, question: str, sentence: str, passages: Sequence[Passage]) -> Finding:
        place = LexicalJudge().judge(question, sentence, passages)
        letters = self._alternatives(judging.support(self._conversation, sentence))
        said = label_probability(letters, "A", "B", "C")
        if said is None or self._answered is None:
            return replace(place, probability=None)
        otherwise = label_probability(letters, "B", "A", "C")
        return replace(place, probability=(said + self._answered) / 2, contradiction=otherwise)

    @cached_property
    def _answered(self) -> float | None:
        """That the passages answer exactly this question."""
        words = self._alternatives(judging.answered(self._conversation))
        return label_probability(words, "True", "False")

    def _alternatives(self, prompt: list[Message]) -> tuple[Alternative, ...]:
        return self._engine.next_token(prompt, self._cancel).alternatives
