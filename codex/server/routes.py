"""The routes: each turns a request into one call of the workbench."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import reduce
from importlib.metadata import version
from operator import or_
from typing import Annotated, Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from codex.access import SCOPES, Scope
from codex.ask.places import Client
from codex.ask.response import AskResponse, response_to
from codex.ask.workbench import Workbench, last_trace
from codex.errors import Busy
from codex.retrieval.config import MAX_PASSAGES
from codex.retrieval.index import checked_query
from codex.server import bodies
from codex.server.callers import asker, reader
from codex.server.guard import GuardedRoute
from codex.server.streaming import EventStream, UnderWay, cancelled_when_gone, stream
from codex.server.visits import current_visit
from codex.types import Event, Message

router = APIRouter(route_class=GuardedRoute)

LOADING_SECONDS = 5
"""When to ask again while the model is being loaded."""


def workbench_of(request: Request) -> Workbench:
    """The workbench that the app was made for."""
    workbench: Workbench = request.app.state.workbench
    return workbench


def loaded(workbench: Annotated[Workbench, Depends(workbench_of)]) -> Workbench:
    """The workbench, unless its model is still being loaded. Raises Busy."""
    if workbench.model.status.state == "loading":
        raise Busy("The model is loading; try again in a moment.", LOADING_SECONDS)
    return workbench


Bench = Annotated[Workbench, Depends(workbench_of)]
LoadedBench = Annotated[Workbench, Depends(loaded)]
Asker = Annotated[Client, Depends(asker)]
Reader = Annotated[Client, Depends(reader)]


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors that a route can return, for its documentation."""
    reference = {"schema": {"$ref": "#/components/schemas/ErrorBody"}}
    return {
        status: {"description": MEANINGS[status], "content": {"application/json": reference}}
        for status in sorted({*statuses, *ANY_ROUTE})
    }


ANY_ROUTE = (400, 401, 403, 408, 413, 415, 421, 422, 429, 431, 500)
"""Errors of every route: from the guard, the limits on bodies and connections, and faults."""
MEANINGS = {
    400: "The request is not HTTP/1.1, or its Host cannot be read.",
    401: "The server wants a key or a sign-in, and the request brings none that holds.",
    403: "The key or user lacks the scope; or a web page of another origin sent it, which is not among "
    "server.cors_origins.",
    404: "Nothing is stored under that id.",
    408: "The request did not arrive in time.",
    409: "It conflicts with the present state: another model is loaded, or the question was not stored.",
    413: "The body or the question is too long.",
    415: "The body is not sent as application/json.",
    421: "The Host is not this server's; server.allowed_hosts adds one.",
    422: "A value cannot be used; `fields` says which.",
    429: "More requests than a user or key may send in a minute, or this client already has its share of the "
    "running questions, or has had generated what it may in a day; see Retry-After.",
    431: "The first line and the headers are too long.",
    500: "A fault in Codex; the message gives an id to look for in the log.",
    501: "The engine cannot do it; the message says which one can.",
    503: "Too many questions, Codex is shutting down, the model cannot be used yet, or the database cannot; "
    "see Retry-After.",
}


@router.post("/infer", tags=["ask"], summary="Ask a question", responses=errors(404, 409, 429, 503))
async def infer(
    body: bodies.InferBody, request: Request, workbench: LoadedBench, client: Asker
) -> AskResponse:
    """Answer with a confidence and a decision. Closing the connection cancels the work.

    What is not available is null; `calibrated` is null where no calibrator holds for the model and request.
    """
    cancel = threading.Event()
    async with cancelled_when_gone(request, cancel):
        events = await run_sync(_ask, workbench, body, cancel, client)
        return response_to(await run_sync(last_trace, events, abandon_on_cancel=True))


@router.post(
    "/infer/stream",
    tags=["ask"],
    summary="Ask a question and stream the events",
    response_class=EventStream,
    responses={
        200: {
            "description": "Server-sent events, each with one of these bodies as its data.",
            "model": reduce(or_, bodies.EVENTS.values()),
        },
        **errors(404, 409, 429, 503),
    },
)
async def infer_stream(
    body: bodies.InferBody, request: Request, workbench: LoadedBench, client: Asker
) -> Response:
    """The events of one question as server-sent events. Closing the connection cancels the work.

    An error before the first event is an ordinary response; later it is the last event, `error`.
    """
    cancel = threading.Event()
    async with cancelled_when_gone(request, cancel):
        asked = UnderWay(await run_sync(_ask, workbench, body, cancel, client), cancel)
        return stream(await asked.next(), asked, cancel)


@router.get(
    "/traces/{trace_id}",
    tags=["traces"],
    summary="Read a trace",
    response_model=bodies.TraceBody,
    responses=errors(404, 503),
)
def read_trace(trace_id: str, workbench: Bench, client: Reader) -> bodies.Body:
    """A stored trace with every token and number; what privacy did not keep is null.

    The client that asked, known by the cookie that its answer brought, reads it whole while it is among the
    last questions in memory.
    """
    return bodies.TraceBody.model_validate(workbench.traces.get(trace_id, client))


