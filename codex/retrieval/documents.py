"""The nouns of the catalogue: documents, their texts, and how an indexing goes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

DocumentState = Literal["waiting", "indexed", "skipped"]


@dataclass(frozen=True, slots=True)
class Document:
    """One line of the catalogue."""

    id: str
    name: str
    """The file's name, as people know it."""
    path: Path
    state: DocumentState
    """waiting: known, but new or changed since it was last read."""
    reason: str
    """Why it was skipped; of an indexed one, what could not be read of it; mostly empty."""
    size: int
    """Bytes."""
    pages: int | None
    """None where the format has no pages."""
    characters: int
    chunks: int
    added_at: datetime
    """In UTC."""
    indexed_at: datetime | None
    """In UTC; None where nothing of it is in the index."""


@dataclass(frozen=True, slots=True)
class DocumentText:
    """What was read of a document: the text that every passage's characters count in."""

    document: Document
    text: str
    page_starts: tuple[int, ...]
    """The character at which each page begins; empty where the format has no pages."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an indexing is."""

    document: str
    """The name of the file under way; "" while vectors of an earlier run are written again."""
    done: int
    """Documents that are finished, skipped ones too."""
    total: int
    """Documents that waited when the indexing began."""
    chunks: int
    """Chunks embedded in this run."""
    chunks_per_second: float
    seconds_left: float | None
    """None: not known yet."""


@dataclass(frozen=True, slots=True)
class Report:
    """What an indexing did."""

    indexed: int
    """Documents that were read and written, or found to be the same as one that was."""
    unchanged: int
    """Documents that were in the index already."""
    skipped: tuple[Document, ...]
    """Documents that this run could not read, each with its reason."""
    removed: int
    """Documents whose files are gone."""
    chunks: int
    """Chunks written."""
    seconds: float
    cancelled: bool
    """What was not reached waits for the next run."""
