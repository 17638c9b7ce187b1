"""Which choice a response decides for, in the wordings of models."""

from __future__ import annotations

import pytest

from codex.evaluation.grading.choice import chosen, score
from codex.evaluation.grading.grades import grade
from codex.evaluation.items import Item


def asking(*choices: str, labels: tuple[str, ...] = (), accepted: tuple[str, ...] = ()) -> Item:
    return Item("1", "Which one?", accepted or choices[:1], "set", choices=choices, labels=labels)


CITIES = asking("Rome", "Paris", "Bern", "Oslo")
NUMBERS = asking("3", "4", "5", "6")
LABELLED = asking("star", "gram", "meter", "hen", labels=("1", "2", "3", "4"))
NUMBERED_NUMBERS = asking("3", "4", "5", "6", labels=("1", "2", "3", "4"))
ROMAN = asking("red", "green", "blue", "grey", labels=("I", "II", "III", "IV"))
ANIMALS = asking("A whale", "A shark", "A bat", "A hen")
ELEMENTS = asking("Gold", "Silver", "Iron", "Tin", "Lead", "Zinc", "Neon", "Argon", "Radon", "Xenon")
BOTH = asking("Paris", "Rome", "Both A and B", "Neither A nor B")
NONE = asking("4", "9", "15", "None of the above")
NESTED = asking("York", "New York", "New York City", "Jersey")
SIGNED = asking("-5", "5", "0.5", "50%")
FORMULAS = asking("x + 1", "x - 1", "2x", "x^2")
YES_NO = asking("Yes", "No", "Maybe")
TRUE_FALSE = asking("True", "False")
VITAMINS = asking("vitamin A", "vitamin B", "vitamin C", "vitamin D")
CHINESE = asking("北京", "上海", "广州", "南京")


