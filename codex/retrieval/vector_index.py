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
import uuid
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from codex.errors import RetrievalError
from codex.private import tighten
from codex.retrieval.catalogue import Catalogue
from codex.retrieval.chroma import ChromaCollection, other_embedding
from codex.retrieval.config import RetrievalConfig
from codex.retrieval.embedding import Embedding, Identity
from codex.retrieval.lock import IndexLock

Ids = NDArray[np.int64]
Hits = list[tuple[int, float]]
"""Chunks with their cosine, best first."""

BATCH = 500
"""Vectors written at once: under a second, so that a cancel takes effect."""


class Coverage(NamedTuple):
    """What Chroma holds: every chunk up to `last_chunk`, perhaps removed ones too."""

    location: str
    """The server and the name of the collection."""
    last_chunk: int
    version: str = ""
    """Another one whenever Chroma has been written to."""


class VectorIndex:
    """The vectors of the catalogue in Chroma. Thread-safe."""

    def __init__(
        self, config: RetrievalConfig, folder: Path, catalogue: Catalogue, embedding: Embedding
    ) -> None:
        """folder: for Chroma's files and the lock. Nothing is opened yet."""
        self._catalogue = catalogue
        self._embedding = embedding
        self._location = f"{config.chroma_url or ''}#{config.collection}"
        self._chroma = ChromaCollection(config, folder / "chroma")
        self._lock = IndexLock(folder / "writer.lock")
        self._opening = threading.Lock()
        self._coverage: Coverage | None = None  # of Chroma as it is open here
        self._held: Ids | None = None  # in Chroma; known while this process writes

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
                self._held = self._open_for_writing()
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
        removed = np.setdiff1d(self._held, wanted, assume_unique=True)
        missing = np.setdiff1d(wanted, self._held, assume_unique=True)
        if not len(removed) and not len(missing) and self._recorded() is not None:
            return
        last = missing[0] - 1 if len(missing) else wanted[-1] if len(wanted) else 0
        coverage, written = Coverage(self._location, int(last)), 0
        self._record(coverage if self._chroma.is_remote else None)
        self._coverage = coverage
        for batch in _batches(removed, cancel):
            with self._chroma.opened() as collection:
                collection.delete([str(id_) for id_ in batch])
            self._held = np.setdiff1d(self._held, batch, assume_unique=True)
        for batch in _batches(missing, cancel):
            vectors = self._catalogue.vectors(batch.tolist())
            if vectors:  # otherwise their documents were removed just now
                with self._chroma.opened() as collection:
                    collection.upsert([str(id_) for id_ in vectors], np.stack(list(vectors.values())))
                    tighten(self._chroma.folder, deep=True)
            self._held = np.concatenate([self._held, batch])
            self._coverage, written = Coverage(self._location, int(batch[-1])), written + len(batch)
            if progress:
                progress(written, len(missing))
        self._record(self._coverage)

    def purge(self) -> None:
        """Delete from Chroma what has been removed, if that is all that `sync` would do.

        Raises Conflict, RetrievalError, ModelError.
        """
        recorded = self._recorded()
        if recorded is not None and self._catalogue.last_chunk() <= recorded.last_chunk:
            with self.writing():
                self.sync()

    def nearest(self, vector: NDArray[np.float32], limit: int, among: Collection[str] | None = None) -> Hits:
        """The nearest chunks; those that Chroma does not hold are compared one by one.

        among: of these documents alone; all their chunks are compared, so that none is missed.

        Raises Conflict, RetrievalError.
        """
        if among is not None:
            return self._compared(vector, limit, among=among)
        with self._readable() as coverage:
            # Before Chroma is asked, so that a chunk written in between is found twice rather than missed.
            hits = self._compared(vector, limit, after=coverage.last_chunk if coverage else 0)
            return _best([*hits, *self._nearest_in_chroma(vector, limit)], limit) if coverage else hits

    def check_embedding(self) -> None:
        """Raises OtherEmbedding when another embedding built the index, ModelError."""
        if recorded := self._catalogue.get("embedding"):
            built_with, own = Identity(**json.loads(recorded)), self._embedding.identity
            if built_with.fingerprint != own.fingerprint:
                raise other_embedding(built_with.name, own.name)

    def clear(self) -> None:
        """Delete all texts, chunks and vectors, in the catalogue too. Raises Conflict, RetrievalError."""
        with self._lock.exclusive(), self._opening:
            self._drop()
            self._catalogue.clear_content()

    def close(self) -> None:
        with self._opening:
            self._chroma.close()

    def _compared(
        self,
        vector: NDArray[np.float32],
        limit: int,
        *,
        after: int = 0,
        among: Collection[str] | None = None,
    ) -> Hits:
        hits: Hits = []
        for ids, block in self._catalogue.vector_blocks(after, among):
            cosines = block @ vector
            top = np.argsort(-cosines)[:limit]
            hits = _best([*hits, *zip(ids[top].tolist(), cosines[top].tolist(), strict=True)], limit)
        return hits

    def _nearest_in_chroma(self, vector: NDArray[np.float32], limit: int) -> Hits:
        """More are requested as long as removed chunks are among them."""
        requested = limit
        while True:
            with self._chroma.opened() as collection:
                found = collection.query(vector[None], n_results=requested, include=["distances"])
            ids, distances = [int(id_) for id_ in found["ids"][0]], (found["distances"] or [[]])[0]
            existing = self._catalogue.existing(ids)
            hits = [(id_, 1.0 - far) for id_, far in zip(ids, distances, strict=True) if id_ in existing]
            if len(hits) >= limit or len(ids) < requested:
                return hits
            requested *= 2

    @contextlib.contextmanager
    def _readable(self) -> Iterator[Coverage | None]:
        """What Chroma, now open, holds; None where another process writes or its files cannot be trusted."""
        if self._held is not None:
            yield self._coverage
            return
        with contextlib.nullcontext(True) if self._chroma.is_remote else self._lock.shared() as free:
            with self._opening:
                readable = free and self._open()
            yield self._coverage if readable else None

    def _open(self, *, unrecorded: bool = False) -> bool:
        """Open Chroma as the catalogue records it; False where that says nothing, or Chroma has nothing."""
        recorded = self._recorded()
        if recorded != self._coverage and not self._chroma.is_remote:
            self._chroma.close()
        self._coverage = recorded
        if recorded is None and not unrecorded:
            return False
        return self._chroma.open(self._catalogue.get("id"), self._embedding.identity)

    def _open_for_writing(self) -> Ids:
        """The ids in Chroma, which is rebuilt where its files cannot be trusted or read."""
        if not self._catalogue.is_empty:
            try:
                if self._open(unrecorded=self._chroma.is_remote):
                    with self._chroma.opened() as collection:
                        return np.array(collection.get(include=[])["ids"], np.int64)
            except RetrievalError:
                if self._chroma.is_remote:
                    raise
        self._drop()
        self._chroma.open(self._catalogue.get("id"), self._embedding.identity, create=True)
        return np.empty(0, np.int64)

    def _drop(self) -> None:
        self._record(None)
        self._chroma.drop(self._catalogue.get("id"))

    def _recorded(self) -> Coverage | None:
        """As Chroma's files stand; None while they are written, or after a writer was killed."""
        text = self._catalogue.get("coverage")
        coverage = Coverage(*json.loads(text)) if text else None
        return coverage if coverage and coverage.location == self._location else None

    def _record(self, coverage: Coverage | None) -> None:
        self._coverage = coverage and coverage._replace(version=uuid.uuid4().hex)
        self._catalogue.put("coverage", json.dumps(self._coverage) if coverage else "")


def _batches(ids: Ids, cancel: threading.Event | None) -> Iterator[Ids]:
    """The ids in batches, until cancelled."""
    for at in range(0, len(ids), BATCH):
        if cancel and cancel.is_set():
            return
        yield ids[at : at + BATCH]


def _best(hits: Hits, limit: int) -> Hits:
    """Each chunk once, best first."""
    return sorted(dict(hits).items(), key=lambda hit: (-hit[1], hit[0]))[:limit]
