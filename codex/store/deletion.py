"""Traces are taken out of every table that holds something of them, and out of the copy of the events."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from codex.store.erasure import Erasure
from codex.store.outbox import Outbox


class Deletion:
    """The one way to delete traces. Stateless, but for whom it tells."""

    def __init__(self, outbox: Outbox, erasure: Erasure) -> None:
        self._outbox = outbox
        self._erasure = erasure

    def delete(self, db: duckdb.DuckDBPyConnection, traces: Sequence[str]) -> None:
        """Delete traces in a transaction, with their labels and links; what people answered to them stays.

        Their bytes stay in the file until the erasure has rewritten it.
        """
        chosen = [list(traces)]
        these = "IN (SELECT unnest(?))"
        # An answer that a person wrote is theirs; the question was not, unless they typed it.
        db.execute(
            f"UPDATE people_answers SET question = NULL, vector = NULL WHERE NOT typed AND trace_id {these}",
            chosen,
        )
        for table in ("labels", "label_queue_items"):
            db.execute(f"DELETE FROM {table} WHERE run_id = '' AND question_id {these}", chosen)
        db.execute(f"DELETE FROM shares WHERE trace_id {these}", chosen)
        db.execute(
            "DELETE FROM model_inference_token_stats WHERE event_id IN"
            f" (SELECT event_id FROM model_inference_events WHERE trace_id {these})",
            chosen,
        )
        db.execute(f"DELETE FROM model_inference_events WHERE trace_id {these}", chosen)
        db.execute(f"DELETE FROM traces WHERE id {these}", chosen)
        self._outbox.add(db, traces)
        self._erasure.want(db)
