"""Templates, and rows as text."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from codex.classify.rows import row_text, texts_of
from codex.classify.templates import names, template
from codex.errors import InvalidInput, NotFound, UnusableRows


@pytest.mark.parametrize("name", names())
def test_templates_that_ship_name_the_row_and_the_labels(name: str) -> None:
    messages = template(name).messages("the row", ["a", "b"])
    assert messages[-1].role == "user"
    assert "the row" in messages[-1].content
    assert "a, b" in messages[-1].content
    assert "{" not in "".join(it.content for it in messages)


def test_what_is_put_in_is_not_read_as_a_template() -> None:
    said = template("text").messages("{labels} {instructions}", ["a", "b"], "Use {row}.")[-1].content
    assert "Text: {labels} {instructions}" in said
    assert "Use {row}." in said


def test_examples_are_turns_or_a_part_of_the_instructions() -> None:
    examples = [("fine", "good"), ("poor", "bad")]
    turns = template("text").messages("new", ["good", "bad"], examples=examples)
    assert [it.role for it in turns] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert "fine" in turns[1].content
    assert turns[2].content == "good"
    within = template("text").messages("new", ["good", "bad"], examples=examples, form="instructions")
    assert [it.role for it in within] == ["system", "user"]
    assert "fine\n-> good\npoor\n-> bad" in within[1].content


def test_a_template_of_the_user_is_a_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("[user]\nSort {row} into {labels}.\n")
    assert template(str(file)).messages("x", ["a", "b"])[0].content == "Sort x into a, b."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Sort {row}", "under lines"),
        ("[user]\nSort it\n", "no {row}"),
        ("[user]\n{row} {colour}\n", "{colour} is none of"),
        ("[robot]\n{row}\n", "neither"),
        ("[user]\n{row}\n[system]\nx\n", "the last is the user's"),
    ],
    ids=["no turns", "no row", "unknown place", "unknown turn", "system last"],
)
def test_a_file_that_is_no_template_is_refused(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / f"{abs(hash(text))}.txt"
    file.write_text(text)
    with pytest.raises(InvalidInput, match=said):
        template(str(file))


def test_a_template_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(NotFound, match="record, statement, text"):
        template("nothing")


def test_rows_of_numbers_in_each_format() -> None:
    columns, values = ["age", "ratio", "name"], [np.float64(41.0), np.float32(0.3333333), np.nan]
    assert row_text(columns, values, "list") == "- age: 41\n- ratio: 0.333333\n- name: missing"
    assert row_text(columns, values, "table").splitlines()[2] == "| 41 | 0.333333 | missing |"
    assert json.loads(row_text(columns, values, "json")) == {"age": 41, "ratio": 0.333333, "name": None}


def test_a_bar_or_a_line_break_in_a_cell_breaks_no_table() -> None:
    assert row_text(["a", "b"], ["x|y\nz", 1], "table").splitlines()[2] == "| x/y z | 1 |"


def test_which_x_holds_texts() -> None:
    assert texts_of(["a", "b"]) == ["a", "b"]
    assert texts_of(np.asarray([[1.0, 2.0]])) is None
    with pytest.raises(UnusableRows, match="X is one text"):
        texts_of("a")
    with pytest.raises(UnusableRows, match="Row 1 of X is no text but None"):
        texts_of(["a", None])
