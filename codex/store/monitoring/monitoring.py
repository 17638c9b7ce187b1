"""What the answers were like, by hour, model and policy: counts that stay when the answers are deleted.

A trace is one question; what its last step decided counts. Rollups are sums, so that only answers that came
since the last one are added, each to the hour that its own time says: a clock that went back loses nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import duckdb

from codex.store.codec.columns import in_utc, naive_utc
from codex.store.database.file import Database, Row, quoted, rows
from codex.store.monitoring.rollups import (
    SECONDS,
    SINGLE,
    TENTHS,
    Distribution,
    Distributions,
    Failed,
    Retired,
    Rollup,
    Window,
)
from codex.store.traces.erasure import Deletion

SUMS = (
    *SINGLE,
    *(f"seconds_{bin}" for bin in range(len(SECONDS) + 1)),
    *(f"confidence_{bin}" for bin in range(TENTHS)),
)
"""The columns that a rollup adds up."""
QUANTILES = (0.1, 0.5, 0.9)
MOST_ANSWERS = 100_000
"""The newest answers of a window of which quantiles are taken."""
AT_ONCE = 9
"""Signals in one query: more would hold too many values in memory, fewer would read the table too often."""
BATCH = 10_000
"""Answers that are deleted in one transaction."""

SUMMED = ", ".join(
    (
        *(
            f"count(*) FILTER (ends_trace AND action = '{action}') AS {name}"
            for action, name in (("answer", "answered"), ("defer", "deferred"), ("abstain", "abstained"))
        ),
        "count(*) FILTER (kind = 'retrieve') AS retrievals",
        "count(*) FILTER (kind = 'reflect') AS reflections",
        "count(confidence) FILTER (ends_trace) AS confident",
        "coalesce(sum(confidence) FILTER (ends_trace), 0) AS confidence_sum",
        "coalesce(sum(trace_seconds) FILTER (ends_trace), 0) AS seconds_sum",
        *(
            f"coalesce(sum({name}), 0) AS {name}"
            for name in ("prompt_tokens", "answer_tokens", "sample_tokens")
        ),
        *(
            f"count(*) FILTER (ends_trace AND trace_seconds > {low} AND trace_seconds <= {high})"
            f" AS seconds_{bin}"
            for bin, (low, high) in enumerate(
                itertools.pairwise(("'-inf'::DOUBLE", *SECONDS, "'inf'::DOUBLE"))
            )
        ),
        *(
            f"count(*) FILTER (ends_trace AND confidence IS NOT NULL"
            f" AND least(floor({TENTHS} * confidence), {TENTHS - 1}) = {bin})"
            f" AS confidence_{bin}"
            for bin in range(TENTHS)
        ),
    )
)
FRESH = f"""
CREATE OR REPLACE TEMP TABLE fresh AS
SELECT date_trunc('hour', created_at) AS "hour", model, policy, min(event_id) AS "first", {SUMMED}
FROM model_inference_events WHERE event_id BETWEEN $1 AND $2
GROUP BY "hour", model, policy
"""
NEW_SERIES = """
INSERT INTO monitoring_series
SELECT (SELECT coalesce(max(number), 0) FROM monitoring_series) + row_number() OVER (ORDER BY min("first")),
       model, policy
