"""What is done with an answer before its signals are computed: verified, and held against the passages."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

from codex import engines, prompts
from codex.engines.base import Engine
from codex.engines.models import Models
from codex.errors import Cancelled, ModelError
from codex.grounding import labelled
from codex.grounding.added import added_judge
from codex.grounding.config import JUDGES, GroundingConfig
from codex.grounding.form import Form
from codex.grounding.judges import Embed, EmbeddingJudge, Judge, LexicalJudge
from codex.grounding.labelled import Case, Labelled
from codex.grounding.model_judge import ModelJudge
from codex.grounding.nli import NliJudge
from codex.grounding.reliability import (
    Done,
    Reliabilities,
    Score,
    Turn,
    at_once,
    judge_key,
    measured,
    verifier_key,
)
from codex.grounding.sentences import parts
from codex.grounding.similarity import by_embedding, by_judge
from codex.grounding.stated import state
from codex.grounding.trained import InUse
from codex.grounding.verifier import verify
from codex.prompts import stating
from codex.retrieval.embedding import Identity
from codex.signals.verifier import label_probability
from codex.types import (
    Generation,
    Grounding,
    Message,
    Observation,
    PassedOver,
    Prompt,
    Reliability,
    Similarity,
    Support,
    Verdict,
)

PATIENCE = 0.1
"""Seconds between two looks at whether somebody who waits for another's measuring still wants it."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A judge or verifier with how reliable it is."""

    role: Literal["judge", "verifier"]
    name: str
    reliability: Reliability


