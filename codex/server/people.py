"""People's answers over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from codex.server.bodies import NOT_BLANK, Body, Moment
from codex.server.guard import GuardedRoute
from codex.server.routes import Bench, errors
from codex.server.visits import signed
from codex.store.labelling.labels import LONGEST, LONGEST_NAME
from codex.store.labelling.people import LONGEST_SOURCE
from codex.types import Action

router = APIRouter(prefix="/answers", tags=["people's answers"], route_class=GuardedRoute)
ANSWER: JsonDict = {
    "id": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "question": "What is the capital of Australia?",
    "question_sha256": "91f8bb7a2d5a5bdb8e27a2ac2eb1d8e5b36a8a2c9a3b0df2f0a1b5b8a8a0a7c1",
    "answer": "Canberra",
    "author": "Ada",
    "source": "atlas, page 12",
    "trace_id": None,
    "typed": True,
    "made_at": "2026-01-31T12:00:00Z",
    "edited_at": None,
    "expires_at": None,
    "withdrawn_at": None,
}
OPEN: JsonDict = {
    "trace_id": "5d2b8f0e9a1c4c7f8e6d3b2a1f0e9d8c",
    "question": "What is the capital of Australia?",
    "answer": "The capital of Australia is Sydney.",
    "action": "defer",
    "asked_at": "2026-01-31T12:00:00Z",
}


class SaidBody(BaseModel):
    """What a person answers."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"answer": "Canberra", "author": "Ada", "source": "atlas, page 12"}]},
    )

    answer: str = Field(min_length=1, max_length=LONGEST, json_schema_extra=NOT_BLANK)
    author: str = Field(
        min_length=1,
        max_length=LONGEST_NAME,
        description="Shown to everybody that the answer is given to.",
        json_schema_extra=NOT_BLANK,
    )
    source: str = Field("", max_length=LONGEST_SOURCE, description="What it rests on.")
    expires_at: Moment | None = Field(None, description="From then on it is given no more.")


class NewAnswerBody(SaidBody):
    """What a person answers to a question."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"question": "What is the capital of Australia?", "answer": "Canberra", "author": "Ada"}
            ]
        }
    )

    question: str | None = Field(
        None,
        max_length=LONGEST,
        description="As the author types it. Left out: the question of the trace, as far as it was kept; "
        "where only its SHA-256 was, the answer is given to the very same question alone.",
    )
    trace_id: str | None = Field(None, description="The answer that was left to a person.")


class AnswerBody(Body):
    """A person's answer."""

    model_config = ConfigDict(json_schema_extra={"examples": [ANSWER]})

    id: str
    question: str | None = Field(description="null: only its SHA-256 was kept.")
    question_sha256: str
    answer: str
    author: str
    source: str
    trace_id: str | None = Field(description="The answer that was left to a person.")
    typed: bool = Field(description="Whether the author typed the question.")
    made_at: datetime
    edited_at: datetime | None
    expires_at: datetime | None
    withdrawn_at: datetime | None


class OpenQuestionBody(Body):
    """A question that waits for a person's answer."""

    model_config = ConfigDict(json_schema_extra={"examples": [OPEN]})

    trace_id: str
    question: str
    answer: str = Field(description="What the model wrote.")
    action: Action
    asked_at: datetime


@router.get("", summary="List people's answers", responses=errors(503))
def list_answers(
    workbench: Bench,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    offset: Annotated[int, Query(ge=0, lt=2**31)] = 0,
) -> list[AnswerBody]:
    """Every answer, the newest first, also those that are withdrawn or have expired."""
    return [AnswerBody.model_validate(each) for each in workbench.store.people.list(limit, offset)]


@router.get("/open", summary="List the questions that wait for a person", responses=errors(503))
def list_open(workbench: Bench, limit: Annotated[int, Query(ge=1, le=1000)] = 50) -> list[OpenQuestionBody]:
    """Questions that were deferred or withheld and that nobody has answered, where their text was kept."""
    return [OpenQuestionBody.model_validate(each) for each in workbench.store.people.open_questions(limit)]


@router.post("", summary="Answer a question", status_code=201, responses=errors(404, 503))
def put_answer(body: NewAnswerBody, workbench: Bench) -> AnswerBody:
    """From now on it is given to who asks this question, or a like one, beside the model's own answer."""
    return AnswerBody.model_validate(workbench.people.put(**signed(body.model_dump())))


@router.put("/{answer_id}", summary="Edit a person's answer", responses=errors(404, 503))
def edit_answer(answer_id: str, body: SaidBody, workbench: Bench) -> AnswerBody:
    """Replace what is said, by whom, what it rests on and until when; a withdrawn answer is given again."""
    return AnswerBody.model_validate(workbench.people.edit(answer_id, **signed(body.model_dump())))


@router.post("/{answer_id}/withdraw", summary="Withdraw a person's answer", responses=errors(404, 503))
def withdraw_answer(answer_id: str, workbench: Bench) -> AnswerBody:
    """Give it no more; it stays in the list."""
    return AnswerBody.model_validate(workbench.people.withdraw(answer_id))


@router.delete(
    "/{answer_id}", summary="Delete a person's answer", status_code=204, responses=errors(404, 503)
)
def delete_answer(answer_id: str, workbench: Bench) -> None:
    """Delete it for good; traces that it was given to keep it."""
    workbench.people.delete(answer_id)
