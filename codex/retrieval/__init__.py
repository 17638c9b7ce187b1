"""Documents in, passages out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex.retrieval.documents import Document, DocumentText, IndexingProgress, Report
    from codex.retrieval.index import Index

__all__ = ["Document", "DocumentText", "Index", "IndexingProgress", "Report"]


def __getattr__(name: str) -> object:
    """Imported at first use, because the settings alone need none of it."""
    if name == "Index":
        from codex.retrieval.index import Index

        return Index
    if name in __all__:
        from codex.retrieval import documents

        return getattr(documents, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
