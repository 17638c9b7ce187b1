"""The sets that ship are what their program makes, and can be graded."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from codex.datasets import generate
from codex.datasets.library import SHIPPED, load
from codex.grading.grades import grade
from codex.grading.number_words import NUMBERS
from codex.grading.wording import plain


@pytest.mark.parametrize("name", generate.SETS)
def test_a_set_made_anew_is_the_one_that_ships(name: str) -> None:
    rows, card = generate.contents(name)
    why = "run: python -m codex.datasets.generate"
    assert (SHIPPED / f"{name}.jsonl").read_text(encoding="utf-8") == rows, why
    assert (SHIPPED / f"{name}.md").read_text(encoding="utf-8") == card, why


@pytest.mark.parametrize("name", generate.SETS)
def test_a_set_has_enough_different_questions(name: str, tmp_path: Path) -> None:
    items = load(name, tmp_path)
    assert (60 if name == "newcomers" else 200) <= len(items) <= 400
    assert len({item.id for item in items}) == len(items)
    assert len({item.question.casefold() for item in items}) == len(items)


@pytest.mark.parametrize("name", ["arithmetic", "capitals", "elements"])
def test_each_accepted_answer_is_graded_right_alone_and_in_a_sentence(name: str, tmp_path: Path) -> None:
    for item in load(name, tmp_path):
        for answer in item.answers:
            assert grade(item, answer).correct, (item, answer)
            assert grade(item, f"The answer is {answer}.").correct, (item, answer)


@pytest.mark.parametrize("name", ["capitals", "elements"])
def test_an_answer_that_only_repeats_the_question_is_wrong(name: str, tmp_path: Path) -> None:
    for item in load(name, tmp_path):
        assert not grade(item, item.question).correct, item


def test_no_accepted_answer_is_a_common_word(tmp_path: Path) -> None:
    words = "all and as at be by cup he i in is it mad no not of on pen so the to top try us with"
    common = set(words.split())
    for name in ("capitals", "elements"):
        for item in load(name, tmp_path):
            assert not common & set(map(plain, item.answers)), item


def test_every_sum_is_right(tmp_path: Path) -> None:
    signs = {"plus": "+", "minus": "-", "times": "*", "divided by": "/", "×": "*", "÷": "/"}
    for item in load("arithmetic", tmp_path):
        written = item.question.removeprefix("What is ").removesuffix("?").removesuffix("= ")
        for word, sign in signs.items():
            written = written.replace(word, sign)
        figures = re.sub(r"[a-z]+", lambda word: str(NUMBERS[word[0]]), written)
        assert eval(figures) == int(item.answers[0]), item


def test_nothing_that_cannot_be_answered_has_an_answer(tmp_path: Path) -> None:
    for item in load("unanswerable", tmp_path):
        assert not item.answerable
        assert not item.answers
        assert grade(item, "I do not know.").correct
        assert not grade(item, "It is Paris.").correct


def test_the_facts_name_every_element_once() -> None:
    elements = list(generate.facts("elements"))
    assert [int(element["number"]) for element in elements] == list(range(1, 119))
    assert len({element["symbol"] for element in elements}) == 118


def test_rows_are_json_objects_in_utf_8_without_escapes() -> None:
    text = (SHIPPED / "capitals.jsonl").read_text(encoding="utf-8")
    assert "Brasília" in text
    for line in text.splitlines():
        assert {"id", "question", "answers", "answerable"} <= json.loads(line).keys()


def test_the_answers_for_verifiers_are_what_their_program_makes() -> None:
    shipped = (SHIPPED / "judging" / "answers.jsonl").read_text(encoding="utf-8")
    assert shipped == generate.labelled_answers(), "run: python -m codex.datasets.generate"


def test_an_answer_for_verifiers_is_graded_as_it_is_labelled(tmp_path: Path) -> None:
    items = {item.question: item for name in generate.SETS for item in load(name, tmp_path)}
    for line in generate.labelled_answers().splitlines():
        pair = json.loads(line)
        assert grade(items[pair["question"]], pair["correct"]).correct, pair
        assert not grade(items[pair["question"]], pair["incorrect"]).correct, pair
