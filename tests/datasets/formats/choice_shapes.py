"""Sets of questions with choices, as they are distributed."""

from __future__ import annotations

from tests.datasets.formats.shape import Shape, asks, lines, parquet, text, whole

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
