"""Labels over HTTP: they leave as a file, and come in from one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from tempfile import TemporaryFile
from typing import Annotated, BinaryIO

from anyio.to_thread import run_sync
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import ConfigDict, Field

from codex.errors import InvalidInput
from codex.labelling.exchange import Scope, export_labels, import_labels
from codex.labelling.formats import FORMATS, FormatName
from codex.server.bodies import Body
from codex.server.documents import FILE, UploadRoute, arrived
from codex.server.imports import FILE_NAME
from codex.server.routes import Bench, errors

router = APIRouter(prefix="/labels/records", tags=["labels"], route_class=UploadRoute)

BLOCK = 2**20
"""Bytes sent at once."""
FileName = Annotated[
    str,
    Path(
        description="The file's name; its ending says the format.",
        json_schema_extra={"pattern": f"^{FILE_NAME}$"},
    ),
]


class ImportedLabelsBody(Body):
    """What became of the labels of a file."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"new": 38, "replaced": 2, "older": 0}]})

    new: int
    replaced: int = Field(description="In the place of earlier labels of the same labellers.")
    older: int = Field(description="Left out, since the labeller has said something later.")


@router.get(
    "",
    summary="Export labels",
    response_class=StreamingResponse,
    responses={
        200: {
            "content": {
                each.media_type: {"schema": {"type": "array"}, "example": []}
                if each.media_type == "application/json"
                else {"schema": {"type": "string"}, "example": ""}
                for each in FORMATS.values()
            }
        },
        **errors(404, 503),
    },
)
def export_records(
    workbench: Bench,
    form: Annotated[FormatName, Query(alias="format", description="Of the file.")] = "csv",
    run: Annotated[
        str | None, Query(max_length=200, description='Of this evaluation alone; "": of the Ask page.')
    ] = None,
    queue: Annotated[str | None, Query(max_length=200, description="Of this queue alone.")] = None,
) -> StreamingResponse:
    """A row a label, with its answer as far as it was kept; a task or record an answer where tools want it.

    `label-studio` and `argilla` are lists in JSON that those tools import.
    """
    file = TemporaryFile()  # noqa: SIM115 - the response closes it
    try:
        export_labels(workbench.store, form, file, Scope(run, queue))
    except BaseException:
        file.close()
        raise
    file.seek(0)
    chosen = FORMATS[form]
    attached = {"Content-Disposition": f'attachment; filename="labels{chosen.suffix}"'}
    return StreamingResponse(_blocks(file), media_type=chosen.media_type, headers=attached)


@router.put(
    "/{file}",
    summary="Import labels",
    status_code=201,
    responses=errors(503),
    openapi_extra={"requestBody": {"required": True, "content": FILE}},
)
async def import_records(
    file: FileName,
    request: Request,
    workbench: Bench,
    form: Annotated[
        FormatName | None, Query(alias="format", description="Left out: the file's ending says it.")
    ] = None,
) -> ImportedLabelsBody:
    """The body is the file, in one of the forms that are exported. All of it is kept, or nothing.

    Labels go to answers that are stored here; a labeller's later label counts.
    """
    if not re.fullmatch(FILE_NAME, file):
        raise InvalidInput(f"{file[:100]!r} is no name of a file: rename it, at most 100 letters.", ["file"])
    async with arrived(request, workbench, file) as path:
        return ImportedLabelsBody.model_validate(
            await run_sync(lambda: import_labels(workbench.store, path, form))
        )


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while block := file.read(BLOCK):
            yield block
