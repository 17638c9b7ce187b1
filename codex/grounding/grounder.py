"""What is done with an answer before its signals are computed: verified, and held against the passages."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace

from codex import engines, prompts
from codex.engines import EngineName
from codex.engines.base import Engine
from codex.engines.models import Models
from codex.errors import Cancelled
from codex.grounding.config import GroundingConfig
from codex.grounding.judges import Embed, EmbeddingJudge, Judge, LexicalJudge
from codex.grounding.model_judge import ModelJudge
from codex.grounding.nli import NliJudge
from codex.grounding.sentences import parts
from codex.grounding.similarity import by_embedding, by_judge
from codex.grounding.verifier import verify
from codex.types import Grounding, Message, Observation, Prompt, Similarity, Support


class Grounder:
    """Asks models about an answer. Thread-safe, as its engine is."""

    def __init__(self, config: GroundingConfig, engine: Engine, models: Models, embed: Embed) -> None:
        """embed: texts to vectors [n, d] of length 1."""
        self.config = config
        self._engine = engine
        self._embed = embed
        self._nli = NliJudge(config.nli_model) if config.judge == "nli" and config.nli_model else None
        self._verifier = engine
        if config.verifier_model not in (None, engine.config.model_path):
            own = engine.config.model_copy(update={"model_path": config.verifier_model})
            kind: EngineName = "huggingface" if engine.name == "huggingface" else "llama_cpp"
            self._verifier = engines.create(kind, own, models)

    def load(self) -> None:
        """Load the models that only checking needs. Raises ModelError."""
        if self._verifier is not self._engine:
            self._verifier.load()
        if self._nli is not None:
            self._nli.load()

    def unload(self) -> None:
        """Give their memory back."""
        if self._verifier is not self._engine:
            self._verifier.unload()
        if self._nli is not None:
            self._nli.unload()

    def check(
        self, observation: Observation, prompt: Prompt, cancel: threading.Event | None = None
    ) -> Observation:
        """The observation with verdict, grounding and similarity filled in, as the settings say.

        prompt: what the answer continued. An answer without words is not checked. Raises Cancelled,
        ModelError, PromptTooLong, CapabilityError.
        """
        if not observation.generation.text.strip():
            return observation
        conversation = _conversation(observation, prompt)
        verdict = grounding = similarity = None
        if self.config.verify:
            verdict = verify(self._verifier, observation, conversation, self.config.verifier_form, cancel)
        if observation.passages and self.config.judge != "none":
            grounding = self._ground(observation, self._judge(observation, conversation, cancel), cancel)
        if observation.samples and self.config.similarity != "text":
            similarity = self._compare(observation, cancel)
        return replace(observation, verdict=verdict, grounding=grounding, similarity=similarity)

    def _compare(self, observation: Observation, cancel: threading.Event | None) -> Similarity:
        if self.config.similarity == "embedding":
            return by_embedding(observation, self._embed, self.config.same_above)
        return by_judge(observation, self._verifier, self.config.same_above, cancel)

    def _judge(
        self, observation: Observation, conversation: Sequence[Message], cancel: threading.Event | None
    ) -> Judge:
        if self.config.judge == "lexical":
            return LexicalJudge()
        if self.config.judge == "embedding":
            return EmbeddingJudge(self._embed)
        if self._nli is not None:
            return self._nli
        return ModelJudge(self._verifier, conversation, observation.generation.text, cancel)

    def _ground(self, observation: Observation, judge: Judge, cancel: threading.Event | None) -> Grounding:
        started = time.perf_counter()
        text, supports = observation.generation.text, []
        for start, end in parts(text):
            if cancel is not None and cancel.is_set():
                raise Cancelled("The question was cancelled.")
            finding = judge.judge(observation.question, text[start:end], observation.passages)
            supports.append(
                Support(
                    start=start,
                    end=end,
                    stance=judge.thresholds.stance(finding),
                    probability=finding.probability,
                    contradiction=finding.contradiction,
                    passage=finding.passage,
                    quote=finding.quote,
                )
            )
        return Grounding(judge.name, tuple(supports), time.perf_counter() - started)


def _conversation(observation: Observation, prompt: Prompt) -> Sequence[Message]:
    """The turns that led to the answer. A branch has only their text; then the question is asked anew."""
    return prompts.ask(observation.question, observation.passages) if isinstance(prompt, str) else prompt
