"""Traces as rows of their two tables, and back: one for each step, and one for each of its tokens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from codex.store.codec.columns import columns_of, read, written
from codex.store.codec.nouns import finite
from codex.store.config import Privacy
from codex.store.database.file import Row
from codex.text import sha256
from codex.types import (
    Alternative,
    Confidence,
    Decision,
    Generation,
    Observation,
    Passage,
    Step,
    Token,
    Trace,
)

PREVIEW_CHARACTERS = 127
"""How much of a question a preview keeps."""

GATE_SIGNALS = ("avg_logprob", "entropy", "top1_prob")
"""Signals with a column of their own: those that the default gate rules read."""

TRACE = columns_of(
    Trace,
    ("steps", "question", "question_sha256"),
    id="trace_id",
    parent_id="parent_trace_id",
    answer="reply",
    seconds="trace_seconds",
)
STEP = columns_of(Step, ("prompt", "observation", "focus", "signals", "confidence", "decision"))
CONFIDENCE = columns_of(Confidence, value="confidence")
DECISION = columns_of(Decision)
EVIDENCE = columns_of(Observation, ("question", "generation", "samples"))
"""Columns of JSON, NULL where there is nothing."""
GENERATION = columns_of(Generation, ("text", "tokens"))
"""Of the answer, and of each sample."""
TOKEN = columns_of(Token, ("alternatives",), id="token_id")
TOKEN_COLUMNS = (
    "event_id",
    "row",
    "position",
    *(column.name for column in TOKEN),
    "in_focus",
    "alternatives",
)

_TOKEN_FIELDS = tuple(column.part.name for column in TOKEN)
_TOKEN_DEFAULTS = tuple(
    (at, column.part.default) for at, column in enumerate(TOKEN) if not column.part.optional
)


def event_row(trace: Trace, number: int, privacy: Privacy) -> dict[str, object]:
    """One step as a row of model_inference_events, without its id: column -> value."""
    step = trace.steps[number]
    generation = _without_reasoning(step.observation.generation, privacy)
    signals = {name: finite(value) for name, value in step.signals.items()}
    return {
        "step": number,
        "ends_trace": number == len(trace.steps) - 1,
        "trace_prompt_tokens": trace.prompt_tokens,
        "trace_generated_tokens": trace.generated_tokens,
        **written(TRACE, trace),
        **_question(trace, privacy),
        **written(STEP, step),
        "prompt": step.prompt if privacy == "full" else None,
        "answer": generation.text,
        **written(GENERATION, generation),
        "samples": [
            {"text": sample.text, **written(GENERATION, _without_reasoning(sample, privacy))}
            for sample in step.observation.samples
        ],
        "answer_tokens": len(generation.tokens),
        "sample_tokens": sum(len(sample.tokens) for sample in step.observation.samples),
        **written(EVIDENCE, _told(step.observation, privacy)),
        **{name: signals.get(name) for name in GATE_SIGNALS},
        # DuckDB's own form of a map: as a plain dict, some names would make it another type.
        "signals": {"key": list(signals), "value": list(signals.values())},
        **written(CONFIDENCE, step.confidence),
        **written(DECISION, step.decision),
    }


def trace_of(events: Sequence[Row], tokens: Iterable[tuple[Any, ...]]) -> Trace:
    """The trace that the rows hold.

    events: one for each step, in order; tokens: with TOKEN_COLUMNS, by event, row and position.
    """
    of_row: dict[tuple[int, int], list[Token]] = {}
    focus: dict[int, list[bool]] = {}
    for event_id, row, _, *values, in_focus, alternatives in tokens:
        of_row.setdefault((event_id, row), []).append(_token_of(values, alternatives))
        if row == 0:
            focus.setdefault(event_id, []).append(in_focus)
    first = events[0]
    question = _kept_question(first)
    return Trace(
        **read(TRACE, first),
        question=question,
        question_sha256=first["question_sha256"],
        steps=tuple(_step(event, question, of_row, focus.get(event["event_id"], [])) for event in events),
    )


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
        **read(STEP, event),
        prompt=event["prompt"],
        observation=Observation(question or "", generation, samples, **read(EVIDENCE, event)),
        focus=tuple(focus),
        signals=event["signals"],
        confidence=Confidence(**read(CONFIDENCE, event)),
        decision=Decision(**read(DECISION, event)),
    )


def _generation(text: str, tokens: Iterable[Token], facts: Row) -> Generation:
    return Generation(text=text, tokens=tuple(tokens), **read(GENERATION, facts))


def _token_of(values: list[Any], alternatives: Iterable[Row] | None) -> Token:
    for at, default in _TOKEN_DEFAULTS:
        if values[at] is None:
            values[at] = default
    return Token(
        **dict(zip(_TOKEN_FIELDS, values, strict=True)),
        alternatives=tuple(map(_alternative_of, alternatives or ())),
    )


def _alternative_of(row: Row) -> Alternative:
    if None in row.values():  # Of a field that came later than the row.
        row = {name: value for name, value in row.items() if value is not None}
    return Alternative(**row)


def _without_reasoning(generation: Generation, privacy: Privacy) -> Generation:
    """What may be kept: reasoning repeats what was asked."""
    return generation if privacy == "full" else replace(generation, reasoning=None)


def _told(observation: Observation, privacy: Privacy) -> Observation:
    """What may be kept: a passage tells what was asked, so that of its text only the place is."""
    if privacy == "full" or not observation.passages:
        return observation
    hidden: tuple[Passage, ...] = tuple(replace(passage, text="") for passage in observation.passages)
    return replace(observation, passages=hidden)


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
