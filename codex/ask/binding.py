"""From what became of a question to its trace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from codex import prompts
from codex.ask.confidence import likely_answers
from codex.ask.explaining import told_user
from codex.ask.loop.loop import Asked
from codex.ask.request import Request, new_id
from codex.ask.withholding import NOT_GIVEN, is_blocked, withheld_steps
from codex.calibration.drift import Drift
from codex.engines.base import JsonParams
from codex.errors import Conflict
from codex.grounding.config import GroundingConfig
from codex.retrieval.config import RetrievalConfig
from codex.text import sha256
from codex.types import AnsweredBy, PredictionSet, Step, Trace, TraceParams

JSON = "json"
"""Among the settings of a trace: its answer was held to a JSON schema, which is not kept."""


def bound(
    request: Request,
    asked: Asked,
    seconds: float,
    *,
    model: str,
    drift: Drift | None,
    grounding: GroundingConfig,
    retrieval: RetrievalConfig,
    person: AnsweredBy | None = None,
    parent_id: str | None = None,
) -> Trace:
    """The trace of a request, under a new id.

    model: the engine's fingerprint. drift: of the answers from what the active calibrator was fitted on.
    grounding, retrieval: how the evidence was found and checked. person: who answered in the model's place.
    parent_id: of the trace that this is a branch of.
    """
    blocked = is_blocked(asked.steps[-1], request.checks)
    steps = withheld_steps(asked.steps, request.checks)
    return Trace(
        id=new_id(),
        session_id=request.session_id,
        created_at=datetime.now(UTC),
        question=request.question,
        question_sha256=sha256(request.question),
        model=model,
        policy=request.policy.version,
        params=TraceParams(
            answer=request.params.sampling,
            samples=request.sample_params.sampling,
            n_samples=request.n_samples if request.adaptive else len(steps[-1].observation.samples),
            adaptive=request.adaptive,
            prompt=prompts.fingerprint(follows=asked.conversation is not None),
            calibrator=request.calibrator.version if request.calibrator else None,
            calibrated_on=request.calibrator.datasets if request.calibrator else (),
            prediction_set=None if blocked else _prediction_set(asked, drift),
            evidence=_evidence_params(request, steps, grounding, retrieval),
            person=person,
            conversation=asked.conversation,
            findings=tuple(request.checks.findings) if request.checks else (),
        ),
        steps=tuple(kept(step) for step in steps),
        answer=person.answer if person else NOT_GIVEN if blocked else told_user(steps[-1]),
        seconds=seconds,
        parent_id=parent_id,
    )


def kept(step: Step) -> Step:
    """The step without the alternatives of its samples' tokens.

    Nothing reads them, and at 20 a token they are most of a trace: about 1 MB with five samples.
    """
    samples = tuple(
        replace(sample, tokens=tuple(replace(token, alternatives=()) for token in sample.tokens))
        for sample in step.observation.samples
    )
    return replace(step, observation=replace(step.observation, samples=samples))


def check_form(trace: Trace) -> None:
    """Raises Conflict where the form that the answer was held to is not kept."""
    if trace.params.evidence.get(JSON):
        raise Conflict(
            "This answer was held to a JSON schema, which is not kept, so it cannot be continued or asked "
            "again from here. Send the request again with its schema."
        )


def _prediction_set(asked: Asked, drift: Drift | None) -> PredictionSet | None:
    """Which answers hold the correct one; None where nobody can say, or the answers have moved away."""
    last = asked.steps[-1]
    if drift is not None and drift.detected and last.larger is None:
        return None
    return likely_answers(last.observation, last.confidence, asked.calibrator)


def _evidence_params(
    request: Request, steps: Sequence[Step], grounding: GroundingConfig, retrieval: RetrievalConfig
) -> dict[str, object]:
    """What the evidence and its checks depend on, besides the documents' contents."""
    searched = retrieval.model_dump(include={"embedding", "k", "candidates", "reranker"})
    chosen: dict[str, object] = {"documents": list(request.documents)} if request.documents else {}
    if isinstance(request.params, JsonParams):
        chosen[JSON] = True
    shown = any(step.observation.passages for step in steps)
    return grounding.model_dump(mode="json") | chosen | (searched if shown else {})
