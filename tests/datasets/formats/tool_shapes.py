"""Exports of tools in which people annotate."""

from __future__ import annotations

from tests.datasets.formats.shape import Shape, asks, lines, whole

TOOLS = (
    Shape(
        "label studio",
        "project-1-at-2026-05-01.json",
        whole(
            [
                {
                    "id": 11,
                    "data": {"question": "Capital of Italy?", "text": "Rome is the capital."},
                    "annotations": [
                        {
                            "id": 1,
                            "completed_by": 1,
                            "was_cancelled": False,
                            "ground_truth": False,
                            "result": [
                                {
                                    "value": {"text": ["Rome", "Roma"]},
                                    "id": "a",
                                    "from_name": "answer",
                                    "to_name": "question",
                                    "type": "textarea",
                                }
                            ],
                        },
                        {"id": 2, "was_cancelled": True, "result": []},
                    ],
                    "predictions": [],
                    "project": 1,
                },
                {
                    "id": 12,
                    "data": {"question": "Is Rome in Spain?"},
                    "annotations": [
                        {
                            "id": 3,
                            "was_cancelled": False,
                            "result": [
                                {
                                    "value": {"choices": ["no"]},
                                    "from_name": "verdict",
                                    "to_name": "question",
                                    "type": "choices",
                                }
                            ],
                        }
                    ],
                    "predictions": [],
                },
            ]
        ),
        (
            asks("Capital of Italy?", "Rome", "Roma", id="11", context="Rome is the capital."),
            asks("Is Rome in Spain?", "no", id="12"),
        ),
    ),
    Shape(
        "label studio, the short form",
        "project-1-min.json",
        whole(
            [
                {
                    "id": 11,
                    "question": "Capital of Italy?",
                    "answer": {"text": ["Rome", "Roma"]},
                    "annotator": 1,
                    "annotation_id": 1,
                    "created_at": "2026-05-01T10:00:00Z",
                    "updated_at": "2026-05-01T10:00:00Z",
                    "lead_time": 3.2,
                }
            ]
        ),
        (asks("Capital of Italy?", "Rome", "Roma", id="11"),),
    ),
    Shape(
        "argilla 2",
        "records.json",
        whole(
            [
                {
                    "id": "r1",
                    "status": "completed",
                    "_server_id": "3f",
                    "fields": {"question": "Capital of Italy?"},
                    "metadata": {},
                    "suggestions": {"answer": {"value": "Milan", "score": 0.4, "agent": "m"}},
                    "responses": {
                        "answer": [{"value": "Rome", "user_id": "u1"}, {"value": "Roma", "user_id": "u2"}]
                    },
                    "vectors": {},
                }
            ]
        ),
        (asks("Capital of Italy?", "Rome", "Roma", id="r1"),),
    ),
    Shape(
        "argilla 2, flat",
        "flat.jsonl",
        lines(
            {
                "id": "r1",
                "status": "completed",
                "_server_id": "3f",
                "question": "Capital of Italy?",
                "answer.responses": ["Rome", "Rom"],
                "answer.responses.users": ["u1", "u2"],
                "answer.responses.status": ["submitted", "discarded"],
                "answer.suggestion": "Milan",
                "answer.suggestion.score": 0.4,
                "answer.suggestion.agent": "m",
            }
        ),
        (asks("Capital of Italy?", "Rome", id="r1"),),
    ),
    Shape(
        "argilla 1",
        "feedback.json",
        whole(
            {
                "records": [
                    {
                        "fields": {"question": "Capital of Italy?", "context": "Rome is the capital."},
                        "metadata": {},
                        "responses": [
                            {"user_id": "u1", "values": {"answer": {"value": "Rome"}}, "status": "submitted"},
                            {"user_id": "u2", "values": {"answer": {"value": "Rom"}}, "status": "draft"},
                        ],
                        "suggestions": [{"question_name": "answer", "value": "Milan", "agent": "m"}],
                        "external_id": "e7",
                    }
                ]
            }
        ),
        (asks("Capital of Italy?", "Rome", id="e7", context="Rome is the capital."),),
    ),
)
