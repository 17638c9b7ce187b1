"""Sets of questions with answers in free words, and files as spreadsheets and scripts write them."""

from __future__ import annotations

from tests.datasets.formats.shape import Shape, asks, lines, text, whole

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
