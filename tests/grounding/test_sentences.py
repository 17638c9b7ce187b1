"""Sentences of an answer, with their places."""

from __future__ import annotations

import pytest

from codex.grounding.sentences import MOST, parts, sentences


def said(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Paris", ["Paris"]),
        ("  Paris. \n", ["Paris."]),
        ("It is Paris. It lies on the Seine.", ["It is Paris.", "It lies on the Seine."]),
        ("Dr. Who met J. R. Smith at 3.14 p.m. on the U.S. coast.",) * 2,
        ("1. Paris\n2. Rome", ["1. Paris", "2. Rome"]),
        ("- Paris\n- Rome", ["- Paris", "- Rome"]),
        ("東京です。京都ではありません。", ["東京です。", "京都ではありません。"]),
        ("Η Αθήνα. Ο Πειραιάς.", ["Η Αθήνα.", "Ο Πειραιάς."]),
        ("42", ["42"]),
        (" \n ", []),
    ],
)
def test_sentences_are_found_without_the_space_around_them(text: str, expected: list[str] | str) -> None:
    assert said(text) == ([expected] if isinstance(expected, str) else expected)


def test_a_long_answer_is_judged_in_a_bounded_number_of_parts_that_leave_nothing_out() -> None:
    text = " ".join(f"This is sentence number {i}." for i in range(100))
    found = parts(text)
    assert len(found) == MOST
    assert " ".join(text[start:end] for start, end in found) == text
