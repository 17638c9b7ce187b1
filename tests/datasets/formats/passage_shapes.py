"""Sets of questions about passages, as they are distributed."""

from __future__ import annotations

import gzip
import json

from tests.datasets.formats.shape import Shape, asks, lines, parquet, text, whole

LAKE = "The lake is 12 km long. It is fed by the Aar."
SQUAD = {
    "version": "v2.0",
    "data": [
        {
            "title": "Lake",
            "paragraphs": [
                {
                    "context": LAKE,
                    "qas": [
                        {
                            "question": "How long is the lake?",
                            "id": "q1",
                            "answers": [
                                {"text": "12 km", "answer_start": 12},
                                {"text": "12 km long", "answer_start": 12},
                            ],
                            "is_impossible": False,
                        },
                        {
                            "question": "How deep is it?",
                            "id": "q2",
                            "answers": [],
                            "plausible_answers": [{"text": "12 km", "answer_start": 12}],
                            "is_impossible": True,
                        },
                    ],
                }
            ],
        }
    ],
}
LAKE_ROWS = (
    asks("How long is the lake?", "12 km", id="a", context=LAKE),
    asks("How deep is it?", id="b", answerable=False, context=LAKE),
)
HOTPOT = asks(
    "Which bridge is older?",
    "Oak bridge",
    context="Oak bridge\nIt was built in 1810. It is red.\n\nElm bridge\nIt was built in 1910.",
)

