"""An index over a folder of small documents, with the real embedding and the real Chroma."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from codex.retrieval import Index
from codex.retrieval.config import RetrievalConfig
from codex.retrieval.embedding import Embedding

DOCUMENTS = {
    "paris.txt": "The Eiffel Tower stands in Paris. It was built in 1889 for the World's Fair.",
    "greece.md": "# Ελλάδα\n\nΗ Αθήνα είναι η πρωτεύουσα της Ελλάδας.",
    "hebrew.txt": "ירושלים היא עיר עתיקה מאוד.",
    "tokyo.txt": "東京都は日本の首都です。",
    "animals.txt": "Cats sleep for most of the day. Dogs like to run after a ball.",
}


@pytest.fixture(scope="session")
def embedding() -> Iterator[Embedding]:
    """Loaded once for all tests: that takes seconds."""
    shared = Embedding(RetrievalConfig())
    yield shared
    shared.close()


@pytest.fixture
def make_index(embedding: Embedding, tmp_path: Path) -> Iterator[Callable[..., Index]]:
    """Indexes of one home, closed at the end of the test; settings by name."""
    made: list[Index] = []

    def make(home: Path | None = None, **settings: object) -> Index:
        config = RetrievalConfig.model_validate(settings)
        own = None if "embedding" in settings else embedding
        made.append(Index(config, home or tmp_path / "home", embedding=own))
        return made[-1]

    yield make
    for index in made:
        index.close()


def _written(folder: Path) -> Path:
    folder.mkdir()
    for name, text in DOCUMENTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with DOCUMENTS."""
    return _written(tmp_path / "documents")


@pytest.fixture(scope="session")
def library(embedding: Embedding, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """DOCUMENTS, indexed, for tests that change nothing."""
    home = tmp_path_factory.mktemp("library")
    index = Index(RetrievalConfig(), home, embedding=embedding)
    index.add([_written(home / "documents")])
    index.run()
    yield index
    index.close()


@pytest.fixture
def index(make_index: Callable[..., Index], folder: Path) -> Index:
    """DOCUMENTS, indexed."""
    index = make_index()
    index.add([folder])
    index.run()
    return index


def vectors_in_chroma(index: Index) -> int | None:
    """How many vectors Chroma itself says that it holds; None where a search would not trust it."""
    with index._vectors._readable() as coverage:
        if coverage is None:
            return None
        with index._vectors._chroma.opened() as collection:
            return collection.count()
