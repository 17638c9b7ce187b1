"""The audit log over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from codex.access import Access
from codex.server.guard import GuardedRoute
from codex.server.routes import errors

router = APIRouter(prefix="/audit", tags=["access"], route_class=GuardedRoute)

EXAMPLE: dict[str, Any] = {
    "id": 7,
    "at": "2026-11-30T08:15:30+00:00",
    "who": "user ada",
    "address": "192.0.2.7",
    "action": "POST /policies/activate",
    "target": "/policies/activate",
    "outcome": 200,
    "hash": "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9",
}


class EntryBody(BaseModel):
    """One thing that somebody did or tried to do."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [EXAMPLE]})

    id: int
    at: datetime
    who: str = Field(description='"user NAME", "key ID", "local" for commands on the server, or "nobody".')
    address: str
    action: str = Field(description="A route, or PAGE.CALL.")
    target: str
    outcome: int = Field(description="The HTTP status; 403 is an attempt that was refused.")
    hash: str = Field(description="SHA-256 of the entry before it and this one.")


@router.get("", summary="Read the audit log", responses=errors(503))
def read_audit(
    request: Request,
    before: Annotated[
        int | None, Query(ge=1, lt=2**62, description="Only entries older than this id.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[EntryBody]:
    """Who did what, the newest first; empty on a server that lets everybody in."""
    access: Access | None = request.app.state.access
    return [EntryBody.model_validate(each) for each in access.audit.page(before, limit)] if access else []


@router.get(
    "/export",
    summary="Export the audit log",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/x-ndjson": {"schema": {"type": "string"}}}}, **errors(503)},
)
def export_audit(request: Request) -> StreamingResponse:
    """Every entry, oldest first, each a line of JSON."""
    access: Access | None = request.app.state.access
    lines: Iterator[str] = access.audit.lines() if access else iter(())
    return StreamingResponse(lines, media_type="application/x-ndjson")
