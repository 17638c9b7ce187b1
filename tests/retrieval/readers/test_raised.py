"""Superscripts and subscripts as plain text: a power stays one, a footnote's mark never joins a number."""

from __future__ import annotations

import pytest

from codex.retrieval.readers.raised import lowered, raised


@pytest.mark.parametrize(
    ("before", "text", "after", "line"),
    [
        ("3 × 10", "6", " km", "3 × 10^6"),
        ("1.5×10", "6", "", "1.5×10^6"),
        ("10", "−9", " m", "10^−9"),
        ("about 2", "10", " bytes", "about 2^10"),
        ("25 m", "2", ".", "25 m^2"),
        ("4 in", "2", "", "4 in^2"),
        ("120 kWh/m", "2", "", "120 kWh/m^2"),
        ("9.81 m/s", "2", "", "9.81 m/s^2"),
        ("7 s", "-1", "", "7 s^-1"),
        ("E = mc", "2", ".", "E = mc^2"),
        ("πr", "2", "", "πr^2"),
        ("(a + b)", "2", "", "(a + b)^2"),
        ("x", "n+1", "", "x^(n+1)"),
        ("x", "n", "y", "x^n"),
        ("e", "−x/2", "", "e^(−x/2)"),
        ("sin", "2", " x", "sin^2"),
        ("Ca", "2+", "", "Ca^2+"),
        ("Na", "+", "", "Na^+"),
        ("SO4", "2−", "", "SO4^2−"),
        ("10", "6", "7", "10^6 "),
        ("at 1.05", "20", "", "at 1.05^20"),
    ],
)
def test_a_power_is_marked(before: str, text: str, after: str, line: str) -> None:
    assert before + raised(before, text, after) == line


@pytest.mark.parametrize(
    ("before", "text", "line"),
    [
        ("in 1998", "4", "in 1998 [4]"),
        ("in 1998", "[4]", "in 1998 [4]"),
        ("in 1998", "a", "in 1998 [a]"),
        ("2,345", "9", "2,345 [9]"),
        ("12.5", "3", "12.5 [3]"),
        ("45 %", "7", "45 % [7]"),
        ("of all", "8", "of all [8]"),
        ("it is", "2", "it is [2]"),
        ("The end.", "10,11", "The end. [10,11]"),
        ("The end.", "3–5", "The end. [3–5]"),
        ("said.”", "12", "said.” [12]"),
        ("(see the last page)", "2", "(see the last page) [2]"),
        ("workers", "b", "workers [b]"),
        ("Price", "*", "Price*"),
        ("word", "[note 3]", "word [note 3]"),
    ],
)
def test_a_footnotes_mark_stands_apart(before: str, text: str, line: str) -> None:
    assert before + raised(before, text) == line


def test_a_known_footnote_is_none_of_a_power() -> None:
    assert raised("19", "5", note=True) == " [5]"
    assert raised("ends ", "5", note=True) == "[5]"


def test_a_mark_between_spaces_is_a_footnotes_and_one_that_opens_a_line_is_a_number() -> None:
    assert raised("the dose ", "5", " was") == "[5]"
    assert raised("", "5", " See below") == "5"


@pytest.mark.parametrize(
    ("before", "text", "after", "line"),
    [
        ("the 1", "st", " of", "the 1st"),
        ("the 22", "nd", "", "the 22nd"),
        ("le 1", "er", " mai", "le 1er"),
        ("XIX", "e", " siècle", "XIXe"),
        ("M", "me", " Curie", "Mme"),
        ("Codex", "TM", ",", "Codex™"),
        ("Codex", "®", "", "Codex®"),
        ("20", "o", "C", "20°"),
        ("20 ", "°", "C", "20 °"),
        ("", "14", "C", "14"),
        ("the ", "235", "U", "the 235"),
        ("1 ", "1", "⁄", "1 1"),
        ("3", "1", "/", "3 1"),
    ],
)
def test_what_belongs_to_its_word_joins_it(before: str, text: str, after: str, line: str) -> None:
    assert before + raised(before, text, after) == line


def test_digits_below_do_not_join_digits() -> None:
    assert lowered("H", "2", "O") == "2"
    assert lowered("1011", "2") == "_2"
    assert lowered("log", "10", "100") == "10 "
