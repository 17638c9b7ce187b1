"""A backup of the home, made by the process that has its database open."""

from __future__ import annotations

from itertools import chain

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from codex.backup.making import archive_of
from codex.server.guard import GuardedRoute
from codex.server.routes import Bench, errors

router = APIRouter(tags=["backup"], route_class=GuardedRoute)


@router.post(
    "/backup",
    summary="Make a backup",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"application/gzip": {"schema": {"type": "string", "format": "binary"}}}},
        **errors(409, 503),
    },
)
def make_backup(workbench: Bench) -> StreamingResponse:
    """Everything that is kept in the home but models, as an archive that `codex restore` takes.

    It is of one moment, after the request came in; questions are answered and stored meanwhile. The client
    writes it where it wants: a file of the server is never written.
    """
    pieces = archive_of(workbench.settings.home, workbench.store)
    first = next(pieces)  # An error before it is an ordinary response.
    return StreamingResponse(
        chain([first], pieces),
        media_type="application/gzip",
        headers={"Content-Disposition": 'attachment; filename="codex-backup.tar.gz"'},
    )
