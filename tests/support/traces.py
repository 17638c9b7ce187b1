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
    Grounding,
    Observation,
    Passage,
    Sampling,
    Similarity,
    Stance,
    Step,
    Support,
    Token,
    Trace,
    TraceParams,
    Verdict,
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
            question,
            answer,
            tuple(_generation(chance, tokens, alternatives=0) for _ in range(samples)),
            passages=tuple(_passage(chance) for _ in range(2)),
            grounding=Grounding(
                "lexical",
                (
                    Support(0, 5, Stance.SUPPORTED, chance.random(), passage=1, quote=(4, 13)),
                    Support(5, 8, Stance.NOT_FOUND, None, contradiction=chance.random()),
                ),
                chance.random(),
            ),
            verdict=Verdict(_token(chance, 5).alternatives, "candidates", "scripted:a", chance.random()),
            similarity=_similarity(chance, 1 + samples),
        ),
        focus=tuple(chance.random() < 0.5 for _ in range(tokens)),
        signals={"avg_logprob": -chance.random(), "entropy": chance.random(), "self_certainty": None},
        confidence=Confidence(chance.random(), familiarity=0.04),
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
        params=TraceParams(answer=Sampling(temperature=0.0, stop=()), n_samples=samples),
        steps=(step,),
        answer=answer.text,
        seconds=chance.random(),
    )


def hidden(trace: Trace) -> Trace:
    """The trace as it comes back when only the question's SHA-256 was kept."""
    return replace(trace, question=None, steps=tuple(_hidden(step) for step in trace.steps))


def as_first_kept(trace: Trace) -> Trace:
    """The trace as the first version kept it: without evidence, familiarity and how likely the end was."""

    def observation(whole: Observation) -> Observation:
        samples = tuple(replace(sample, end_logprob=None) for sample in whole.samples)
        return Observation(whole.question, replace(whole.generation, end_logprob=None), samples)

    steps = (
        replace(step, observation=observation(step.observation), confidence=Confidence(step.confidence.value))
        for step in trace.steps
    )
    return replace(trace, steps=tuple(steps))


def _hidden(step: Step) -> Step:
    passages = tuple(replace(passage, text="") for passage in step.observation.passages)
    return replace(step, prompt=None, observation=replace(step.observation, question="", passages=passages))


def _passage(chance: random.Random) -> Passage:
    start, words = chance.randrange(9999), "The moon is 384,400 km away. Ο ουρανός."
    return Passage(
        id=f"{chance.randbytes(4).hex()}-1",
        document_id=chance.randbytes(4).hex(),
        document="ουρανός.pdf",
        text=words,
        start=start,
        end=start + len(words),
        page=chance.choice([None, 3]),
        heading="Moon > Distance",
        scores={"dense": chance.random(), "bm25": 10 * chance.random()},
    )


def _similarity(chance: random.Random, n: int) -> Similarity:
    matrix = tuple(tuple(chance.random() for _ in range(n)) for _ in range(n))
    return Similarity("embedding", matrix, tuple(chance.randrange(n) for _ in range(n)), chance.random())


def _generation(chance: random.Random, tokens: int, alternatives: int) -> Generation:
    made = tuple(_token(chance, alternatives) for _ in range(tokens))
    text = b"".join(token.bytes for token in made).decode("utf-8", "replace")
    prompt_tokens, seconds = chance.randrange(99), chance.random()
    return Generation(text, made, "stop", prompt_tokens, seconds, end_logprob=-chance.random())


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