FROM fresh ANTI JOIN monitoring_series USING (model, policy) GROUP BY model, policy
"""
ADD = f"""
INSERT INTO monitoring_hours ("hour", series, {", ".join(SUMS)}) SELECT "hour", number, {", ".join(SUMS)}
FROM fresh JOIN monitoring_series USING (model, policy)
ON CONFLICT ("hour", series) DO UPDATE SET {", ".join(f"{name} = {name} + excluded.{name}" for name in SUMS)}
"""


class Monitoring:
    """The rollups of a store, and what is read of its answers beside them.

    Thread-safe; every method raises StoreError.
    """

    def __init__(self, database: Database, deletion: Deletion) -> None:
        self._database = database
        self._deletion = deletion

    def roll_up(self) -> int:
        """Add the steps that came since the last time; returns how many they were."""
        with self._database.read() as db:
            ((done,),) = db.execute("SELECT event_id FROM monitoring_progress").fetchall()
            newest = _newest(db)
        if newest <= done:
            return 0
        with self._database.write() as db:
            # Another thread may have been here meanwhile.
            ((done,),) = db.execute("SELECT event_id FROM monitoring_progress").fetchall()
            newest = _newest(db)
            db.execute(FRESH, [done + 1, newest])
            db.execute(NEW_SERIES)
            db.execute(ADD)
            db.execute("UPDATE monitoring_progress SET event_id = ?", [newest])
            db.execute("DROP TABLE fresh")
        return max(0, newest - int(done))

    def add_failures(self, failures: Iterable[Failed]) -> None:
        """Count questions that failed."""
        counted = list(failures)
        if not counted:
            return
        with self._database.write() as db:
            for each in counted:
                series = _series(db, each.model, each.policy)
                db.execute(
                    "INSERT INTO monitoring_failures VALUES (?, ?, ?, ?)"
                    ' ON CONFLICT ("hour", series, error) DO UPDATE SET count = count + excluded.count',
                    [naive_utc(each.hour), series, each.error, each.count],
                )

    def series(self) -> list[tuple[str, str]]:
        """Every model and policy that answered or failed, in the order in which they first did."""
        with self._database.read() as db:
            found = db.execute("SELECT model, policy FROM monitoring_series ORDER BY number").fetchall()
        return [(model, policy) for model, policy in found]

    def hours(self, window: Window) -> list[Rollup]:
        """The rollups of a window, the oldest first; an hour belongs to it where it begins in it."""
        return self._rollups(window, by_hour=True)

    def totals(self, window: Window) -> list[Rollup]:
        """One rollup for each model and policy, in the order in which they first came."""
        return self._rollups(window, by_hour=False)

    def _rollups(self, window: Window, *, by_hour: bool) -> list[Rollup]:
        where, values = _where(window, '"hour"')
        at = '"hour"' if by_hour else "NULL"
        summed = ", ".join(f"sum({name}) AS {name}" for name in SUMS)
        key = f"{at} AS begins, number, model, policy"
        with self._database.read() as db:
            counts = rows(
                db,
                f"SELECT {key}, {summed} FROM monitoring_hours JOIN monitoring_series ON series = number"
                f" WHERE {where} GROUP BY begins, number, model, policy",
                values,
            )
            failures = rows(
                db,
                f"SELECT {key}, error, sum(count) AS count FROM monitoring_failures"
                f" JOIN monitoring_series ON series = number WHERE {where}"
                " GROUP BY begins, number, model, policy, error ORDER BY error",
                values,
            )
        failed: dict[Any, dict[str, int]] = {}
        for row in failures:
            failed.setdefault(_key(row), {})[row["error"]] = int(row["count"])
        found = {_key(row): _rollup(row, failed.get(_key(row), {})) for row in counts}
        for row in failures:
            found.setdefault(
                _key(row),
                Rollup(_hour(row["begins"]), row["model"], row["policy"], failures=failed[_key(row)]),
            )
        return [found[key] for key in sorted(found, key=lambda key: (key[0] or datetime.min, key[1]))]

    def distributions(self, window: Window, signals: Sequence[str]) -> Distributions:
        """Quantiles over the answers that are stored, the newest MOST_ANSWERS of the window.

        signals: the names of those that may be there.
        """
        where, values = _where(window, "created_at")
        of_window = f"FROM model_inference_events WHERE {where}"
        with self._database.read() as db:
            ((answers,),) = db.execute(f"SELECT count(*) {of_window} AND step = 0", values).fetchall()
            if not answers:
                return Distributions(0, 0, {}, None, None)
            newest = f"SELECT event_id {of_window} AND step = 0 ORDER BY event_id DESC LIMIT {MOST_ANSWERS}"
            ((oldest,),) = db.execute(f"SELECT min(event_id) FROM ({newest})", values).fetchall()
            values = [*values, oldest]
            first, last = (
                f"{of_window} AND event_id >= ? AND {which}" for which in ("step = 0", "ends_trace")
            )
            found: dict[str, Distribution] = {}
            for at in range(0, len(signals), AT_ONCE):
                columns = {name: f"signals[{quoted(name)}]" for name in signals[at : at + AT_ONCE]}
                found |= _quantiles(db, first, values, columns)
            ended = _quantiles(db, last, values, {name: name for name in ("confidence", "trace_seconds")})
        return Distributions(
            answers, min(answers, MOST_ANSWERS), found, ended.get("confidence"), ended.get("trace_seconds")
        )

    def labelled_answers(self, policy: str, calibrator: str | None = None) -> list[bool]:
        """Whether each answer that a policy gave and a person judged is correct, in the order of the labels.

        calibrator: of those that its version calibrated alone. Deferred answers and abstentions do not count.
        """
        with self._database.read() as db:
            found = db.execute(
                """
                SELECT l.correct FROM counted_labels l
                JOIN model_inference_events e ON l.run_id = '' AND l.question_id = e.trace_id
                WHERE l.correct IS NOT NULL AND e.policy = ? AND e.action = 'answer' AND e.ends_trace
                  AND (? IS NULL OR e.calibrated IS NOT NULL
                                    AND json_extract_string(e.params, 'calibrator') = ?)
                ORDER BY l.labelled_at, l.question_id
                """,
                [policy, calibrator, calibrator],
            ).fetchall()
        return [bool(correct) for (correct,) in found]

    def retire(self, before: datetime) -> Retired:
        """Delete the answers of before a time, with their tokens and with sessions that are left empty.

        Those with a label, and those that wait for one in a queue, stay; so do all counts by hour. Roll up
        first: what is not counted yet stays too.
        """
        old = (
            "FROM model_inference_events WHERE created_at < ?"
            " AND event_id <= (SELECT event_id FROM monitoring_progress)"
        )
        needed = (
            "trace_id IN (SELECT question_id FROM labels WHERE run_id = ''"
            " UNION ALL SELECT question_id FROM label_queue_items WHERE run_id = '')"
        )
        deleted = 0
        while True:
            with self._database.write() as db:
                db.execute(
                    f"CREATE OR REPLACE TEMP TABLE old AS SELECT DISTINCT trace_id, session_id {old}"
                    f" AND NOT {needed} LIMIT {BATCH}",
                    [naive_utc(before)],
                )
                ((here,),) = db.execute("SELECT count(*) FROM old").fetchall()
                if here:
                    self._retire(db)
                db.execute("DROP TABLE old")
                ((kept,),) = db.execute(
                    f"SELECT count(DISTINCT trace_id) {old}", [naive_utc(before)]
                ).fetchall()
            deleted += here
            if here < BATCH:
                return Retired(deleted, kept)

    def _retire(self, db: duckdb.DuckDBPyConnection) -> None:
        """Delete the traces of the table `old`, and the sessions that are left empty."""
        # Drift is looked for at every so many answers of a calibrator: these have been seen.
        db.execute(
            """
            INSERT INTO retired_answers
            SELECT json_extract_string(params, 'calibrator') AS calibrator, count(*)
            FROM model_inference_events WHERE trace_id IN (SELECT trace_id FROM old)
            AND calibrated IS NOT NULL AND larger IS NULL AND calibrator IS NOT NULL GROUP BY 1
            ON CONFLICT (calibrator) DO UPDATE SET answers = answers + excluded.answers
            """
        )
        found = db.execute("SELECT trace_id FROM old").fetchall()
        self._deletion.delete(db, [trace_id for (trace_id,) in found])
        db.execute(
            "DELETE FROM sessions WHERE id IN (SELECT session_id FROM old)"
            " AND id NOT IN (SELECT session_id FROM model_inference_events)"
        )


def _newest(db: duckdb.DuckDBPyConnection) -> int:
    ((newest,),) = db.execute("SELECT coalesce(max(event_id), 0) FROM model_inference_events").fetchall()
    return int(newest)


def _series(db: duckdb.DuckDBPyConnection, model: str, policy: str) -> int:
    """The number of a model and policy, a new one where it is the first time."""
    db.execute(
        "INSERT INTO monitoring_series SELECT coalesce(max(number), 0) + 1, $1, $2 FROM monitoring_series"
        " HAVING NOT EXISTS (SELECT 1 FROM monitoring_series WHERE model = $1 AND policy = $2)",
        [model, policy],
    )
    ((number,),) = db.execute(
        "SELECT number FROM monitoring_series WHERE model = ? AND policy = ?", [model, policy]
    ).fetchall()
    return int(number)


def _where(window: Window, moment: str) -> tuple[str, list[object]]:
    """A condition on the column of the time, and the values in it."""
    given = (
        (f"{moment} >= ?", window.since and naive_utc(window.since)),
        (f"{moment} < ?", window.until and naive_utc(window.until)),
        ("model = ?", window.model),
        ("policy = ?", window.policy),
    )
    held = [(condition, value) for condition, value in given if value is not None]
    return " AND ".join(["true", *(condition for condition, _ in held)]), [value for _, value in held]


def _quantiles(
    db: duckdb.DuckDBPyConnection, asked: str, values: Sequence[object], columns: Mapping[str, str]
) -> dict[str, Distribution]:
    """columns: name -> expression. A name without any value is left out."""
    points = ", ".join(map(str, QUANTILES))
    told = ", ".join(f"count({each}), quantile_cont({each}, [{points}])" for each in columns.values())
    [row] = db.execute(f"SELECT {told} {asked}", values).fetchall()
    pairs = zip(columns, row[::2], row[1::2], strict=True)
    return {name: Distribution(n, *quantiles) for name, n, quantiles in pairs if n}


def _key(row: Row) -> tuple[datetime | None, int]:
    return row["begins"], row["number"]


def _hour(at: datetime | None) -> datetime | None:
    return None if at is None else in_utc(at)


def _rollup(row: Row, failures: Mapping[str, int]) -> Rollup:
    sums = [row[name] if name.endswith("_sum") else int(row[name]) for name in SUMS]
    bins = len(SECONDS) + 1
    single, seconds, confidences = sums[: len(SINGLE)], sums[len(SINGLE) :][:bins], sums[-TENTHS:]
    named = dict(zip(SINGLE, single, strict=True))
    return Rollup(
        hour=_hour(row["begins"]),
        model=row["model"],
        policy=row["policy"],
        **named,
        seconds=tuple(seconds),
        confidences=tuple(confidences),
        failures=failures,
    )
