"""The history over HTTP: every trace in pages, as a file, compared, replayed; and deleting for good."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict
from starlette.background import BackgroundTask

from codex.ask.comparing import TraceComparison, compare
from codex.ask.deciding import decide_again
from codex.ask.response import AskResponse, response_to
from codex.ask.workbench import last_trace
from codex.private import PARTIAL, make_folder
from codex.server.bodies import Body, Moment, body_of
from codex.server.guard import GuardedRoute
from codex.server.routes import Asker, Bench, LoadedBench, Reader, errors
from codex.server.streaming import cancelled_when_gone
from codex.store.traces.erasure import ErasureState
from codex.store.traces.history import (
    MOST,
    ExportFormat,
    ExportTable,
    Filter,
    HistoryPage,
    Labelled,
    Sort,
    TraceLine,
)
from codex.types import Action, Gate

router = APIRouter(tags=["traces"], route_class=GuardedRoute)

TraceLineBody = body_of(TraceLine)
NOTHING_ELSE = ConfigDict(extra="forbid", frozen=True)
LINE: JsonDict = {
    "id": "5d2b8f0e9a1c4c7f8e6d3b2a1f0e9d8c",
    "session_id": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "parent_id": None,
    "created_at": "2026-01-31T12:00:00Z",
    "question": None,
    "question_sha256": "03ac674216f3e15c761ee1a5e255f067953623c8b388b4459e13f978d7c846f4",
    "answer": "The capital of Australia is Canberra.",
    "model": "llama_cpp:smollm2-135m-instruct:Q4_1",
    "policy": "default@0a1b2c3d4e",
    "steps": 2,
    "action": "answer",
    "gate": "proceed",
    "confidence": {"value": 0.83, "calibrated": 0.83, "familiarity": 0.4},
    "correct": True,
    "prompt_tokens": 96,
    "generated_tokens": 143,
    "seconds": 2.4,
}

DECISION: JsonDict = {
    "action": "defer",
    "gate": "proceed",
    "reason": "83% likely correct: below the 90% needed to answer",
}
COMPARISON: JsonDict = {
    "same_question": True,
    "same_answer": False,
    "same_model": False,
    "same_policy": True,
    "actions": ["answer", "defer"],
    "differences": [{"name": "confidence", "first": 0.83, "second": 0.41, "change": -0.42}],
}


class Limits(BaseModel):
    """Which traces are meant."""

    model_config = NOTHING_ELSE

    since: Moment | None = Field(None, description="Asked then or later.")
    until: Moment | None = Field(None, description="Asked before.")
    model: str | None = Field(None, description="The engine's fingerprint.")
    policy: str | None = Field(None, description="The policy's version.")
    session: str | None = None
    action: Action | None = None
    gate: Gate | None = None
    low: float | None = Field(None, ge=0, le=1, description="The least confidence.")
    high: float | None = Field(None, ge=0, le=1, description="The greatest confidence.")
    label: Labelled | None = Field(
        None, description="What counts of what people said; none: nobody has said anything."
    )
    text: str = Field(
        "",
        max_length=10_000,
        description="In what the model wrote or in what was kept of the question, whatever the case; or the "
        "whole question, also where only its SHA-256 was kept; or that SHA-256, or the trace's id.",
    )

    @property
    def filter(self) -> Filter:
        """The same for the store."""
        return Filter(**{name: getattr(self, name) for name in Limits.model_fields})


class Listing(Limits):
    """A page of the list."""

    sort: Sort = "time"
    down: bool = Field(True, description="The greatest first; traces that have no such number come last.")
    after: str | None = Field(None, max_length=100, description="The `next` of the page before.")
    size: int = Field(50, ge=1, le=MOST)


class Export(Limits):
    """A file of what is stored."""

    format: ExportFormat = "jsonl"
    table: ExportTable = Field(
        "events",
        description="events: a row for each step, with everything but the tokens; tokens: a row for each "
        "token of an answer or a sample.",
    )


class HistoryBody(Body):
    """A page of the traces that match."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"traces": [LINE], "total": 1, "next": None}]})

    traces: list[TraceLineBody]  # type: ignore[valid-type]
    total: int = Field(description="That match, on all pages.")
    next: str | None = Field(description="For `after`; null: this is the last page.")


class DifferenceBody(Body):
    """One number of both traces."""

    name: str = Field(description="Of the signal, or confidence.")
    first: float | None
    second: float | None
    change: float | None = Field(description="second - first; null where one is missing.")


class TraceComparisonBody(Body):
    """How one trace differs from another."""

    model_config = ConfigDict(json_schema_extra={"examples": [COMPARISON]})

    same_question: bool = Field(description="By its SHA-256.")
    same_answer: bool = Field(description="What the models wrote, letter by letter.")
    same_model: bool
    same_policy: bool
    actions: tuple[Action, Action]
    differences: list[DifferenceBody] = Field(description="The confidence, then the signals.")


