"""How documents are read, chunked, embedded and searched."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

PACKAGED_EMBEDDING = "all-minilm-l6-v2"
"""The embedding that comes with Codex; 384 dimensions."""

MAX_PASSAGES = 50
"""Of one search: more do not fit into a prompt."""


class RetrievalConfig(BaseModel):
    """Group retrieval."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    embedding: str = PACKAGED_EMBEDDING
    """The packaged all-minilm-l6-v2, a local sentence-transformers folder, or a Hugging Face name."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where texts are embedded; auto uses the GPU if there is one."""
    batch_size: int = Field(32, ge=1)
    """Chunks embedded in one pass."""
    chunk_tokens: int = Field(160, ge=16, le=8192)
    """Max tokens of a chunk, as the embedding counts them."""
    max_file_mb: int = Field(100, ge=1)
    """Larger files are skipped and reported."""
    k: int = Field(4, ge=1, le=MAX_PASSAGES)
    """Passages that go into the prompt."""
    candidates: int = Field(50, ge=1, le=1000)
    """Candidates from each search, dense and BM25, that are fused and reranked."""
    reranker: str | None = None
    """A local cross-encoder folder or a Hugging Face name; null: no reranking."""
    chroma_url: str | None = None
    """A Chroma server, e.g. http://localhost:8000; null keeps the vectors in the home folder."""
    collection: str = Field("codex", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$")
    """The name of the Chroma collection."""
