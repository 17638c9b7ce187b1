"""Where answers are kept: one DuckDB file, one process, every token with its numbers."""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from codex.errors import InvalidInput
from codex.store.config import Privacy, StoreConfig
from codex.store.store import Store
from codex.store.traces.sessions import SessionSummary, TraceSummary
from codex.text import sha256
from codex.types import (
    Action,
    Confidence,
    Decision,
    Gate,
    Generation,
    LogprobKind,
    Observation,
    Step,
    Token,
    Trace,
    TraceParams,
)

__all__ = [
    "Privacy",
    "SessionSummary",
    "Store",
    "StoreConfig",
    "TraceSummary",
    "log_inference_event",
]

UNKNOWN_TOKEN = -1
"""The id of a token that is known by its text only."""


def log_inference_event(
    question: str,
    answer: str,
    token_logprobs: Sequence[tuple[str, float]],
    *,
    store: Store | Path,
    signals: Mapping[str, float | None] | None = None,
    confidence: float | None = None,
    decision: Literal["answer", "abstain", "defer"] = "answer",
    gate: Literal["proceed", "reflect", "retrieve", "abstain"] = "proceed",
    reason: str = "",
    model: str = "unknown",
    policy: str = "none",
    session_id: str | None = None,
) -> str:
    """Keep an answer that was made elsewhere, and return its trace id.

    token_logprobs: the answer's tokens with natural log-probabilities, first to last. store: an open
    store, or the path of a database that no other process has open. signals: what was measured, by
    name; avg_logprob and top1_prob follow from the tokens where they are not given. session_id: None
    opens a new session.

    Raises InvalidInput when a log-probability is not a finite number of at most 0, and StoreError.
    """
    if decision not in list(Action) or gate not in list(Gate):
        raise InvalidInput(
            f"There is no decision {decision!r} with gate {gate!r}: use one of {', '.join(Action)} and "
            f"one of {', '.join(Gate)}.",
            ["decision", "gate"],
        )
    tokens = tuple(_token(index, text, value) for index, (text, value) in enumerate(token_logprobs))
    step = Step(
        kind="ask",
        prompt=None,
        prompt_sha256=sha256(question),
        observation=Observation(question, _generation(answer, tokens)),
        focus=(True,) * len(tokens),
        signals=_from_tokens([value for _, value in token_logprobs]) | dict(signals or {}),
        confidence=Confidence(confidence),
        decision=Decision(Action(decision), Gate(gate), reason),
    )
    trace = Trace(
        id=uuid.uuid4().hex,
        session_id=session_id or uuid.uuid4().hex,
        created_at=datetime.now(UTC),
        question=question,
        question_sha256=sha256(question),
        model=model,
        policy=policy,
        params=TraceParams(),
        steps=(step,),
        answer=answer,
        seconds=0.0,
    )
    if isinstance(store, Store):
        store.save(trace)
    else:
        with Store(store) as opened:
            opened.save(trace)
    return trace.id


def _token(index: int, text: str, logprob: float) -> Token:
    if not (math.isfinite(logprob) and logprob <= 1e-6):
        raise InvalidInput(
            f"The log-probability of token {index} ({text!r}) is {logprob!r}; "
            "give a natural logarithm, finite and at most 0.",
            [f"token_logprobs[{index}]"],
        )
    return Token(UNKNOWN_TOKEN, text.encode("utf-8", "replace"), logprob)


def _generation(answer: str, tokens: tuple[Token, ...]) -> Generation:
    kind: LogprobKind = "raw" if tokens else "none"
    return Generation(answer, tokens, "stop", prompt_tokens=0, seconds=0.0, logprobs=kind)


def _from_tokens(logprobs: Sequence[float]) -> dict[str, float | None]:
    if not logprobs:
        return {}
    return {"avg_logprob": math.fsum(logprobs) / len(logprobs), "top1_prob": math.exp(logprobs[0])}
