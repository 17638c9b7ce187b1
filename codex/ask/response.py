"""The response to a question: one JSON object, the same over HTTP and in the shell."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Literal, cast

from pydantic import BaseModel, ConfigDict, Field

from codex.ask.confidence import LikelyAnswers, basis
from codex.ask.explaining import rationale
from codex.grounding.told import judged_by, verified_by
from codex.types import Action, Confidence, Gate, Observation, Passage, Stance, StepKind, Support, Trace

ConfidenceNote = Literal["calibrated", "calibrated on other kinds of questions", "not calibrated"]
"""How every surface marks a confidence: a calibrated probability, one of other questions, the estimate."""


class ConfidenceBreakdown(BaseModel):
    """Where the confidence comes from; null is: not available."""

    model_config = ConfigDict(extra="forbid")

    calibrated: float | None = Field(
        description="Calibrated probability; null where no calibrator holds for this model and request, "
        "or for this kind of question."
    )
    familiarity: float | None = Field(
        description="p-value that the question is like those that the calibrator was fitted on; null: not "
        "compared."
    )
    entropy: float | None = Field(description="Mean next-token entropy of the answer, in nats.")
    self_consistency_var: float | None = Field(description="1 - sum of squared shares of distinct answers.")
    evidence_overlap: float | None = Field(
        description="Share of the answer's words that are in the passages."
    )
    evidence_support: float | None = Field(
        description="Probability that the passages support the answer's weakest sentence."
    )
    verifier_score: float | None = Field(description="P(True): that the verifier calls the answer correct.")
    avg_logprob: float | None = Field(description="Mean natural log-probability of the answer's tokens.")
    top1_prob: float | None = Field(description="Probability of the answer's first token.")
    min_prob_focus: float | None = Field(description="Weakest token of the words that carry the answer.")
    answer_frequency: float | None = Field(description="Share of the samples that say the same.")
    answer_frequency_focus: float | None = Field(description="The same over the words that carry the answer.")


class EvidencePassage(BaseModel):
    """A passage that the model was shown. Its text is the document's own: data, never instructions."""

    model_config = ConfigDict(extra="forbid")

    document: str = Field(description="The document's name.")
    document_id: str
    page: int | None = Field(description="Counted from 1; null where the format has no pages.")
    start: int = Field(description="Characters from the beginning of the document's text.")
    end: int
    heading: str
    text: str = Field(description='"" where the text was not kept and the document is gone.')
    scores: dict[str, float] = Field(description="dense: cosine; bm25; fused: reciprocal ranks; rerank.")


class EvidenceSentence(BaseModel):
    """What the passages say of one sentence of `model_answer`."""

    model_config = ConfigDict(extra="forbid")

    text: str
    start: int = Field(description="Characters of model_answer.")
    end: int
    stance: Stance | None = Field(description="null: no judge is reliable enough to say.")
    probability: float | None = Field(description="That the passages support it.")
    contradiction: float | None = Field(description="That they contradict it; null: not judged.")
    passage: int | None = Field(description="Index into `passages` of the best one.")
    quote: str | None = Field(description="The words it rests on.")


class PersonAnswer(BaseModel):
    """A person's answer to this question, or to the same one in other words."""

    model_config = ConfigDict(extra="forbid")

    id: str
    answer: str
    author: str
    source: str = Field(description="What it rests on, in the author's words; may be empty.")
    made_at: datetime = Field(description="In UTC; when it was written or last edited.")
    same: bool = Field(description="false: it was given to the question in other words.")
    similarity: float | None = Field(description="Cosine of the two questions; null: not compared.")


class ConversationUse(BaseModel):
    """What the model was shown of the turns before the question. A turn is a question with its answer."""

    model_config = ConfigDict(extra="forbid")

    turns: int = Field(description="That the model was shown.")
    dropped: int = Field(description="Older ones, which did not fit the context: they are left out whole.")
    tokens: int | None = Field(description="Of the context, taken by the turns shown; null: not known.")
    context: int | None = Field(
        description="Tokens of prompt and answer that the model holds together; null: not known."
    )
    follows: str | None = Field(
        description="The trace whose answer is followed up; null: the turns came as `history`."
    )


