"""Traces, sessions and labels in one DuckDB file, which holds runs, calibrators and policies too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self, get_args

from codex.errors import Conflict, InvalidInput, NotFound
from codex.private import opener
from codex.redaction.observed import PERSONAL, SECRETS
from codex.store.codec.columns import in_utc
from codex.store.config import Privacy
from codex.store.database.file import Database, rows
from codex.store.evaluation.runs import Runs
from codex.store.evaluation.states import SUFFIX, KeptStates
from codex.store.labelling.labels import Label, Labels, verdict_of
from codex.store.labelling.people import People
from codex.store.labelling.queues import LabelQueues
from codex.store.monitoring.alerts import Alerts
from codex.store.monitoring.monitoring import Monitoring
from codex.store.postgres.event_copy import CopyStatus, EventCopy, check_address
from codex.store.postgres.outbox import Outbox
from codex.store.sandbox.queries import Sandbox
from codex.store.traces.erasure import Deletion, Erasure
from codex.store.traces.history import History
from codex.store.traces.inbox import Inbox
from codex.store.traces.rows import TOKEN_COLUMNS, event_row, trace_of
from codex.store.traces.sessions import Sessions
from codex.store.traces.shares import Shares
from codex.store.versions.policies import Policies, SavedPolicy
from codex.store.versions.versions import Versions
from codex.types import Trace

DATABASE = "codex.duckdb"
"""The name of the file, unless store.path gives another."""
TOLD = ("question_preview", "question", "prompt", "passages", "reasoning")
"""The columns that tell what was asked."""


@dataclass(frozen=True, slots=True)
class CountedLabel:
    """What counts of what people said of an answer."""

    trace_id: str
    correct: bool
    labelled_at: datetime


class Store:
    """The database of one home folder. Thread-safe; only one process may have it open.

    Every method raises StoreError when the file cannot be read or written; a write that fails changes
    nothing, and the store can be used again afterwards.
    """

    def __init__(
        self,
        path: Path,
        privacy: Privacy = "hash",
        events: str | None = None,
        event_days: int | None = None,
        hidden_states: bool = False,
        *,
        mask_secrets: bool = True,
        redact: bool = False,
    ) -> None:
        """Open the database, made when it is missing and brought up to date when it is older.

        events: the address of a PostgreSQL server that gets a copy of all events; event_days: how long that
        one keeps them, where it has TimescaleDB. hidden_states: keep those that are read of a run's answers.
        mask_secrets, redact: what is taken out of questions, answers and passages; see StoreConfig.
        Raises SettingsError where the address cannot be read.
        """
        if events:
            check_address(events)
        self.privacy = privacy
        self.mask_secrets = mask_secrets
        """Whether secrets are masked."""
        self._redactions = (SECRETS,) * mask_secrets + (PERSONAL,) * redact
        self._database = Database(path)
        self._outbox = Outbox(self._database)
        self._inbox = Inbox(self._database, self._outbox)
        self.erasure = Erasure(self._database)
        """The rewriting of the file, without what was deleted."""
        self.sessions = Sessions(self._database)
        """What was asked together."""
        self.history = History(self._database)
        """Every trace, filtered, sorted and in pages."""
        self.runs = Runs(self._database, self._redactions)
        """Evaluations and their records."""
        self.states = KeptStates(path, hidden_states)
        """Hidden states of the answers of runs."""
        self.calibrators = Versions(self._database, "calibrator")
        self.probes = Versions(self._database, "probe")
        self.verifiers = Versions(self._database, "verifier")
        self.policies = Policies(self._database)
        self.labels = Labels(self._database)
        """What labellers say of answers."""
        self.label_queues = LabelQueues(self._database)
        self._deletion = Deletion(self._outbox, self.erasure)
        self.monitoring = Monitoring(self._database, self._deletion)
        """What the answers were like, by hour."""
        self.alerts = Alerts(self._database)
        self.sandbox = Sandbox(self._database)
        """Queries of analysts."""
        self._copy = EventCopy(self._database, self._outbox, events, event_days) if events else None
        self.shares = Shares(self._database)
        """Links under which a trace can be read."""
        self.people = People(self._database)
        """What people answer to questions."""

    @property
    def path(self) -> Path:
        """The database file."""
        return self._database.path

    @property
    def event_copy(self) -> CopyStatus | None:
        """How far the copy of events in PostgreSQL is; None: there is none."""
        return None if self._copy is None else self._copy.status

    @property
    def privacy(self) -> Privacy:
        """What the next saved trace keeps of its question; what is stored already stays as it is."""
        return self._privacy

    @privacy.setter
    def privacy(self, privacy: Privacy) -> None:
        if privacy not in get_args(Privacy):
            raise InvalidInput(f"privacy is hash, preview or full, not {privacy!r}.", ["store.privacy"])
        self._privacy: Privacy = privacy

    def save(self, trace: Trace) -> None:
        """Keep a trace, whole or not at all; its session is made when it is new. See `Inbox`.

        Numbers that are not finite are kept as missing, and the samples' alternatives are not kept. Raises
        Conflict when the id is taken; InvalidInput when a text holds half a character (a lone surrogate).
        """
        self._inbox.put(self._redacted(trace), self.privacy)
        self._changed()

    def keep_question(self, trace: Trace) -> None:
        """Keep what privacy lets be kept now of a stored trace's question; no number changes."""
        trace = self._redacted(trace)
        with self._database.write() as db:
            for number in range(len(trace.steps)):
                row = event_row(trace, number, self.privacy)
                db.execute(
                    f"UPDATE model_inference_events SET {', '.join(f'{name} = ?' for name in TOLD)}"
                    " WHERE trace_id = ? AND step = ?",
                    [*(row[name] for name in TOLD), trace.id, number],
                )
            self._outbox.add(db, [trace.id])
        self._changed()

    def _redacted(self, trace: Trace) -> Trace:
        for redaction in self._redactions:
            trace = redaction.trace(trace)
        return trace

    def load(self, trace_id: str) -> Trace:
        """The trace as it was saved; what privacy left out is None, and "" in observations and passages.

        Raises NotFound.
        """
        with self._database.read() as db:
            where = db.execute(
                "SELECT first_event, last_event FROM traces WHERE id = ?", [trace_id]
            ).fetchall()
            if not where:
                return self._waiting(trace_id)
            events = rows(
                db,
                "SELECT * FROM model_inference_events WHERE event_id BETWEEN ? AND ? ORDER BY step",
                where[0],
            )
            tokens = db.execute(
                f"SELECT {', '.join(TOKEN_COLUMNS)} FROM model_inference_token_stats"
                ' WHERE event_id BETWEEN ? AND ? ORDER BY event_id, "row", position',
                where[0],
            ).fetchall()
        return trace_of(events, tokens)

    def _waiting(self, trace_id: str) -> Trace:
        waiting = self._inbox.load(trace_id)
        if waiting is None:
            raise NotFound(f"No trace {trace_id!r} is stored.")
        return waiting

    def question(self, trace_id: str) -> str | None:
        """What is kept of a trace's question: all of it, or its beginning; None: nothing. Raises NotFound."""
        with self._database.read() as db:
            found = db.execute(
                "SELECT coalesce(question, question_preview) FROM model_inference_events"
                " WHERE trace_id = ? AND step = 0",
                [trace_id],
            ).fetchall()
        if not found:
            raise NotFound(f"No trace {trace_id!r} is stored.")
        kept: str | None = found[0][0]
        return kept

    def calibrated_signals(self, calibrator: str, newest: int) -> tuple[int, list[dict[str, float | None]]]:
        """How many answers a calibrator's version calibrated, and the signals of the newest, oldest first."""
        calibrated = (
            "FROM model_inference_events WHERE calibrated IS NOT NULL AND larger IS NULL"
            " AND json_extract_string(params, 'calibrator') = ?"
        )
        with self._database.read() as db:
            ((seen,),) = db.execute(f"SELECT count(*) {calibrated}", [calibrator]).fetchall()
            found = db.execute(
                f"SELECT signals {calibrated} ORDER BY event_id DESC LIMIT ?", [calibrator, newest]
            ).fetchall()
            retired = db.execute(
                "SELECT answers FROM retired_answers WHERE calibrator = ?", [calibrator]
            ).fetchall()
        return seen + sum(count for (count,) in retired), [dict(signals) for (signals,) in reversed(found)]

    def labelled_traces(self) -> Iterator[tuple[Trace, bool | None]]:
        """Every trace, oldest first, with what a person said of its answer, read as they are asked for."""
        with self._database.read() as db:
            found = db.execute(
                "SELECT e.trace_id, any_value(l.correct) FROM model_inference_events e"
                " LEFT JOIN counted_labels l ON l.run_id = '' AND l.question_id = e.trace_id"
                " GROUP BY e.trace_id ORDER BY min(e.event_id)"
            ).fetchall()
        for trace_id, correct in found:
            with suppress(NotFound):  # It was deleted in the meantime.
                yield self.load(trace_id), correct

    def delete_session(self, session_id: str) -> None:
        """Delete a session with its traces, labels and links. Raises NotFound.

        Its bytes stay in the file until `erasure` has rewritten it.
        """
        with self._database.write() as db:
            if not rows(db, "DELETE FROM sessions WHERE id = ? RETURNING id", [session_id]):
                raise NotFound(f"No session {session_id!r} is stored.")
            found = db.execute(
                "SELECT DISTINCT trace_id FROM model_inference_events WHERE session_id = ?", [session_id]
            ).fetchall()
            self._deletion.delete(db, [trace_id for (trace_id,) in found])
        self.follow_deletion()

    def follow_deletion(self) -> None:
        """After traces were deleted: no query's copy of the database holds them, and PostgreSQL follows."""
        self.sandbox.forget()
        self._changed()

    def activate(self, calibrator: str, policy: str) -> None:
        """Activate a saved calibrator and a saved policy: both, or neither. Raises NotFound."""
        self.calibrators.load(calibrator)
        self.policies.load(policy)
        with self._database.write() as db:
            self.calibrators.activations.add(db, calibrator)
            self.policies.activations.add(db, policy)

    def delete_run(self, run_id: str) -> None:
        """Delete a run and its records. Raises NotFound; Conflict when a guarantee rests on it."""
        title = self.runs.get(run_id).run.name
        for policy in self.policies.list():
            if run_id in self._runs_under(policy):
                raise _needed(title, policy)
        self.runs.delete(run_id)
        self.states.forget(run_id)

    def delete_calibrator(self, version: str) -> None:
        """Delete a calibrator. Raises NotFound; Conflict when it is active or a guarantee rests on it."""
        title = self.calibrators.load(version).title
        for policy in self.policies.list():
            if policy.rests_on("calibrator") == version:
                raise _needed(title, policy)
        self.calibrators.delete(version)

    def _runs_under(self, policy: SavedPolicy) -> set[str]:
        """The runs that a policy's guarantee was proven on."""
        runs = {policy.rests_on("run") or ""}
        for calibrator in self.calibrators.list():
            if calibrator.version == policy.rests_on("calibrator"):
                runs.update(json.loads(calibrator.body).get("runs", ()))
        return runs

    def label(self, trace_id: str, correct: bool | None) -> None:
        """Keep what a person says of an answer; None takes it back. Raises NotFound."""
        if correct is None:
            self.labels.take_back("", trace_id)
        else:
            self.labels.put(Label("", trace_id, verdict_of(correct)))

    def counted_labels(self, limit: int = 200, offset: int = 0) -> list[CountedLabel]:
        """What counts of what people said of answers of the Ask page, the newest first."""
        with self._database.read() as db:
            found = rows(
                db,
                """
                SELECT question_id, correct, labelled_at FROM counted_labels
                WHERE run_id = '' AND correct IS NOT NULL
                ORDER BY labelled_at DESC, question_id LIMIT ? OFFSET ?
                """,
                [limit, offset],
            )
        return [CountedLabel(row["question_id"], row["correct"], in_utc(row["labelled_at"])) for row in found]

    def copy_to(self, folder: Path) -> None:
        """Write the database as it is now, and kept hidden states, into new files DATABASE and its like.

        Whatever was saved before is in the copy. Writers wait meanwhile, readers do not. Raises OSError.
        """
        with open(folder / DATABASE, "xb", opener=opener) as file:
            self._database.copy_to(file)
        self.states.copy_to(folder / f"{DATABASE}{SUFFIX}")

    def close(self) -> None:
        """Wait for what is under way and close the file; using the store afterwards raises StoreError.

        An erasure is stopped; it begins again when it is next started.
        """
        self.erasure.close()
        self._inbox.close()
        self.sandbox.forget()
        if self._copy is not None:
            self._copy.close()
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _changed(self) -> None:
        if self._copy is not None:
            self._copy.wake()


def _needed(title: str, policy: SavedPolicy) -> Conflict:
    first = "activate another policy and then delete it" if policy.active else "delete that policy"
    return Conflict(f"The guarantee of the policy {policy.title} rests on {title}: first {first}.")
