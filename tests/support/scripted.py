"""The one fake engine: it says what a test tells it to, for paths a real model cannot be made to take."""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from codex.engines.base import (
    Capabilities,
    Engine,
    Enough,
    Finished,
    GenerationParams,
    Internals,
    JsonParams,
    ModelConfig,
)
from codex.engines.stopping import StopFilter
from codex.types import Alternative, FinishReason, Generation, Message, Prompt, Token

END = "</s>"
"""Among a script's `others` it is the end of the answer."""


@dataclass
class Script:
    """What the engine says: the answer's pieces with their probabilities, and the samples."""

    pieces: Sequence[str | bytes]
    probabilities: Sequence[float] | None = None
    """0.95 each when not given."""
    samples: Sequence[str] = ()
    """Repeated as often as needed; the answer itself when empty."""
    entropy: float = 0.3
    """Nats, of each token."""
    others: Sequence[str] = (" other",)
    """Alternatives beside the chosen token; they share what probability is left."""


@dataclass
class ScriptedEngine(Engine):
    """Answers by `script(prompt)`; counts its decodes and can be slow or fail."""

    script: Callable[[str], Script]
    delay: float = 0.0
    """Seconds before each token of the answer."""
    failure: Exception | None = None
    """Raised by decode."""
    model: str = "scripted:test:none"
    config: ModelConfig = field(default_factory=ModelConfig)
    decodes: list[str] = field(default_factory=list)
    """The prompts seen, in order."""
    running: int = 0
    """Decodes under way."""
    loaded: bool = True
    judgement: Callable[[str], float] = lambda prompt: 0.8
    """Probability of True as the next token of a prompt, or of A where a letter is asked for."""
    judged: list[str] = field(default_factory=list)
    """The prompts whose next token was asked for, in order."""

    name = "scripted"  # type: ignore[misc]

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities("raw", full_vocabulary=False, prefix=True, score=True, embed=False)

    @property
    def fingerprint(self) -> str:
        return self.model

    @property
    def is_loaded(self) -> bool:
        return self.loaded

    def load(self) -> None:
        if self.failure is not None:
            raise self.failure
        self.loaded = True

    def unload(self) -> None:
        self.loaded = False

    def render(self, messages: Sequence[Message]) -> str:
        return "".join(f"<{m.role}>{m.content}</{m.role}>" for m in messages) + "<assistant>"

    def tokenize(self, text: str) -> list[int]:
        return [len(word) for word in text.split()]

    def score(
        self,
        prompt: Prompt,
        answer: str,
        cancel: threading.Event | None = None,
        internals: Internals | None = None,
    ) -> Generation:
        """One token a word: of rank 1 where the script says the same there, else at a probability of 0.1."""
        text = prompt if isinstance(prompt, str) else self.render(prompt)
        own, given, tokens = _tokens(self.script(text)), answer.encode(), []
        while given:
            at = len(tokens)
            if at < len(own) and given.startswith(own[at].bytes):
                tokens.append(own[at])
            else:
                word = re.match(rb"\s*\S*", given)
                tokens.append(_token(at, word.group() if word else given, 0.1, self.script(text)))
            given = given[len(tokens[-1].bytes) :]
        return Generation(answer, tuple(tokens), "stop", 7, 0.1)

    def next_token(self, prompt: Prompt, cancel: threading.Event | None = None) -> Token:
        text = prompt if isinstance(prompt, str) else self.render(prompt)
        self.judged.append(text)
        return _label(self.judgement(text), text)

    def decode(
        self,
        prompt: Prompt,
        rows: Sequence[GenerationParams],
        *,
        prefix: Sequence[Token] = (),
        cancel: threading.Event | None = None,
        enough: Enough | None = None,
        internals: Internals | None = None,
    ) -> Iterator[Token | Finished]:
        text = prompt if isinstance(prompt, str) else self.render(prompt)
        self.decodes.append(text)
        if self.failure is not None:
            raise self.failure
        script = self.script(text)
        self.running += 1
        try:
            kept = StopFilter(rows[0].stop)
            for token in prefix:
                kept.push(token)
            reason: FinishReason = "stop"
            for token in _tokens(script)[len(prefix) : len(prefix) + rows[0].max_tokens]:
                if self.delay:
                    time.sleep(self.delay)
                if cancel is not None and cancel.is_set():
                    reason = "cancelled"
                    break
                yield from kept.push(token)
                if kept.stopped:
                    break
            yield from kept.finish()
            done = [Generation(kept.text, tuple(kept.tokens), reason, 7, 0.1, "raw", len(prefix))]
            yield Finished(0, done[0])
            for row in range(1, len(rows)):
                if enough and row in enough.after and enough.is_reached(done):
                    return
                said = script.samples[(row - 1) % len(script.samples)] if script.samples else kept.text
                tokens = tuple(_token(i, piece, 0.5, script) for i, piece in enumerate(said.split(" ")))
                done.append(Generation(said, tokens, "stop", 7, 0.1))
                yield Finished(row, done[row])
        finally:
            self.running -= 1


@dataclass
class JsonEngine(ScriptedEngine):
    """Takes schemas, and says what its script says all the same."""

    schemas: list[list[str | None]] = field(default_factory=list)
    """Of each row of each decode."""

    @property
    def capabilities(self) -> Capabilities:
        return replace(super().capabilities, json_schema=True)

    def decode(
        self, prompt: Prompt, rows: Sequence[GenerationParams], **options: Any
    ) -> Iterator[Token | Finished]:
        self.schemas.append([row.json_schema if isinstance(row, JsonParams) else None for row in rows])
        return super().decode(prompt, rows, **options)


def _label(probability: float, prompt: str) -> Token:
    """The first label at that probability: True before False, or A before C, with a little for B."""
    left = 1 - probability
    if "A, B or C" in prompt:
        shares = {b"A": probability, b"B": 0.1 * left, b"C": 0.9 * left}
    else:
        shares = {b"True": probability, b"False": left}
    ranked = [Alternative(i, text, math.log(max(p, 1e-9))) for i, (text, p) in enumerate(shares.items(), 1)]
    ranked.sort(key=lambda other: -other.logprob)
    first = ranked[0]
    return Token(first.id, first.bytes, first.logprob, rank=1, alternatives=tuple(ranked))


def _tokens(script: Script) -> list[Token]:
    probabilities = script.probabilities or [0.95] * len(script.pieces)
    return [
        _token(i, piece, probability, script)
        for i, (piece, probability) in enumerate(zip(script.pieces, probabilities, strict=True))
    ]


def _token(index: int, piece: str | bytes, probability: float, script: Script) -> Token:
    raw = piece.encode() if isinstance(piece, str) else piece
    left = math.log(max((1 - probability) / (len(script.others) + 1), 1e-9))
    ranked = [Alternative(1000 + index, raw, math.log(probability))]
    ranked += [
        Alternative(2000 + 10 * index + k, other.encode(), left, other == END)
        for k, other in enumerate(script.others)
    ]
    ranked.sort(key=lambda other: -other.logprob)
    rank = 1 + [other.id for other in ranked].index(1000 + index)
    return Token(
        1000 + index, raw, math.log(probability), script.entropy, rank=rank, alternatives=tuple(ranked)
    )
