"""Homes that an earlier version wrote open without indexing again."""

from __future__ import annotations

import sqlite3
import tarfile
from pathlib import Path

import pytest

from tests.retrieval.conftest import vectors_in_chroma
from tests.retrieval.indexer import open_index

VERSION_2 = Path(__file__).with_name("homes") / "version-2.tar.xz"
"""Written when the catalogue listed in an outbox what was still to be brought to Chroma: three documents of a
chunk each, and a fourth one that was removed again. The embedding is that of tests.retrieval.indexer."""
TEXTS = {
    "bees.txt": "Bees dance the waggle dance.",
    "fish.md": "# Herring\n\nThe herring swims in shoals.\n\nIt eats plankton.",
    "late.txt": "Ospreys catch fish.",
}


@pytest.mark.parametrize(
    ("left", "in_chroma"),
    [
        ("", 3),
        # Cancelled before the last chunk was written to Chroma, and before the removed one was deleted there.
        ("INSERT INTO outbox VALUES (4, 0), (3, 1)", 3),
        # Killed while Chroma wrote its files.
        ("UPDATE meta SET value = 'writing' WHERE key = 'chroma'", None),
    ],
)
def test_a_home_of_version_2_is_searched_and_completed_without_embedding(
    tmp_path: Path, left: str, in_chroma: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tarfile.open(VERSION_2) as archive:
        archive.extractall(tmp_path / "home", filter="data")
    with sqlite3.connect(tmp_path / "home" / "index" / "catalogue.sqlite3") as db:
        db.execute(left)
    db.close()
    index = open_index(tmp_path / "home")
    assert {it.name: it.state for it in index.documents()} == dict.fromkeys(TEXTS, "indexed")
    assert vectors_in_chroma(index) == in_chroma
    for turn in range(2):
        for name, text in TEXTS.items():
            found = index.search(text, 3)
            assert (found[0].document, found[0].text) == (name, text)
            assert len(found) == len(TEXTS)
            embedded = f"{found[0].heading}\n{text}" if found[0].heading else text
            [(nearest, cosine)] = index._vectors.nearest(index.embed([embedded])[0], 1)
            assert (str(nearest), cosine) == (found[0].id, pytest.approx(1, abs=1e-4))
        if turn == 0:
            with monkeypatch.context() as patch:
                patch.setattr(index._embedding, "encode", None)
                report = index.run()
            assert (report.indexed, report.unchanged, report.chunks) == (0, 3, 0)
            assert vectors_in_chroma(index) == 3
    index.close()
