"""Traces made from a number, so that two processes agree on what was saved."""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from codex.types import (
    Action,
    Alternative,
    Confidence,
    Decision,
    Gate,
    Generation,
    Observation,
    Step,
    Token,
    Trace,
)


def make_trace(
    number: int,
    *,
    question: str = "How far is the moon?",
    session: str = "s",
    samples: int = 3,
    tokens: int = 8,
) -> Trace:
    """The same number gives the same trace, with one step."""
    chance = random.Random(number)
    answer = _generation(chance, tokens, alternatives=5)
    step = Step(
        kind="ask",
        prompt=f"<user>{question}<assistant>",
        prompt_sha256=_sha256(f"<user>{question}<assistant>"),
        observation=Observation(
            question, answer, tuple(_generation(chance, tokens, alternatives=0) for _ in range(samples))
        ),
        focus=tuple(chance.random() < 0.5 for _ in range(tokens)),
        signals={"avg_logprob": -chance.random(), "entropy": chance.random(), "self_certainty": None},
        confidence=Confidence(chance.random()),
        decision=Decision(Action.DEFER, Gate.PROCEED, "confidence 0.45 between the thresholds"),
    )
    return Trace(
        id=f"trace-{number}",
        session_id=session,
        created_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number),
        question=question,
        question_sha256=_sha256(question),
        model="scripted:a",
        policy="default@0",
        params={"answer": {"temperature": 0.0, "stop": []}, "n_samples": samples},
        steps=(step,),
        answer=answer.text,
        seconds=chance.random(),
    )


def hidden(trace: Trace) -> Trace:
    """The trace as it comes back when only the question's SHA-256 was kept."""
    steps = tuple(
        replace(step, prompt=None, observation=replace(step.observation, question="")) for step in trace.steps
    )
    return replace(trace, question=None, steps=steps)


def _generation(chance: random.Random, tokens: int, alternatives: int) -> Generation:
    made = tuple(_token(chance, alternatives) for _ in range(tokens))
    text = b"".join(token.bytes for token in made).decode("utf-8", "replace")
    return Generation(text, made, "stop", prompt_tokens=chance.randrange(99), seconds=chance.random())


def _token(chance: random.Random, alternatives: int) -> Token:
    likely = tuple(
        Alternative(chance.randrange(49152), chance.randbytes(3), -chance.random())
        for _ in range(alternatives)
    )
    return Token(
        id=chance.randrange(49152),
        bytes=chance.randbytes(3),
        logprob=-chance.random(),
        entropy=chance.random(),
        entropy_exact=chance.random() < 0.5,
        rank=chance.randrange(1, 9),
        self_certainty=chance.random(),
        alternatives=likely,
    )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
