"""The tables, as an ordered list of small steps; a database remembers which were applied.

A step that has been released is never edited: a change of the tables is a new step at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import duckdb

from codex.errors import StoreError

Migration = Callable[[duckdb.DuckDBPyConnection], object]


def create_events(db: duckdb.DuckDBPyConnection) -> None:
    """Sessions, one row for each step of a trace, and one row for each token of its texts."""
    db.execute("CREATE TABLE sessions (id VARCHAR PRIMARY KEY, created_at TIMESTAMP NOT NULL)")
    db.execute("CREATE SEQUENCE event_ids")
    db.execute(
        """
        CREATE TABLE model_inference_events (
            event_id BIGINT NOT NULL,
            trace_id VARCHAR NOT NULL,
            session_id VARCHAR NOT NULL,
            parent_trace_id VARCHAR,
            step USMALLINT NOT NULL,
            kind VARCHAR NOT NULL,
            created_at TIMESTAMP NOT NULL,      -- UTC
            model VARCHAR NOT NULL,             -- the engine's fingerprint
            params JSON NOT NULL,
            policy VARCHAR NOT NULL,            -- its version
            question_sha256 VARCHAR NOT NULL,
            question_preview VARCHAR,           -- first 127 characters
            question VARCHAR,
            prompt_sha256 VARCHAR NOT NULL,
            prompt VARCHAR,
            answer VARCHAR NOT NULL,            -- what the model wrote in this step
            finish_reason VARCHAR NOT NULL,
            prompt_tokens UINTEGER NOT NULL,
            prefix_tokens UINTEGER NOT NULL,
            logprobs VARCHAR NOT NULL,          -- raw, processed or none
            seconds DOUBLE NOT NULL,
            samples STRUCT(text VARCHAR, finish_reason VARCHAR, prompt_tokens UINTEGER,
                           prefix_tokens UINTEGER, logprobs VARCHAR, seconds DOUBLE)[] NOT NULL,
            avg_logprob DOUBLE,                 -- the signals that the default gate reads
            entropy DOUBLE,
            top1_prob DOUBLE,
            signals MAP(VARCHAR, DOUBLE) NOT NULL,
            confidence DOUBLE,
            calibrated DOUBLE,
            gate VARCHAR NOT NULL,
            action VARCHAR NOT NULL,
            reason VARCHAR NOT NULL,
            reply VARCHAR NOT NULL,             -- what was said to the user at the end of the trace
            trace_seconds DOUBLE NOT NULL,
            UNIQUE (trace_id, step)
        )
        """
    )
    # event_id rises with time, so a block's minimum and maximum find a trace's rows without an index.
    db.execute(
        """
        CREATE TABLE model_inference_token_stats (
            event_id BIGINT NOT NULL,
            "row" USMALLINT NOT NULL,           -- 0 is the answer, 1..n its samples
            position UINTEGER NOT NULL,
            token_id INTEGER NOT NULL,
            bytes BLOB NOT NULL,
            logprob DOUBLE,
            entropy DOUBLE,
            entropy_exact BOOLEAN NOT NULL,
            rank UINTEGER,
            self_certainty DOUBLE,
            in_focus BOOLEAN,                   -- of the answer's tokens
            alternatives STRUCT(id INTEGER, bytes BLOB, logprob DOUBLE, is_end BOOLEAN)[]  -- of the answer's
        )
        """
    )


def create_labels(db: duckdb.DuckDBPyConnection) -> None:
    """What people said of an answer."""
    db.execute(
        """
        CREATE TABLE labels (
            trace_id VARCHAR PRIMARY KEY,
            correct BOOLEAN NOT NULL,
            labelled_at TIMESTAMP NOT NULL
        )
        """
    )


def create_policies(db: duckdb.DuckDBPyConnection) -> None:
    """Every policy that decided on something, under its version."""
    db.execute(
        """
        CREATE TABLE policies (
            version VARCHAR PRIMARY KEY,
            name VARCHAR NOT NULL,
            body JSON NOT NULL,
            created_at TIMESTAMP NOT NULL
        )
        """
    )


def add_evidence(db: duckdb.DuckDBPyConnection) -> None:
    """What each step was checked against."""
    # passages: without their text unless privacy is full. verdict: the bytes of its tokens in hexadecimal.
    for column in ("passages", "grounding", "verdict", "similarity"):
        db.execute(f"ALTER TABLE model_inference_events ADD COLUMN {column} JSON")


def create_runs(db: duckdb.DuckDBPyConnection) -> None:
    """Evaluations with their records, calibrators, and which policy and calibrator were made active."""
    db.execute(
        """
        CREATE TABLE runs (
            id VARCHAR PRIMARY KEY,
            name VARCHAR NOT NULL,
            dataset VARCHAR NOT NULL,
            created_at TIMESTAMP NOT NULL,      -- UTC
            model VARCHAR NOT NULL,             -- the engine's fingerprint
            prompt VARCHAR NOT NULL,            -- the templates' fingerprint
            params JSON NOT NULL,
            total UINTEGER NOT NULL,
            state VARCHAR NOT NULL,
            signals VARCHAR[] NOT NULL          -- names of the numbers in run_records.signals
        )
        """
    )
    # That a question stands once in a run is checked before it is written: an index of a million texts
    # would fill the memory that the database may use.
    db.execute(
        """
        CREATE TABLE run_records (
            run_id VARCHAR NOT NULL,
            number UINTEGER NOT NULL,           -- in the order they came
            question_id VARCHAR NOT NULL,
            "group" VARCHAR NOT NULL,
            question VARCHAR NOT NULL,
            answer VARCHAR NOT NULL,            -- what the model wrote
            answers VARCHAR[] NOT NULL,         -- accepted ones
            "right" BOOLEAN,
            grade DOUBLE,
            seconds DOUBLE NOT NULL,
            error VARCHAR NOT NULL,
            signals DOUBLE[] NOT NULL,          -- by runs.signals; a shorter list: the rest is missing
            observation VARCHAR NOT NULL        -- JSON, as in a file of generations
        )
        """
    )
    db.execute(
        """
        CREATE TABLE calibrators (
            version VARCHAR PRIMARY KEY,
            name VARCHAR NOT NULL,
            body JSON NOT NULL,
            run_id VARCHAR,
            created_at TIMESTAMP NOT NULL
        )
        """
    )
    db.execute("CREATE SEQUENCE activation_numbers")
    # The last one of a kind that was not undone is active.
    db.execute(
        """
        CREATE TABLE activations (
            number BIGINT NOT NULL,
            kind VARCHAR NOT NULL,              -- policy or calibrator
            version VARCHAR,                    -- none: nothing of that kind
            activated_at TIMESTAMP NOT NULL,
            undone BOOLEAN NOT NULL
        )
        """
    )


def add_ends(db: duckdb.DuckDBPyConnection) -> None:
    """How sure the model was to stop, of the answer and of its samples."""
    for column in ("end_logprob", "samples.element.end_logprob"):
        db.execute(f"ALTER TABLE model_inference_events ADD COLUMN {column} DOUBLE")


def add_graders(db: duckdb.DuckDBPyConnection) -> None:
    """What graded each record, and the choices of its question, so that it can be graded again."""
    for column, kind in (("grader", "VARCHAR"), ("choices", "VARCHAR[]"), ("labels", "VARCHAR[]")):
        db.execute(f"ALTER TABLE run_records ADD COLUMN {column} {kind}")
    # What graded a record was kept only where one grader was named for the whole run.
    db.execute(
        """
        UPDATE run_records SET grader = params ->> '$.grader' FROM runs
        WHERE run_records.run_id = runs.id AND "right" IS NOT NULL
        """
    )


def add_familiarity(db: duckdb.DuckDBPyConnection) -> None:
    """How like a question is to those that its calibrator was fitted on."""
    db.execute("ALTER TABLE model_inference_events ADD COLUMN familiarity DOUBLE")


def create_shipped_runs(db: duckdb.DuckDBPyConnection) -> None:
    """Which runs that ship with Codex came in already, so that a deleted one does not come back."""
    db.execute("CREATE TABLE shipped_runs (id VARCHAR PRIMARY KEY)")


def create_run_labels(db: duckdb.DuckDBPyConnection) -> None:
    """What people said of the answers of runs."""
    db.execute(
        """
        CREATE TABLE run_labels (
            run_id VARCHAR NOT NULL,
            question_id VARCHAR NOT NULL,
            correct BOOLEAN,                    -- NULL: not gradable
            labelled_at TIMESTAMP NOT NULL,     -- UTC
            PRIMARY KEY (run_id, question_id)
        )
        """
    )


def hold_labels_of_several(db: duckdb.DuckDBPyConnection) -> None:
    """What each labeller said of an answer, of the Ask page or of a run; what counts of it, as a view."""
    db.execute("ALTER TABLE labels RENAME TO trace_labels")
    db.execute(
        """
        CREATE TABLE labels (
            run_id VARCHAR NOT NULL,            -- '': an answer of the Ask page
            question_id VARCHAR NOT NULL,       -- of the run; or the trace
            labeller VARCHAR NOT NULL,          -- '': whoever uses this machine
            verdict VARCHAR NOT NULL,           -- correct, incorrect, partly or unclear
            correction VARCHAR NOT NULL,        -- the correct answer, in the labeller's words
            note VARCHAR NOT NULL,
            tags VARCHAR[] NOT NULL,
            spans STRUCT(first UINTEGER, last UINTEGER)[] NOT NULL,  -- incorrect tokens of the answer
            adjudicated BOOLEAN NOT NULL,       -- decides where labellers differ
            made_at TIMESTAMP NOT NULL,         -- UTC
            PRIMARY KEY (run_id, question_id, labeller)
        )
        """
    )
    for table, run, question in (("trace_labels", "''", "trace_id"), ("run_labels", "run_id", "question_id")):
        db.execute(
            f"""
            INSERT INTO labels
            SELECT {run}, {question}, '',
                   CASE WHEN correct THEN 'correct' WHEN NOT correct THEN 'incorrect' ELSE 'unclear' END,
                   '', '', [], [], false, labelled_at FROM {table}
            """
        )
        db.execute(f"DROP TABLE {table}")
    # An answer that is partly correct is no correct one. Where as many say one thing as the other,
    # nobody can tell until somebody adjudicates.
    db.execute(
        """
        CREATE VIEW counted_labels AS
        SELECT run_id, question_id, max(made_at) AS labelled_at, count(*) AS labellers,
               CASE coalesce(arg_max(verdict, made_at) FILTER (adjudicated), majority)
                   WHEN 'correct' THEN true WHEN 'unclear' THEN NULL ELSE false END AS correct
        FROM (
            SELECT *, CASE sign(sum(CASE verdict WHEN 'correct' THEN 1 WHEN 'unclear' THEN 0 ELSE -1 END)
                                OVER (PARTITION BY run_id, question_id))
                      WHEN 1 THEN 'correct' WHEN -1 THEN 'incorrect' ELSE 'unclear' END AS majority
            FROM labels
        )
        GROUP BY run_id, question_id, majority
        """
    )


def create_label_queues(db: duckdb.DuckDBPyConnection) -> None:
    """Answers that wait for labels, each queue in an order of its own."""
    db.execute(
        """
        CREATE TABLE label_queues (
            id VARCHAR PRIMARY KEY,
            name VARCHAR NOT NULL,
            source VARCHAR NOT NULL,            -- deferred, asked, incorrect, run or differing
            run_id VARCHAR NOT NULL,            -- '': answers of the Ask page
            ordering VARCHAR NOT NULL,          -- mixed, uncertainty, random or newest
            overlap USMALLINT NOT NULL,         -- labellers for each answer
            created_at TIMESTAMP NOT NULL       -- UTC
        )
        """
    )
    db.execute(
        """
        CREATE TABLE label_queue_items (
            queue_id VARCHAR NOT NULL,
            run_id VARCHAR NOT NULL,
            question_id VARCHAR NOT NULL,
            "rank" DOUBLE NOT NULL,             -- the smallest comes first
            weight DOUBLE,                      -- its chances in a random order; else NULL
            confidence DOUBLE                   -- when it came in; NULL: unknown
        )
        """
    )


def create_event_outbox(db: duckdb.DuckDBPyConnection) -> None:
    """Traces that a second home of events does not have yet, once one was set."""
    db.execute("CREATE TABLE event_source (id VARCHAR NOT NULL, copied_to BIGINT NOT NULL)")
    db.execute("CREATE SEQUENCE outbox_numbers")
    db.execute("CREATE TABLE event_outbox (number BIGINT NOT NULL, trace_id VARCHAR NOT NULL)")


def create_shares(db: duckdb.DuckDBPyConnection) -> None:
    """Links under which a trace can be read."""
    db.execute(
        """
        CREATE TABLE shares (
            id VARCHAR PRIMARY KEY,
            token_sha256 VARCHAR NOT NULL,      -- the token itself is not kept
            trace_id VARCHAR NOT NULL,
            label VARCHAR NOT NULL,             -- '': none
            created_at TIMESTAMP NOT NULL,      -- UTC
            revoked_at TIMESTAMP                -- UTC; NULL: it can be opened
        )
        """
    )


def create_people_answers(db: duckdb.DuckDBPyConnection) -> None:
    """Answers that people gave to questions, for when a like question comes."""
    db.execute(
        """
        CREATE TABLE people_answers (
            id VARCHAR PRIMARY KEY,
            question VARCHAR,                   -- where its author typed it, or it was kept in full
            question_sha256 VARCHAR NOT NULL,
            answer VARCHAR NOT NULL,
            author VARCHAR NOT NULL,
            source VARCHAR NOT NULL,            -- what it rests on; may be empty
            trace_id VARCHAR,                   -- the answer that was left to a person
            typed BOOLEAN NOT NULL,             -- the question, by the author
            made_at TIMESTAMP NOT NULL,         -- UTC, as the others
            edited_at TIMESTAMP,
            expires_at TIMESTAMP,
            withdrawn_at TIMESTAMP,
            vector BLOB                         -- of the question, float32; only beside its text
        )
        """
    )


def count_tokens(db: duckdb.DuckDBPyConnection) -> None:
    """How many tokens each step wrote, so that they are added up without reading them."""
    for column in ("answer_tokens", "sample_tokens"):
        db.execute(f"ALTER TABLE model_inference_events ADD COLUMN {column} UINTEGER")
    db.execute(
        """
        UPDATE model_inference_events e
        SET answer_tokens = coalesce(counted.answer, 0), sample_tokens = coalesce(counted.samples, 0)
        FROM (
            SELECT event_id, count(t.event_id) FILTER (t."row" = 0) AS answer,
                   count(t.event_id) FILTER (t."row" > 0) AS samples
            FROM model_inference_events LEFT JOIN model_inference_token_stats t USING (event_id)
            GROUP BY event_id
        ) counted
        WHERE counted.event_id = e.event_id
        """
    )


def create_monitoring(db: duckdb.DuckDBPyConnection) -> None:
    """What the answers of each hour were like, alerts on it, and what was said of them."""
    db.execute(
        """
        CREATE TABLE monitoring_series (
            number INTEGER PRIMARY KEY,         -- in the order in which they first came
            model VARCHAR NOT NULL,
            policy VARCHAR NOT NULL             -- its version
        )
        """
    )
    sums = ("confidence_sum DOUBLE", "seconds_sum DOUBLE")
    counts = (
        *("answered", "deferred", "abstained", "retrievals", "reflections", "confident"),
        *("prompt_tokens", "answer_tokens", "sample_tokens"),
        *(f"seconds_{bin}" for bin in range(10)),
        *(f"confidence_{bin}" for bin in range(10)),
    )
    columns = ", ".join(f"{column} NOT NULL" for column in (*(f"{name} BIGINT" for name in counts), *sums))
    db.execute(
        f"""
        CREATE TABLE monitoring_hours (
            "hour" TIMESTAMP NOT NULL,          -- its beginning, in UTC
            series INTEGER NOT NULL,
            {columns},
            PRIMARY KEY ("hour", series)
        )
        """
    )
    db.execute(
        """
        CREATE TABLE monitoring_failures (
            "hour" TIMESTAMP NOT NULL,
            series INTEGER NOT NULL,
            error VARCHAR NOT NULL,             -- the name of its type
            count BIGINT NOT NULL,
            PRIMARY KEY ("hour", series, error)
        )
        """
    )
    # Up to which event the hours are counted.
    db.execute("CREATE TABLE monitoring_progress AS SELECT 0::BIGINT AS event_id")
    # Answers of a calibrator that were deleted for their age.
    db.execute("CREATE TABLE retired_answers (calibrator VARCHAR PRIMARY KEY, answers BIGINT NOT NULL)")
    db.execute(
        """
        CREATE TABLE alerts (
            name VARCHAR PRIMARY KEY,
            about VARCHAR NOT NULL,             -- what it is measured on: another one begins anew
            state VARCHAR NOT NULL,             -- cold_start, no_data, ok, alert or paused
            since TIMESTAMP NOT NULL,           -- UTC
            notified_at TIMESTAMP,              -- NULL: nothing to recover from
            warm BOOLEAN NOT NULL,              -- whether there ever was enough to go by
            value DOUBLE,
            threshold DOUBLE,
            count BIGINT NOT NULL,              -- what the value rests on
            message VARCHAR NOT NULL
        )
        """
    )
    db.execute("CREATE SEQUENCE notice_numbers")
    db.execute(
        """
        CREATE TABLE notices (
            number BIGINT PRIMARY KEY,
            alert VARCHAR NOT NULL,
            kind VARCHAR NOT NULL,              -- alert, again, recovered, ended, paused or resumed
            made_at TIMESTAMP NOT NULL,         -- UTC
            message VARCHAR NOT NULL,
            value DOUBLE,
            threshold DOUBLE,
            delivery VARCHAR NOT NULL,          -- none, waiting, delivered or failed
            attempts UINTEGER NOT NULL,
            next_at TIMESTAMP,                  -- of the next attempt
            error VARCHAR NOT NULL              -- of the last one
        )
        """
    )


def add_ends_of_traces(db: duckdb.DuckDBPyConnection) -> None:
    """Which step is a trace's last, and what the whole trace cost in tokens."""
    for column, kind in (
        ("ends_trace", "BOOLEAN"),
        ("trace_prompt_tokens", "UBIGINT"),
        ("trace_generated_tokens", "UBIGINT"),
    ):
        db.execute(f"ALTER TABLE model_inference_events ADD COLUMN {column} {kind}")
    # A branch has the samples of its parent, and the tokens before it: they were generated for that one.
    db.execute(
        """
        CREATE TEMP TABLE costs AS
        SELECT trace_id, max(step) AS last_step, sum(prompt_tokens) AS prompted,
               sum(coalesce(generated, 0)) AS generated
        FROM model_inference_events e LEFT JOIN (
            SELECT t.event_id,
                   greatest(0, count(*) FILTER (t."row" = 0) - any_value(k.prefix_tokens)
                   + CASE any_value(k.kind) WHEN 'branch' THEN 0 ELSE count(*) FILTER (t."row" > 0) END)
                   AS generated
            FROM model_inference_token_stats t JOIN model_inference_events k ON k.event_id = t.event_id
            GROUP BY t.event_id
        ) USING (event_id)
        GROUP BY trace_id
        """
    )
    db.execute(
        """
        UPDATE model_inference_events SET ends_trace = step = last_step, trace_prompt_tokens = prompted,
               trace_generated_tokens = generated
        FROM costs WHERE model_inference_events.trace_id = costs.trace_id
        """
    )
    db.execute("DROP TABLE costs")


