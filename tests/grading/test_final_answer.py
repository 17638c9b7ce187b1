"""Where responses give their answer, by their own marks."""

from __future__ import annotations

import pytest

from codex.grading.final_answer import LONGEST_SPAN, final_part, marked


@pytest.mark.parametrize(
    ("text", "final"),
    [
        ("<think>Is it A? no.</think>B", "B"),
        ("Is it A? no.</think>\n\nB", "B"),
        ("<think>A</think>B<think>C</think> D", "B D"),
        ("<think>Is it A? Let me see", ""),
        ("<THINKING>A</THINKING> B", "B"),
        ("[THINK]A[/THINK]B", "B"),
        (
            "<|channel|>analysis<|message|>A?<|end|><|start|>assistant<|channel|>final<|message|>B<|return|>",
            "B",
        ),
        ("<|channel|>analysis<|message|>It could be A", ""),
        ("<|im_start|>assistant\nB<|im_end|>\n<|im_start|>user\nAnd A?", "B"),
        ("Assistant: B", "B"),
        ("B\n\nQuestion: Which river?\nA. Nile\nAnswer: A", "B"),
        ("B\n\nQ: Which river?\nA: the Nile", "B"),
        ("B\nUser: And in Asia?\nAssistant: A", "B"),
        ("#### 62\n\n**Problem 2:** Tom has 3.\n#### 3", "#### 62"),
        ("#### 62\n\nTom has 3 apples. How many are left?\n#### 3", "#### 62"),
        ("The answer is 62. Question: What is 4 + 4? Answer: 8", "The answer is 62."),
        ("62\n\n问题：二加二是多少？\n答案：4", "62"),
        ("Here is another question", "Here is another question"),
        ("Question: Which city?\nAnswer: Bern", "Question: Which city?\nAnswer: Bern"),
        ("This is a good question: Bern", "This is a good question: Bern"),
        ("", ""),
    ],
)
def test_the_final_part_has_no_reasoning_and_no_invented_question(text: str, final: str) -> None:
    assert final_part(text) == final


def test_a_repetition_of_the_question_is_no_invention() -> None:
    text = "Sure.\nQuestion: Which  city is the capital?\nAnswer: Bern"
    assert final_part(text, "Which city is the capital?") == text
    assert final_part(text, "Who?") == "Sure."


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("So the answer is B, not A.", "B, not A"),
        ("The answer is 5.\n\nHere are the steps:\n1. 2 + 3", "5"),
        ("The answer to the question is 1,234.5 dollars. Then we are done.", "1,234.5 dollars"),
        ("The correct answer, therefore, is B", "B"),
        ("The final answer is therefore: J. R. R. Tolkien. He was born in 1892.", "J. R. R. Tolkien"),
        ("**Answer: B**", "B"),
        ("Answer:\n\n**42**\nbecause", "42"),
        ("## Final Answer\n\nParis", "Paris"),
        ("The result is 3. The answer is 4. The result was small.", "4"),
        ("Final answer: 7\nA wrong answer: 8", "7"),
        (r"The answer is $\boxed{\text{B}}$", "B"),
        (r"$$\boxed{\frac{3}{4}}$$", r"\frac{3}{4}"),
        (r"\boxed{B", "B"),
        ("#### Step 1: add\n3 + 4\n#### 7", "7"),
        ('{"reasoning": "Venus", "answer": "C"}', "C"),
        ("{'answer': 4}", "4"),
        (r'{"answer": "\q"}', r"\q"),
        ("<answer> B </answer>", "B"),
        ("It is **Paris**, of course", "Paris"),
        ("答案是B。", "B"),
        ("正解：C", "C"),
        ("La respuesta correcta es Madrid.", "Madrid"),
        ("Réponse : B", "B"),
        ("Die richtige Antwort ist C: Merkur.", "C: Merkur"),
        ("A resposta final é 12.", "12"),
        ("Правильный ответ: B", "B"),
        ("الإجابة الصحيحة هي B", "B"),
    ],
)
def test_the_most_decisive_mark_comes_last(text: str, last: str) -> None:
    assert marked(text)[-1] == last


@pytest.mark.parametrize(
    "text",
    [
        "If the answer is A, then B is not.",
        "Possible answers: A, B",
        "Which answer is it?",
        "The answer isn't B.",
        "Paris is a city.",
        "**Step 1:** add",
    ],
)
def test_what_is_not_the_texts_own_answer_is_not_marked(text: str) -> None:
    assert marked(text) == []


def test_bold_alone_marks_only_where_that_is_wanted() -> None:
    assert marked("It is **Paris**", bold=False) == []


@pytest.mark.parametrize(
    "part", ["answer: ", "\\boxed{", "**a", '"answer":"\\', "<think>", "\nQ:", "答案", " "]
)
def test_a_long_hostile_text_has_short_spans(part: str) -> None:
    text = final_part(part * (100_000 // len(part)))
    assert all(len(span) <= LONGEST_SPAN for span in marked(text))


def test_a_bare_answer_ends_before_the_next_question() -> None:
    assert final_part("No\n\nCan eagles fly?\nYes", "Can penguins fly?") == "No"
    repeated = "No\n\nCan penguins fly?\nNo"
    assert final_part(repeated, "Can penguins fly?") == repeated
    opening = "Sure.\nWhich city is it?\nBern"
    assert final_part(opening, "What is the capital?") == opening


@pytest.mark.parametrize("text", ["No" + "\n" * 50000, " " * 50000 + "?", "No\n" + "a" * 50000 + "?"])
def test_a_hostile_bare_answer_is_read_too(text: str) -> None:
    assert final_part(text, "Is it?") == text.strip()
