"""What may be uploaded, as a page says it before it sends a file."""

from __future__ import annotations

from collections.abc import Sequence

from codex.pages import JSON
from codex.settings import Settings


def limits(settings: Settings, suffixes: Sequence[str]) -> JSON:
    """How large a file may be, and what its name ends with."""
    most = settings.retrieval.max_file_mb
    return {"max_bytes": most * 2**20, "max_words": f"{most} MB", "suffixes": list(suffixes)}
