"""Uploads: each file is the body of its own PUT, and is written to disk as it arrives."""

from __future__ import annotations

import os
import pathlib
import shutil
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Annotated, Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, Path, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.requests import ClientDisconnect

from codex.ask.workbench import Workbench
from codex.errors import BodyTooLarge, Cancelled, RetrievalError, StoreError, UnreadableDocument
from codex.private import PARTIAL, make_folder, opener
from codex.retrieval.readers.reading import SUFFIXES
from codex.retrieval.uploads import NAME, Placement, place, settle
from codex.server import names  # noqa: F401 - any_name, a kind of path, is used
from codex.server.errors import error_response
from codex.server.routes import Bench, errors

BLOCK = 2**20
"""Bytes buffered before they are written."""


class UploadRoute(APIRoute):
    """Responds to errors as the other routes do, but bodies may be as large as a document."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler, guarded."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                return await handle(request)
            except ClientDisconnect:
                return Response(status_code=Cancelled.status)
            except Exception as error:
                return error_response(error)

        return guarded


router = APIRouter(route_class=UploadRoute)


class UploadBody(BaseModel):
    """The outcome of an upload."""

    name: str
    """Its path in the folder of uploaded documents."""
    outcome: Placement
    """same: a file with that name and content was there already."""


FILE = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


Name = Annotated[
    str,
    Path(
        description="Its path among the documents: folders and a name with a supported extension.",
        json_schema_extra={"pattern": f"^{NAME}\\.({'|'.join(sorted(s[1:] for s in SUFFIXES))})$"},
    ),
]


@router.put(
    "/documents/{name:any_name}",
    tags=["evidence"],
    summary="Upload a document",
    status_code=201,
    responses=errors(409, 503),
    openapi_extra={"requestBody": {"required": False, "content": FILE}},
)
async def upload(name: Name, request: Request, workbench: Bench, replace: bool = False) -> UploadBody:
    """The body is the file; the name may contain folders. The document then waits to be indexed.

    Another file of that name is a conflict unless `replace` is set.
    """
    folder = workbench.settings.documents
    limit = workbench.settings.retrieval.max_file_mb
    target = place(folder, name)
    if target.suffix.lower() not in SUFFIXES:
        raise UnreadableDocument(f"{target.suffix or 'such'} files are not supported.", ["name"])
    arriving = folder.parent / PARTIAL / uuid.uuid4().hex
    try:
        make_folder(arriving.parent)
        await receive(request, arriving, name, limit)
        outcome = await run_sync(settle, arriving, target, replace)
        await run_sync(lambda: workbench.index.add([target], within=folder))
    except OSError as error:
        raise RetrievalError(f"{name!r} cannot be written: {os.strerror(error.errno or 0)}.") from error
    finally:
        arriving.unlink(missing_ok=True)
    return UploadBody(name=str(target.relative_to(folder)), outcome=outcome)


@asynccontextmanager
async def arrived(request: Request, workbench: Workbench, name: str) -> AsyncIterator[pathlib.Path]:
    """The body as a file of that name in a folder of its own, while the block runs.

    Raises BodyTooLarge, StoreError; StoreError too for an OSError of the block.
    """
    folder = workbench.settings.home / PARTIAL / uuid.uuid4().hex
    try:
        make_folder(folder)
        await receive(request, folder / name, name, workbench.settings.retrieval.max_file_mb)
        yield folder / name
    except OSError as error:
        raise StoreError(f"{name!r} cannot be written: {os.strerror(error.errno or 0)}.") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def receive(request: Request, path: pathlib.Path, name: str, limit: int) -> None:
    """Write the body to a file. Raises BodyTooLarge; ClientDisconnect when the client goes away."""
    most = limit * 2**20
    too_large = BodyTooLarge(f"{name!r} is larger than {limit} MB (retrieval.max_file_mb).", ["name"])
    if int(request.headers.get("content-length") or 0) > most:
        raise too_large
    size, held = 0, bytearray()
    with open(path, "wb", opener=opener) as file:
        async for chunk in request.stream():
            size += len(chunk)
            if size > most:
                raise too_large
            held += chunk
            if len(held) >= BLOCK:
                await run_sync(file.write, bytes(held))
                held.clear()
        await run_sync(file.write, bytes(held))
