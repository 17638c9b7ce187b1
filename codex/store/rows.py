"""Traces as rows of the tables, and back."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from codex.store.config import Privacy
from codex.store.database import Row
from codex.store.evidence import evidence_of, evidence_row, finite
from codex.text import sha256
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

PREVIEW_CHARACTERS = 127
"""How much of a question a preview keeps."""

GATE_SIGNALS = ("avg_logprob", "entropy", "top1_prob")
"""Signals with a column of their own: those that the default gate rules read."""

TOKEN_COLUMNS = (
    "event_id",
    "row",
    "position",
    "token_id",
    "bytes",
    "logprob",
    "entropy",
    "entropy_exact",
    "rank",
    "self_certainty",
    "in_focus",
    "alternatives",
)


def event_row(event_id: int, trace: Trace, number: int, privacy: Privacy) -> dict[str, object]:
    """One step as a row of model_inference_events: column -> value."""
    step = trace.steps[number]
    generation = step.observation.generation
    signals = {name: finite(value) for name, value in step.signals.items()}
    return {
        "event_id": event_id,
        "trace_id": trace.id,
        "session_id": trace.session_id,
        "parent_trace_id": trace.parent_id,
        "step": number,
        "kind": step.kind,
        "created_at": naive_utc(trace.created_at),
        "model": trace.model,
        "params": json.dumps(trace.params, allow_nan=False),
        "policy": trace.policy,
        **_question(trace, privacy),
        "prompt_sha256": step.prompt_sha256,
        "prompt": step.prompt if privacy == "full" else None,
        "answer": generation.text,
        **_facts(generation),
        "samples": [{"text": sample.text, **_facts(sample)} for sample in step.observation.samples],
        **evidence_row(step.observation, privacy),
        **{name: signals.get(name) for name in GATE_SIGNALS},
        # DuckDB's own form of a map: as a plain dict, some names would make it another type.
        "signals": {"key": list(signals), "value": list(signals.values())},
        "confidence": finite(step.confidence.value),
        "calibrated": finite(step.confidence.calibrated),
        "gate": step.decision.gate.value,
        "action": step.decision.action.value,
        "reason": step.decision.reason,
        "reply": trace.answer,
        "trace_seconds": trace.seconds,
    }


def token_rows(event_id: int, step: Step) -> Iterator[tuple[object, ...]]:
    """The tokens of the answer and of its samples as rows of model_inference_token_stats.

    The samples' alternatives are left out: at 20 a token and ten samples they would be nine tenths of
    the database, and nothing that is computed from stored samples reads them.
    """
    answer = step.observation.generation.tokens
    for position, (token, focus) in enumerate(zip(answer, step.focus, strict=True)):
        alternatives = [
            {"id": a.id, "bytes": a.bytes, "logprob": a.logprob, "is_end": a.is_end}
            for a in token.alternatives
            if math.isfinite(a.logprob)
        ]
        yield (event_id, 0, position, *_token(token), focus, alternatives)
    for row, sample in enumerate(step.observation.samples, start=1):
        for position, token in enumerate(sample.tokens):
            yield (event_id, row, position, *_token(token), None, None)


def trace_of(events: Sequence[Row], tokens: Iterable[tuple[Any, ...]]) -> Trace:
    """The trace that the rows hold.

    events: one for each step, in order; tokens: with TOKEN_COLUMNS, by event, row and position.
    """
    of_row: dict[tuple[int, int], list[Token]] = {}
    focus: dict[int, list[bool]] = {}
    for values in tokens:
        token = dict(zip(TOKEN_COLUMNS, values, strict=True))
        of_row.setdefault((token["event_id"], token["row"]), []).append(_token_of(token))
        if token["row"] == 0:
            focus.setdefault(token["event_id"], []).append(token["in_focus"])
    first = events[0]
    question = _kept_question(first)
    return Trace(
        id=first["trace_id"],
        session_id=first["session_id"],
        created_at=in_utc(first["created_at"]),
        question=question,
        question_sha256=first["question_sha256"],
        model=first["model"],
        policy=first["policy"],
        params=json.loads(first["params"]),
        steps=tuple(_step(event, question, of_row, focus.get(event["event_id"], [])) for event in events),
        answer=first["reply"],
        seconds=first["trace_seconds"],
        parent_id=first["parent_trace_id"],
    )


def naive_utc(moment: datetime) -> datetime:
    """A time as it is stored: in UTC, without saying so."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def in_utc(moment: datetime) -> datetime:
    """A time as it was before it was stored."""
    return moment.replace(tzinfo=UTC)


def _step(
    event: Row, question: str | None, tokens: Mapping[tuple[int, int], list[Token]], focus: Sequence[bool]
) -> Step:
    event_id = event["event_id"]
    generation = _generation(event["answer"], tokens.get((event_id, 0), ()), event)
    samples = tuple(
        _generation(sample["text"], tokens.get((event_id, row), ()), sample)
        for row, sample in enumerate(event["samples"], start=1)
    )
    return Step(
        kind=event["kind"],
        prompt=event["prompt"],
        prompt_sha256=event["prompt_sha256"],
        observation=Observation(question or "", generation, samples, **evidence_of(event)),
        focus=tuple(focus),
        signals=event["signals"],
        confidence=Confidence(event["confidence"], event["calibrated"]),
        decision=Decision(Action(event["action"]), Gate(event["gate"]), event["reason"]),
    )


def _generation(text: str, tokens: Iterable[Token], facts: Row) -> Generation:
    return Generation(
        text=text,
        tokens=tuple(tokens),
        finish_reason=facts["finish_reason"],
        prompt_tokens=facts["prompt_tokens"],
        seconds=facts["seconds"],
        logprobs=facts["logprobs"],
        prefix_tokens=facts["prefix_tokens"],
        end_logprob=facts["end_logprob"],
    )


def _facts(generation: Generation) -> dict[str, object]:
    return {
        "finish_reason": generation.finish_reason,
        "prompt_tokens": generation.prompt_tokens,
        "prefix_tokens": generation.prefix_tokens,
        "logprobs": generation.logprobs,
        "seconds": generation.seconds,
        "end_logprob": finite(generation.end_logprob),
    }


def _token(token: Token) -> tuple[object, ...]:
    return (
        token.id,
        token.bytes,
        finite(token.logprob),
        finite(token.entropy),
        token.entropy_exact,
        token.rank,
        finite(token.self_certainty),
    )


def _token_of(row: Row) -> Token:
    return Token(
        id=row["token_id"],
        bytes=row["bytes"],
        logprob=row["logprob"],
        entropy=row["entropy"],
        entropy_exact=row["entropy_exact"],
        rank=row["rank"],
        self_certainty=row["self_certainty"],
        alternatives=tuple(Alternative(**alternative) for alternative in row["alternatives"] or ()),
    )


def _question(trace: Trace, privacy: Privacy) -> dict[str, object]:
    text = trace.question if privacy != "hash" else None
    return {
        "question_sha256": trace.question_sha256,
        "question_preview": None if text is None else text[:PREVIEW_CHARACTERS],
        "question": text if privacy == "full" else None,
    }


def _kept_question(event: Row) -> str | None:
    """The whole question where it was kept; a preview that is all of it counts."""
    text, preview = event["question"], event["question_preview"]
    if text is None and preview is not None and sha256(preview) == event["question_sha256"]:
        text = preview
    return text if text is None else str(text)
