"""Evaluations and their records: added a few at a time, read one by one or as columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb

from codex.errors import Conflict, InvalidInput, NotFound
from codex.redaction.observed import Redaction
from codex.store.codec.columns import columns_of, read, written
from codex.store.database.file import Database, rows
from codex.store.evaluation.records import (
    GRADED,
    GRADED_BY,
    P_TRUE,
    RECORD_COLUMNS,
    Reading,
    Verified,
    check_new,
    labels_of,
    record_of,
    record_row,
    with_reading,
    with_verdict,
)
from codex.store.evaluation.table import Lines, Table, lines_of, table_of
from codex.store.labelling import labels
from codex.store.labelling.labels import OWN, Label, verdict_of
from codex.store.names import checked_name
from codex.types import Record, Run, RunState

PAGE = 256
"""Records read at once: an observation with ten samples is up to 100 kB."""

RUN = columns_of(Run)


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One line of the list of runs."""

    run: Run
    done: int
    """Questions with a record, answered or failed."""
    correct: int
    incorrect: int
    failed: int
    """Records with an error."""
    graders: dict[str, int]
    """How many records each grader graded; under "" those of which that is not known."""
    by_person: int = 0
    """Records whose verdict is a person's."""
    corrected: int = 0
    """Those of them of which the grader said something else."""
    labels: str = ""
    """Changes with what people said; "" where nobody said anything."""

    @property
    def by_person_in_words(self) -> str:
        """How many grades are a person's; "" for none."""
        confirmed = self.by_person - self.corrected
        parts = (("corrected", self.corrected), ("confirmed", confirmed))
        said = [f"{count:,} {'grade' if count == 1 else 'grades'} {word}" for word, count in parts if count]
        return " and ".join(said) + " by a person" if said else ""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a question of a run took."""

    seconds: float
    answer: int
    """Tokens."""
    samples: tuple[int, ...]
    """Tokens of each."""


class Runs:
    """The runs of a store. Thread-safe; every method raises StoreError."""

    def __init__(self, database: Database, redactions: Sequence[Redaction] = ()) -> None:
        """redactions: of the observation of each record, before it is kept; its grade is of the whole."""
        self._database = database
        self._redactions = redactions
        self._stop_the_killed()

    def create(self, run: Run) -> None:
        """Keep a new run, without records. Raises Conflict when the id is taken."""
        row = written(RUN, run)
        with self._database.write() as db:
            if rows(db, "SELECT 1 FROM runs WHERE id = ?", [run.id]):
                raise Conflict(f"A run {run.id!r} is stored already.")
            db.execute(
                f"INSERT INTO runs ({', '.join(row)}, signals) VALUES ({'?, ' * len(row)}[])", [*row.values()]
            )

    def finish(
        self, run_id: str, state: RunState, total: int | None = None, dataset: str | None = None
    ) -> None:
        """Say how a run stands; "running" takes it up again. total, dataset: where not known before.

        Raises NotFound.
        """
        if total is not None:
            self._update(run_id, "total", total)
        if dataset is not None:
            self._update(run_id, "dataset", dataset)
        self._update(run_id, "state", state)

    def rename(self, run_id: str, name: str) -> None:
        """Call a run something else. Raises NotFound, InvalidInput."""
        self._update(run_id, "name", checked_name(name, "run"))

    def extend(self, run: Run) -> None:
        """Keep what a run is asked from now on: its parameters and its total. Raises NotFound."""
        row = written(RUN, run)
        self._update(run.id, "params", row["params"])
        self._update(run.id, "total", run.total)

    def costs(self, run_id: str, most: int) -> list[Cost]:
        """Of the last `most` answers of a run, the last one first."""
        with self._database.read() as db:
            found = db.execute(
                """
                SELECT seconds, json_array_length(observation, '$.greedy.tokens'),
                       list_transform(json_extract(observation, '$.samples[*].tokens'),
                                      lambda tokens: json_array_length(tokens))
                FROM run_records WHERE run_id = ? AND error = '' ORDER BY number DESC LIMIT ?
                """,
                [run_id, most],
            ).fetchall()
        return [Cost(seconds, answer or 0, tuple(samples)) for seconds, answer, samples in found]

    def graded_of(self, groups: Sequence[str]) -> dict[str, tuple[int, int]]:
        """How many answers to questions of these groups are correct, and how many are graded, by run."""
        with self._database.read() as db:
            found = db.execute(
                f"""
                SELECT run_id, count(*) FILTER ("right"), count(*) FROM {GRADED}
                WHERE "right" IS NOT NULL AND "group" IN (SELECT unnest(?)) GROUP BY run_id
                """,
                [list(groups)],
            ).fetchall()
        return {run_id: (correct, graded) for run_id, correct, graded in found}

    def get(self, run_id: str) -> RunSummary:
        """A run by its id. Raises NotFound."""
        with self._database.read() as db:
            return self._summaries(db, run_id)[0]

    def list(self) -> list[RunSummary]:
        """Every run, the newest first."""
        with self._database.read() as db:
            return [*self._summaries(db)]

    def delete(self, run_id: str) -> None:
        """Delete a run and its records; who reads them is told NotFound. Raises NotFound."""
        with self._database.write() as db:
            if not rows(db, "DELETE FROM runs WHERE id = ? RETURNING id", [run_id]):
                raise _not_found(run_id)
            for table in ("run_records", "labels", "label_queue_items"):
                db.execute(f"DELETE FROM {table} WHERE run_id = ?", [run_id])

    def label(self, run_id: str, question_id: str, correct: bool | None) -> None:
        """Say whether an answer is correct, in the place of its grader; None: it cannot be graded.

        Raises NotFound; Conflict where the question failed, so that it has no answer.
        """
        with self._database.write() as db:
            _signal_names(db, run_id)
            labels.check(db, run_id, question_id)
            labels.insert(db, [Label(run_id, question_id, verdict_of(correct))])

    def unlabel(self, run_id: str, question_id: str) -> None:
        """The grader's verdict counts again. Raises NotFound; Conflict where the question failed."""
        with self._database.write() as db:
            _signal_names(db, run_id)
            labels.check(db, run_id, question_id)
            labels.delete(db, run_id, question_id, OWN)

    def add(self, run_id: str, records: Sequence[Record]) -> None:
        """Keep records at the end of a run, all of them or none.

        Raises NotFound; Conflict when a question of the run is there already; InvalidInput when a text
        holds half a character (a lone surrogate).
        """
        with self._database.write() as db:
            names = _signal_names(db, run_id)
            known = dict.fromkeys([*names, *(name for record in records for name in record.signals)])
            if len(known) > len(names):
                db.execute("UPDATE runs SET signals = ? WHERE id = ?", [list(known), run_id])
            check_new(db, run_id, [record.id for record in records])
            (start,) = db.execute(
                "SELECT coalesce(max(number) + 1, 0) FROM run_records WHERE run_id = ?", [run_id]
            ).fetchall()[0]
            values = [
                record_row(run_id, number, self._redacted(record), list(known))
                for number, record in enumerate(records, start)
            ]
            try:
                with db.appender("run_records", columns=list(RECORD_COLUMNS)) as appender:
                    appender.append_rows(values)
            except duckdb.InvalidInputException as error:
                raise InvalidInput(f"A record holds text that cannot be stored: {error}") from error
            labels.insert(db, labels.of_records(run_id, records))

    def add_readings(self, run_id: str, probe: str, readings: Mapping[str, Reading]) -> None:
        """Keep what probes of this version read for the records of a run, in place of any other readings.

        readings: by question. All are kept or none. Raises NotFound.
        """
        with self._database.write() as db:
            names = _signal_names(db, run_id)
            told = [name for reading in readings.values() for name in reading.signals]
            known = list(dict.fromkeys([*names, *told]))
            db.execute("UPDATE runs SET signals = ?, probe = ? WHERE id = ?", [known, probe, run_id])
            numbers = db.execute(
                "SELECT number FROM run_records WHERE run_id = ? ORDER BY number", [run_id]
            ).fetchall()
            for start in range(0, len(numbers), PAGE):
                page = rows(
                    db,
                    "SELECT number, question_id, signals, observation FROM run_records"
                    " WHERE run_id = ? AND number IN (SELECT unnest(?))",
                    [run_id, [number for (number,) in numbers[start : start + PAGE]]],
                )
                db.executemany(
                    "UPDATE run_records SET signals = ?, observation = ? WHERE run_id = ? AND number = ?",
                    [
                        [
                            *with_reading(row, known, told, readings.get(row["question_id"])),
                            run_id,
                            row["number"],
                        ]
                        for row in page
                    ],
                )

    def add_verdicts(self, run_id: str, verifier: str, verdicts: Mapping[str, Verified]) -> None:
        """Keep what a trained verifier of this version said of the answers of a run, in place of any other.

        verdicts: by question. All are kept or none. Raises NotFound, StoreError.
        """
        with self._database.write() as db:
            names = list(dict.fromkeys([*_signal_names(db, run_id), P_TRUE]))
            db.execute("UPDATE runs SET signals = ?, verifier = ? WHERE id = ?", [names, verifier, run_id])
            for question_id, verified in verdicts.items():
                found = rows(
                    db,
                    "SELECT * FROM run_records WHERE run_id = ? AND question_id = ?",
                    [run_id, question_id],
                )
                for row in found:
                    db.execute(
                        "UPDATE run_records SET signals = ?, observation = ? WHERE run_id = ? AND number = ?",
                        [*with_verdict(row, names, verified), run_id, row["number"]],
                    )

    def came(self, run_id: str) -> bool:
        """Whether a run that ships with Codex came in, deleted or not."""
        with self._database.read() as db:
            return bool(rows(db, "SELECT 1 FROM shipped_runs WHERE id = ?", [run_id]))

    def note_came(self, run_id: str) -> None:
        """Remember that a run that ships with Codex came in."""
        with self._database.write() as db:
            db.execute("INSERT OR IGNORE INTO shipped_runs VALUES (?)", [run_id])

    def ids(self, run_id: str) -> set[str]:
        """The questions that have a record. Raises NotFound."""
        with self._database.read() as db:
            _signal_names(db, run_id)
            found = db.execute("SELECT question_id FROM run_records WHERE run_id = ?", [run_id]).fetchall()
        return {question_id for (question_id,) in found}

    def records(self, run_id: str) -> Iterator[Record]:
        """Every record, in the order they came, read as they are asked for.

        Raises NotFound, also when the run is deleted in the meantime.
        """
        after = -1
        while True:
            with self._database.read() as db:
                names = _signal_names(db, run_id)
                page = rows(
                    db,
                    "SELECT * FROM run_records WHERE run_id = ? AND number > ? ORDER BY number LIMIT ?",
                    [run_id, after, PAGE],
                )
                said = labels_of(db, run_id)
            for row in page:
                yield record_of(row, names, said)
            if len(page) < PAGE:
                return
            after = page[-1]["number"]

    def record(self, run_id: str, question_id: str) -> Record:
        """One record. Raises NotFound."""
        with self._database.read() as db:
            names = _signal_names(db, run_id)
            found = rows(
                db, "SELECT * FROM run_records WHERE run_id = ? AND question_id = ?", [run_id, question_id]
            )
            said = labels_of(db, run_id, question_id)
        if not found:
            raise NotFound(f"The run {run_id!r} has no question {question_id!r}.")
        return record_of(found[0], names, said)

    def answers(self, run_id: str) -> Sequence[tuple[str, ...]]:
        """The accepted answers of each row of `table`. Raises NotFound."""
        with self._database.read() as db:
            _signal_names(db, run_id)
            found = db.execute(
                f'SELECT answers FROM {GRADED} WHERE run_id = ? AND "right" IS NOT NULL ORDER BY number',
                [run_id],
            ).fetchall()
        return [tuple(answers) for (answers,) in found]

    def lines(self, run_id: str) -> Lines:
        """Every record without its tokens and signals. Raises NotFound."""
        with self._database.read() as db:
            _signal_names(db, run_id)
            return lines_of(db, run_id)

    def sharing(self, run_id: str) -> Sequence[str]:
        """Other runs that were asked one of its questions: the same text, or the same id of the same set."""
        with self._database.read() as db:
            found = db.execute(
                """
                SELECT DISTINCT run_id FROM run_records
                WHERE run_id <> $run AND (
                    lower(trim(question)) IN (
                        SELECT lower(trim(question)) FROM run_records WHERE run_id = $run
                    ) OR (question_id, "group") IN (
                        SELECT (question_id, "group") FROM run_records WHERE run_id = $run
                    )
                )
                """,
                {"run": run_id},
            ).fetchall()
        return [other for (other,) in found]

    def table(self, run_id: str) -> Table:
        """The graded records as columns. Raises NotFound."""
        with self._database.read() as db:
            db.begin()
            names = _signal_names(db, run_id)
            columns = "".join(f", signals[{at}] AS s{at}" for at in range(1, len(names) + 1))
            found = db.execute(
                'SELECT number, question_id, question, answer, "group", seconds, "right" AS correct'
                f'{columns} FROM {GRADED} WHERE run_id = ? AND "right" IS NOT NULL',
                [run_id],
            ).fetchnumpy()
            graders = db.execute(
                f"""
                SELECT {GRADED_BY} AS name, count(*) FROM {GRADED}
                WHERE run_id = ? AND "right" IS NOT NULL GROUP BY name ORDER BY count(*) DESC, name
                """,
                [run_id],
            ).fetchall()
            ((ungraded,),) = db.execute(
                f'SELECT count(*) FROM {GRADED} WHERE run_id = ? AND "right" IS NULL', [run_id]
            ).fetchall()
            db.rollback()
        return table_of(found, names, ungraded, dict(graders))

    def _stop_the_killed(self) -> None:
        """Only this process has the database open, so whatever ran when it was opened was killed."""
        with self._database.read() as db:
            if not rows(db, "SELECT 1 FROM runs WHERE state = 'running' LIMIT 1"):
                return
        with self._database.write() as db:
            db.execute("UPDATE runs SET state = 'cancelled' WHERE state = 'running'")

    def _redacted(self, record: Record) -> Record:
        for redaction in self._redactions:
            seen, error = redaction.observation(record.observation), redaction.text(record.error)
            record = replace(record, observation=seen, error=error)
        return record

    def _update(self, run_id: str, column: str, value: str | int) -> None:
        with self._database.write() as db:
            if not rows(db, f"UPDATE runs SET {column} = ? WHERE id = ? RETURNING id", [value, run_id]):
                raise _not_found(run_id)

    @staticmethod
    def _summaries(db: duckdb.DuckDBPyConnection, run_id: str | None = None) -> Sequence[RunSummary]:
        found = rows(
            db,
            f"""
            SELECT any_value(r) AS run, count(k.run_id) AS done,
                   count(*) FILTER (k."right") AS correct, count(*) FILTER (NOT k."right") AS incorrect,
                   count(*) FILTER (k.error <> '') AS failed,
                   histogram({GRADED_BY}) FILTER (k."right" IS NOT NULL) AS graders,
                   count(*) FILTER (k.by_person) AS by_person,
                   count(*) FILTER (k.by_person AND k."right" IS DISTINCT FROM k.grader_right) AS corrected,
                   hex(bit_xor(hash(k.question_id, k."right")) FILTER (k.by_person)) AS labels
            FROM runs r LEFT JOIN {GRADED} k ON k.run_id = r.id
            WHERE r.id = coalesce(?, r.id)
            GROUP BY r.id ORDER BY max(r.created_at) DESC, r.id
            """,
            [run_id],
        )
        if run_id is not None and not found:
            raise _not_found(run_id)
        return [
            RunSummary(
                Run(**read(RUN, row["run"])),
                row["done"],
                row["correct"],
                row["incorrect"],
                row["failed"],
                _most_first(row["graders"] or {}),
                row["by_person"],
                row["corrected"],
                row["labels"] or "",
            )
            for row in found
        ]


def _not_found(run_id: str) -> NotFound:
    return NotFound(f"No run {run_id!r} is stored: it was deleted, or never there. `codex runs` lists them.")


def _signal_names(db: duckdb.DuckDBPyConnection, run_id: str) -> tuple[str, ...]:
    """The names of a run's signals. Raises NotFound."""
    found = rows(db, "SELECT signals FROM runs WHERE id = ?", [run_id])
    if not found:
        raise _not_found(run_id)
    return tuple(found[0]["signals"])


def _most_first(counts: dict[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
