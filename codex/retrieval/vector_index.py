"""Nearest-neighbour search: Chroma as a disposable index of the catalogue's vectors.

A chunk's vector never changes and its id is never reused, so Chroma is brought up to date by a difference of
ids. Chroma rewrites its graph's files in place, and a process killed in the middle leaves files that crash
whoever opens them next. So the catalogue says what Chroma holds only while those files are at rest; where it
says nothing, a search compares every vector itself, and the next run builds Chroma's files again.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codex.errors import RetrievalError
from codex.retrieval.catalogue import Catalogue, Coverage
from codex.retrieval.chroma import ChromaCollection, other_embedding
from codex.retrieval.config import RetrievalConfig
from codex.retrieval.embedding import Embedding, Identity
from codex.retrieval.lock import IndexLock

Hits = list[tuple[int, float]]
"""Chunks with their cosine, best first."""

BATCH = 500
"""Vectors written at once: under a second, so that a cancel takes effect."""


class VectorIndex:
    """The vectors of the catalogue in Chroma. Thread-safe."""

    def __init__(
        self, config: RetrievalConfig, folder: Path, catalogue: Catalogue, embedding: Embedding
    ) -> None:
        """folder: of the index; Chroma's files and the lock lie in it. Nothing is opened yet."""
        self._catalogue = catalogue
        self._embedding = embedding
        self._location = f"{config.chroma_url or ''}#{config.collection}"
        self._chroma = ChromaCollection(config, folder / "chroma")
        self._lock = IndexLock(folder / "writer.lock")
        self._opening = threading.Lock()
        self._coverage: Coverage | None = None  # of Chroma as it is open here
        self._held: NDArray[np.int64] | None = None  # ids in Chroma, known while this process writes

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """The right to call `sync`.

        Raises Conflict where another thread or process writes or another embedding built the index,
        RetrievalError, ModelError.
        """
        with self._lock.exclusive():
            if self._catalogue.is_empty:
                self._catalogue.put("embedding", json.dumps(asdict(self._embedding.identity)))
            self.check_embedding()
            with self._opening:
                self._held = self._opened_for_writing()
            try:
                yield
            finally:
                self._held = None

    def sync(
        self, cancel: threading.Event | None = None, progress: Callable[[int, int], None] | None = None
    ) -> None:
        """Bring Chroma up to date with the catalogue. Raises RetrievalError.

        progress: called after each batch with the vectors written so far and those to write in all.
        """
        assert self._held is not None, "called outside of writing()"
        wanted = self._catalogue.chunk_ids()
        stale = np.setdiff1d(self._held, wanted, assume_unique=True)
        missing = np.setdiff1d(wanted, self._held, assume_unique=True)
        if not len(stale) and not len(missing) and self._catalogue.coverage(self._location):
            return
        if not self._chroma.is_remote:
            self._catalogue.set_coverage(None)
        for batch in _batches(stale, cancel):
            self._chroma.delete(batch.tolist())
            self._held = np.setdiff1d(self._held, batch, assume_unique=True)
        last = missing[0] - 1 if len(missing) else wanted[-1] if len(wanted) else 0
        self._coverage, written = Coverage(self._location, int(last)), 0
        for batch in _batches(missing, cancel):
            vectors = self._catalogue.vectors(batch.tolist())
            if vectors:
                self._chroma.upsert(vectors, np.stack(list(vectors.values())))
            self._held = np.concatenate([self._held, batch])
            self._coverage = Coverage(self._location, int(batch[-1]))
            written += len(batch)
            if progress:
                progress(written, len(missing))
        self._coverage = self._catalogue.set_coverage(self._coverage)

    def purge(self) -> None:
        """Delete from Chroma what is gone from the catalogue, if that is all that `sync` would do.

        Raises Conflict, RetrievalError, ModelError.
        """
        coverage = self._catalogue.coverage(self._location)
        if coverage is not None and self._catalogue.last_chunk() <= coverage.last_chunk:
            with self.writing():
                self.sync()

    def nearest(self, vector: NDArray[np.float32], limit: int) -> Hits:
        """The nearest chunks of the catalogue; those that Chroma does not hold are compared one by one.

        Raises Conflict, RetrievalError.
        """
        with self._readable() as coverage:
            # Before Chroma is asked, so that a chunk written in between is found twice rather than missed.
            hits = self._compared(vector, limit, after=coverage.last_chunk if coverage else 0)
            if coverage:
                hits += self._in_chroma(vector, limit)
        return _best(hits, limit)

    def check_embedding(self) -> None:
        """Raises OtherEmbedding when another embedding built the index, ModelError."""
        recorded = self._catalogue.get("embedding")
        if recorded:
            built_with, own = Identity(**json.loads(recorded)), self._embedding.identity
            if built_with.fingerprint != own.fingerprint:
                raise other_embedding(built_with.name, own.name)

    def clear(self) -> None:
        """Delete every vector, text and chunk, here and in the catalogue. Raises Conflict, RetrievalError."""
        with self._lock.exclusive(), self._opening:
            self._drop()
            self._catalogue.clear_content()

    def close(self) -> None:
        with self._opening:
            self._chroma.close()

    def _compared(self, vector: NDArray[np.float32], limit: int, after: int) -> Hits:
        best: Hits = []
        for ids, block in self._catalogue.vector_blocks(after):
            cosines = block @ vector
            top = np.argsort(-cosines)[:limit]
            best = _best([*best, *zip(ids[top].tolist(), cosines[top].tolist(), strict=True)], limit)
        return best

    def _in_chroma(self, vector: NDArray[np.float32], limit: int) -> Hits:
        """The nearest in Chroma without those that are gone from the catalogue."""
        asked = limit
        while True:
            hits = self._chroma.nearest(vector, asked)
            present = self._catalogue.present([id_ for id_, _ in hits])
            current = [hit for hit in hits if hit[0] in present]
            if len(current) >= limit or len(hits) < asked:
                return current
            asked *= 2

    @contextlib.contextmanager
    def _readable(self) -> Iterator[Coverage | None]:
        """What Chroma holds, opened; None where another process writes or its files cannot be trusted."""
        if self._held is not None:
            yield self._coverage
            return
        with contextlib.nullcontext(True) if self._chroma.is_remote else self._lock.shared() as free:
            coverage = self._catalogue.coverage(self._location) if free else None
            if coverage is not None:
                with self._opening:
                    if not self._open(coverage):
                        coverage = None
            yield coverage

    def _open(self, coverage: Coverage, *, create: bool = False) -> bool:
        """Chroma as it was when the catalogue recorded this coverage."""
        if coverage != self._coverage and not self._chroma.is_remote:
            self._chroma.close()
        self._coverage = coverage
        return self._chroma.open(self._catalogue.get("id"), self._embedding.identity, create=create)

    def _opened_for_writing(self) -> NDArray[np.int64]:
        """The ids in Chroma, which is emptied first where its files cannot be trusted or read."""
        coverage = self._catalogue.coverage(self._location)
        if not self._catalogue.is_empty and (self._chroma.is_remote or coverage is not None):
            try:
                if self._open(coverage or Coverage(self._location, 0)):
                    return self._chroma.ids()
            except RetrievalError:
                if self._chroma.is_remote:
                    raise
        self._drop()
        self._chroma.open(self._catalogue.get("id"), self._embedding.identity, create=True)
        return np.empty(0, np.int64)

    def _drop(self) -> None:
        self._coverage = None
        self._catalogue.set_coverage(None)
        self._chroma.drop(self._catalogue.get("id"))


def _batches(ids: NDArray[np.int64], cancel: threading.Event | None) -> Iterator[NDArray[np.int64]]:
    """The ids in batches, until cancelled."""
    for at in range(0, len(ids), BATCH):
        if cancel and cancel.is_set():
            return
        yield ids[at : at + BATCH]


def _best(hits: Hits, limit: int) -> Hits:
    """Each chunk once, best first."""
    return sorted(dict(hits).items(), key=lambda hit: (-hit[1], hit[0]))[:limit]
