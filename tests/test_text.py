"""Numbers as they are shown."""

from __future__ import annotations

from codex.text import chosen, number, percent


def test_a_number_has_two_significant_digits_and_a_true_minus_sign() -> None:
    values = (
        1234.5,
        12.34,
        1.234,
        0.1234,
        0.01234,
        0.0,
        -0.0,
        0.996,
        0.0996,
        9.96,
        -0.0042,
        -0.00001,
        5e-324,
    )
    assert [number(value) for value in values] == [
        *("1235", "12", "1.2", "0.12", "0.012", "0", "0", "1.0", "0.10", "10", "−0.0042", "−1e−5", "5e−324")
    ]


def test_a_share_is_never_100_or_0_percent_where_it_is_not() -> None:
    assert [percent(value) for value in (1.0, 0.0, 0.999999, 0.997, 0.9912, 0.514, 0.004)] == [
        *("100%", "0%", "99.99%", "99.7%", "99%", "51%", "0.40%")
    ]


def test_a_chosen_share_keeps_its_digits() -> None:
    assert [chosen(value) for value in (0.125, 0.1, 1 - 0.1, 0.9995)] == ["12.5%", "10%", "90%", "99.95%"]
