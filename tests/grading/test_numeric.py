"""Numbers and quantities as texts write them, and which of them a text gives as its answer."""

from __future__ import annotations

import math

import pytest

from codex.grading import numeric
from codex.grading.grades import grade
from codex.items import Item


def verdict(question: str, accepted: str, text: str) -> bool | None:
    """Whether the text counts; None where it is ambiguous."""
    score = numeric.score(Item("1", question, (accepted,), "set"), text)
    return None if math.isnan(score) else score > 0.5


@pytest.mark.parametrize(
    ("accepted", "text", "correct"),
    [
        ("1234", "1,234", True),
        ("1234", "1 234", True),
        ("1234", "1234.0", True),
        ("1234", "1'234", True),
        ("1234567", "1,234,567.00", True),
        ("1234", "12,34", False),
        ("1234.5", "1.234,5", True),
        ("1234.5", "1,234.5", True),
        ("0.25", ".25", True),
        ("0.25", "-.25", False),
        ("0.25", "0,25", True),
        ("0.25", "1/4", True),
        ("0.25", "25%", True),
        ("25", "25%", True),
        ("25%", "25", True),
        ("25%", "0.25", True),
        ("25%", "2.5%", False),
        ("5000000", "5 million", True),
        ("5000000", "5 billion", False),
        ("5 billion", "5bn", True),
        ("5 billion", "5,000,000,000", True),
        ("2500", "2.5k", True),
        ("2500", "2.5 thousand", True),
        ("2.5 million", "2.5M", True),
        ("5 million", "5", False),
        ("7", "seven", True),
        ("17", "seventeen", True),
        ("70", "seventeen", False),
        ("105", "one hundred and five", True),
        ("105", "one hundred five", True),
        ("1000", "one thousand", True),
        ("1000", "a thousand", True),
        ("21", "twenty one", True),
        ("999999", "nine hundred ninety-nine thousand nine hundred ninety-nine", True),
        ("1000000", "one million", True),
        ("3/4", "three quarters", True),
        ("3/4", "three-fourths", True),
        ("2/3", "two thirds", True),
        ("1/2", "one half", True),
        ("1/2", "half", True),
        ("1.5", "one and a half", True),
        ("2.5", "2 ½", True),
        ("0.75", "\\frac34", True),
        ("3/4", "$\\frac{3}{4}$", True),
        ("3/4", "3 / 4", True),
        ("3/4", "6/8", True),
        ("-5", "−5", True),
        ("-5", "minus 5", True),
        ("-5", "negative five", True),
        ("-5", "(-5)", True),
        ("5", "–5", False),
        ("-5", "-5°C", True),
        ("-5", "5 below zero", False),
        ("10^6", "1000000", True),
        ("1000000", "10^6", True),
        ("1000000", "10⁶", True),
        ("106", "10^6", False),
        ("0.001", "10^-3", True),
        ("0.001", "1e-3", True),
        ("6.02e23", "6.02 × 10^23", True),
        ("6.02e23", "6.02 \\times 10^{23}", True),
        ("6.02e23", "6.02*10**23", True),
        ("1024", "2^10", True),
        ("12:30", "12.30 pm", True),
        ("12:30", "12:30 pm", True),
        ("12:30", "12:30", True),
        ("12:30", "00:30", False),
        ("15:00", "3 PM", True),
        ("3:00 PM", "15:00", True),
        ("3 PM", "3 AM", False),
        ("12:30", "12:31", False),
        ("12", "12 km", True),
        ("12 km", "12 miles", False),
        ("12 km", "12000 m", True),
        ("12 km", "12", True),
        ("25", "25 m²", True),
        ("25", "25 m^2", True),
        ("25", "25 cm2", True),
        ("2", "25 m²", False),
        ("100 °C", "212 °F", True),
        ("5 kg", "5000 g", True),
        ("5 kg", "5 g", False),
        ("60 km/h", "60 mph", False),
        ("29", "$29.00", True),
        ("$29", "29 dollars", True),
        ("$29", "€29", False),
        ("$29", "29 euros", False),
        ("29", "USD 29", True),
        ("42", "The answer is 42.[1]", True),
        ("42", "42[12]", True),
        ("42", "The answer is **42**, as explained in step 3.", True),
        ("42", "One of the facts is that there are 42.", True),
        ("42", "There are 42, one of which is blue.", True),
        ("42", "In 2019 there were 42.", True),
        ("42", "There were 42 as of 2019.", True),
        ("42", "There were 42 on 5 May 2019.", True),
        ("1", "One of them", False),
        ("5", "#### 5", True),
        ("5", "6 + 2 = 8\n#### 5", True),
        ("8", "6 + 2 = 8", True),
        ("8", "First 6, then 2 more: 6 + 2 = 8. I used 2 numbers.", True),
        ("5", "\\boxed{5}", True),
        ("5", "The final answer is $\\boxed{5}$.", True),
        ("5", "Answer: 5\n\nQuestion: What is 3+4?\nAnswer: 7", True),
        ("7", "Answer: 5\n\nQuestion: What is 3+4?\nAnswer: 7", False),
        ("5", "The answer is 5.\n\nExplanation:\n1. Take 2\n2. Add 3", True),
        ("5", "1. Take 2\n2. Add 3\n3. The result is 5", True),
        ("5", "Step 1: add 2. Step 2: subtract 1. Answer: 5", True),
        ("5", "5 or 6", False),
        ("5", "between 5 and 6", False),
        ("5", "5-6", False),
        ("5", "5 to 6", False),
        ("5", "It is not 5.", False),
        ("5", "It is not 5, it is 6.", False),
        ("6", "It is not 5, it is 6.", True),
        ("6", "6, not 5", True),
        ("5", "6, not 5", False),
        ("5", "either 5 or 6", False),
        ("5", "about 5", True),
        ("5", "≈5", True),
        ("5", "~5", True),
        ("5", "x = 5", True),
        ("5", "x=5", True),
        ("5", "= 5", True),
        ("5", "5!", True),
        ("5", "5?", True),
        ("5", '"5"', True),
        ("5", "5.", True),
        ("5", "5, I think", True),
        ("5", "I think it's 5", True),
        ("5", "five (5)", True),
        ("5", "5 (five)", True),
        ("15", "Each of the 3 boxes has 5, so there are 15.", True),
        ("15", "There are 15 in the 3 boxes.", True),
        ("15", "3 x 5 = 15 apples", True),
        ("15", "3 × 5 = 15", True),
        ("5", "3 x 5 = 15", False),
        ("18", "leaving 20 - 2 = 18 apples", True),
        ("18", "She had 20, gave away 2, which leaves 18.", True),
        ("3.14", "3.14159", False),
        ("100", "1e2", True),
        ("4", "4th", True),
        ("4", "fourth", True),
        ("4", "the 4th one", True),
        ("4th", "4", True),
        ("12", "a dozen", True),
        ("24", "two dozen", True),
        ("6", "half a dozen", True),
        ("1500", "fifteen hundred", True),
        ("1,5", "1.5", True),
        ("350", "three fifty", False),
        ("1969", "July 20, 1969", True),
        ("1969", "in 1968", False),
        ("3", "The 3 of us", True),
        ("300", "300 m/s", True),
        ("0", "zero", True),
        ("0", "none", False),
        ("40,075 km", "40,075 kilometers (24,901 miles)", True),
        ("24901 miles", "40,075 kilometers (24,901 miles)", True),
        ("1000", "1000000", False),
        ("1.0", "1", True),
        ("72", "**Total: 72 clips**", True),
        (
            "72",
            "Natalia sold 48/2 = 24 clips in May. Natalia sold 48+24 = 72 clips altogether in April and May.",
            True,
        ),
        ("72", "Natalia sold <<48/2=24>>24 clips in May.\nShe sold <<48+24=72>>72 clips.\n#### 72", True),
        ("10", "She earns 12/60 = $0.2 per minute. Working 50 minutes, she earned 0.2 x 50 = $10.", True),
        ("42", "<think>maybe 41</think>42", True),
        ("624", "So he writes 12*52 = 624 pages a year. Therefore, James writes 624 pages a year.", True),
        ("3", "The answer is: three", True),
        ("8", "The answer is 8 (out of 10).", True),
        ("50", "50 %", True),
        ("50%", "50 per cent", True),
        ("50%", "fifty percent", True),
        ("5", "5 (five) apples in 2 baskets", True),
        ("2", "H2O", False),
        ("-40", "-40", True),
        ("40", "-40", False),
        ("1000", "1.000", None),
        ("1.234", "1,234", None),
        ("1234", "1.234", None),
    ],
)
def test_a_number_counts_by_its_value_where_the_text_gives_it_as_its_answer(
    accepted: str, text: str, correct: bool | None
) -> None:
    assert verdict("How many are there?", accepted, text) is correct


