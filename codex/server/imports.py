"""Stored answers over HTTP, imported as a run."""

from __future__ import annotations

import re
import threading
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Path, Query, Request

from codex.errors import InvalidInput
from codex.evaluation.imported import import_run
from codex.server.documents import FILE, UploadRoute, arrived
from codex.server.evaluations import Asked, EvaluationBody
from codex.server.routes import Bench, errors
from codex.server.streaming import cancelled_when_gone

router = APIRouter(prefix="/evaluations", tags=["evaluations"], route_class=UploadRoute)

FILE_NAME = r"[^/.\x00-\x1f\x7f][^/\x00-\x1f\x7f]{0,99}"

FileName = Annotated[
    str,
    Path(
        description="The file's name, which names the run.", json_schema_extra={"pattern": f"^{FILE_NAME}$"}
    ),
]
Text = Annotated[str | None, Query(max_length=200)]


@router.put(
    "/import/{file}",
    summary="Import stored answers",
    status_code=201,
    responses=errors(409, 503),
    openapi_extra={"requestBody": {"required": True, "content": FILE}},
)
async def import_answers(
    file: FileName,
    request: Request,
    workbench: Bench,
    evaluations: Asked,
    name: Text = None,
    model: Text = None,
    prompt: Text = None,
    grader: Text = None,
) -> EvaluationBody:
    """The body is the file, in the form that is exported, or that with gzip. All of it is kept, or nothing.

    model, prompt: fingerprints, where the file does not say them.
    """
    if not re.fullmatch(FILE_NAME, file):
        raise InvalidInput(f"{file[:100]!r} is no name of a file: rename it, at most 100 letters.", ["file"])
    cancel = threading.Event()
    async with arrived(request, workbench, file) as path, cancelled_when_gone(request, cancel):
        told = (name or "", model, prompt, grader, None, cancel)
        try:
            summary = await run_sync(lambda: import_run(workbench.store, path, *told))
        except InvalidInput as error:
            # Where the file lay is nothing that the client knows.
            raise type(error)(str(error).replace(str(path), file), error.fields) from error
    return EvaluationBody.of(summary, evaluations)
