"""What people say of answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from codex.evaluation.generations import generated_of_traces, line_of
from codex.server.bodies import Body
from codex.server.guard import GuardedRoute
from codex.server.routes import Bench, errors

router = APIRouter(tags=["labels"], route_class=GuardedRoute)


class GradeBody(BaseModel):
    """Whether an answer is correct."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, json_schema_extra={"examples": [{"correct": True}]}
    )

    correct: bool


class LabelBody(Body):
    """What a person said of an answer."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "trace_id": "5d2b8f0e9a1c4c7f8e6d3b2a1f0e9d8c",
                    "correct": True,
                    "labelled_at": "2026-01-31T12:00:00Z",
                }
            ]
        }
    )

    trace_id: str
    correct: bool
    labelled_at: datetime = Field(description="In UTC.")


@router.get("/labels", summary="List the labels", responses=errors(503))
def list_labels(
    workbench: Bench,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    offset: Annotated[int, Query(ge=0, lt=2**31)] = 0,
) -> list[LabelBody]:
    """What people said of answers, the newest first; `/labels/export` exports the answers too."""
    return [LabelBody.model_validate(label) for label in workbench.store.counted_labels(limit, offset)]


@router.get(
    "/labels/export",
    summary="Export the answers with their labels",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/x-ndjson": {"schema": {"type": "string"}}}}, **errors(503)},
)
def export_labels(workbench: Bench) -> StreamingResponse:
    """Every answer of the Ask page with its tokens, one a line, as `codex export --traces` writes them."""
    lines = map(line_of, generated_of_traces(workbench.store))
    return StreamingResponse(lines, media_type="application/x-ndjson")


@router.put(
    "/traces/{trace_id}/label", summary="Label an answer", status_code=204, responses=errors(404, 503)
)
def label(trace_id: str, body: GradeBody, workbench: Bench) -> None:
    """Say whether an answer is correct; it replaces what was said before."""
    workbench.store.label(trace_id, body.correct)


@router.delete(
    "/traces/{trace_id}/label", summary="Take a label back", status_code=204, responses=errors(404, 503)
)
def unlabel(trace_id: str, workbench: Bench) -> None:
    """Delete what was said of an answer; nothing changes where nobody said anything."""
    workbench.store.label(trace_id, None)