@pytest.mark.parametrize(
    ("question", "accepted", "text", "correct"),
    [
        ("How many episodes has season 3?", "10", "Season 3 has 10 episodes.", True),
        ("How many episodes are there?", "16", "In its seven seasons there were 16 episodes.", True),
        ("What is 12 plus 5?", "17", "12 plus 5 is 17.", True),
        ("What is 12 plus 5?", "12", "12 plus 5 is 17.", False),
        ("In what year did it open?", "1986", "It opened on March 13, 1986.", True),
        ("In what year did it open?", "1986", "It opened in 1986 with 12 rooms.", True),
        ("In what year did it open?", "1986", "It opened in 1985 or 1986.", False),
        ("In which year did he die?", "303", "He died in 303.", True),
        ("What percentage is it?", "1", "1%", True),
        ("What share is it?", "1", "1%", False),
    ],
)
def test_the_question_tells_which_number_is_the_answer(
    question: str, accepted: str, text: str, correct: bool
) -> None:
    assert verdict(question, accepted, text) is correct


def test_a_point_that_can_be_either_is_left_open() -> None:
    found = grade(Item("1", "How many?", ("1234",), "set"), "1.234", "numeric")
    assert found.correct is None


@pytest.mark.parametrize(
    "text",
    [
        "5",
        "-5",
        "1,234",
        "$5",
        "5 km",
        "12 km/h",
        "3/4",
        "1½",
        "50 %",
        "seven",
        "a dozen",
        "5 million",
        "12:30",
        "about 200",
        "7 a.m.",
        "10^6",
        "two and a half",
        "1st",
        "25 m²",
        "100 °C",
        "½",
        "one",
    ],
)
def test_a_number_with_or_without_a_unit_is_a_quantity(text: str) -> None:
    assert numeric.is_quantity(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Paris",
        "World War 2",
        "5 or 6",
        "July 4",
        "1990s",
        "first",
        "H2O",
        "Apollo 11",
        "5-10",
        "iPhone 5",
        "three blind mice",
        "1-2",
        "second half",
    ],
)
def test_a_name_or_a_choice_of_numbers_is_no_quantity(text: str) -> None:
    assert not numeric.is_quantity(text)


@pytest.mark.parametrize(
    "text",
    [
        "9^999999999",
        "1" * 100000,
        "1,234" * 20000,
        "5/0",
        "0/0",
        "0^-5",
        "2**-" + "9" * 4,
        "1e9999",
        "=" * 50000,
        "one " * 30000,
        "1 " * 50000,
        "\\frac{" * 20000,
        "$" * 50000,
        "5 or " * 20000,
        "not 5 " * 15000,
    ],
)
def test_hostile_numbers_are_graded_too(text: str) -> None:
    assert verdict("How many are there?", "77", text) is False


@pytest.mark.parametrize(
    ("accepted", "text"),
    [
        ("1250000", "1_250_000"),
        ("8", "共有8个"),
        ("5:00", "5 o'clock"),
        ("42", "50 - 8 = 42. So he has 42 apples left after giving 8 away."),
        ("8", "8\nWhat is 2 + 2?\n4"),
    ],
)
def test_a_number_in_other_surroundings_is_read(accepted: str, text: str) -> None:
    assert verdict("How many are there?", accepted, text) is True
