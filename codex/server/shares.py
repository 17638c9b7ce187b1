"""Links under which a trace can be read by whoever has them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from codex.server.bodies import Body
from codex.server.guard import SHARED, GuardedRoute
from codex.server.routes import Bench, errors
from codex.store.traces.shares import LONGEST_LABEL, Share

router = APIRouter(tags=["shares"], route_class=GuardedRoute)
SHARE: dict[str, Any] = {
    "id": "9c8b7a6f5e4d3c2b1a0f9e8d7c6b5a49",
    "trace_id": "5d2b8f0e9a1c4c7f8e6d3b2a1f0e9d8c",
    "label": "for the meeting in May",
    "created_at": "2026-01-31T12:00:00Z",
    "revoked_at": None,
}


class NewShareBody(BaseModel):
    """A link to be made."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        json_schema_extra={"examples": [{"label": SHARE["label"]}]},
    )

    label: str = Field("", max_length=LONGEST_LABEL, description="What you call it, e.g. for whom it is.")


class ShareBody(Body):
    """A link to a trace. What it opens is told only when it is made."""

    model_config = ConfigDict(json_schema_extra={"examples": [SHARE]})

    id: str = Field(description="Names it here; it opens nothing.")
    trace_id: str
    label: str
    created_at: datetime = Field(description="In UTC.")
    revoked_at: datetime | None = Field(description="In UTC; null: it can be opened.")


class MadeShareBody(ShareBody):
    """A link that was just made."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [SHARE | {"url": f"http://localhost:7860{SHARED}zQ3vKx…"}]}
    )

    url: str = Field(description="The page to send. Its token is kept nowhere: it cannot be told again.")


@router.post(
    "/traces/{trace_id}/shares", summary="Make a link to a trace", status_code=201, responses=errors(404, 503)
)
def share(trace_id: str, body: NewShareBody, request: Request, workbench: Bench) -> MadeShareBody:
    """A read-only page of the trace for whoever has the link, without what privacy did not keep.

    It works until it is revoked or the trace is deleted.
    """
    made, token = workbench.store.shares.create(trace_id, body.label)
    url = f"{str(request.base_url).rstrip('/')}{SHARED}{token}"
    return MadeShareBody(**_body(made).model_dump(), url=url)


@router.get("/shares", summary="List the links", responses=errors(503))
def list_shares(workbench: Bench, trace_id: str | None = None) -> list[ShareBody]:
    """The links to traces, or to one, the newest first; revoked ones too."""
    return [_body(each) for each in workbench.store.shares.list(trace_id)]


@router.delete("/shares/{share_id}", summary="Revoke a link", status_code=204, responses=errors(404, 503))
def revoke_share(share_id: str, workbench: Bench) -> None:
    """Whoever opens the link from now on finds nothing; that cannot be undone."""
    workbench.store.shares.revoke(share_id)


def _body(share: Share) -> ShareBody:
    return ShareBody.model_validate(share)
