"""Words as the lexical search knows them."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.retrieval.content import SCHEMA
from codex.retrieval.lexical import MAX_QUERY_WORDS, folded, match


@pytest.fixture(scope="module")
def words() -> sqlite3.Connection:
    db = sqlite3.connect(":memory:")
    db.executescript(SCHEMA)
    return db


def finds(words: sqlite3.Connection, text: str, query: str) -> bool:
    words.execute("DELETE FROM words")
    words.execute("INSERT INTO words (text, heading) VALUES (?, '')", [folded(text)])
    expression = match(query)
    found = words.execute("SELECT count(*) FROM words WHERE words MATCH ?", [expression])
    return expression is not None and bool(found.fetchone()[0])


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("Η Αθήνα", "ΑΘΗΝΑ"),
        ("Ὁ Σωκράτης", "σωκρατης"),
        ("كِتَابٌ", "كتاب"),
        ("אֶרֶץ", "ארץ"),
        ("東京都は日本", "日本の首都"),
        ("한국어 문서", "한국"),
        ("हिन्दी में", "हिन्दी"),
        ("straße", "STRASSE"),
        ("naïve café", "naive cafe"),
        ("running dogs", "dog runs"),
        ("the part no. XJ-9000/b", "xj-9000"),
        ("who is it", "who is it"),
        ("ﬁne", "fine"),
    ],
)
def test_a_word_is_found_however_it_is_written(words: sqlite3.Connection, text: str, query: str) -> None:
    assert finds(words, text, query)


def test_a_vowel_sign_is_a_part_of_its_word(words: sqlite3.Connection) -> None:
    assert not finds(words, "हिन्दी", "ह")


@pytest.mark.parametrize("query", ["", "?!", "\0", '"', "()*", "\ud800"])
def test_a_query_without_words_matches_nothing(query: str) -> None:
    assert match(query) is None


def test_a_long_query_is_cut_and_a_repeated_word_counts_once() -> None:
    assert match("cat cat CAT") == '"cat"'
    expression = match(" ".join(f"word{number}" for number in range(3000)))
    assert expression is not None
    assert expression.count(" OR ") == MAX_QUERY_WORDS - 1


@given(st.text())
def test_no_text_and_no_query_is_an_error(words: sqlite3.Connection, text: str) -> None:
    expression = match(text)
    if expression is not None:
        words.execute("SELECT count(*) FROM words WHERE words MATCH ?", [expression]).fetchone()
