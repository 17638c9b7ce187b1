"""Indexes a folder in a process of its own, until it is done or killed.

python -m tests.retrieval.indexer HOME FOLDER CHROMA_URL PAUSE
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codex.retrieval import Index, IndexingProgress, chroma, preparing, vector_index
from codex.retrieval.config import RetrievalConfig
from codex.retrieval.embedding import Embedding, Identity


class HashEmbedding(Embedding):
    """A vector at random for each text: what is tested is files, and the real model takes seconds to load."""

    identity = Identity("hash", "hash-1")  # type: ignore[assignment]
    max_tokens = 250  # type: ignore[assignment]
    dimension = 32  # type: ignore[assignment]

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        seeds = (int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") for text in texts)
        rows = [np.random.default_rng(seed).standard_normal(self.dimension) for seed in seeds]
        return np.array([row / np.linalg.norm(row) for row in rows], np.float32).reshape(-1, self.dimension)

    @property
    def count(self):  # type: ignore[no-untyped-def, override]
        return lambda text: len(text.split())


def often_on_disk() -> None:
    """Let Chroma rewrite its files at every batch, so that kills fall into that."""
    preparing.WINDOW = 40
    vector_index.BATCH = 20
    chroma.HNSW["sync_threshold"] = 20


def open_index(home: Path, chroma_url: str | None = None) -> Index:
    config = RetrievalConfig(chunk_tokens=16, chroma_url=chroma_url)
    return Index(config, home, embedding=HashEmbedding(config))


def main() -> None:
    home, folder, chroma_url, pause = sys.argv[1:]
    often_on_disk()
    index = open_index(Path(home), chroma_url or None)
    index.add([Path(folder)])

    def told(progress: IndexingProgress) -> None:
        print(progress.chunks, flush=True)
        time.sleep(float(pause))

    index.run(told, check=True)


if __name__ == "__main__":
    main()