PASSAGES = (
    Shape(
        "squad 2, the official file",
        "squad.json",
        whole(SQUAD),
        (
            asks("How long is the lake?", "12 km", "12 km long", id="q1", context=LAKE),
            asks("How deep is it?", id="q2", answerable=False, context=LAKE),
        ),
    ),
    Shape(
        "squad 1, the official file, packed",
        "squad1.json.gz",
        gzip.compress(
            json.dumps(
                {
                    "data": [
                        {
                            "title": "Lake",
                            "paragraphs": [
                                {
                                    "context": LAKE,
                                    "qas": [
                                        {
                                            "id": "q1",
                                            "question": "What feeds it?",
                                            "answers": [{"text": "the Aar", "answer_start": 37}],
                                        }
                                    ],
                                }
                            ],
                        }
                    ],
                    "version": "1.1",
                }
            ).encode()
        ),
        (asks("What feeds it?", "the Aar", context=LAKE),),
    ),
    Shape(
        "squad 2 in JSON lines",
        "squad.jsonl",
        lines(
            {
                "id": "a",
                "title": "Lake",
                "context": LAKE,
                "question": "How long is the lake?",
                "answers": {"text": ["12 km", "12 km"], "answer_start": [12, 12]},
            },
            {
                "id": "b",
                "title": "Lake",
                "context": LAKE,
                "question": "How deep is it?",
                "answers": {"text": [], "answer_start": []},
            },
        ),
        LAKE_ROWS,
    ),
    Shape(
        "squad 2 in Parquet",
        "squad.parquet",
        parquet(
            f"SELECT * FROM (VALUES ('a', '{LAKE}', 'How long is the lake?', "
            "{'text': ['12 km'], 'answer_start': [12]}), "
            f"('b', '{LAKE}', 'How deep is it?', {{'text': []::VARCHAR[], 'answer_start': []::INTEGER[]}})) "
            "t(id, context, question, answers)"
        ),
        LAKE_ROWS,
    ),
    Shape(
        "squad 2 as pandas writes it into a CSV",
        "squad.csv",
        text(
            "id,context,question,answers",
            f"a,{LAKE},How long is the lake?,\"{{'text': array(['12 km'], dtype=object), "
            "'answer_start': array([12], dtype=int32)}\"",
            f"b,{LAKE},How deep is it?,\"{{'text': array([], dtype=object), "
            "'answer_start': array([], dtype=int32)}\"",
        ),
        LAKE_ROWS,
    ),
    Shape(
        "triviaqa, the official file",
        "triviaqa.json",
        whole(
            {
                "Data": [
                    {
                        "Answer": {
                            "Aliases": ["Oslo", "Christiania"],
                            "MatchedWikiEntityName": "Oslo",
                            "NormalizedAliases": ["oslo", "christiania"],
                            "NormalizedValue": "oslo",
                            "Type": "WikipediaEntity",
                            "Value": "Oslo",
                        },
                        "EntityPages": [{"DocSource": "Search", "Filename": "Oslo.txt", "Title": "Oslo"}],
                        "Question": "What is the capital of Norway?",
                        "QuestionId": "tc_1",
                        "QuestionSource": "http://a.example/",
                        "SearchResults": [],
                    }
                ],
                "Domain": "Web",
                "VerifiedEval": False,
                "Version": 1.0,
            }
        ),
        (asks("What is the capital of Norway?", "Oslo", "Christiania", id="tc_1"),),
    ),
    Shape(
        "triviaqa of the hub",
        "triviaqa.parquet",
        parquet(
            "SELECT 'What is the capital of Norway?' AS question, 'tc_1' AS question_id, "
            "{'aliases': ['Christiania', 'Oslo'], 'normalized_aliases': ['oslo'], 'type': 'WikipediaEntity', "
            "'value': 'Oslo'} AS answer, "
            "{'title': ['Oslo'], 'search_context': ['Oslo is ...']} AS search_results"
        ),
        (asks("What is the capital of Norway?", "Oslo", "Christiania", id="tc_1", context=None),),
    ),
    Shape(
        "nq-open",
        "NQ-open.dev.jsonl",
        lines({"question": "who wrote hamlet", "answer": ["Shakespeare", "William Shakespeare"]}),
        (asks("who wrote hamlet", "Shakespeare", "William Shakespeare"),),
    ),
    Shape(
        "nq-open without a heading",
        "nq-test.qas.tsv",
        text("who wrote hamlet\t['Shakespeare', \"the Bard's quill\"]", "when was it written\t['1600']"),
        (
            asks("who wrote hamlet", "Shakespeare", "the Bard's quill"),
            asks("when was it written", "1600"),
        ),
    ),
    Shape(
        "hotpotqa, the official file",
        "hotpot.json",
        whole(
            [
                {
                    "_id": "h1",
                    "answer": "Oak bridge",
                    "question": "Which bridge is older?",
                    "supporting_facts": [["Oak bridge", 0]],
                    "context": [
                        ["Oak bridge", ["It was built in 1810.", " It is red."]],
                        ["Elm bridge", ["It was built in 1910."]],
                    ],
                    "type": "comparison",
                    "level": "hard",
                }
            ]
        ),
        ({**HOTPOT, "id": "h1"},),
    ),
    Shape(
        "hotpotqa of the hub",
        "hotpot.parquet",
        parquet(
            "SELECT 'h1' AS id, 'Which bridge is older?' AS question, 'Oak bridge' AS answer, "
            "{'title': ['Oak bridge'], 'sent_id': [0]} AS supporting_facts, "
            "{'title': ['Oak bridge', 'Elm bridge'], 'sentences': "
            "[['It was built in 1810.', ' It is red.'], ['It was built in 1910.']]} AS context"
        ),
        (HOTPOT,),
    ),
    Shape(
        "hotpotqa as pandas writes it into a CSV",
        "hotpot.csv",
        text(
            "question,answer,context",
            "Which bridge is older?,Oak bridge,"
            "\"{'title': array(['Oak bridge', 'Elm bridge'], dtype=object), "
            "'sentences': array([array(['It was built in 1810.', ' It is red.'], dtype=object), "
            "array(['It was built in 1910.'], dtype=object)], dtype=object)}\"",
        ),
        (HOTPOT,),
    ),
    Shape(
        "musique",
        "musique.jsonl",
        lines(
            {
                "id": "2hop__1_2",
                "paragraphs": [
                    {
                        "idx": 0,
                        "title": "Oak bridge",
                        "paragraph_text": "Built by Ann.",
                        "is_supporting": True,
                    },
                    {"idx": 1, "title": "Ann", "paragraph_text": "Born in Bern.", "is_supporting": True},
                ],
                "question": "Where was the builder of Oak bridge born?",
                "question_decomposition": [],
                "answer": "Bern",
                "answer_aliases": ["Berne"],
                "answerable": True,
            }
        ),
        (
            asks(
                "Where was the builder of Oak bridge born?",
                "Bern",
                "Berne",
                context="Oak bridge\nBuilt by Ann.\n\nAnn\nBorn in Bern.",
            ),
        ),
    ),
    Shape(
        "a list of passages",
        "rag.jsonl",
        lines({"question": "Who built it?", "answer": "Ann", "contexts": ["Ann built it.", "It is red."]}),
        (asks("Who built it?", "Ann", context="Ann built it.\n\nIt is red."),),
    ),
    Shape(
        "drop, the official file",
        "drop.json",
        whole(
            {
                "nfl_1": {
                    "passage": "The Rams won 21-14 over the Jets.",
                    "wiki_url": "",
                    "qa_pairs": [
                        {
                            "question": "How many points did the Rams score?",
                            "query_id": "x1",
                            "answer": {
                                "number": "21",
                                "date": {"day": "", "month": "", "year": ""},
                                "spans": [],
                            },
                        },
                        {
                            "question": "Which teams played?",
                            "query_id": "x2",
                            "answer": {
                                "number": "",
                                "date": {"day": "", "month": "", "year": ""},
                                "spans": ["Rams", "Jets"],
                            },
                        },
                    ],
                },
                "history_2": {
                    "passage": "The war began on 3 May 1702.",
                    "qa_pairs": [
                        {
                            "question": "When did the war begin?",
                            "query_id": "x3",
                            "answer": {
                                "number": "",
                                "date": {"day": "3", "month": "May", "year": "1702"},
                                "spans": [],
                            },
                            "validated_answers": [
                                {"number": "", "date": {"day": "", "month": "", "year": "1702"}, "spans": []}
                            ],
                        }
                    ],
                },
            }
        ),
        (
            asks(
                "How many points did the Rams score?",
                "21",
                id="x1",
                context="The Rams won 21-14 over the Jets.",
            ),
            asks("Which teams played?", "Rams, Jets", id="x2"),
            asks("When did the war begin?", "3 May 1702", "1702", id="x3"),
        ),
    ),
    Shape(
        "drop of the hub",
        "drop.parquet",
        parquet(
            "SELECT 'nfl_1' AS section_id, 'x1' AS query_id, 'The Rams won 21-14.' AS passage, "
            "'How many points?' AS question, "
            "{'spans': ['21', '21'], 'types': ['number', 'number']} AS answers_spans"
        ),
        (asks("How many points?", "21", id="x1", context="The Rams won 21-14."),),
    ),
    Shape(
        "boolq",
        "boolq.jsonl",
        lines(
            {"question": "is it red", "title": "Bridge", "answer": True, "passage": "It is red."},
            {"question": "is it blue", "title": "Bridge", "answer": False, "passage": "It is red."},
        ),
        (
            asks("is it red", "yes", "true", context="It is red."),
            asks("is it blue", "no", "false"),
        ),
    ),
    Shape(
        "boolq with labels",
        "super_glue.jsonl",
        lines(
            {"question": "is it red", "passage": "It is red.", "idx": 0, "label": 1},
            {"question": "is it blue", "passage": "It is red.", "idx": 1, "label": 0},
        ),
        (asks("is it red", "yes", "true"), asks("is it blue", "no", "false")),
    ),
    Shape(
        "webquestions as the authors wrote it",
        "webquestions.json",
        whole(
            [
                {
                    "url": "http://a.example/",
                    "targetValue": '(list (description "Ann Ex") (description Ben))',
                    "utterance": "who built it?",
                }
            ]
        ),
        (asks("who built it?", "Ann Ex", "Ben"),),
    ),
)