def create_traces(db: duckdb.DuckDBPyConnection) -> None:
    """Where each trace stands, which wait for their tables, and whether deleted ones are to be erased."""
    db.execute(
        """
        CREATE TABLE traces (
            id VARCHAR PRIMARY KEY,
            first_event BIGINT NOT NULL,
            last_event BIGINT NOT NULL
        )
        """
    )
    db.execute(
        "INSERT INTO traces SELECT trace_id, min(event_id), max(event_id) FROM model_inference_events"
        " GROUP BY trace_id ORDER BY min(event_id)"
    )
    db.execute(
        """
        CREATE TABLE trace_inbox (
            trace_id VARCHAR PRIMARY KEY,
            events VARCHAR NOT NULL,            -- JSON: rows of model_inference_events, without their ids
            tokens VARCHAR NOT NULL             -- JSON: see codex/store/traces/inbox.py
        )
        """
    )
    # A row: something was deleted, and the file has not been rewritten since.
    db.execute("CREATE TABLE due_erasures (since TIMESTAMP NOT NULL)")


def add_reasoning(db: duckdb.DuckDBPyConnection) -> None:
    """What the model reasoned before the answer and before its samples."""
    for column in ("reasoning", "samples.element.reasoning"):
        db.execute(f"ALTER TABLE model_inference_events ADD COLUMN {column} VARCHAR")


