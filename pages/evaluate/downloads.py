"""Downloads of runs: the report as one page, the questions as a table and as lines of JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Response
from fastapi.responses import HTMLResponse, StreamingResponse

from codex.ask.workbench import Workbench
from codex.errors import NotFound
from codex.evaluation import report
from codex.evaluation.scoring import confidences_of, score
from codex.pages.evaluate.view import run_facts
from codex.server.guard import GuardedRoute
from codex.server.routes import workbench_of
from codex.store import Store

Rows = Iterable[report.Row]
FORMATS = {"report.html": "Report", "records.csv": "CSV", "records.ndjson": "NDJSON"}
"""What can be downloaded of a run, and what its button is called."""

router = APIRouter(
    prefix="/evaluate-runs", tags=["evaluations"], route_class=GuardedRoute, include_in_schema=False
)


@router.get("/{run_id}/{form}")
def download(
    run_id: str,
    form: Literal["report.html", "records.csv", "records.ndjson"],
    workbench: Annotated[Workbench, Depends(workbench_of)],
) -> Response:
    """A run as a file. Raises NotFound."""
    store = workbench.store
    name = store.runs.get(run_id).run.name
    attached = {"Content-Disposition": f'attachment; filename="{_file_name(name)}-{form}"'}
    if form == "report.html":
        return HTMLResponse(report_page(store, run_id), headers=attached)
    lines: Callable[[Rows], Iterator[str]]
    lines, kind = (
        (report.csv_lines, "text/csv") if form == "records.csv" else (report.ndjson, "application/x-ndjson")
    )
    return StreamingResponse(lines(_rows(store, run_id)), media_type=kind, headers=attached)


def report_page(store: Store, run_id: str) -> str:
    """The report of a run in HTML. Raises NotFound."""
    summary, table = store.runs.get(run_id), store.runs.table(run_id)
    accepted = {record.id: record.answers for record in store.runs.records(run_id)}
    found = confidences_of(table)
    scores = score(table, confidences=found, answers=[accepted[id_] for id_ in table.ids])
    return report.page(
        summary.run.name,
        scores,
        table,
        found.values,
        facts=[(name, fact if isinstance(fact, str) else fact["at"]) for name, fact in run_facts(summary)],
    )


def _rows(store: Store, run_id: str) -> Iterator[report.Row]:
    """Every question of a run, read as it is sent; a run that is deleted meanwhile ends early."""
    table = store.runs.table(run_id)
    confidences, _, _ = confidences_of(table)
    mean = {} if confidences is None else dict(zip(table.ids, confidences.mean(axis=0), strict=True))
    try:
        for record in store.runs.records(run_id):
            yield report.record_row(record, mean.get(record.id))
    except NotFound:
        return


def _file_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.")[:60] or "run"