class Grounder:
    """Asks models about an answer. Thread-safe, as its engine is.

    A judge gives a stance only where it was measured to be reliable; else meaning and then words judge in
    its place, if they are.
    """

    def __init__(
        self,
        config: GroundingConfig,
        engine: Engine,
        models: Models,
        embed: Embed,
        embedding: Callable[[], Identity],
        trained: Callable[[], InUse | None] = lambda: None,
    ) -> None:
        """embed: texts to vectors [n, d] of length 1. embedding: which one; raises ModelError.

        trained: the verifier that is active; it verifies where it holds.
        """
        self.config = config
        self._engine = engine
        self._embed = embed
        self._embedding = embedding
        self._trained = trained
        self._kept = Reliabilities(models.cache / "reliability")
        self._nli = NliJudge(config.nli_model) if config.judge == "nli" and config.nli_model else None
        self._added = None if config.judge in JUDGES else added_judge(config.judge)
        self._measuring = threading.Lock()
        self._verifier = engine
        if config.verifier_model not in (None, engine.config.model_path):
            own = engine.config.model_copy(update={"model_path": config.verifier_model})
            self._verifier = engines.create(engine.name, own, models)

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

    @property
    def verifier(self) -> Engine:
        """The engine that verifies: the one that answers, or that of grounding.verifier_model."""
        return self._verifier

    @property
    def trained(self) -> str:
        """The version of the trained verifier that verifies now; "": none does."""
        found = self._trained() if self.config.verify else None
        if found is None or found.verifier.mismatch(self._verifier, self.config.verifier_form):
            return ""
        return found.verifier.version

    @property
    def stated(self) -> str:
        """The fingerprint of the prompt under which confidence is stated; "": it is not."""
        return stating.fingerprint() if self.config.state_confidence else ""

    def check(
        self, observation: Observation, prompt: Prompt, cancel: threading.Event | None = None
    ) -> Observation:
        """The observation with verdict, stated confidence, grounding and similarity, as the settings say.

        prompt: what the answer continued. An answer without words is not checked. Raises Cancelled,
        ModelError, PromptTooLong, CapabilityError.
        """
        if not observation.generation.text.strip():
            return observation
        conversation = _conversation(observation, prompt)
        verdict = stated = grounding = similarity = None
        if self.config.verify:
            verdict = self._verify(observation, conversation, cancel)
        if self.config.state_confidence:
            stated = state(self._engine, conversation, observation.generation.text, cancel)
        if observation.passages and self.config.judge != "none":
            grounding = self._ground(observation, conversation, cancel)
        if observation.samples and self.config.similarity != "text":
            similarity = self._compare(observation, cancel)
        return replace(
            observation, verdict=verdict, stated=stated, grounding=grounding, similarity=similarity
        )

    def measure(
        self, turn: Turn = at_once, done: Done | None = None, *, evidence: bool = True
    ) -> list[Measured]:
        """How reliable the judge and the verifier of the settings are; measured where that is not kept.

        A judge that is not reliable is followed by those that would judge in its place. evidence: False
        leaves judges out. One caller at a time measures; the others wait for what it keeps. Raises
        Cancelled, ModelError, CapabilityError.
        """
        while not self._measuring.acquire(timeout=PATIENCE):
            turn()
        try:
            return self._measure(turn, done, evidence=evidence)
        finally:
            self._measuring.release()

    def _measure(self, turn: Turn, done: Done | None, *, evidence: bool) -> list[Measured]:
        found: list[Measured] = []
        for at, (judge, key) in enumerate(self._judges() if evidence else ()):
            reliability = self._measured(key, labelled.evidence(), self._judge_score(at), turn, done)
            found.append(Measured("judge", judge.name, reliability))
            if reliability.is_sufficient:
                break
        trained = self._trained()
        if trained is not None and self.trained:
            found.append(Measured("verifier", trained.verifier.version, trained.verifier.reliability))
        elif self.config.verify:
            form = self.config.verifier_form
            key, score = verifier_key(self._verifier.fingerprint, form), self._verifier_score(form)
            reliability = self._measured(key, labelled.answers(), score, turn, done)
            found.append(Measured("verifier", self._verifier.fingerprint, reliability))
        return found

    def _measured(
        self, key: str, cases: Labelled, score: Score, turn: Turn, done: Done | None
    ) -> Reliability:
        kept = self._kept.get(key)
        if kept.auroc is not None:
            return kept
        reliability = measured(cases, score, turn, done)
        self._kept.keep(key, reliability)
        return reliability

    def _judge_score(self, at: int) -> Score:
        """What the judge of that place says of an answer: of its weakest sentence, as evidence_support."""

        def score(case: Case, cancel: threading.Event) -> float | None:
            conversation = prompts.ask(case.question, case.passages)
            judges = self._judges(conversation, case.answer, cancel, contradictions=False)
            judge, _ = next(islice(judges, at, None))
            said = [
                judge.judge(case.question, case.answer[slice(*part)], case.passages).probability
                for part in parts(case.answer)
            ]
            known = [each for each in said if each is not None]
            return min(known) if known and len(known) == len(said) else None

        return score

    def _verifier_score(self, form: Form) -> Score:
        def score(case: Case, cancel: threading.Event) -> float | None:
            answer, *samples = (
                Generation(text, (), "stop", 0, 0.0, "none") for text in (case.answer, *case.candidates)
            )
            seen = Observation(case.question, answer, tuple(samples))
            verdict = verify(self._verifier, seen, prompts.ask(case.question), form, cancel)
            return label_probability(verdict.alternatives, "True", "False")

        return score

    def _verify(
        self, observation: Observation, conversation: Sequence[Message], cancel: threading.Event | None
    ) -> Verdict:
        form = self.config.verifier_form
        verdict = verify(self._verifier, observation, conversation, form, cancel, self._trained())
        if verdict.reliability is not None:
            return verdict
        key = verifier_key(self._verifier.fingerprint, self.config.verifier_form)
        return replace(verdict, reliability=self._kept.get(key))

    def _compare(self, observation: Observation, cancel: threading.Event | None) -> Similarity:
        if self.config.similarity == "embedding":
            return by_embedding(observation, self._embed, self.config.same_above)
        return by_judge(observation, self._verifier, self.config.same_above, cancel)

    def _judges(
        self,
        conversation: Sequence[Message] = (),
        answer: str = "",
        cancel: threading.Event | None = None,
        *,
        contradictions: bool = True,
    ) -> Iterator[tuple[Judge, str]]:
        """The judge of the settings, then those in its place, each with the key of its reliability."""
        wanted, words = self.config.judge, LexicalJudge()
        if wanted == "none":
            return
        if self._nli is not None:
            yield self._nli, judge_key(self._nli.name)
        elif self._added is not None:
            added, package = self._added
            yield added, judge_key(f"{added.name} {package}")
        elif wanted == "model":
            model = ModelJudge(self._verifier, conversation, answer, cancel, contradictions=contradictions)
            yield model, judge_key(model.name)
        elif wanted == "lexical":
            yield words, judge_key(words.name)
        # No mean or product of words and meaning ranks better than meaning alone on the labelled answers, and
        # a logistic fit of both, on half of the passages, ranks the other half at 0.56 (0.48 to 0.65).
        which = None
        with suppress(ModelError):  # Without the embedding nothing is judged by meaning.
            which = self._embedding()
        if which is not None:
            meaning = EmbeddingJudge(self._embed, f"embedding {which.name}")
            yield meaning, judge_key(f"{meaning.name} {which.fingerprint}")
        if wanted != "lexical":
            yield words, judge_key(words.name)

    def _ground(
        self, observation: Observation, conversation: Sequence[Message], cancel: threading.Event | None
    ) -> Grounding:
        started = time.perf_counter()
        passed_over: list[PassedOver] = []
        for judge, key in self._judges(conversation, observation.generation.text, cancel):
            reliability = self._kept.get(key)
            if reliability.is_sufficient:
                supports = tuple(_judged(observation, judge, cancel))
                seconds = time.perf_counter() - started
                return Grounding(judge.name, supports, seconds, reliability, tuple(passed_over))
            passed_over.append(PassedOver(judge.name, reliability))
        # Nobody judges; which words come closest needs no judgement.
        closest = tuple(
            replace(support, stance=None, probability=None)
            for support in _judged(observation, LexicalJudge(), cancel)
        )
        return Grounding("", closest, time.perf_counter() - started, passed_over=tuple(passed_over))


def _judged(observation: Observation, judge: Judge, cancel: threading.Event | None) -> Iterator[Support]:
    """What a judge says of each sentence. Raises Cancelled."""
    text = observation.generation.text
    for start, end in parts(text):
        if cancel is not None and cancel.is_set():
            raise Cancelled("The question was cancelled.")
        finding = judge.judge(observation.question, text[start:end], observation.passages)
        yield Support(
            start=start,
            end=end,
            stance=judge.thresholds.stance(finding),
            probability=finding.probability,
            contradiction=finding.contradiction,
            passage=finding.passage,
            quote=finding.quote,
        )


def _conversation(observation: Observation, prompt: Prompt) -> Sequence[Message]:
    """The turns that led to the answer. A branch has only their text; then the question is asked anew."""
    return prompts.ask(observation.question, observation.passages) if isinstance(prompt, str) else prompt
