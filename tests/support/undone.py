"""What takes the steps of the database away again, so that it is as an older Codex left it."""

from __future__ import annotations

EVIDENCE = ("passages", "grounding", "verdict", "similarity")
UNDO = {
    25: ["ALTER TABLE model_inference_events DROP COLUMN stated"],
    24: ["ALTER TABLE runs DROP COLUMN verifier"],
    23: [
        "DROP TABLE probes",
        "DROP TABLE verifiers",
        "ALTER TABLE model_inference_events DROP COLUMN probed",
        "ALTER TABLE runs DROP COLUMN probe",
    ],
    22: [
        f"ALTER TABLE model_inference_events DROP COLUMN {column}"
        for column in ("attention", "samples.element.attention")
    ],
    21: ["ALTER TABLE model_inference_events DROP COLUMN larger"],
    20: [
        f"ALTER TABLE model_inference_events DROP COLUMN {column}"
        for column in ("reasoning", "samples.element.reasoning")
    ],
    19: ["DROP TABLE traces", "DROP TABLE trace_inbox", "DROP TABLE due_erasures"],
    18: [
        f"ALTER TABLE model_inference_events DROP COLUMN {column}"
        for column in ("ends_trace", "trace_prompt_tokens", "trace_generated_tokens")
    ],
    17: [
        *(
            f"DROP TABLE {table}"
            for table in (
                *("monitoring_series", "monitoring_hours", "monitoring_failures", "monitoring_progress"),
                *("retired_answers", "alerts", "notices"),
            )
        ),
        "DROP SEQUENCE notice_numbers",
    ],
    16: [
        f"ALTER TABLE model_inference_events DROP COLUMN {column}"
        for column in ("answer_tokens", "sample_tokens")
    ],
    15: ["DROP TABLE people_answers"],
    14: ["DROP TABLE shares"],
    13: ["DROP TABLE event_source", "DROP TABLE event_outbox", "DROP SEQUENCE outbox_numbers"],
    12: ["DROP TABLE label_queues", "DROP TABLE label_queue_items"],
    11: [
        "DROP VIEW counted_labels",
        "DROP TABLE labels",
        "CREATE TABLE labels (trace_id VARCHAR PRIMARY KEY, correct BOOLEAN, labelled_at TIMESTAMP)",
        "CREATE TABLE run_labels (run_id VARCHAR, question_id VARCHAR, correct BOOLEAN,"
        " labelled_at TIMESTAMP, PRIMARY KEY (run_id, question_id))",
    ],
    10: ["DROP TABLE run_labels"],
    9: ["DROP TABLE shipped_runs"],
    8: ["ALTER TABLE model_inference_events DROP COLUMN familiarity"],
    7: [f"ALTER TABLE run_records DROP COLUMN {column}" for column in ("grader", "choices", "labels")],
    6: [
        f"ALTER TABLE model_inference_events DROP COLUMN {column}"
        for column in ("end_logprob", "samples.element.end_logprob")
    ],
    5: [
        *(f"DROP TABLE {table}" for table in ("runs", "run_records", "calibrators", "activations")),
        "DROP SEQUENCE activation_numbers",
    ],
    4: [f"ALTER TABLE model_inference_events DROP COLUMN {column}" for column in EVIDENCE],
    3: ["DROP TABLE policies"],
    2: ["DROP TABLE labels"],
}
"""What takes a step away again, newest first."""
