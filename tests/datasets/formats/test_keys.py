"""Which choice a key names, and what numbers count from: all rows of a file tell, or the user does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from codex.datasets.formats import keys
from codex.datasets.formats.choices import Choices, of_value
from codex.datasets.formats.keys import KeyBase, Numbered
from codex.datasets.importing import import_file
from codex.datasets.library import load
from codex.errors import InvalidInput

METALS = ("Iron", "Neon", "Helium", "Argon")
NUMBERED = {"text": list(METALS), "label": ["1", "2", "3", "4"]}
LETTERED = {"text": list(METALS), "label": ["A", "B", "C", "D"]}


def rows(home: Path, *pairs: tuple[object, object], key_base: KeyBase | None = None) -> list[tuple[str, ...]]:
    """The accepted answers of questions with these choices and keys."""
    path = home / "a.jsonl"
    asked = (
        {"question": f"{n}?", "choices": choices, "answer": key} for n, (choices, key) in enumerate(pairs)
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in asked))
    import_file(path, home, replace=True, key_base=key_base, accept_rejects=True)
    return [item.answers for item in load("a", home)]


@pytest.mark.parametrize(
    ("choices", "key", "at"),
    [
        (NUMBERED, "1", 0),
        (NUMBERED, 2, 1),
        (NUMBERED, "(3)", 2),
        (NUMBERED, "B", 1),
        (NUMBERED, "Argon", 3),
        (LETTERED, "B", 1),
        (LETTERED, "(b)", 1),
        (LETTERED, "C.", 2),
        (LETTERED, "D) Argon", 3),
        (LETTERED, "helium", 2),
        (METALS, "A", 0),
        (METALS, "d", 3),
        (METALS, ["B"], 1),
        ({"F": "Iron", "G": "Neon"}, "G", 1),
        ([{"label": "x1", "text": "Iron"}, {"label": "x2", "text": "Neon"}], "x2", 1),
        ([["A", "Iron"], ["B", "Neon"]], "B", 1),
        ("A) Iron B) Neon", "B", 1),
        ("a ) 38 , b ) 27.675", "b", 1),
        (["Yes", "No"], False, 1),
        (["B", "A"], "A", 1),
    ],
)
def test_a_key_is_a_label_a_letter_or_a_text(choices: object, key: object, at: int) -> None:
    read = of_value(choices)
    assert read is not None
    assert keys.read(key, read) == at


@pytest.mark.parametrize(
    ("choices", "key"),
    [
        (NUMBERED, "5"),
        (NUMBERED, "0"),
        (LETTERED, "E"),
        ({"F": "Iron", "G": "Neon"}, "A"),
        (METALS, "Gold"),
        (METALS, "E"),
        (METALS, 5),
        (METALS, -1),
        (METALS, "A, B"),
        (METALS, "B) Iron"),
        (METALS, True),
        (METALS, ""),
    ],
)
def test_a_key_that_names_none_of_the_choices_is_refused(choices: object, key: object) -> None:
    read = of_value(choices)
    assert read is not None
    with pytest.raises(InvalidInput, match=f"none of its {len(read.texts)} choices"):
        keys.read(key, read)


def test_a_number_without_a_label_is_not_decided_by_its_row() -> None:
    assert keys.read(2, Choices(METALS)) == Numbered(2, None)
    assert keys.read("2", Choices(("4", "2"))) == Numbered(2, 1)
    assert keys.read(2, Choices(("4", "2"))) == Numbered(2, None)
    assert keys.read(2, Choices(("4", "2"), numeric=True)) == Numbered(2, 1)


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((1, 3, 0), ("Neon", "Argon", "Iron")),
        ((1, 3, 4), ("Iron", "Helium", "Argon")),
        (("1", "3", "4"), ("Iron", "Helium", "Argon")),
        ((1.0, 0.0), ("Neon", "Iron")),
    ],
)
def test_a_zero_or_the_number_of_all_choices_anywhere_tells_the_base(
    tmp_path: Path, numbers: Sequence[object], expected: tuple[str, ...]
) -> None:
    assert rows(tmp_path, *((METALS, number) for number in numbers)) == [(text,) for text in expected]


def test_a_number_that_is_no_choice_is_rejected_and_tells_nothing(tmp_path: Path) -> None:
    assert rows(tmp_path, (METALS, 0), (METALS, 9), (METALS, 1)) == [("Iron",), ("Neon",)]


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ((1, 2, 3), "never 0 and never the number of all choices"),
        ((0, 4), "from 0 in line 1 up to .* in line 2"),
    ],
)
def test_numbers_that_tell_nothing_are_refused_until_the_user_says_the_base(
    tmp_path: Path, numbers: Sequence[int], said: str
) -> None:
    with pytest.raises(InvalidInput, match=rf"{said}.*--key-base 0 or --key-base 1"):
        rows(tmp_path, *((METALS, number) for number in numbers))
    assert not list((tmp_path / "datasets").iterdir())
    pairs = [(METALS, number) for number in numbers]
    assert rows(tmp_path, *pairs, key_base=0)[0] == (METALS[numbers[0]],)
    assert rows(tmp_path, *pairs, key_base=1)[-1] == (METALS[numbers[-1] - 1],)


def test_a_label_stays_a_label_whatever_numbers_count_from(tmp_path: Path) -> None:
    assert rows(tmp_path, (NUMBERED, "1"), (METALS, 1), key_base=0) == [("Iron",), ("Neon",)]


def test_numbers_that_are_texts_of_choices_are_texts_where_they_cannot_count(tmp_path: Path) -> None:
    legs = ["2", "4", "6", "8"]
    assert rows(tmp_path, (legs, "8"), (legs, "4")) == [("8",), ("4",)]
    assert rows(tmp_path, (legs, "4"), (METALS, "Neon")) == [("4",), ("Neon",)]
    assert rows(tmp_path, (legs, "0"), (METALS, "3")) == [("2",), ("Argon",)]
    with pytest.raises(InvalidInput, match=r"may count choices or be their texts.*--key-base text"):
        rows(tmp_path, (legs, "4"), (legs, "2"))
    assert rows(tmp_path, (legs, "4"), (legs, "2"), key_base="text") == [("4",), ("2",)]


def test_rows_keep_their_order_while_they_wait_for_the_base(tmp_path: Path) -> None:
    asked = [(METALS, "A"), (METALS, 1), (METALS, "C"), (METALS, 0)]
    assert rows(tmp_path, *asked) == [("Iron",), ("Neon",), ("Helium",), ("Iron",)]


@pytest.mark.parametrize(
    ("choices", "why"),
    [
        (["Iron", "", "Neon"], "choice 2 of 3 is empty"),
        ({"text": ["Iron", "Neon"], "label": ["A", "A"]}, "do not tell its choices apart"),
        ({"text": ["Iron", "Neon"], "label": ["A"]}, "2 choices and 1 labels"),
        ("Iron, Neon", "are one text: say what stands between them"),
        ([str(n) for n in range(27)], "it has 27 choices"),
        (7, "a int, not a list"),
        ([{"label": "A"}], "objects without text"),
        ([["a", "b", "c"], ["d", "e", "f"]], "a list or an object"),
    ],
)
def test_choices_that_cannot_be_told_apart_are_refused(choices: object, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        of_value(choices)


def test_choices_without_texts_at_their_end_have_fewer(tmp_path: Path) -> None:
    assert of_value(["Iron", "Neon", "", None]) == Choices(("Iron", "Neon"))
    assert of_value({"text": ["Iron", "Neon", ""], "label": ["A", "B", "C"]}) == Choices(
        ("Iron", "Neon"), lettered=True
    )
    assert of_value([]) is None
    assert of_value("") is None


def test_distractors_never_stand_in_an_order_that_tells_the_correct_answer(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    asked = [
        {
            "question": f"{n}?",
            "correct_answer": f"right {n}",
            "distractor1": f"a {n}",
            "distractor2": f"b {n}",
        }
        for n in range(60)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in asked))
    import_file(path, tmp_path)
    items = load("a", tmp_path)
    places = [item.choices.index(item.answers[0]) for item in items]
    # Of 60 in three places a place has 8 or fewer with a chance of 0.0003.
    assert all(places.count(at) > 8 for at in range(3))
    import_file(path, tmp_path, replace=True)
    assert load("a", tmp_path) == items
