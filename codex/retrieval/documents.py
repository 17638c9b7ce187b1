"""The nouns of the catalogue: documents, their texts, and an indexing run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

DocumentState = Literal["waiting", "indexed", "skipped"]


@dataclass(frozen=True, slots=True)
class Document:
    """One entry of the catalogue."""

    id: str
    name: str
    """Of the file, safe to show."""
    path: Path
    state: DocumentState
    """waiting: to be indexed, because it is new or has changed since it was last read."""
    reason: str
    """Why it was skipped; of an indexed one, what could not be read. Usually empty."""
    size: int
    """Bytes."""
    pages: int | None
    """None where the format has no pages."""
    characters: int
    chunks: int
    added_at: datetime
    """In UTC."""
    indexed_at: datetime | None
    """In UTC; None where it was never indexed."""


@dataclass(frozen=True, slots=True)
class DocumentText:
    """What was read from a document; the offsets of its passages count in this text."""

    document: Document
    text: str
    page_starts: tuple[int, ...]
    """The character at which each page begins; empty where the format has no pages."""


@dataclass(frozen=True, slots=True)
class IndexingProgress:
    """How far an indexing run has come."""

    document: str
    """The name of the current file; "" while vectors of an earlier run are being written again."""
    done: int
    """Documents that are finished, including skipped ones."""
    total: int
    """Documents that were waiting when the run began, and those added since."""
    chunks: int
    """Chunks embedded in this run."""
    chunks_per_second: float
    seconds_left: float | None
    """None: not known yet."""


@dataclass(frozen=True, slots=True)
class Report:
    """What an indexing run did."""

    indexed: int
    """Documents that were read and written, or found to be copies of one that was."""
    unchanged: int
    """Documents that were in the index already."""
    skipped: tuple[Document, ...]
    """Documents that this run could not read, each with its reason."""
    removed: int
    """Documents whose files no longer exist."""
    chunks: int
    """Chunks written."""
    seconds: float
    cancelled: bool
    """The next run resumes with what is still waiting."""
