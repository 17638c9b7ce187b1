"""A search limited to some documents: which ones a name or a folder means."""

from __future__ import annotations

from collections import Counter
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


def offered(documents: Sequence[Document], uploads: Path) -> list[str]:
    """What `selected` understands, for a person to choose from: folders, then documents.

    A document has its name alone where no other one is called so. Names that are not text are left out.
    """
    paths = {document.id: _within(document.path, uploads) for document in documents}
    folders = {str(path.parent) for path in paths.values()} - {"."}
    times = Counter(document.name for document in documents)
    names = {it.name if times[it.name] == 1 else str(paths[it.id]) for it in documents}
    return [name for name in [*sorted(folders), *sorted(names)] if _is_text(name)]


def _is_text(name: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _within(path: Path, uploads: Path) -> Path:
    return path.relative_to(uploads) if path.is_relative_to(uploads) else path


def _means(name: str, document: Document, uploads: Path) -> bool:
    if name in {document.id, document.name}:
        return True
    wanted, path = Path(name), document.path
    if wanted.is_absolute():
        return path.is_relative_to(wanted)
    length, parts = len(wanted.parts), _within(path, uploads).parts
    return length > 0 and any(parts[at : at + length] == wanted.parts for at in range(len(parts)))


def _unknown(name: str, documents: Sequence[Document]) -> str:
    known = ", ".join(sorted({document.name for document in documents})[:SHOWN])
    there = f"There are, among others: {known}." if known else "There are none; add some first."
    return f"No document or folder is called {name[:100]!r}. {there}"
