"""Words divided at the ends of lines are joined where the joined word is likelier than the compound."""

from __future__ import annotations

import pytest

from codex.retrieval.readers.hyphens import joined

ENGLISH = "This is the report of the board that was made for all of the members in the town. "
GERMAN = "Das ist der Bericht, den die Leitung mit den Leuten für das Haus und nicht auf Papier hat. "


@pytest.mark.parametrize(
    ("divided", "whole"),
    [
        ("the mainte-\nnance of", "the maintenance of"),
        ("the main\u00ad\ntenance", "the maintenance"),
        ("a post-\nwar plan", "a postwar plan"),
        ("the MAIN-\nTENANCE of", "the MAINTENANCE of"),
        ("Mr Schwar-\nzenegger", "Mr Schwarzenegger"),
        ("un-\nder the sea", "under the sea"),
    ],
)
def test_a_word_is_joined(divided: str, whole: str) -> None:
    assert joined([ENGLISH + divided]) == [ENGLISH + whole]


@pytest.mark.parametrize(
    ("divided", "whole"),
    [
        ("a long-\nterm plan", "a long-term plan"),
        ("a well-\nknown fact", "a well-known fact"),
        ("the state-of-the-\nart crane", "the state-of-the-art crane"),
        ("an x-\nray room", "an x-ray room"),
        ("Anglo-\nSaxon", "Anglo-Saxon"),
        ("on-\nsite help", "on-site help"),
        ("pages 12-\n15", "pages 12-15"),
        ("type AB-\n12c", "type AB-12c"),
        ("COVID-\n19 rules", "COVID-19 rules"),
        ("info-\ndesk@example.org", "info-desk@example.org"),
        ("info@long-\nname.example", "info@long-name.example"),
        ("www.har-\nbour.example", "www.har-bour.example"),
        ("https://a.example/mainte-\nnance", "https://a.example/mainte-nance"),
        ("file_mainte-\nnance", "file_mainte-nance"),
    ],
)
def test_a_hyphen_of_the_words_own_stays(divided: str, whole: str) -> None:
    assert joined([ENGLISH + divided]) == [ENGLISH + whole]


@pytest.mark.parametrize(
    "text", ["pre-\nand postwar", "a dash -\nand more", "one\n-\ntwo", "-\nitem", "a-\n(b)"]
)
def test_what_is_no_divided_word_stays_as_it_is(text: str) -> None:
    assert joined([ENGLISH + text]) == [ENGLISH + text]


def test_the_rest_of_the_document_decides_first() -> None:
    compound = "A main-tenance is no maintenence. "
    assert joined(["The main-\ntenance", compound * 2]) == ["The main-tenance", compound * 2]
    coined = "Blue glowfish swim. "
    assert joined([ENGLISH + "a glow-\nfish", coined])[0] == ENGLISH + "a glowfish"


def test_a_word_divided_elsewhere_says_nothing_of_this_one() -> None:
    assert joined([ENGLISH + "a long-\nterm plan, a long-\nterm goal"])[0].endswith(
        "long-term plan, a long-term goal"
    )


def test_german_compounds_are_one_word() -> None:
    assert joined([GERMAN + "ein Wartungs-\nvertrag und Haus-\nverwaltung"])[0].endswith(
        "ein Wartungsvertrag und Hausverwaltung"
    )
    assert joined([GERMAN + "Ein-\nund Ausfahrt"])[0].endswith("Ein-\nund Ausfahrt")


def test_endless_hyphens_are_read_to_the_end() -> None:
    pages = joined(["a-\n" * 200_000 + "b", "x" * 10**6 + "-\n" + "y" * 10**6])
    assert [page[-1] for page in pages] == ["b", "y"]
