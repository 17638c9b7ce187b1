"""What a search finds, and what it survives."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from codex.retrieval import Index


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("When was the tower in Paris built?", "paris.txt"),
        ("ΑΘΗΝΑ", "greece.md"),
        ("ירושלים", "hebrew.txt"),
        ("東京", "tokyo.txt"),
        ("sleeping cat", "animals.txt"),
    ],
)
def test_a_question_finds_its_document_by_meaning_and_by_words(index: Index, query: str, name: str) -> None:
    best = index.search(query, 1)[0]
    assert best.document == name
    assert best.scores["bm25"] > 0
    assert -1 <= best.scores["dense"] <= 1
    assert index.text(best.document_id).text[best.start : best.end] == best.text


@pytest.mark.parametrize(
    "query", ['NEAR( " OR *', "?!...", "the of and", "-a:b^2", "\0", "é" * 10_000, "word " * 2000]
)
def test_no_query_breaks_the_search(index: Index, query: str) -> None:
    assert len(index.search(query, 3)) in {0, 3}


def test_an_empty_query_and_an_empty_index_find_nothing(make_index: Callable[..., Index]) -> None:
    assert make_index().search("anything") == []