@router.post(
    "/traces/{trace_id}/branch",
    tags=["traces"],
    summary="Continue from another token",
    responses=errors(404, 409, 429, 503),
)
async def branch(
    trace_id: str, body: bodies.BranchBody, request: Request, workbench: LoadedBench, client: Asker
) -> AskResponse:
    """Take one of the alternatives at a position of the last step's answer, and continue from there.

    It needs the question's text: kept by `store.privacy=full`, or in memory for the client that asked.
    """
    cancel = threading.Event()
    async with cancelled_when_gone(request, cancel):
        events = await run_sync(
            lambda: workbench.branch(
                trace_id, body.position, body.token_id, policy=body.policy, cancel=cancel, client=client
            )
        )
        return response_to(await run_sync(last_trace, events, abandon_on_cancel=True))


@router.get(
    "/passages",
    tags=["evidence"],
    summary="Search the documents",
    response_model=list[bodies.PassageBody],  # type: ignore[valid-type]
    responses=errors(409, 503),
)
def search(
    workbench: Bench,
    query: Annotated[
        str,
        Query(
            min_length=1,
            max_length=10_000,
            description="What to look for.",
            json_schema_extra=bodies.NOT_BLANK,
        ),
    ],
    k: Annotated[
        int | None, Query(ge=1, le=MAX_PASSAGES, description="Left out: the setting retrieval.k.")
    ] = None,
) -> list[bodies.Body]:
    """The best passages of the indexed documents, best first: those that the model would be shown."""
    return [
        bodies.PassageBody.model_validate(found) for found in workbench.index.search(checked_query(query), k)
    ]


@router.get(
    "/sessions",
    tags=["sessions"],
    summary="List the sessions",
    response_model=list[bodies.SessionBody],  # type: ignore[valid-type]
    responses=errors(503),
)
def list_sessions(
    workbench: Bench,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    offset: Annotated[int, Query(ge=0, lt=2**31)] = 0,
) -> list[bodies.Body]:
    """The sessions, most recently used first."""
    return [
        bodies.SessionBody.model_validate(found) for found in workbench.store.sessions.list(limit, offset)
    ]


@router.get("/sessions/{session_id}", tags=["sessions"], summary="Read a session", responses=errors(404, 503))
def read_session(session_id: str, workbench: Bench) -> bodies.SessionTracesBody:
    """The traces of a session, oldest first."""
    traces = workbench.store.sessions.traces(session_id)
    return bodies.SessionTracesBody(
        id=session_id, traces=[bodies.TraceSummaryBody.model_validate(trace) for trace in traces]
    )


@router.delete(
    "/sessions/{session_id}",
    tags=["sessions"],
    summary="Delete a session",
    status_code=204,
    responses=errors(404, 503),
)
def delete_session(session_id: str, workbench: Bench) -> None:
    """Delete a session with its traces and labels."""
    workbench.traces.forget_session(session_id)


@router.get(
    "/healthz",
    tags=["health"],
    summary="Whether a question can be answered now",
    responses=errors()
    | {503: {"model": bodies.HealthBody, "description": "Not now: the model is loading, or Codex ends."}},
)
def healthz(response: Response, workbench: Bench) -> bodies.HealthBody:
    """200 when the model is ready or unloaded, else 503 with the same body.

    Whoever may not read gets the status alone.
    """
    status = workbench.model.status
    shown = current_visit().principal.may("read")
    if status.state not in ("ready", "unloaded"):
        response.status_code = 503
    if status.state == "loading":
        response.headers["Retry-After"] = str(LOADING_SECONDS)
    if not shown:
        return bodies.HealthBody(status=status.state, model="", calibrated=False, version="")
    return bodies.HealthBody(
        status=status.state,
        model=status.model,
        calibrated=status.calibrated,
        version=version("codex-workbench"),
        error=status.error,
        limits=status.limits,
        abilities=status.abilities,
        events=bodies.EventsBody.model_validate(copy) if (copy := workbench.store.event_copy) else None,
        larger=bodies.LargerBody.model_validate(workbench.larger.status) if workbench.larger else None,
    )


class MeBody(BaseModel):
    """Who sent the request."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "ada", "scopes": ["ask", "read"]}]})

    name: str
    scopes: list[Scope] = Field(description="What it may do.")


@router.get("/me", tags=["access"], summary="Read who one is", responses=errors())
def me() -> MeBody:
    """The user or key that the request is from; \"local\" on a server that lets everybody in."""
    principal = current_visit().principal
    return MeBody(name=principal.name, scopes=[scope for scope in SCOPES if principal.may(scope)])


def _ask(
    workbench: Workbench, body: bodies.InferBody, cancel: threading.Event, client: Client
) -> Iterator[Event]:
    params = body.params
    if params is not None:
        given = params.model_dump(include=params.model_fields_set)
        params = workbench.settings.engine.params.model_copy(update=given)
    return workbench.ask(
        body.query,
        n_samples=body.n_samples,
        adaptive=body.adaptive,
        enable_rag=body.enable_rag,
        documents=body.documents,
        session_id=body.session_id,
        history=[Message(said.role, said.content) for said in body.history],
        follows=body.follows,
        params=params,
        policy=body.policy,
        cancel=cancel,
        client=client,
    )
