"""Texts that exist already: their tokens, and the signals and the confidence of an answer."""

from __future__ import annotations

import math
import threading
from typing import Literal, Self

from anyio.to_thread import run_sync
from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from codex.ask.response import ConfidenceNote, EvidenceSentence, confidence_note, sentences_of
from codex.ask.scoring import Scored, checked_text
from codex.numbers import NumbersAsSuch
from codex.retrieval.config import MAX_PASSAGES
from codex.server import bodies
from codex.server.guard import GuardedRoute
from codex.server.routes import Asker, LoadedBench, errors
from codex.server.streaming import cancelled_when_gone
from codex.settings import MAX_SAMPLES
from codex.text import sha256
from codex.types import Message, Passage, Token

router = APIRouter(route_class=GuardedRoute, tags=["score"])

MAX_TURNS = 1000
TokenBody = bodies.body_of(Token)


class TokenizeBody(BaseModel):
    """A text."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [{"text": "The capital is Canberra."}]}
    )

    text: str


class Tokens(BaseModel):
    """The tokens of a text."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "tokens": [504, 3575, 314, 3733, 5921, 30],
                    "count": 6,
                    "model": "llama_cpp:smollm2-135m-instruct:Q4_1",
                }
            ]
        }
    )

    tokens: list[int] = Field(description="Ids, without special tokens added.")
    count: int
    model: str


class GivenTurn(BaseModel):
    """A turn before the question."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Literal["system", "user", "assistant"]
    content: str


class GivenPassage(BaseModel):
    """A passage that the answer may rest on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str = Field(json_schema_extra=bodies.NOT_BLANK)
    document: str = Field("passage", description="What it is called.")


class ScoreBody(NumbersAsSuch):
    """An answer to a question, or a text after a prompt."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {"question": "What is the capital of Australia?", "answer": "Canberra."},
                {
                    "question": "When was it founded?",
                    "answer": "In 1913.",
                    "passages": [{"text": "Canberra was founded in 1913.", "document": "canberra.txt"}],
                    "n_samples": 5,
                },
                {"prompt": "The capital of Australia is", "text": " Canberra."},
            ]
        },
    )

    question: str | None = Field(None, description="With `answer`.")
    answer: str | None = None
    history: list[GivenTurn] = Field([], max_length=MAX_TURNS, description="Turns before the question.")
    passages: list[GivenPassage] = Field([], max_length=MAX_PASSAGES, description="Best first.")
    n_samples: int | None = Field(
        None,
        ge=1,
        le=MAX_SAMPLES,
        description="Samples to draw, for the signals that are measured on them; left out: none.",
    )
    prompt: str | None = Field(None, description="With `text`, in place of a question: continued as it is.")
    text: str | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        asked = (self.question is not None, self.answer is not None)
        raw = (self.prompt is not None, self.text is not None)
        if (asked, raw) not in (((True, True), (False, False)), ((False, False), (True, True))):
            raise ValueError("give question and answer, or prompt and text")
        if all(raw) and (self.history or self.passages or self.n_samples is not None):
            raise ValueError("history, passages and n_samples belong to a question, not to a prompt")
        return self


class ScoreResponse(BaseModel):
    """What the model makes of a text. null is: not available."""

    model_config = ConfigDict(
        protected_namespaces=(),
        json_schema_extra={
            "examples": [
                {
                    "logprob": -0.61,
                    "confidence": 0.71,
                    "confidence_note": "not calibrated",
                    "not_calibrated_because": "no calibrator is active",
                    "signals": {"avg_logprob": -0.2, "answer_frequency": None},
                    "samples": [],
                    "prompt_tokens": 37,
                    "model": "llama_cpp:smollm2-135m-instruct:Q4_1",
                }
            ]
        },
    )

    logprob: bodies.Number = Field(description="Natural log-probability of the whole text.")
    confidence: bodies.Number = Field(description="In [0, 1]; an estimate unless the note says calibrated.")
    confidence_note: ConfidenceNote
    not_calibrated_because: str | None = Field(description="null: a calibrator holds.")
    signals: dict[str, bodies.Number]
    tokens: list[TokenBody]  # type: ignore[valid-type]
    focus: list[bool] = Field(description="Which tokens carry the answer.")
    sentences: list[EvidenceSentence] = Field(description="Empty without passages.")
    samples: list[str]
    prompt_tokens: int
    model: str


@router.post("/tokenize", summary="Tokenize a text", responses=errors(503))
def tokenize(body: TokenizeBody, workbench: LoadedBench) -> Tokens:
    """The ids of a text's tokens, by the model that answers."""
    ids = workbench.texts.tokenize(body.text)
    return Tokens(tokens=ids, count=len(ids), model=workbench.model.engine.fingerprint)


@router.post("/score", summary="Score an answer that exists already", responses=errors(429, 501, 503))
async def score(body: ScoreBody, request: Request, workbench: LoadedBench, client: Asker) -> ScoreResponse:
    """Log-probabilities, signals and confidence of an answer, whoever wrote it; nothing of it is kept.

    The confidence is calibrated only where the answer is what the model itself would say, asked as the
    calibrator's questions were. Closing the connection cancels the work.
    """
    cancel = threading.Event()

    def scored() -> Scored:
        if body.question is None or body.answer is None:
            return workbench.texts.score(body.prompt or "", body.text or "", cancel, client)
        return workbench.score(
            body.question,
            body.answer,
            [passage_of(each.text, each.document) for each in body.passages],
            history=[Message(turn.role, turn.content) for turn in body.history],
            n_samples=body.n_samples,
            cancel=cancel,
            client=client,
        )

    async with cancelled_when_gone(request, cancel):
        return score_response(await run_sync(scored, abandon_on_cancel=True))


def passage_of(text: str, document: str) -> Passage:
    """A passage that a caller brings. Raises InvalidInput."""
    digest = sha256(checked_text(text, "passages"))
    return Passage(id=digest, document_id=digest, document=document, text=text, start=0, end=len(text))


def score_response(scored: Scored) -> ScoreResponse:
    """What is told of a scored text."""
    generation = scored.observation.generation
    logprobs = [token.logprob for token in generation.tokens]
    known = [value for value in logprobs if value is not None]
    return ScoreResponse(
        logprob=math.fsum(known) if len(known) == len(logprobs) else None,
        confidence=scored.confidence.value,
        confidence_note=confidence_note(scored.confidence),
        not_calibrated_because=scored.uncalibrated or None,
        signals=scored.signals,
        tokens=[TokenBody.model_validate(token) for token in generation.tokens],
        focus=list(scored.focus),
        sentences=sentences_of(scored.observation),
        samples=[sample.text for sample in scored.observation.samples],
        prompt_tokens=generation.prompt_tokens,
        model=scored.model,
    )
