"""The nouns: what a model run produced, and what was made of it.

Everything here is immutable. Log-probabilities are natural logarithms of the model's raw
distribution (before temperature, top-p, top-k and penalties); entropies are in nats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

Role = Literal["system", "user", "assistant"]
FinishReason = Literal["stop", "length", "cancelled"]
LogprobKind = Literal["raw", "processed", "none"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


Prompt = str | Sequence[Message]
"""What an engine continues: text as it stands, or turns that the model's chat template renders."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """A token that could have stood at a position."""

    id: int
    bytes: bytes
    logprob: float
    is_end: bool = False
    """An end-of-sequence token: choosing it ends the answer here."""

    @property
    def text(self) -> str:
        """The token alone as text; a part of a character shows as U+FFFD."""
        return self.bytes.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Token:
    """One generated token and the distribution it was drawn from."""

    id: int
    bytes: bytes
    """May hold only a part of a character: join bytes before decoding."""
    logprob: float | None
    """None where the engine gives no log-probabilities."""
    entropy: float | None = None
    """Entropy of the whole next-token distribution, in nats."""
    entropy_exact: bool = False
    """False: the midpoint of the bounds that the top-k and the tail mass allow."""
    rank: int | None = None
    """1 is the most likely token; None: beyond what the engine reports."""
    self_certainty: float | None = None
    """KL divergence from the uniform distribution over the vocabulary, in nats; full vocabulary only."""
    alternatives: tuple[Alternative, ...] = ()
    """The most likely tokens, likeliest first; the chosen one is always among them."""

    @property
    def text(self) -> str:
        """The token alone as text; a part of a character shows as U+FFFD."""
        return self.bytes.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Generation:
    """A text that a model wrote, token by token. End-of-sequence tokens are not counted."""

    text: str
    """The joined bytes of the tokens, cut before a stop string."""
    tokens: tuple[Token, ...]
    finish_reason: FinishReason
    prompt_tokens: int
    seconds: float
    logprobs: LogprobKind = "raw"
    prefix_tokens: int = 0
    """How many of the first tokens were given (a branch), not chosen by the model."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What one asking produced: the answer, and independent samples of the same prompt."""

    question: str
    generation: Generation
    samples: tuple[Generation, ...] = ()
    """In a trace their tokens have no alternatives."""


class Gate(StrEnum):
    """What the gate rules say to do next."""

    PROCEED = "proceed"
    REFLECT = "reflect"
    RETRIEVE = "retrieve"
    ABSTAIN = "abstain"


class Action(StrEnum):
    """What is done with an answer."""

    ANSWER = "answer"
    ABSTAIN = "abstain"
    DEFER = "defer"


@dataclass(frozen=True, slots=True)
class Confidence:
    """How likely the answer is to be right."""

    value: float | None
    """In [0, 1]. The calibrated probability where there is one, else the heuristic."""
    calibrated: float | None = None
    """None: no calibrator fits this model, so `value` is a heuristic."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the policy decided, and why, in words."""

    action: Action
    gate: Gate
    reason: str


StepKind = Literal["ask", "reflect", "branch"]


@dataclass(frozen=True, slots=True)
class Step:
    """One round of the loop."""

    kind: StepKind
    prompt: str | None
    """The exact text the model continued; None where it was not kept or the server hides it."""
    prompt_sha256: str
    observation: Observation
    focus: tuple[bool, ...]
    """Which tokens of the answer carry it; as long as generation.tokens."""
    signals: dict[str, float | None]
    confidence: Confidence
    decision: Decision


@dataclass(frozen=True, slots=True)
class Trace:
    """One question from asking to decision."""

    id: str
    session_id: str
    created_at: datetime
    """In UTC."""
    question: str | None
    """None where privacy keeps only the SHA-256."""
    question_sha256: str
    model: str
    """The engine's fingerprint: engine, model and quantization."""
    policy: str
    """The policy's version."""
    params: dict[str, object]
    """Sampling parameters of the answer and of the samples."""
    steps: tuple[Step, ...]
    answer: str
    """What is said to the user; a clarifying question when the decision is to abstain."""
    seconds: float
    parent_id: str | None = None
    """The trace that this one branched from."""

    @property
    def last(self) -> Step:
        """The step that was decided on."""
        return self.steps[-1]


@dataclass(frozen=True, slots=True)
class TokenEvent:
    """A token of the answer, as the engine gave it."""

    step: int
    index: int
    token: Token


@dataclass(frozen=True, slots=True)
class GenerationEvent:
    """The answer is complete."""

    step: int
    generation: Generation


@dataclass(frozen=True, slots=True)
class SamplesEvent:
    """All samples are complete."""

    step: int
    samples: tuple[Generation, ...]


@dataclass(frozen=True, slots=True)
class SignalsEvent:
    """Signals and confidence of the step."""

    step: int
    signals: dict[str, float | None]
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class DecisionEvent:
    """The policy's decision on the step; the loop may go on to another step after it."""

    step: int
    kind: StepKind
    decision: Decision


@dataclass(frozen=True, slots=True)
class TraceEvent:
    """The end: everything together, as it was stored."""

    trace: Trace


Event = TokenEvent | GenerationEvent | SamplesEvent | SignalsEvent | DecisionEvent | TraceEvent