@pytest.mark.parametrize(
    ("item", "text", "letter"),
    [
        (CITIES, "The answer is \\(B\\).", "B"),
        (CITIES, "ANSWER: B", "B"),
        (CITIES, "answer: b", "B"),
        (CITIES, "Answer: b.", "B"),
        (CITIES, "Option (B)", "B"),
        (CITIES, "I choose B.", "B"),
        (CITIES, "I would go with option B, Paris.", "B"),
        (CITIES, "B) Paris is the capital of France.", "B"),
        (CITIES, "B Paris", "B"),
        (CITIES, "The best choice here is B because Rome is in Italy.", "B"),
        (CITIES, "It's B.", "B"),
        (CITIES, "It is b", "B"),
        (CITIES, "b. Paris", "B"),
        (CITIES, "The correct answer is (B) Paris, since (A) Rome is in Italy.", "B"),
        (CITIES, "A: incorrect\nB: correct\nC: incorrect\nD: incorrect", "B"),
        (CITIES, "A is incorrect. C is incorrect. D is incorrect. That leaves B.", "B"),
        (
            CITIES,
            "A. Rome - in Italy\nB. Paris - in France\nC. Bern - abroad\nD. Oslo - abroad\n\nSo it is B.",
            "B",
        ),
        (CITIES, "(A) Rome (B) Paris (C) Bern (D) Oslo\nB", "B"),
        (CITIES, "The answer is: **B. Paris**", "B"),
        (CITIES, "**B. Paris**", "B"),
        (CITIES, "**Correct answer:** B) Paris", "B"),
        (CITIES, "### Answer\nB", "B"),
        (CITIES, "<answer>B</answer>", "B"),
        (CITIES, '{"answer":"B","confidence":0.9}', "B"),
        (CITIES, "Ｂ", "B"),
        (CITIES, "（B）", "B"),
        (CITIES, "答案：B", "B"),
        (CITIES, "正确答案是B。", "B"),
        (CITIES, "故选B", "B"),
        (CITIES, "答えはBです", "B"),
        (CITIES, "정답은 B입니다.", "B"),
        (CITIES, "Правильный ответ: B", "B"),
        (CITIES, "Odpowiedź: B", "B"),
        (CITIES, "La réponse est B.", "B"),
        (CITIES, "La risposta corretta è la B", "B"),
        (CITIES, "A resposta correta é a letra B.", "B"),
        (CITIES, "الإجابة الصحيحة هي B", "B"),
        (CITIES, "सही उत्तर B है", "B"),
        (CITIES, "Not A, not C, not D, so B.", "B"),
        (CITIES, "It's not Rome. It's Paris.", "B"),
        (CITIES, "It isn't Rome, it is Paris", "B"),
        (CITIES, "Rome? No, Paris.", "B"),
        (CITIES, "Rome is wrong, Paris is right.", "B"),
        (CITIES, "Paris rather than Rome", "B"),
        (CITIES, "not Rome or Bern, but Paris", "B"),
        (CITIES, "At first I thought A, but it is B.", "B"),
        (CITIES, "I initially considered Rome, but the answer is Paris.", "B"),
        (CITIES, "A... wait, no, B.", "B"),
        (CITIES, "A capital city such as Paris", "B"),
        (CITIES, "A good guess would be Bern.", "C"),
        (CITIES, "I believe it's Oslo", "D"),
        (CITIES, "a", "A"),
        (CITIES, "A", "A"),
        (CITIES, "A!", "A"),
        (CITIES, "Maybe B", "B"),
        (CITIES, "The letter B", "B"),
        (CITIES, "B is the correct answer, not A.", "B"),
        (CITIES, "Answer: B\n\nExplanation: A is the capital of Italy, C of Switzerland.", "B"),
        (CITIES, "B\n\nExplanation: Rome is the capital of Italy and Bern of Switzerland.", "B"),
        (CITIES, "The answer is B. A is Rome, which is in Italy.", "B"),
        (CITIES, "B is correct because A and C are elsewhere", "B"),
        (CITIES, "The second option", "B"),
        (CITIES, "So, B", "B"),
        (CITIES, "Answer is B", "B"),
        (CITIES, "answer B", "B"),
        (CITIES, "The answer would be B", "B"),
        (CITIES, "My final answer: $\\boxed{\\mathrm{B}}$", "B"),
        (CITIES, "The correct answer is $\\textbf{(B)}$ Paris", "B"),
        (CITIES, "\\boxed{B. Paris}", "B"),
        (CITIES, "\\boxed{(B)}", "B"),
        (CITIES, "Okay, so the user wants ... B</think>A", "A"),
        (CITIES, "Paris", "B"),
        (CITIES, "PARIS!!", "B"),
        (CITIES, "paris", "B"),
        (CITIES, "Paris is the answer. Rome is in Italy.", "B"),
        (NUMBERS, "4", "B"),
        (NUMBERS, "B", "B"),
        (NUMBERS, "The answer is 4", "B"),
        (NUMBERS, "#### 4", "B"),
        (NUMBERS, "four", "B"),
        (NUMBERS, "2 + 2 = 4", "B"),
        (NUMBERS, "The answer is B) 4", "B"),
        (LABELLED, "2", "B"),
        (LABELLED, "2.", "B"),
        (LABELLED, "(2)", "B"),
        (LABELLED, "option 2", "B"),
        (LABELLED, "The answer is 2", "B"),
        (LABELLED, "2) gram", "B"),
        (LABELLED, "gram", "B"),
        (LABELLED, "The answer is 2 because it is", "B"),
        (LABELLED, "4 hens", "D"),
        (LABELLED, "答案是2", "B"),
        (NUMBERED_NUMBERS, "4", "B"),
        (NUMBERED_NUMBERS, "The answer is 4", "B"),
        (NUMBERED_NUMBERS, "2. 4", "B"),
        (NUMBERED_NUMBERS, "option 4", "D"),
        (NUMBERED_NUMBERS, "(4) 6", "D"),
        (NUMBERED_NUMBERS, "4. 6", "D"),
        (ROMAN, "II", "B"),
        (ROMAN, "(ii)", "B"),
        (ROMAN, "II. green", "B"),
        (ROMAN, "I", "A"),
        (ROMAN, "I think it is blue", "C"),
        (ROMAN, "The answer is IV.", "D"),
        (ROMAN, "Option III", "C"),
        (ROMAN, "iv", "D"),
        (ANIMALS, "A bat is the mammal", "C"),
        (ANIMALS, "a shark", "B"),
        (ANIMALS, "The answer is A shark", "B"),
        (ANIMALS, "The answer is a bat", "C"),
        (ANIMALS, "A", "A"),
        (ANIMALS, "A whale", "A"),
        (ANIMALS, "A. A whale", "A"),
        (ANIMALS, "It is A.", "A"),
        (ANIMALS, "Bats", "C"),
        (ANIMALS, "A, because it swims", "A"),
        (ELEMENTS, "I", "I"),
        (ELEMENTS, "I think it is iron", "C"),
        (ELEMENTS, "I: Radon", "I"),
        (ELEMENTS, "The answer is I", "I"),
        (ELEMENTS, "I am sure it's J", "J"),
        (ELEMENTS, "I would choose D.", "D"),
        (BOTH, "Both A and B", "C"),
        (BOTH, "C", "C"),
        (BOTH, "Neither A nor B", "D"),
        (BOTH, "D. Neither A nor B", "D"),
        (BOTH, "The answer is C) Both A and B.", "C"),
        (NONE, "None of these numbers", "D"),
        (NONE, "None of them", "D"),
        (NONE, "none of the above", "D"),
        (NONE, "D", "D"),
        (NONE, "The answer is none of the options.", "D"),
        (NESTED, "New York", "B"),
        (NESTED, "New York City.", "C"),
        (NESTED, "York", "A"),
        (NESTED, "It is in New York City", "C"),
        (NESTED, "B", "B"),
        (SIGNED, "-5", "A"),
        (SIGNED, "−5", "A"),
        (SIGNED, "5", "B"),
        (SIGNED, ".5", "C"),
        (SIGNED, "0.5", "C"),
        (SIGNED, "50 %", "D"),
        (SIGNED, "The answer is −5.", "A"),
        (SIGNED, "50 percent", "D"),
        (FORMULAS, "x - 1", "B"),
        (FORMULAS, "x+1", "A"),
        (FORMULAS, "\\boxed{x^2}", "D"),
        (FORMULAS, "$x^{2}$", "D"),
        (FORMULAS, "The answer is x − 1.", "B"),
        (YES_NO, "Yes", "A"),
        (YES_NO, "No, it is not.", "B"),
        (YES_NO, "B. No", "B"),
        (YES_NO, "Maybe", "C"),
        (TRUE_FALSE, "False", "B"),
        (TRUE_FALSE, "B) False", "B"),
        (TRUE_FALSE, "True.", "A"),
        (VITAMINS, "Vitamin C", "C"),
        (VITAMINS, "C", "C"),
        (VITAMINS, "The answer is vitamin D", "D"),
        (VITAMINS, "A", "A"),
        (CHINESE, "首都是北京。", "A"),
        (CHINESE, "B", "B"),
        (CHINESE, "答案是C，广州", "C"),
        (CHINESE, "A. 北京", "A"),
        (CHINESE, "不是上海，是北京", "A"),
        (CITIES, "Let me think. A is Rome. B is Paris. Since France's capital is Paris, B.", "B"),
        (CITIES, "Question: Which one?\nA. Rome\nB. Paris\nC. Bern\nD. Oslo\nAnswer: B", "B"),
        (CITIES, "B\nQuestion: next?\nAnswer: A", "B"),
        (CITIES, "Sure! The answer is B.", "B"),
        (CITIES, "B.)", "B"),
        (CITIES, "'B'", "B"),
        (CITIES, '"B"', "B"),
        (CITIES, "`B`", "B"),
        (CITIES, "_B_", "B"),
        (CITIES, "B\n", "B"),
        (CITIES, "> B", "B"),
        (CITIES, "- B", "B"),
        (CITIES, "B – Paris", "B"),
        (CITIES, "Choice: B", "B"),
        (CITIES, "Selected: B", "B"),
        (CITIES, "I'm going with B", "B"),
        (CITIES, "I'd pick B over A", "B"),
        (CITIES, "It has to be B", "B"),
        (CITIES, "B seems right", "B"),
        (CITIES, "The answer could be B", "B"),
        (CITIES, "It could be A, but B is more likely.", "B"),
        (CITIES, "The correct option would be (B) as Paris is", "B"),
        (CITIES, "Out of A, B, C and D, I choose B.", "B"),
        (CITIES, "B and not A", "B"),
        (CITIES, "A is the capital of Italy. So B", "B"),
    ],
)
def test_a_response_decides_for_one_choice(item: Item, text: str, letter: str) -> None:
    assert chosen(item, text) == {"ABCDEFGHIJ".index(letter)}


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (CITIES, "Both A and B are possible."),
        (CITIES, "A and B"),
        (CITIES, "A/B"),
        (CITIES, "Either B or C"),
        (CITIES, "B or C"),
        (CITIES, "A, B"),
        (
            CITIES,
            "A. Rome - in Italy\nB. Paris - in France\nC. Bern - abroad\nD. Oslo - abroad",
        ),
        (CITIES, "Rome, Paris, Bern, Oslo"),
        (CITIES, "The options are Rome, Paris, Bern and Oslo."),
        (CITIES, "neither A nor C"),
        (CITIES, "Definitely not B"),
        (CITIES, "The answer isn't B."),
        (CITIES, "B is not correct."),
        (CITIES, "B is wrong"),
        (CITIES, "I don't know"),
        (CITIES, "E"),
        (CITIES, "B: Paris\nC: Bern"),
        (CITIES, "A: Paris"),
        (CITIES, "C. Paris"),
        (CITIES, "The capital of Italy is Rome. The capital of France is Paris."),
        (NUMBERS, "A) 4"),
        (NUMBERS, "2"),
        (LABELLED, "2 of them are right"),
        (LABELLED, "1. star\n2. gram\n3. meter\n4. hen"),
        (ANIMALS, "A vehicle is a vehicle"),
        (ELEMENTS, "I don't think so"),
        (CITIES, "Answer: A or B"),
        (CITIES, "The answer is A, B, C, or D"),
        (CITIES, "A B C D"),
        (CITIES, "All of them"),
        (CITIES, "ABCD"),
    ],
)
def test_a_response_that_names_none_or_several_decides_for_none(item: Item, text: str) -> None:
    assert len(chosen(item, text)) != 1
    assert score(item, text) == 0


def test_several_accepted_choices_may_be_named_together_but_no_other_with_them() -> None:
    item = asking("Rome", "Paris", "Bern", accepted=("Rome", "Bern"))
    for text, correct in (("A", 1), ("Bern", 1), ("A and C", 1), ("A and B", 0), ("B", 0)):
        assert score(item, text) == correct


def test_an_accepted_answer_may_be_the_label_of_a_choice() -> None:
    item = asking("Rome", "Paris", accepted=("B",))
    assert score(item, "Paris") == 1
    assert score(item, "A") == 0


def test_choices_are_graded_as_such_unless_another_grader_is_named() -> None:
    assert grade(CITIES, "A").grader == "choice"
    assert grade(CITIES, "A").right
    assert not grade(CITIES, "A", "exact").right
