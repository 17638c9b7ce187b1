"""A scripted engine of which the probability of every answer, token by token, is known exactly."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from codex.engines.base import ALTERNATIVES, Capabilities, GenerationParams
from codex.errors import Cancelled, CapabilityError
from codex.types import Alternative, Generation, LogprobKind, Message, Prompt, Token
from tests.support.scripted import Script, ScriptedEngine

Answers = Mapping[tuple[str, ...], float]
"""Answers, each cut into its tokens, and their probabilities, which sum to 1."""


@dataclass
class SpelledEngine(ScriptedEngine):
    """Says what `answers(prompt)` has."""

    script: Callable[[str], Script] = lambda _: Script(["unused"])
    answers: Callable[[str], Answers] = lambda _: {("yes",): 1.0}
    logprobs: LogprobKind = "raw"
    continues: bool = True
    """Whether it takes a prefix."""
    brings: int = 1
    """Tokens that one request brings at most."""
    at_once: int = 1
    pause: float = 0.0
    """Seconds before each response."""
    fail: Callable[[str], Exception | None] = lambda _: None
    """What is raised at a prompt."""
    asked: list[str] = field(default_factory=list)
    """The prompts, in order, each time."""
    most_running: int = 0
    """Calls at the same time, at most."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            self.logprobs, full_vocabulary=False, prefix=self.continues, score=False, embed=False
        )

    @property
    def slots(self) -> int:
        return self.at_once

    def ahead(
        self,
        prompt: Prompt,
        most: int = 1,
        *,
        prefix: Sequence[Token] = (),
        cancel: threading.Event | None = None,
    ) -> Generation:
        text = self._begin(prompt, cancel)
        try:
            if prefix and not self.continues:
                raise CapabilityError("it takes no prefix")
            tokens = list(prefix)
            while len(tokens) < len(prefix) + min(most, self.brings):
                token = _next(self.answers(text), [it.text for it in tokens])
                if token is None or (self.brings > 1 and token.alternatives[0].is_end):
                    break
                tokens.append(token)
            said = "".join(it.text for it in tokens)
            return Generation(said, tuple(tokens), "length", 10, 0.0, "raw", len(prefix))
        finally:
            self._end()

    def sample(self, messages: Sequence[Message], params: GenerationParams, n: int) -> list[Generation]:
        """n answers in the proportions of their probabilities."""
        text = self._begin(messages, None)
        self._end()
        answers = sorted(self.answers(text).items(), key=lambda it: -it[1])
        said: list[str] = []
        for pieces, probability in answers:
            said += ["".join(pieces)] * round(probability * n)
        return [Generation(it, (Token(1, it.encode(), None),), "stop", 10, 0.0) for it in said[:n]]

    def _begin(self, prompt: Prompt, cancel: threading.Event | None) -> str:
        text = prompt if isinstance(prompt, str) else self.render(prompt)
        with self._lock:
            self.asked.append(text)
            self.running += 1
            self.most_running = max(self.most_running, self.running)
        if self.pause:
            time.sleep(self.pause)
        error = self.fail(text)
        if error is None and cancel is not None and cancel.is_set():
            error = Cancelled("cancelled")
        if error is not None:
            self._end()
            raise error
        return text

    def _end(self) -> None:
        with self._lock:
            self.running -= 1


def _next(answers: Answers, before: list[str]) -> Token | None:
    """The distribution of the next piece after those before; None where nothing begins so."""
    at = len(before)
    shares: dict[str | None, float] = {}
    for pieces, probability in answers.items():
        if list(pieces[:at]) == before:
            piece = pieces[at] if at < len(pieces) else None
            shares[piece] = shares.get(piece, 0.0) + probability
    total = sum(shares.values())
    if not total:
        return None
    ranked = sorted(shares.items(), key=lambda it: -it[1])[:ALTERNATIVES]
    alternatives = tuple(
        Alternative(hash(piece) % 10_000, (piece or "").encode(), math.log(share / total), piece is None)
        for piece, share in ranked
    )
    first = alternatives[0]
    return Token(first.id, first.bytes, first.logprob, rank=1, alternatives=alternatives)
