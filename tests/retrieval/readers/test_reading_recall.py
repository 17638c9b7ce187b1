"""Documents of many origins give every string that a search must find, and none that they must not."""

from __future__ import annotations

from pathlib import Path

import pytest

from codex.retrieval.chunking import chunks
from codex.retrieval.readers.reading import read
from tests.retrieval import files
from tests.retrieval.readers.documents import Case, page_encodings, pages, printed, tables, texts, word

ROOM = 10 * 2**20
"""Bytes; more than any file here has."""
TOKENS = 160
"""Of a passage, as the settings have it."""


def count(text: str) -> int:
    """Tokens, roughly: four characters each."""
    return len(text) // 4 + 1


CASES = (*page_encodings.CASES, *pages.CASES, *texts.CASES, *tables.CASES, *word.CASES, *printed.CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_document_gives_what_it_says(tmp_path: Path, case: Case) -> None:
    reading = read(files.save(tmp_path, case.name, case.content), ROOM)
    passages = [reading.text[it.start : it.end] for it in chunks(reading, TOKENS, count)]
    missing = [words for words in case.find if not any(words in passage for passage in passages)]
    assert not missing, reading.text
    assert not [words for words in case.never if words in reading.text]
    assert not [words for words in case.note if words not in reading.note], reading.note
