"""SQL over the store, read-only."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from codex.evaluation.report import cell
from codex.server.bodies import Body
from codex.server.guard import GuardedRoute
from codex.server.routes import Bench, errors
from codex.store.sandbox.queries import LONGEST, Cell, Result

router = APIRouter(prefix="/sql", tags=["sql"], route_class=GuardedRoute)
EXAMPLE = "SELECT action, count(*) AS steps FROM model_inference_events GROUP BY action ORDER BY action"


class QueryBody(BaseModel):
    """A query."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, json_schema_extra={"examples": [{"query": EXAMPLE}]}
    )

    query: str = Field(max_length=LONGEST, description="One SELECT or EXPLAIN, as DuckDB writes them.")


class ColumnBody(Body):
    """A column of a result."""

    name: str
    type: str = Field(description="As DuckDB names it.")


class ResultBody(Body):
    """What a query found."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "columns": [{"name": "action", "type": "VARCHAR"}, {"name": "steps", "type": "BIGINT"}],
                    "rows": [["answer", 120], ["defer", 31]],
                    "truncated": None,
                    "as_of": "2026-01-31T12:00:00Z",
                    "seconds": 0.2,
                }
            ]
        }
    )

    columns: list[ColumnBody]
    rows: list[list[Cell]] = Field(
        description="Numbers and booleans as they are, other values as text, lists and structs as JSON."
    )
    truncated: Literal["rows", "bytes"] | None = Field(description="The limit that left out the rest.")
    as_of: datetime = Field(description="The store as it was then.")
    seconds: float


@router.post("", summary="Query the store", responses=errors(503))
def query(body: QueryBody, workbench: Bench) -> ResultBody:
    """The result of one SELECT over the tables of the store, within limits of time, memory and rows.

    The query runs in a process of its own, which reads a copy of the database and nothing else.
    """
    return ResultBody.model_validate(workbench.store.sandbox.run(body.query))


@router.post(
    "/csv",
    summary="Query the store, for a spreadsheet",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}, **errors(503)},
)
def query_csv(body: QueryBody, workbench: Bench) -> StreamingResponse:
    """The same result as CSV; no cell is a formula to a spreadsheet."""
    return StreamingResponse(csv_lines(workbench.store.sandbox.run(body.query)), media_type="text/csv")


def csv_lines(result: Result) -> Iterator[str]:
    """A heading, and a line for each row; a missing value is an empty cell."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for row in ([column.name for column in result.columns], *result.rows):
        writer.writerow([cell(value) for value in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
