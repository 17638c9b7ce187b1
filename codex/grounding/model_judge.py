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
from codex.types import Message, Passage

SAID = Thresholds(supported=0.7, contradicted=0.3)
"""Small models lean to yes, and share among three letters what is left. On 88 questions of SQuAD 2.0
Qwen2.5-Coder-1.5B supports 85 % of the correct answers and 40 % of the incorrect ones this much, and at one
half nearly all of both. Given answers to other questions about the passage, it contradicts 57 % this much,
and of the correct ones none."""


class ModelJudge:
    """Judges the sentences of one answer in the conversation that led to it, which has the passages.

    The support of a sentence is the mean of two probabilities: that the passages answer exactly this
    question, which is asked once, and that they support the sentence. What comes before is in the engine's
    cache, so that each question reads some thirty tokens. Passage and quote are the lexical judge's.
    """

    thresholds = SAID

    def __init__(
        self,
        engine: Engine,
        conversation: Sequence[Message],
        answer: str,
        cancel: threading.Event | None = None,
        *,
        contradictions: bool = True,
    ) -> None:
        """contradictions: whether to ask for them."""
        self._engine = engine
        self._contradictions = contradictions
        self._conversation = conversation
        self._answer = answer
        self._cancel = cancel

    @property
    def name(self) -> str:
        return f"model {self._engine.fingerprint}"

    def judge(self, question: str, sentence: str, passages: Sequence[Passage]) -> Finding:
        """Whether the passages say something else is asked only where they do not support the sentence."""
        place = LexicalJudge().judge(question, sentence, passages)
        supported = self._asked(judging.support(self._conversation, self._answer, sentence), "True", "False")
        if supported is None or self._answered is None:
            return replace(place, probability=None)
        probability, contradiction = (supported + self._answered) / 2, None
        if self._contradictions and probability < self.thresholds.supported:
            contradiction = self._asked(judging.contradict(self._conversation, sentence), "B", "A", "C")
        return replace(place, probability=probability, contradiction=contradiction)

    @cached_property
    def _answered(self) -> float | None:
        """That the passages answer exactly this question."""
        return self._asked(judging.answered(self._conversation), "True", "False")

    def _asked(self, prompt: list[Message], positive: str, *negatives: str) -> float | None:
        token = self._engine.next_token(prompt, self._cancel)
        return label_probability(token.alternatives, positive, *negatives)
