"""Each grader on answers as models write them."""

from __future__ import annotations

import math
import threading
import time

import pytest

from codex.errors import InvalidInput
from codex.grading.grades import grade
from codex.grading.kinds import DEFAULT
from codex.grading.quantities import quantities, readable
from codex.grading.wording import plain, refuses
from codex.items import GraderName, Item
from codex.types import Alternative, Prompt, Token
from tests.support.scripted import Script, ScriptedEngine


def item_of(question: str, *answers: str, **rest: object) -> Item:
    return Item("1", question, answers, "set", **rest)  # type: ignore[arg-type]


RÖNTGEN = item_of("Who got the first Nobel Prize in Physics?", "Wilhelm Conrad Röntgen", "Roentgen")
SUM = item_of("What is 1200 + 34.5?", "1234.5")


@pytest.mark.parametrize(
    ("grader", "item", "text", "correct"),
    [
        ("exact", RÖNTGEN, "wilhelm conrad RONTGEN.", True),
        ("exact", RÖNTGEN, "It was Wilhelm Conrad Röntgen.", False),
        ("contains", RÖNTGEN, "It was Wilhelm Conrad Röntgen, in 1901.", True),
        ("contains", RÖNTGEN, "It was Roentgenium.", False),
        ("contains", item_of("When?", "8"), "In 1987.", False),
        ("contains", item_of("How many?", "eight"), "There are 8 of them.", True),
        ("contains", item_of("Who?", "J. R. R. Tolkien"), "JRR Tolkien wrote it.", True),
        ("recall", RÖNTGEN, "Wilhelm Röntgen", True),
        ("recall", RÖNTGEN, "Conrad Adenauer", False),
        ("recall", item_of("When was it?", "14 July 2017"), "On July 14, 2017.", True),
        ("recall", item_of("When was it?", "14 July 2017"), "On July 10, 2017.", False),
        ("recall", item_of("Which lake is the largest?", "Lake Oahe"), "Lake Mead", False),
        ("recall", item_of("Who fought?", "the Russian army"), "Russia and its army.", True),
        ("recall", item_of("Which country?", "Niger"), "Nigeria", False),
        ("recall", item_of("Which country?", "Australia"), "Austria", False),
        ("recall", item_of("Who are The Who?", "The Who"), "It is The Who.", True),
        ("recall", item_of("Is it in Africa or the Americas?", "Americas"), "Africa, not America", False),
        ("f1", RÖNTGEN, "Wilhelm Röntgen", True),
        ("f1", RÖNTGEN, "In 1901 the first Nobel Prize in Physics went to Wilhelm Röntgen", False),
        ("rouge_l", RÖNTGEN, "Wilhelm Röntgen", True),
        ("rouge_l", RÖNTGEN, "Marie Curie", False),
        ("numeric", SUM, "1200 + 34.5 = 1,234.50.", True),
        ("numeric", SUM, "1234.5 is wrong, it is 7.", False),
        ("numeric", SUM, "I do not know.", False),
        ("numeric", item_of("?", "-5"), "It is −5.", True),
        ("numeric", item_of("?", "-5"), "It is 5.", False),
        ("numeric", item_of("?", "12"), "Twelve", True),
        ("numeric", item_of("?", "3"), "10-7", False),
        ("regex", item_of("?", r"\bIn\b"), "The symbol is In.", True),
        ("regex", item_of("?", r"\bIn\b"), "in doubt", False),
        ("refusal", RÖNTGEN, "I cannot tell.", False),
    ],
)
def test_a_grader_grades(grader: GraderName, item: Item, text: str, correct: bool) -> None:
    found = grade(item, text, grader)
    assert (found.correct, found.grader) == (correct, grader)
    assert 0 <= found.score <= 1


CHOICE = item_of("Which colour?", "dark blue", choices=("red", "dark blue", "a green"))


@pytest.mark.parametrize(
    ("text", "correct"),
    [
        ("B", True),
        ("B.", True),
        ("(b)", True),
        ("b", True),
        ("B) dark blue", True),
        ("The correct answer is B: dark blue", True),
        ("Answer: B", True),
        ("**B**", True),
        ("Dark blue.", True),
        ("I would say dark blue", True),
        ("A", False),
        ("A green", False),
        ("red or dark blue", False),
        ("Because it is dark", False),
        ("D", False),
        ("", False),
    ],
)
def test_a_choice_is_named_by_its_letter_or_its_text(text: str, correct: bool) -> None:
    assert grade(CHOICE, text, "choice").correct is correct


def test_what_cannot_be_answered_is_right_only_when_refused_whatever_grader_is_named() -> None:
    item = item_of("What is the capital of Velimbemar?", answerable=False)
    for grader in (None, "exact", "judge"):
        assert grade(item, "There is no such place.", grader).correct
        assert not grade(item, "It is Velim.", grader).correct