def add_larger_models(db: duckdb.DuckDBPyConnection) -> None:
    """Which larger model a step's answer is of."""
    db.execute("ALTER TABLE model_inference_events ADD COLUMN larger JSON")


def add_attention(db: duckdb.DuckDBPyConnection) -> None:
    """Attention to the previous token in the answer; in samples it is not taken."""
    # DuckDB cannot replay from its log that a part of a structure became JSON.
    for column, kind in (("attention", "JSON"), ("samples.element.attention", "VARCHAR")):
        db.execute(f"ALTER TABLE model_inference_events ADD COLUMN {column} {kind}")


def create_trained(db: duckdb.DuckDBPyConnection) -> None:
    """Probes and verifiers under their versions, as calibrators are kept, and what probes read."""
    for table in ("probes", "verifiers"):
        db.execute(
            f"""
            CREATE TABLE {table} (
                version VARCHAR PRIMARY KEY,
                name VARCHAR NOT NULL,
                body JSON NOT NULL,
                run_id VARCHAR,
                created_at TIMESTAMP NOT NULL
            )
            """
        )
    db.execute("ALTER TABLE model_inference_events ADD COLUMN probed JSON")
    db.execute("ALTER TABLE runs ADD COLUMN probe VARCHAR DEFAULT ''")


