"""Sets whose questions, choices or answers stand in less usual places."""

from __future__ import annotations

from tests.datasets.formats.shape import Shape, asks, lines, text, whole

METALS = ("Iron", "Neon", "Argon")
OTHERS = (
    Shape(
        "narrativeqa",
        "narrativeqa.jsonl",
        lines(
            {
                "document": {"id": "d1", "kind": "book", "text": "All of it."},
                "question": {"text": "Who rules?", "tokens": ["Who", "rules", "?"]},
                "answers": [{"text": "A queen", "tokens": ["A"]}, {"text": "the queen", "tokens": ["the"]}],
            }
        ),
        (asks("Who rules?", "A queen", "the queen"),),
    ),
    Shape(
        "ms marco",
        "marco.jsonl",
        lines(
            *(
                {
                    "query": asked,
                    "answers": [answer],
                    "passages": {"is_selected": [0], "passage_text": ["Rome is old."], "url": ["u"]},
                    "wellFormedAnswers": [],
                }
                for asked, answer in (("capital italy", "Rome"), ("depth of a lake", "No Answer Present."))
            )
        ),
        (asks("capital italy", "Rome", context="Rome is old."), asks("depth of a lake", answerable=False)),
    ),
    Shape(
        "quality",
        "quality.jsonl",
        lines(
            {"article": "A.", "question": "Which?", "options": list(METALS), "gold_label": 3},
            {"article": "A.", "question": "What?", "options": list(METALS), "gold_label": 1},
        ),
        (asks("Which?", "Argon"), asks("What?", "Iron")),
    ),
    Shape(
        "ragas",
        "ragas.jsonl",
        lines({"user_input": "Who?", "retrieved_contexts": ["Ann."], "response": "Bea", "reference": "Ann"}),
        (asks("Who?", "Ann", context="Ann."),),
    ),
    Shape("letters for headings", "qa.csv", text("Q,A", "Who?,Ann"), (asks("Who?", "Ann"),)),
    Shape(
        "letters for headings of choices",
        "quiz.csv",
        text("Q,A,B,C,Answer", "Which?,Iron,Neon,Argon,B"),
        (asks("Which?", "Neon", choices=METALS),),
    ),
    Shape(
        "openai evals",
        "samples.jsonl",
        lines(
            {
                "input": [
                    {"role": "system", "content": "Answer in a word."},
                    {"role": "user", "content": "Capital of Italy?"},
                ],
                "ideal": ["Rome", "Roma"],
            }
        ),
        (asks("Capital of Italy?", "Rome", "Roma"),),
    ),
    Shape(
        "chats of one turn",
        "chats.jsonl",
        lines(
            *(
                {
                    "messages": [
                        {"role": "user", "content": asked},
                        {"role": "assistant", "content": answer},
                    ]
                }
                for asked, answer in (("Capital of Italy?", "Rome"), ("Capital of Norway?", "Oslo"))
            )
        ),
        (asks("Capital of Italy?", "Rome"), asks("Capital of Norway?", "Oslo")),
    ),
    Shape(
        "chats of one turn and one of two",
        "sharegpt.json",
        whole(
            [
                *(
                    {
                        "id": f"c{number}",
                        "conversations": [
                            {"from": "human", "value": f"{number}?"},
                            {"from": "gpt", "value": "x"},
                        ],
                    }
                    for number in range(5)
                ),
                {
                    "id": "c5",
                    "conversations": [
                        {"from": "human", "value": "Who?"},
                        {"from": "gpt", "value": "Ann"},
                        {"from": "human", "value": "Where?"},
                        {"from": "gpt", "value": "Rome"},
                    ],
                },
            ]
        ),
        tuple(asks(f"{number}?", "x", id=f"c{number}") for number in range(5)),
        rejected=1,
    ),
    Shape(
        "a question that begins as a list is text",
        "lists.jsonl",
        lines({"question": "['a', 'b'] is a list of what?", "answer": "letters"}),
        (asks("['a', 'b'] is a list of what?", "letters"),),
    ),
    Shape(
        "pandas with the columns apart",
        "split.json",
        whole(
            {
                "columns": ["question", "answer"],
                "index": [0, 1],
                "data": [["Capital of Italy?", "Rome"], ["Capital of Norway?", "Oslo"]],
            }
        ),
        (asks("Capital of Italy?", "Rome"), asks("Capital of Norway?", "Oslo")),
    ),
    Shape(
        "squad as a flat table",
        "kaggle.csv",
        text(
            ",context,question,id,answer_start,text", "0,The lake is 12 km long.,How long is it?,q1,12,12 km"
        ),
        (asks("How long is it?", "12 km", id="q1", context="The lake is 12 km long."),),
    ),
    Shape(
        "squad with a list of spans",
        "spans.jsonl",
        lines(
            {
                "context": "It is 12 km.",
                "question": "How long?",
                "answers": [{"text": "12 km", "answer_start": 6}],
            },
            {"context": "It is 12 km.", "question": "How deep?", "answers": []},
        ),
        (asks("How long?", "12 km"), asks("How deep?", answerable=False)),
    ),
    Shape(
        "choices that stand in the question",
        "arc_official.csv",
        text(
            "questionID,AnswerKey,question,category",
            "M1,B,Which is a metal? (A) Neon (B) Iron (C) Argon,Test",
            "M2,3,Which is last? (1) one (2) two (3) three,Test",
        ),
        (
            asks("Which is a metal?", "Iron", choices=("Neon", "Iron", "Argon"), group="Test"),
            asks("Which is last?", "three", choices=("one", "two", "three"), labels=("1", "2", "3")),
        ),
    ),
    Shape(
        "choices that stand in lines below the question",
        "below.jsonl",
        lines(
            {"question": "Which is a metal?\nA) Neon\nB) Iron", "answer": "B"},
            {"question": "Which vitamin is in lemons?", "answer": "C"},
            {"question": "How many hold? (1) 2 > 1 (2) 3 > 2", "answer": "2"},
        ),
        (
            asks("Which is a metal?", "Iron", choices=("Neon", "Iron")),
            asks("Which vitamin is in lemons?", "C", choices=()),
            asks("How many hold? (1) 2 > 1 (2) 3 > 2", "2", choices=()),
        ),
    ),
    Shape(
        "answers of which each says whether it is correct",
        "quiz.json",
        whole(
            {
                "title": "Quiz",
                "questions": [
                    {
                        "question": "Which is a metal?",
                        "answers": [
                            {"text": "Neon", "isCorrect": False},
                            {"text": "Iron", "isCorrect": True},
                        ],
                    }
                ],
            }
        ),
        (asks("Which is a metal?", "Iron", choices=("Neon", "Iron")),),
    ),
    Shape(
        "choices that are called answers",
        "quail.jsonl",
        lines(
            {
                "id": "1",
                "context": "c",
                "question": "Which is a gas?",
                "answers": METALS,
                "correct_answer_id": 1,
            },
            {
                "id": "2",
                "context": "c",
                "question": "Which is a metal?",
                "answers": METALS,
                "correct_answer_id": 0,
            },
        ),
        (asks("Which is a gas?", "Neon", choices=METALS), asks("Which is a metal?", "Iron", choices=METALS)),
    ),
    Shape(
        "a sum in words whose story stands beside the question",
        "svamp.json",
        whole([{"ID": "c1", "Body": "Ann has 3 pens.", "Question": "How many has she?", "Answer": 3.0}]),
        (asks("Ann has 3 pens. How many has she?", "3", id="c1"),),
    ),
    Shape(
        "columns that the user names below title lines as wide as the table",
        "title.csv",
        text("Quiz,Mai,2026", "Nr,Frage,Antwort", "1,Wer?,Anna"),
        (asks("Wer?", "Anna"),),
        {"columns": {"question": "Frage", "answers": "Antwort"}},
    ),
    Shape(
        "big-bench",
        "task.json",
        whole(
            {
                "name": "sums",
                "keywords": ["arithmetic"],
                "examples": [{"input": "2 + 2 =", "target_scores": {"3": 0, "4": 1}}],
            }
        ),
        (asks("2 + 2 =", "4", choices=("3", "4")),),
    ),
    Shape(
        "mathqa",
        "mathqa.json",
        whole([{"Problem": "What is 6 times 7?", "options": "a ) 21 , b ) 42 , c ) 67", "correct": "b"}]),
        (asks("What is 6 times 7?", "42", choices=("21", "42", "67")),),
    ),
    Shape(
        "pubmedqa",
        "pubmedqa.jsonl",
        lines(
            {
                "pubid": 1,
                "question": "Does it help?",
                "context": {"contexts": ["We tried it.", "It helped."], "labels": ["AIM", "RESULT"]},
                "long_answer": "It does.",
                "final_decision": "yes",
            }
        ),
        (asks("Does it help?", "yes", context="We tried it.\n\nIt helped."),),
    ),
    Shape(
        "asqa",
        "asqa.json",
        whole(
            {
                "dev": {
                    "-55": {
                        "ambiguous_question": "Who won?",
                        "qa_pairs": [
                            {
                                "question": "Who won in 1990?",
                                "short_answers": ["Ann", "Ann Ex"],
                                "wikipage": None,
                            },
                            {"question": "Who won in 1991?", "short_answers": ["Ben"], "wikipage": None},
                        ],
                    }
                }
            }
        ),
        (asks("Who won in 1990?", "Ann", "Ann Ex"), asks("Who won in 1991?", "Ben")),
    ),
    Shape(
        "kahoot",
        "kahoot.csv",
        text(
            "Question,Answer 1,Answer 2,Answer 3,Time limit,Correct answer(s)",
            "Which is a metal?,Neon,Argon,Iron,20,3",
            "Which is a gas?,Neon,Zinc,Iron,20,1",
        ),
        (asks("Which is a metal?", "Iron"), asks("Which is a gas?", "Neon")),
    ),
    Shape(
        "argilla 1 of the hub",
        "hub.jsonl",
        lines(
            {
                "question": "Capital of Italy?",
                "answer": [
                    {"user_id": "u1", "value": "Rome", "status": "submitted"},
                    {"user_id": "u2", "value": "Milan", "status": "discarded"},
                ],
                "answer-suggestion": "Turin",
                "external_id": "1",
            }
        ),
        (asks("Capital of Italy?", "Rome"),),
    ),
    Shape(
        "the rows of the hub's viewer",
        "rows.json",
        whole(
            {
                "features": [{"feature_idx": 0, "name": "question"}],
                "rows": [{"row_idx": 0, "row": {"question": "Capital of Italy?", "answer": "Rome"}}],
            }
        ),
        (asks("Capital of Italy?", "Rome"),),
    ),
)
