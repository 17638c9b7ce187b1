"""A search limited to some documents: which ones a name or a folder means."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from codex.errors import InvalidInput
from codex.retrieval.documents import Document

SHOWN = 5
"""Names that an error lists."""


def selected(documents: Sequence[Document], wanted: Iterable[str], uploads: Path) -> frozenset[str]:
    """The ids of the documents that are meant by names, paths, folders or ids.

    uploads: the folder of uploaded documents, of which the paths count from there. A relative path means
    every document in whose path its parts stand one after another. Raises InvalidInput for one that means
    no document.
    """
    found: set[str] = set()
    for name in wanted:
        meant = [document.id for document in documents if _means(name, document, uploads)]
        if not meant:
            raise InvalidInput(_unknown(name, documents), ["documents"])
        found.update(meant)
    return frozenset(found)


def _means(name: str, document: Document, uploads: Path) -> bool:
    if name in {document.id, document.name}:
        return True
    wanted, path = Path(name), document.path
    if wanted.is_absolute():
        return path.is_relative_to(wanted)
    within = path.relative_to(uploads) if path.is_relative_to(uploads) else path
    length, parts = len(wanted.parts), within.parts
    return length > 0 and any(parts[at : at + length] == wanted.parts for at in range(len(parts)))


def _unknown(name: str, documents: Sequence[Document]) -> str:
    known = ", ".join(sorted({document.name for document in documents})[:SHOWN])
    there = f"There are, among others: {known}." if known else "There are none; add some first."
    return f"No document or folder is called {name[:100]!r}. {there}"
