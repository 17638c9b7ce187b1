"""The language model as the judge of the evidence, asked for True or False."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

from codex.engines.base import Engine
from codex.grounding.judges import PROBABLE, Finding, LexicalJudge, Thresholds
from codex.prompts import judging
from codex.signals.verifier import label_probability
from codex.types import Message, Passage


@dataclass(frozen=True, slots=True)
class ModelJudge:
    """Asks about the sentences of one answer, after the passages as the answer's own prompt quotes them.

    These are in the engine's cache, so that a sentence costs the reading of some fifty tokens. The
    passage and the quote are the lexical judge's.
    """

    engine: Engine
    conversation: Sequence[Message]
    """What led to the answer; it holds the passages."""
    cancel: threading.Event | None = None
    thresholds: Thresholds = PROBABLE

    @property
    def name(self) -> str:
        return f"model {self.engine.fingerprint}"

    def judge(self, question: str, sentence: str, passages: Sequence[Passage]) -> Finding:
        """Whether it is contradicted is only asked where it is not supported."""
        place = LexicalJudge().judge(question, sentence, passages)
        support = self._true(judging.support(self.conversation, sentence))
        contradiction = None
        if support is not None and support < self.thresholds.supported:
            contradiction = self._true(judging.contradict(self.conversation, sentence))
        return replace(place, probability=support, contradiction=contradiction)

    def _true(self, prompt: list[Message]) -> float | None:
        token = self.engine.next_token(prompt, self.cancel)
        return label_probability(token.alternatives, "True", "False")