def add_verifier(db: duckdb.DuckDBPyConnection) -> None:
    """Which trained verifier verified the answers of a run."""
    db.execute("ALTER TABLE runs ADD COLUMN verifier VARCHAR DEFAULT ''")


def add_stated(db: duckdb.DuckDBPyConnection) -> None:
    """What the model stated of its confidence."""
    db.execute("ALTER TABLE model_inference_events ADD COLUMN stated JSON")


MIGRATIONS: tuple[Migration, ...] = (
    create_events,
    create_labels,
    create_policies,
    add_evidence,
    create_runs,
    add_ends,
    add_graders,
    add_familiarity,
    create_shipped_runs,
    create_run_labels,
    hold_labels_of_several,
    create_label_queues,
    create_event_outbox,
    create_shares,
    create_people_answers,
    count_tokens,
    create_monitoring,
    add_ends_of_traces,
    create_traces,
    add_reasoning,
    add_larger_models,
    add_attention,
    create_trained,
    add_verifier,
    add_stated,
)
SCHEMA_VERSION = len(MIGRATIONS)
"""Of the tables that this code writes."""


def migrate(db: duckdb.DuckDBPyConnection, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Apply the steps that the database lacks, each in a transaction of its own.

    Raises StoreError when the database has been through more steps than this code knows.
    """
    db.execute(
        "CREATE TABLE IF NOT EXISTS schema_migrations"
        " (version INTEGER PRIMARY KEY, name VARCHAR NOT NULL, applied_at TIMESTAMP NOT NULL)"
    )
    version = db.execute("SELECT coalesce(max(version), 0) FROM schema_migrations").fetchall()[0][0]
    if version > len(migrations):
        raise StoreError(
            f"The database was written by a newer Codex: it is at version {version}, and this one knows "
            f"versions up to {len(migrations)}. Update Codex, or set another CODEX_HOME or store.path."
        )
    for number, step in enumerate(migrations[version:], start=version + 1):
        db.begin()
        step(db)
        db.execute(
            "INSERT INTO schema_migrations VALUES (?, ?, now() AT TIME ZONE 'UTC')",
            [number, getattr(step, "__name__", "")],
        )
        db.commit()