class RedecideBody(BaseModel):
    """A policy that is to decide again."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [{"policy": "strict@0a1b2c3d4e"}]}
    )

    policy: str = Field(description="The version of a saved policy.")


class DecisionBody(Body):
    """What a policy decides on a stored answer."""

    model_config = ConfigDict(json_schema_extra={"examples": [DECISION]})

    action: Action
    gate: Gate
    reason: str


class ErasureBody(Body):
    """Whether the database file may still hold what was deleted."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"state": "running", "share": 0.4, "error": ""}]}
    )

    state: ErasureState = Field(description="none: it does not; due: the rewriting waits to be started.")
    share: float = Field(description="Of the file that is rewritten; an estimate.")
    error: str = Field(description="Why it failed, and what to do.")


@router.get("/traces", summary="List the traces", responses=errors(503))
def list_traces(wanted: Annotated[Listing, Query()], workbench: Bench) -> HistoryBody:
    """Every trace that matches, in pages. What is saved or deleted meanwhile moves no other trace."""
    found: HistoryPage = workbench.store.history.page(
        wanted.filter, sort=wanted.sort, down=wanted.down, after=wanted.after, size=wanted.size
    )
    return HistoryBody.model_validate(found)


@router.get(
    "/traces/export",
    summary="Export the traces",
    response_class=Response,
    responses={
        200: {
            "content": {
                "application/x-ndjson": {"schema": {"type": "string"}},
                "application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}},
            }
        },
        **errors(503),
    },
)
def export_traces(wanted: Annotated[Export, Query()], workbench: Bench) -> Response:
    """What is stored of the traces that match, and no more than was kept: `store.privacy` holds here too."""
    history, name = workbench.store.history, f"codex-{wanted.table}.{wanted.format}"
    if wanted.format == "jsonl":
        lines = history.lines_of_json(wanted.filter, wanted.table)
        return StreamingResponse(
            _ended(lines),
            media_type="application/x-ndjson",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )
    folder = workbench.settings.home / PARTIAL
    make_folder(folder)
    path = folder / f"{uuid.uuid4().hex}.parquet"
    try:
        history.write_parquet(path, wanted.filter, wanted.table)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return FileResponse(
        path,
        filename=name,
        media_type="application/vnd.apache.parquet",
        background=BackgroundTask(Path.unlink, path, missing_ok=True),
    )


@router.get(
    "/traces/{trace_id}/comparison/{other_id}", summary="Compare two traces", responses=errors(404, 503)
)
def compare_traces(trace_id: str, other_id: str, workbench: Bench, client: Reader) -> TraceComparisonBody:
    """How the second differs from the first: answer, decision, confidence and every signal."""
    found: TraceComparison = compare(
        workbench.traces.get(trace_id, client), workbench.traces.get(other_id, client)
    )
    return TraceComparisonBody.model_validate(found)


@router.post(
    "/traces/{trace_id}/redecide", summary="Decide again by another policy", responses=errors(404, 503)
)
def redecide(trace_id: str, body: RedecideBody, workbench: Bench) -> DecisionBody:
    """What a saved policy decides on the stored answer. No model runs and nothing is stored."""
    decision = decide_again(workbench.active.saved(body.policy), workbench.traces.get(trace_id))
    return DecisionBody.model_validate(decision)


@router.post(
    "/traces/{trace_id}/replay",
    summary="Ask a stored question again",
    responses=errors(404, 409, 429, 503),
)
async def replay(trace_id: str, request: Request, workbench: LoadedBench, client: Asker) -> AskResponse:
    """Ask it of the model that is loaded, as it was asked before: a new trace in the same session.

    It needs the question's text: kept by `store.privacy=full`, or in memory for the client that asked.
    """
    cancel = threading.Event()
    async with cancelled_when_gone(request, cancel):
        events = await run_sync(lambda: workbench.replay(trace_id, cancel=cancel, client=client))
        return response_to(await run_sync(last_trace, events, abandon_on_cancel=True))


@router.get(
    "/erasure",
    tags=["sessions"],
    summary="Whether deleted sessions are gone from the file",
    responses=errors(503),
)
def read_erasure(workbench: Bench) -> ErasureBody:
    """What was deleted stays in the bytes of the file until that is rewritten, which begins at once."""
    return ErasureBody.model_validate(workbench.store.erasure.status)


@router.post(
    "/erasure",
    tags=["sessions"],
    summary="Erase what was deleted",
    responses=errors(503),
)
def erase(workbench: Bench) -> ErasureBody:
    """Try again to rewrite the file, where that failed; nothing is done where nothing is due."""
    workbench.store.erasure.start()
    return ErasureBody.model_validate(workbench.store.erasure.status)


def _ended(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield line + "\n"
