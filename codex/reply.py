"""What an asking answers to a program: one JSON object, the same over HTTP and in the shell."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from codex.types import Action, Gate, Trace

NOT_CALIBRATED = "not calibrated"
"""How every surface marks a confidence that is only the heuristic."""


class ConfidenceBreakdown(BaseModel):
    """Where the confidence comes from; null is: not available."""

    model_config = ConfigDict(extra="forbid")

    calibrated: float | None = Field(description="Calibrated probability; null until a calibrator is fitted.")
    entropy: float | None = Field(description="Mean next-token entropy of the answer, in nats.")
    self_consistency_var: float | None = Field(description="1 - sum of squared shares of distinct answers.")
    evidence_overlap: float | None = Field(description="Share of the answer that stands in the evidence.")
    verifier_score: float | None = Field(description="Probability that the verifier calls the answer right.")
    avg_logprob: float | None = Field(description="Mean natural log-probability of the answer's tokens.")
    top1_prob: float | None = Field(description="Probability of the answer's first token.")
    min_prob_focus: float | None = Field(description="Weakest token of the words that carry the answer.")
    answer_frequency: float | None = Field(description="Share of the samples that say the same.")
    answer_frequency_focus: float | None = Field(
        description="The same over the words that carry the answer; half of the heuristic."
    )


class Reply(BaseModel):
    """The answer, how far to trust it, and what was decided."""

    model_config = ConfigDict(extra="forbid")

    answer: str = Field(
        description="What to tell the user; a clarifying question when the decision is abstain."
    )
    model_answer: str = Field(description="What the model wrote, whatever was decided.")
    confidence: float | None = Field(description="In [0, 1]; a heuristic unless `calibrated` is a number.")
    confidence_note: Literal["calibrated", "not calibrated"]
    decision: Action
    gate: Gate
    rationale: str
    confidence_breakdown: ConfidenceBreakdown
    n_samples: int
    model: str
    policy: str
    session_id: str
    trace_id: str
    seconds: float


def reply(trace: Trace) -> Reply:
    """The reply to a finished asking."""
    last = trace.last
    signals = last.signals
    return Reply(
        answer=trace.answer,
        model_answer=last.observation.generation.text,
        confidence=last.confidence.value,
        confidence_note=NOT_CALIBRATED if last.confidence.calibrated is None else "calibrated",
        decision=last.decision.action,
        gate=last.decision.gate,
        rationale=last.decision.reason,
        confidence_breakdown=ConfidenceBreakdown(
            calibrated=last.confidence.calibrated,
            evidence_overlap=None,
            verifier_score=None,
            **{
                name: signals.get(name)
                for name in (
                    "entropy",
                    "self_consistency_var",
                    "avg_logprob",
                    "top1_prob",
                    "min_prob_focus",
                    "answer_frequency",
                    "answer_frequency_focus",
                )
            },
        ),
        n_samples=len(last.observation.samples),
        model=trace.model,
        policy=trace.policy,
        session_id=trace.session_id,
        trace_id=trace.id,
        seconds=trace.seconds,
    )
