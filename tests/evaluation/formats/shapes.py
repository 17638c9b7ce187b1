"""Small files in the shapes that public datasets and tools really have, and what each has to become."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

Expected = Mapping[str, object]
"""Of an item the fields that are compared."""


@dataclass(frozen=True)
class Shape:
    """A file, and its questions."""

    name: str
    file: str
    content: bytes | Callable[[Path], None]
    """What is in it, or what writes it."""
    items: tuple[Expected, ...]
    options: Mapping[str, object] = field(default_factory=dict)
    """Of the import."""
    rejected: int = 0


def lines(*rows: object) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def whole(value: object) -> bytes:
    return json.dumps(value, indent=1).encode()


def text(*rows: str, encoding: str = "utf-8") -> bytes:
    return "".join(f"{row}\n" for row in rows).encode(encoding)


def parquet(query: str) -> Callable[[Path], None]:
    return lambda path: duckdb.sql(query).write_parquet(str(path))


def asks(question: str, *answers: str, **fields: object) -> Expected:
    return {"question": question, "answers": answers, **fields}


METALS = ("Iron", "Neon", "Helium", "Argon")

CHOICES = (
    Shape(
        "labels that are numbers",
        "arc.jsonl",
        lines(
            {
                "id": "MDSA_7",
                "question": "Which is a metal?",
                "choices": {"text": list(METALS), "label": ["1", "2", "3", "4"]},
                "answerKey": "1",
            },
            {
                "id": "MCAS_3",
                "question": "Which is a liquid?",
                "choices": {"text": ["Sand", "Steam", "Milk", "Ice"], "label": ["A", "B", "C", "D"]},
                "answerKey": "C",
            },
        ),
        (
            asks("Which is a metal?", "Iron", id="MDSA_7", choices=METALS, labels=("1", "2", "3", "4")),
            asks("Which is a liquid?", "Milk", choices=("Sand", "Steam", "Milk", "Ice")),
        ),
    ),
    Shape(
        "labels that are numbers in Parquet",
        "arc.parquet",
        parquet(
            "SELECT 'Which is a metal?' AS question, '2' AS \"answerKey\", "
            "{'text': ['Neon', 'Iron'], 'label': ['1', '2']} AS choices"
        ),
        (asks("Which is a metal?", "Iron", choices=("Neon", "Iron"), labels=("1", "2")),),
    ),
    Shape(
        "a question with its stem and choices",
        "arc_official.jsonl",
        lines(
            {
                "id": "q9",
                "question": {
                    "stem": "Which is a metal?",
                    "choices": [{"text": "Neon", "label": "A"}, {"text": "Iron", "label": "B"}],
                },
                "answerKey": "B",
            }
        ),
        (asks("Which is a metal?", "Iron", id="q9", choices=("Neon", "Iron")),),
    ),
    Shape(
        "commonsenseqa",
        "csqa.jsonl",
        lines(
            {
                "id": "a1",
                "question": "Where does a book stand?",
                "question_concept": "book",
                "choices": {"label": list("ABCDE"), "text": ["shelf", "sea", "oven", "river", "sky"]},
                "answerKey": "A",
            }
        ),
        (asks("Where does a book stand?", "shelf", choices=("shelf", "sea", "oven", "river", "sky")),),
    ),
    Shape(
        "openbookqa",
        "obqa.parquet",
        parquet(
            "SELECT '7-980' AS id, 'The sun is' AS question_stem, "
            "{'text': ['a star', 'a lamp'], 'label': ['A', 'B']} AS choices, 'A' AS \"answerKey\""
        ),
        (asks("The sun is", "a star", id="7-980", choices=("a star", "a lamp")),),
    ),
    Shape(
        "mmlu",
        "mmlu.parquet",
        parquet(
            "SELECT * FROM (VALUES "
            "('Which is a metal?', 'chemistry', ['Iron', 'Neon', 'Helium', 'Argon'], 0), "
            "('Which is a gas?', 'chemistry', ['Iron', 'Neon', 'Zinc', 'Gold'], 1)) "
            "t(question, subject, choices, answer)"
        ),
        (
            asks("Which is a metal?", "Iron", group="chemistry", choices=METALS),
            asks("Which is a gas?", "Neon", choices=("Iron", "Neon", "Zinc", "Gold")),
        ),
    ),
    Shape(
        "mmlu without a heading",
        "chemistry_test.csv",
        text("Which is a metal?,Neon,Iron,Helium,Argon,B", '"Which, if any, is a gas?",Zinc,Tin,Lead,Neon,D'),
        (
            asks("Which is a metal?", "Iron", choices=("Neon", "Iron", "Helium", "Argon")),
            asks("Which, if any, is a gas?", "Neon", choices=("Zinc", "Tin", "Lead", "Neon")),
        ),
    ),
    Shape(
        "mmlu pro",
        "pro.jsonl",
        lines(
            {
                "question_id": 70,
                "question": "Which is a metal?",
                "options": ["Neon", "Argon", "Radon", "Xenon", "Helium", "Iron"],
                "answer": "F",
                "answer_index": 5,
                "cot_content": "",
                "category": "chemistry",
                "src": "x",
            }
        ),
        (
            asks(
                "Which is a metal?",
                "Iron",
                id="70",
                group="chemistry",
                choices=("Neon", "Argon", "Radon", "Xenon", "Helium", "Iron"),
            ),
        ),
    ),
    Shape(
        "hellaswag",
        "hellaswag.jsonl",
        lines(
            {
                "ind": 24,
                "activity_label": "Roof",
                "ctx_a": "A man is on a roof.",
                "ctx_b": "he",
                "ctx": "A man is on a roof. he",
                "endings": ["swims.", "lays tiles.", "sleeps in a car.", "drives a boat."],
                "source_id": "s",
                "split": "val",
                "split_type": "indomain",
                "label": "1",
            }
        ),
        (
            asks(
                "A man is on a roof. he",
                "lays tiles.",
                choices=("swims.", "lays tiles.", "sleeps in a car.", "drives a boat."),
            ),
        ),
    ),
    Shape(
        "sciq",
        "sciq.jsonl",
        lines(
            {
                "question": "Which is a metal?",
                "distractor3": "Helium",
                "distractor1": "Neon",
                "distractor2": "Argon",
                "correct_answer": "Iron",
                "support": "Iron is a metal.",
            }
        ),
        (asks("Which is a metal?", "Iron", sorted_choices=sorted(METALS), context="Iron is a metal."),),
    ),
    Shape(
        "one correct and several incorrect answers in columns",
        "gpqa.csv",
        text(
            "Question,Correct Answer,Incorrect Answer 1,Incorrect Answer 2,Incorrect Answer 3",
            "Which is a metal?,Iron,Neon,Helium,Argon",
        ),
        (asks("Which is a metal?", "Iron", sorted_choices=sorted(METALS)),),
    ),
    Shape(
        "truthfulqa multiple choice",
        "mc.jsonl",
        lines(
            {
                "question": "What is seen from the moon?",
                "mc1_targets": {"choices": ["Nothing man-made", "The wall"], "labels": [1, 0]},
                "mc2_targets": {"choices": ["Nothing man-made", "No wall", "The wall"], "labels": [1, 1, 0]},
            }
        ),
        (asks("What is seen from the moon?", "Nothing man-made", choices=("Nothing man-made", "The wall")),),
    ),
    Shape(
        "truthfulqa multiple choice as the authors wrote it",
        "mc_task.json",
        whole(
            [
                {
                    "question": "What is seen from the moon?",
                    "mc1_targets": {"Nothing man-made": 1, "The wall": 0},
                    "mc2_targets": {"Nothing man-made": 1, "The wall": 0},
                }
            ]
        ),
        (asks("What is seen from the moon?", "Nothing man-made", choices=("Nothing man-made", "The wall")),),
    ),
    Shape(
        "choices in columns of letters",
        "letters.csv",
        text("question,A,B,C,D,answer", "Which is a metal?,Neon,Iron,Argon,Radon,B", "2+2?,3,4,5,6,4"),
        (
            asks("Which is a metal?", "Iron", choices=("Neon", "Iron", "Argon", "Radon")),
            asks("2+2?", "4", choices=("3", "4", "5", "6")),
        ),
    ),
    Shape(
        "choices in columns of options, of which a row has fewer",
        "options.csv",
        text(
            "Question,Option A,Option B,Option C,Correct Option",
            "Which is a metal?,Neon,Iron,,B",
            "Which is a gas?,Tin,Zinc,Neon,c",
        ),
        (
            asks("Which is a metal?", "Iron", choices=("Neon", "Iron")),
            asks("Which is a gas?", "Neon", choices=("Tin", "Zinc", "Neon")),
        ),
    ),
    Shape(
        "choices in numbered columns counted from 1",
        "winogrande.jsonl",
        lines(
            {"sentence": "The cup fell from the table since _ was wet.", "option1": "cup", "option2": "table"}
            | {"answer": "2"}
        ),
        (
            asks(
                "The cup fell from the table since _ was wet.",
                "table",
                choices=("cup", "table"),
            ),
        ),
    ),
    Shape(
        "choices in numbered columns counted from 0",
        "copa.jsonl",
        lines(
            {"question": "The man fell. Why?", "choice1": "It was wet.", "choice2": "He sang.", "label": 0},
            {"question": "It rained. And then?", "choice1": "He sang.", "choice2": "It was wet.", "label": 1},
        ),
        (
            asks("The man fell. Why?", "It was wet."),
            asks("It rained. And then?", "It was wet.", choices=("He sang.", "It was wet.")),
        ),
    ),
    Shape(
        "choices in an object by their letters",
        "medqa.jsonl",
        lines(
            {
                "question": "Which is a metal?",
                "answer": "Iron",
                "options": {"A": "Neon", "B": "Iron"},
                "meta_info": "step1",
                "answer_idx": "B",
            }
        ),
        (asks("Which is a metal?", "Iron", choices=("Neon", "Iron")),),
    ),
    Shape(
        "choices that begin with their letters",
        "aqua.jsonl",
        lines(
            {
                "question": "What is 6 times 7?",
                "options": ["A)21", "B)42", "C)67"],
                "rationale": "6 * 7 = 42",
                "correct": "B",
            }
        ),
        (asks("What is 6 times 7?", "42", choices=("21", "42", "67")),),
    ),
    Shape(
        "keys counted from 1",
        "one.jsonl",
        lines(
            {"question": "Which is a metal?", "choices": list(METALS), "answer": 1},
            {"question": "Which is a liquid?", "choices": ["Sand", "Steam", "Ice", "Milk"], "answer": 4},
        ),
        (asks("Which is a metal?", "Iron"), asks("Which is a liquid?", "Milk")),
    ),
    Shape(
        "keys counted from 0, known only from the last row",
        "zero.jsonl",
        lines(
            {"question": "Which is a gas?", "choices": list(METALS[:3]), "answer": 1},
            {"question": "Which is a liquid?", "choices": ["Sand", "Steam", "Milk"], "answer": 2},
            {"question": "Which is a metal?", "choices": list(METALS[:3]), "answer": 0},
        ),
        (
            asks("Which is a gas?", "Neon"),
            asks("Which is a liquid?", "Milk"),
            asks("Which is a metal?", "Iron"),
        ),
    ),
    Shape(
        "keys whose base the user says",
        "said.jsonl",
        lines({"question": "Which is a gas?", "choices": list(METALS[:3]), "answer": 2}),
        (asks("Which is a gas?", "Neon"),),
        {"key_base": 1},
    ),
    Shape(
        "answers that are the text of a choice, also where it is a number",
        "numbers.jsonl",
        lines(
            {"question": "How many legs has a spider?", "choices": ["2", "4", "6", "8"], "answer": "8"},
            {"question": "How many has a dog?", "choices": ["2", "4", "6", "8"], "answer": "4"},
        ),
        (asks("How many legs has a spider?", "8"), asks("How many has a dog?", "4")),
    ),
    Shape(
        "a list of choices as pandas writes it into a CSV",
        "choices.csv",
        text(
            "question,choices,answer",
            "Which is a metal?,\"['Neon', 'Iron']\",B",
            "Which is a gas?,\"['Zinc' 'Neon']\",B",
        ),
        (
            asks("Which is a metal?", "Iron", choices=("Neon", "Iron")),
            asks("Which is a gas?", "Neon", choices=("Zinc", "Neon")),
        ),
    ),
    Shape(
        "labelled choices as pandas writes them into a CSV",
        "arc.csv",
        text(
            "question,choices,answerKey",
            "Which is a metal?,\"{'text': array(['Neon', 'Iron'], dtype=object), 'label': array(['1', '2'], "
            'dtype=object)}",2',
        ),
        (asks("Which is a metal?", "Iron", choices=("Neon", "Iron"), labels=("1", "2")),),
    ),
    Shape(
        "race",
        "race.jsonl",
        lines(
            {
                "example_id": "high1.txt",
                "article": "Tom is nine.",
                "question": "How old is Tom?",
                "options": ["Eight.", "Nine."],
                "answer": "B",
            },
            {
                "example_id": "high1.txt",
                "article": "Tom is nine.",
                "question": "Who is nine?",
                "options": ["Tom.", "Ann."],
                "answer": "A",
            },
        ),
        (
            asks("How old is Tom?", "Nine.", context="Tom is nine."),
            asks("Who is nine?", "Tom.", context="Tom is nine."),
        ),
    ),
)

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

ANSWERS = (
    Shape(
        "popqa",
        "popqa.tsv",
        text(
            "id\tsubj\tprop\tobj\tquestion\tpossible_answers",
            '42\tAnn\toccupation\tpolitician\tWhat is Ann\'s job?\t"[""politician"", ""political leader""]"',
        ),
        (asks("What is Ann's job?", "politician", "political leader", id="42"),),
    ),
    Shape(
        "truthfulqa, the CSV",
        "TruthfulQA.csv",
        text(
            "Type,Category,Question,Best Answer,Correct Answers,Incorrect Answers,Source",
            "Adversarial,Myths,What is seen from the moon?,Nothing,Nothing; Only clouds,The wall; Towns,http://a.example",
        ),
        (asks("What is seen from the moon?", "Nothing", "Only clouds", group="Myths", choices=()),),
    ),
    Shape(
        "truthfulqa generation",
        "generation.jsonl",
        lines(
            {
                "type": "Adversarial",
                "category": "Myths",
                "question": "What is seen from the moon?",
                "best_answer": "Nothing",
                "correct_answers": ["Nothing", "Only clouds; no walls"],
                "incorrect_answers": ["The wall"],
                "source": "http://a.example",
            }
        ),
        (asks("What is seen from the moon?", "Nothing", "Only clouds; no walls", group="Myths", choices=()),),
    ),
    Shape(
        "gsm8k",
        "gsm8k.jsonl",
        lines(
            {
                "question": "Ann has 2 boxes of 31 pens. How many?",
                "answer": "2*31=<<2*31=62>>62 pens\n#### 62",
            },
            {"question": "And a house for 130,000?", "answer": "It costs that.\n#### 130,000"},
        ),
        (
            asks("Ann has 2 boxes of 31 pens. How many?", "62"),
            asks("And a house for 130,000?", "130,000"),
        ),
    ),
    Shape(
        "math",
        "math.jsonl",
        lines(
            {
                "problem": "What is one half of one quarter?",
                "level": "Level 1",
                "type": "Algebra",
                "solution": "We multiply: $\\boxed{\\frac{1}{8}}$.",
            }
        ),
        (asks("What is one half of one quarter?", "\\frac{1}{8}"),),
    ),
    Shape(
        "lists as pandas and numpy write them",
        "lists.csv",
        text(
            "question,answers",
            "Capital of Italy?,\"['Rome', 'the Eternal City, Roma']\"",
            "Capital of France?,\"['Paris' 'City of Light']\"",
            'Capital of Peru?,"array([\'Lima\', ""L\'Imac""], dtype=object)"',
            "Capital of Chile?,\"('Santiago',)\"",
            "Capital of Ghana?,\"['Accra',\n 'Nkran']\"",
        ),
        (
            asks("Capital of Italy?", "Rome", "the Eternal City, Roma"),
            asks("Capital of France?", "Paris", "City of Light"),
            asks("Capital of Peru?", "Lima", "L'Imac"),
            asks("Capital of Chile?", "Santiago"),
            asks("Capital of Ghana?", "Accra", "Nkran"),
        ),
    ),
    Shape(
        "answers that hold a bar",
        "bar.csv",
        text("question,answer", "Count the lines?,cat a | wc -l", "Absolute value of x?,|x|"),
        (asks("Count the lines?", "cat a | wc -l"), asks("Absolute value of x?", "|x|")),
    ),
    Shape(
        "answers that a bar splits",
        "split.csv",
        text("question,answer", "Capital of Italy?,Rome | Roma"),
        (asks("Capital of Italy?", "Rome", "Roma"),),
        {"split": "|"},
    ),
)

FILES = (
    Shape(
        "the separator named above the heading",
        "sep.csv",
        text("sep=;", "question;answer", '"What is 5/2?";2,5', "Capital of Spain?;Madrid"),
        (asks("What is 5/2?", "2,5"), asks("Capital of Spain?", "Madrid")),
    ),
    Shape(
        "the separator named above the heading after a mark",
        "excel.csv",
        text('"sep=;"', "question;answer", "Capital of Spain?;Madrid", encoding="utf-8-sig"),
        (asks("Capital of Spain?", "Madrid"),),
    ),
    Shape(
        "columns without a name at the end",
        "trailing.csv",
        text(
            "question,answer,,",
            "Capital of Spain?,Madrid,,",
            "Capital of Italy?,Rome",
            "Capital of Peru?,Lima,,,,",
        ),
        (
            asks("Capital of Spain?", "Madrid"),
            asks("Capital of Italy?", "Rome"),
            asks("Capital of Peru?", "Lima"),
        ),
    ),
    Shape(
        "title lines above the heading",
        "title.csv",
        text(
            "Quiz night, May 2026,,",
            "made by Ann,,",
            ",,",
            "No.,Question,Answer",
            "1,Capital of Spain?,Madrid",
        ),
        (asks("Capital of Spain?", "Madrid"),),
    ),
    Shape(
        "title lines above a heading of semicolons",
        "title2.csv",
        text("Quiz, part one", "", "Question;Answer", "Capital of Spain?;Madrid"),
        (asks("Capital of Spain?", "Madrid"),),
    ),
    Shape(
        "a column without a name at the beginning",
        "index.csv",
        text(",question,answer", "0,Capital of Spain?,Madrid", "1,Capital of Italy?,Rome"),
        (asks("Capital of Spain?", "Madrid"), asks("Capital of Italy?", "Rome")),
    ),
    Shape(
        "UTF-16 without a mark",
        "utf16.csv",
        text("question,answer", "Capital of Togo?,Lomé", encoding="utf-16-le"),
        (asks("Capital of Togo?", "Lomé"),),
    ),
    Shape(
        "UTF-16 with a mark and tabs, as Excel saves Unicode text",
        "unicode.tsv",
        text("question\tanswer", "Capital of Togo?\tLomé", encoding="utf-16"),
        (asks("Capital of Togo?", "Lomé"),),
    ),
    Shape(
        "JSON that is a list",
        "list.json",
        whole([{"question": "Capital of Italy?", "answer": "Rome"}]),
        (asks("Capital of Italy?", "Rome"),),
    ),
    Shape(
        "JSON lines that are a list",
        "list.jsonl",
        whole([{"question": "Capital of Italy?", "answer": "Rome"}]),
        (asks("Capital of Italy?", "Rome"),),
    ),
    Shape(
        "JSON lines with another name",
        "rows.json",
        lines(
            {"question": "Capital of Italy?", "answer": "Rome"},
            {"question": "Capital of Spain?", "answer": "Madrid"},
        ),
        (asks("Capital of Italy?", "Rome"), asks("Capital of Spain?", "Madrid")),
    ),
    Shape(
        "JSON that has one list inside",
        "nested.json",
        whole(
            {
                "meta": {"licence": "CC0", "tags": ["a", "b"]},
                "set": {
                    "name": "capitals",
                    "examples": [{"question": "Capital of Italy?", "answer": "Rome"}],
                },
            }
        ),
        (asks("Capital of Italy?", "Rome"),),
    ),
)

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

SHAPES = (*CHOICES, *PASSAGES, *ANSWERS, *FILES, *TOOLS)
