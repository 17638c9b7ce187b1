"""E-mail addresses, phone and card numbers are found; other numbers are left alone."""

from __future__ import annotations

from random import Random

import pytest

from codex.redaction import Edited, cards, emails, personal, phones
from codex.redaction.personal import luhn
from codex.redaction.spans import Span


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("write to jo.doe+x@mail.example.org.", "write to [e-mail]."),
        ("call +49 (30) 1234-5678 now", "call [phone] now"),
        ("or (030) 123 45 67, 555-123-4567.", "or [phone], [phone]."),
        ("Phone: 030 1234567", "Phone: [phone]"),
        ("my mobile number is 0171 2345678.", "my mobile number is [phone]."),
        ("card 4111 1111 1111 1111, exp 12/29", "card [card], exp 12/29"),
        ("4111111111111111", "[card]"),
        ("5555-5555-5555-4444", "[card]"),
        ("3782 822463 10005", "[card]"),
        ("6011111111111117 and 3530111333300000", "[card] and [card]"),
        ("30569309025904", "[card]"),
    ],
)
def test_personal_data_is_replaced(text: str, expected: str) -> None:
    assert Edited(text, personal(text)).text == expected


@pytest.mark.parametrize(
    "text",
    [
        "299 792 458 metres a second",
        "born on 1969-07-20, 12.05.1999, 2026-11-30T07:12:01",
        "ISBN 978-3-16-148410-0, 9783161484100, 0-306-40615-2",
        "pi is 3.14159265358979323846",
        "user@host, a token: 7",
        "10.1.2.3:8080",
        "4111 1111 1111 1112",
        "order 1764486000000000000, 1764486000000",
        "4111-1111-1111-1111-1111",
        "DOI 10.1145/3442188.3445922",
        "276db1c9880740298df204c5bdb7c802",
        "the telephone was invented in 1876",
        "IBAN DE89 3704 0044 0532 0130 00",
        "123 456 789 012 345 678",
    ],
)
def test_other_numbers_stay(text: str) -> None:
    assert Edited(text, personal(text)).text == text


def test_of_random_ids_few_are_taken_for_cards() -> None:
    """A tenth of all numbers has Luhn's check digit, and about a quarter begins as a network's do."""
    rng = Random(3)
    ids = [str(rng.randrange(10**15, 10**16)) for _ in range(2000)]
    assert sum(bool(cards(each)) for each in ids) <= 0.04 * len(ids)
    assert not any(cards(f"{rng.randrange(10**11):011d}") for _ in range(200))


def test_the_check_digit_is_luhns() -> None:
    assert luhn("79927398713")
    assert not any(luhn(f"7992739871{digit}") for digit in "012456789")


def test_finders_tell_what_they_found() -> None:
    assert emails("a@b.org") == [Span(0, 7, "e-mail")]
    assert phones("x 555-123-4567") == [Span(2, 14, "phone")]


def test_places_are_known_after_an_edit() -> None:
    text = "from jo@example.org to x"
    edited = Edited(text, emails(text))
    assert edited.text == "from [e-mail] to x"
    assert [edited.at(place) for place in (0, 5, 8, 19, len(text))] == [0, 5, 5, 13, len(edited.text)]
    assert [edited.after(place) for place in (5, 8, 19, 20)] == [5, 13, 13, 14]