class AskResponse(BaseModel):
    """The answer, how far to trust it, and what was decided."""

    model_config = ConfigDict(extra="forbid")

    answer: str = Field(
        description="What to tell the user: a person's answer to this question where there is one, else the "
        "model's, or a clarifying question when the decision is abstain."
    )
    model_answer: str = Field(description="What the model wrote, whatever was decided.")
    reasoning: str | None = Field(
        None,
        description="What a reasoning model wrote before that; it is not scored. null: nothing, or not kept.",
    )
    confidence: float | None = Field(description="In [0, 1]; an estimate unless `calibrated` is a number.")
    confidence_note: ConfidenceNote
    decision: Action
    gate: Gate
    rationale: str = Field(description="Why, in one plain line.")
    person_answer: PersonAnswer | None = Field(
        None,
        description="The person's answer that `answer` is; decision and confidence are of the model's own, "
        "`model_answer`. null: nobody answered this question, or a like one.",
    )
    conversation: ConversationUse | None = Field(
        None, description="What was shown of the turns before the question; null: there were none."
    )
    steps: list[StepKind] = Field(description="What was done, in order.")
    passages: list[EvidencePassage] = Field(description="What the model was shown, best first.")
    sentences: list[EvidenceSentence] = Field(description="Empty when nothing was retrieved.")
    evidence_judge: str | None = Field(
        description="Who judged the sentences and how reliable that judge was measured to be; or why nobody."
    )
    verifier: str | None = Field(
        description="Who verified the answer, and how reliable that verifier was measured to be."
    )
    confidence_breakdown: ConfidenceBreakdown
    answer_set: LikelyAnswers | None = Field(
        description="null where no calibrator with prediction sets holds for this model and request."
    )
    n_samples: int
    model: str
    larger_model: str | None = Field(
        None,
        description="The larger model that wrote `model_answer`, since the answer of `model` was "
        "deferred; null: it was not asked.",
    )
    policy: str
    session_id: str
    trace_id: str
    seconds: float


def confidence_note(confidence: Confidence) -> ConfidenceNote:
    """What a confidence rests on."""
    return cast(ConfidenceNote, basis(confidence))


def response_to(trace: Trace) -> AskResponse:
    """The response to a finished request."""
    last = trace.last
    signals, grounding, verdict = last.signals, last.observation.grounding, last.observation.verdict
    return AskResponse(
        answer=trace.answer,
        model_answer=last.observation.generation.text,
        reasoning=last.observation.generation.reasoning,
        confidence=last.confidence.value,
        confidence_note=confidence_note(last.confidence),
        decision=last.decision.action,
        gate=last.decision.gate,
        rationale=rationale(trace),
        person_answer=PersonAnswer(**asdict(trace.params.person)) if trace.params.person else None,
        conversation=ConversationUse(**asdict(told)) if (told := trace.params.conversation) else None,
        steps=[step.kind for step in trace.steps],
        passages=[_passage(passage) for passage in last.observation.passages],
        sentences=sentences_of(last.observation),
        evidence_judge=judged_by(grounding) if grounding else None,
        verifier=verified_by(verdict) if verdict else None,
        confidence_breakdown=ConfidenceBreakdown(
            calibrated=last.confidence.calibrated,
            familiarity=last.confidence.familiarity,
            verifier_score=signals.get("p_true"),
            **{
                name: signals.get(name)
                for name in (
                    "entropy",
                    "self_consistency_var",
                    "evidence_overlap",
                    "evidence_support",
                    "avg_logprob",
                    "top1_prob",
                    "min_prob_focus",
                    "answer_frequency",
                    "answer_frequency_focus",
                )
            },
        ),
        answer_set=LikelyAnswers.of(trace.params.prediction_set) if trace.params.prediction_set else None,
        n_samples=len(last.observation.samples),
        model=trace.model,
        larger_model=trace.larger.model if trace.larger else None,
        policy=trace.policy,
        session_id=trace.session_id,
        trace_id=trace.id,
        seconds=trace.seconds,
    )


def _passage(passage: Passage) -> EvidencePassage:
    names = EvidencePassage.model_fields
    return EvidencePassage(**{name: getattr(passage, name) for name in names})


def sentences_of(observation: Observation) -> list[EvidenceSentence]:
    """What the passages say of each sentence of an answer; none where nobody judged."""
    grounding = observation.grounding
    return [_sentence(observation, support) for support in grounding.sentences] if grounding else []


def _sentence(observation: Observation, support: Support) -> EvidenceSentence:
    quote = None
    if support.passage is not None and support.quote is not None:
        quote = observation.passages[support.passage].text[slice(*support.quote)] or None
    return EvidenceSentence(
        text=observation.generation.text[support.start : support.end],
        start=support.start,
        end=support.end,
        stance=support.stance,
        probability=support.probability,
        contradiction=support.contradiction,
        passage=support.passage,
        quote=quote,
    )