@pytest.mark.parametrize(
    "text",
    [
        "I don't know.",
        "I do not have access to that information.",
        "As an AI, I can’t know what you ate.",
        "There is no king of the United States.",
        "No such country exists.",
        "Velimbemar does not exist.",
        "Neil Armstrong never landed on Mars.",
        "It is impossible to predict.",
        "I'm sorry, but I couldn't find any information about it.",
        "Caesar died before mobile phones were invented.",
        "This appears to be a fictional place.",
        "The question rests on a false premise.",
        "",
    ],
)
def test_a_refusal_is_known(text: str) -> None:
    assert refuses(text)


@pytest.mark.parametrize(
    "text",
    [
        "The capital is Velim.",
        "Napoleon used a Nokia 3310.",
        "In 1969.",
        "It will be about 2,000 dollars.",
        "She invented the telephone.",
        "The first king is not known for a specific name, but it was Kaelin.",
        "Cleopatra flew the fictional spaceship Nile.",
    ],
)
def test_an_answer_is_no_refusal(text: str) -> None:
    assert not refuses(text)


def test_the_grader_is_the_one_named_else_the_items_own_else_the_default() -> None:
    item = item_of("?", "5", grader="numeric")
    assert grade(item, "5", "exact").grader == "exact"
    assert grade(item, "5").grader == "numeric"
    assert grade(RÖNTGEN, "Röntgen").grader == DEFAULT


def test_an_unknown_grader_is_named_with_those_there_are() -> None:
    with pytest.raises(InvalidInput, match=r"no grader 'best'\. There are: exact, contains, recall"):
        grade(RÖNTGEN, "Röntgen", "best")


@pytest.mark.parametrize("pattern", ["(", "(?=a)", "(a{1000}){1000}"])
def test_a_pattern_that_is_none_is_said(pattern: str) -> None:
    with pytest.raises(InvalidInput, match="not a regular expression"):
        grade(item_of("?", pattern), "a", "regex")


def test_no_pattern_searches_for_ever() -> None:
    started = time.perf_counter()
    assert not grade(item_of("?", "(a|aa)+$"), "a" * 10_000 + "b", "regex").correct
    # A backtracking search would take longer than the universe is old; this one takes milliseconds.
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1 000 000", 1e6),
        ("$2,500.", 2500),
        ("about 3.5e3 m", 3500),
        ("1, 2, 3", 3),
        ("no number", None),
        ("20 % of H2O", 20),
        ("-0.5", -0.5),
        ("v2", None),
        ("the 3rd", 3),
        ("5.", 5),
        ("2.18.", 2.18),
    ],
)
def test_the_last_number_of_a_text_is_read(text: str, number: float | None) -> None:
    found = quantities(readable(text))
    assert (float(found[-1].value) if found else None) == number


@pytest.mark.parametrize("text", ["", " ", "\0", "…", "🙂", "a" * 100_000, "١٢٣", "\ud800", "中国北京"])
def test_every_grader_stands_every_text(text: str) -> None:
    for grader in ("exact", "contains", "recall", "f1", "rouge_l", "numeric", "refusal", "choice"):
        for item in (RÖNTGEN, CHOICE, item_of(text or "?", text)):
            assert 0 <= grade(item, text, grader).score <= 1


def test_an_answer_in_characters_without_spaces_is_found() -> None:
    assert grade(item_of("?", "北京"), "中国的首都是北京。").correct


def test_words_are_compared_without_accents_articles_possessives_and_footnotes() -> None:
    assert plain("The Beatles' “São-Tomé”") == plain("beatles Sao Tome")
    assert plain("Ledger1") == "ledger 1"
    assert plain("Oman's") == "oman"


def test_a_judge_is_asked_with_the_question_the_accepted_answers_and_the_answer() -> None:
    engine = ScriptedEngine(lambda prompt: Script([""]), judgement=lambda prompt: 0.7)
    found = grade(RÖNTGEN, "It was\nRöntgen.", "judge", engine)
    assert (found.correct, round(found.score, 6), found.grader) == (True, 0.7, "judge")
    (prompt,) = engine.judged
    assert RÖNTGEN.question in prompt
    assert "Wilhelm Conrad Röntgen | Roentgen" in prompt
    assert "Proposed answer: It was Röntgen.\n" in prompt


def test_a_judge_below_one_half_says_wrong_and_one_without_a_label_says_nothing() -> None:
    engine = ScriptedEngine(lambda prompt: Script([""]), judgement=lambda prompt: 0.3)
    assert grade(RÖNTGEN, "Curie", "judge", engine).correct is False

    class Mute(ScriptedEngine):
        def next_token(self, prompt: Prompt, cancel: threading.Event | None = None) -> Token:
            return Token(1, b"Well", -0.1, alternatives=(Alternative(1, b"Well", -0.1),))

    mute = grade(RÖNTGEN, "Curie", "judge", Mute(lambda prompt: Script([""])))
    assert mute.correct is None
    assert math.isnan(mute.score)


def test_a_judge_needs_an_engine() -> None:
    with pytest.raises(InvalidInput, match="needs an engine"):
        grade(RÖNTGEN, "Curie", "judge")
