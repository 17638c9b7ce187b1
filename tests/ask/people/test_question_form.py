"""Whether two questions ask for the same thing: on measured pairs, and case by case."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator

import numpy as np
import pytest

from codex.ask.people.answers import LEAST_SIMILARITY, spelled_words
from codex.ask.people.question_form import MOST_CHARACTERS, are_alike, form, normalised
from codex.paths import resources
from codex.retrieval.config import RetrievalConfig
from codex.retrieval.embedding import Embedding
from tests.support.question_pairs import Half, pairs

KNOWN = spelled_words()


def alike(one: str, other: str) -> bool:
    first, second = form(one, KNOWN), form(other, KNOWN)
    return first is not None and second is not None and are_alike(first, second, KNOWN)


@pytest.fixture(scope="module")
def embedding() -> Iterator[Embedding]:
    embedding = Embedding(RetrievalConfig())
    yield embedding
    embedding.close()


@pytest.mark.parametrize("half", ["development", "held-out"])
def test_reworded_questions_are_found_and_near_misses_are_not(embedding: Embedding, half: Half) -> None:
    found = pairs(half)
    vectors = [embedding.encode([getattr(pair, side) for pair in found]) for side in ("first", "second")]
    near = (vectors[0] * vectors[1]).sum(axis=1) >= LEAST_SIMILARITY
    matched = np.array(
        [close and alike(pair.first, pair.second) for pair, close in zip(found, near, strict=True)]
    )
    like = np.array([pair.like for pair in found])
    assert matched[like].mean() >= 0.8
    assert matched[~like].mean() <= 0.01


ALIKE = [
    ("What is the capital of France?", "what's france's capital"),
    ("What is the capital of France?", "WHAT IS THE CAPITAL OF FRANCE?"),
    ("What is the capital of Australia?", "what is the captial of australia"),
    ("What is the capital of Australia?", "what is the capital of austrailia"),
    ("Who wrote Hamlet?", "By whom was Hamlet written?"),
    ("Who wrote Hamlet?", "Can you tell me who the author of Hamlet is?"),
    ("What is 12 × 12?", "how much is 12 times 12"),
    ("What is 1,000 minus 7?", "1000-7 = ?"),
    ("When did the Titanic sink?", "In which year did the Titanic sink?"),
    ("Wer hat Faust geschrieben?", "wer hat Faust geschrieben"),
    ("法国的首都是哪里？", "法国的首都是哪里"),
]
UNLIKE = [
    ("What is the capital of Niger?", "What is the capital of Nigeria?"),
    ("what is the capital of zambia", "what is the capital of gambia"),
    ("What is the atomic number of curium?", "What is the atomic number of cerium?"),
    ("Which element has the symbol As?", "Which element has the symbol At?"),
    ("which element has the symbol as", "which element has the symbol at"),
    ("What is the largest ocean?", "What is the smallest ocean?"),
    ("Which day comes before Monday?", "Which day comes after Monday?"),
    ("What is 8 minus 2?", "What is 2 minus 8?"),
    ("Who did Napoleon defeat?", "Who defeated Napoleon?"),
    ("Tell me who Napoleon defeated.", "Tell me who defeated Napoleon."),
    ("Who was defeated by Napoleon?", "By whom was Napoleon defeated?"),
    ("How many feet are in a mile?", "How many miles are in a foot?"),
    ("How far is it from Rome to Paris?", "How far is it from Paris to Rome?"),
    ("Who is the president of France?", "Who was the president of France?"),
    ("Who was president in 1990?", "Who will be president in 1990?"),
    ("Which planets have rings?", "Which planets have no rings?"),
    ("Can penguins fly?", "Can't penguins fly?"),
    ("At what temperature does water boil in Celsius?", "At what temperature does water boil in Fahrenheit?"),
    ("How much does a kilogram weigh?", "How much does a gram weigh?"),
    ("When did Rome fall?", "Why did Rome fall?"),
    ("How many bones has a cat?", "How much does a cat weigh?"),
    ("Who was the director of The Take?", "Who was the director of Taken?"),
    ("Who wrote The Storm?", "Who wrote Storm?"),
    ("Who is the painter Anna Jansen?", "Who is the painter Anna Janssen?"),
    ("What does NATO stand for?", "What is NATO?"),
    ("What does @ mean?", "What does # mean?"),
    ("What is 5!?", "What is 5?"),
    ("What is 10²?", "What is 102?"),
    ("What is C++?", "What is C?"),
    ("What does a*b mean?", "What does a/b mean?"),
    ("What is -5 + 3?", "What is 5 + 3?"),
    ("who was ben jonson", "Who was Ben Johnson?"),
    ("Is Rome north of Paris?", "Is Paris north of Rome?"),
    ("Which element has the symbol Fe?", "What is the symbol of the element Fe?"),
    ("What did I have for breakfast?", "What did you have for breakfast?"),
    ("Wer hat Faust geschrieben?", "Wer hat Faust gelesen?"),
    ("Wer schlug Hans?", "Hans schlug wer?"),
    ("Schlug Hans Peter?", "Schlug Peter Hans?"),
    ("¿Qué le dijo Ana a Luis?", "¿Qué le dijo Luis a Ana?"),
    ("Germany beat Brazil", "Brazil beat Germany"),
    ("法国的首都是哪里？", "德国的首都是哪里？"),
    ("?", "!"),
    ("", "What is the capital of France?"),
]


@pytest.mark.parametrize(("one", "other"), ALIKE, ids=[other for _, other in ALIKE])
def test_these_ask_for_the_same(one: str, other: str) -> None:
    assert alike(one, other)
    assert alike(other, one)


@pytest.mark.parametrize(("one", "other"), UNLIKE, ids=[f"{one} | {other}" for one, other in UNLIKE])
def test_these_do_not(one: str, other: str) -> None:
    assert not alike(one, other)
    assert not alike(other, one)


def test_no_country_and_no_element_is_taken_for_another() -> None:
    facts = resources("datasets") / "facts"
    with (facts / "countries.csv").open() as file:
        countries = [row["country"] for row in csv.DictReader(file)]
    with (facts / "elements.csv").open() as file:
        elements = [(row["names"].split("|")[0], row["symbol"]) for row in csv.DictReader(file)]
    for questions in (
        [f"What is the capital of {country}?" for country in countries],
        [f"what is the atomic number of {name}" for name, _ in elements],
        [f"Which element has the symbol {symbol}?" for _, symbol in elements],
        [f"which element has the symbol {symbol.lower()}?" for _, symbol in elements],
    ):
        forms = [form(question, KNOWN) for question in questions]
        assert None not in forms
        assert not any(a and b and are_alike(a, b, KNOWN) for a, b in itertools.combinations(forms, 2))


def test_a_question_that_is_too_long_has_no_form() -> None:
    assert form("word " * MOST_CHARACTERS) is None


def test_the_same_question_is_known_by_its_words_alone() -> None:
    assert normalised("  What is\nthe CAPITAL of France ? ") == normalised("what is the capital of france")
    for one, other in (
        ("What is 8 - 2?", "What is 8 2?"),
        ("What is 5!", "What is 5?"),
        ("What is 5!?", "What is 5?"),
        ("What is 10²?", "What is 102?"),
    ):
        assert normalised(one) != normalised(other)
