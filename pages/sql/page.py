"""The SQL page: what no other page shows, an analyst asks of the store directly."""

from __future__ import annotations

import threading
from dataclasses import asdict

from codex.ask.workbench import Workbench
from codex.pages import JSON
from codex.pages.components import view
from codex.server.sql import csv_lines
from codex.store.sandbox import queries
from codex.store.sandbox.queries import Result

EXAMPLES = {
    "Decisions a day": (
        "SELECT date_trunc('day', created_at) AS day, action, count(DISTINCT trace_id) AS questions\n"
        "FROM model_inference_events\nGROUP BY ALL\nORDER BY day, action"
    ),
    "Confidence against labels": (
        "SELECT round(e.confidence, 1) AS confidence, avg(l.correct::INT) AS correct, count(*) AS answers\n"
        "FROM model_inference_events e\n"
        "JOIN counted_labels l ON l.run_id = '' AND l.question_id = e.trace_id\n"
        "WHERE l.correct IS NOT NULL\nGROUP BY ALL\nORDER BY 1"
    ),
    "The slowest questions": (
        "SELECT created_at, model, count(*) AS steps, max(trace_seconds) AS seconds\n"
        "FROM model_inference_events\nGROUP BY trace_id, created_at, model\nORDER BY seconds DESC\nLIMIT 20"
    ),
    "Least likely tokens": (
        "SELECT try(decode(bytes)) AS token, count(*) AS times, exp(avg(logprob)) AS probability\n"
        'FROM model_inference_token_stats\nWHERE "row" = 0\nGROUP BY ALL\n'
        "HAVING times >= 3\nORDER BY probability\nLIMIT 50"
    ),
    "Runs": (
        'SELECT r.name, r.model, count(*) AS answers, avg(n."right"::INT) AS correct\n'
        "FROM runs r JOIN run_records n ON n.run_id = r.id\nGROUP BY ALL\nORDER BY answers DESC"
    ),
}


class SqlPage:
    """What the page can do, as plain calls: JSON in, JSON out. Gradio only carries them."""

    def __init__(self, workbench: Workbench) -> None:
        self.workbench = workbench
        self._running: dict[str, threading.Event] = {}

    def config(self) -> JSON:
        """What the page needs at the start."""
        return {
            "examples": list(EXAMPLES.items()),
            "longest": queries.LONGEST,
            "limits": f"{queries.SECONDS:g} seconds, {queries.MEMORY} of memory, {queries.ROWS:,} rows",
        }

    def run(self, wanted: JSON) -> JSON:
        """The result of a query. wanted: {query, key}; the key stops it."""
        found = self._found(wanted)
        return asdict(found) | {"as_of": found.as_of.isoformat()}

    def csv(self, wanted: JSON) -> str:
        """The same result as CSV. wanted: {query, key}."""
        return "".join(csv_lines(self._found(wanted)))

    def stop(self, wanted: JSON) -> None:
        """Stop a query. wanted: {key}."""
        running = self._running.get(str(wanted["key"]))
        if running is not None:
            running.set()

    def _found(self, wanted: JSON) -> Result:
        key, cancel = str(wanted["key"]), threading.Event()
        self._running[key] = cancel
        try:
            return self.workbench.store.sandbox.run(str(wanted["query"]), cancel)
        finally:
            self._running.pop(key, None)


def build(workbench: Workbench) -> None:
    """Put the page into the Blocks that are open."""
    page = SqlPage(workbench)
    view("sql", page.config(), {"evaluate": (page.run, page.csv, page.stop)})
