"""Chroma kept equal to the catalogue, and asked only when its files can be trusted.

Chroma rewrites its graph's files in place. A process killed in the middle leaves files that crash the next
one that opens them, so a remark stands in the catalogue while Chroma writes; where it is found
without a writer, Chroma's files are thrown away and made anew from the vectors in the catalogue.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codex.retrieval.catalogue import Catalogue
from codex.retrieval.config import RetrievalConfig
from codex.retrieval.content import put, step
from codex.retrieval.embedding import Embedding, Identity
from codex.retrieval.lock import IndexLock
from codex.retrieval.vectors import BATCH, Vectors, other_embedding

Hits = list[tuple[int, float]]
"""Chunks with their cosine, best first."""

MAX_MARGIN = 1000
"""How many more are asked for, at most, because chunks that are gone may stand among them."""


class Mirror:
    """The vectors of the catalogue in Chroma. Thread-safe."""

    def __init__(
        self,
        config: RetrievalConfig,
        folder: Path,
        catalogue: Catalogue,
        lock: IndexLock,
        embedding: Embedding,
    ) -> None:
        """Nothing is opened yet."""
        self._config = config
        self._folder = folder
        self._catalogue = catalogue
        self._lock = lock
        self._embedding = embedding
        self._vectors: Vectors | None = None
        self._opening = threading.Lock()
        self._generation = ""
        self._writing = False

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """The right to call `write_out`, with Chroma's files mended before it is given.

        Raises Conflict where somebody else writes or another embedding made the index, RetrievalError,
        ModelError.
        """
        with self._lock.exclusive():
            self._claim_embedding()
            vectors = self._mended()
            with self._opening:
                self._vectors = vectors
            self._writing = True
            try:
                yield
            finally:
                self._writing = False
                self._generation = self._catalogue.get("generation")

    def write_out(
        self, cancel: threading.Event | None = None, told: Callable[[int], None] | None = None
    ) -> None:
        """Bring to Chroma what has changed in the catalogue. Raises RetrievalError.

        told: called with the number of vectors after each batch.
        """
        assert self._vectors is not None, "called outside of writing()"
        while not (cancel and cancel.is_set()):
            new, gone = self._catalogue.outbox(BATCH)
            if not new and not gone:
                return
            if self._config.chroma_url is None:
                self._catalogue.put("chroma", "writing")
            if gone:
                self._vectors.delete(gone)
            found = self._catalogue.vectors(new)
            if found:
                self._vectors.write(list(found), np.stack(list(found.values())))
            with self._catalogue.write() as db:
                # A chunk that was removed in the meantime is to be deleted now, and its row stays.
                done = 'DELETE FROM outbox WHERE "delete" = ? AND chunk IN (SELECT value FROM json_each(?))'
                db.execute(done, [0, json.dumps(new)])
                db.execute(done, [1, json.dumps(gone)])
                put(db, "chroma", "written")
                step(db)
            if told:
                told(len(new))

    def tidy(self) -> None:
        """Delete in Chroma what is gone, if that is all there is to do and nobody else writes.

        Raises Conflict, RetrievalError, ModelError.
        """
        if self._catalogue.unwritten() == 0 and self._catalogue.get("chroma") == "written":
            with self.writing():
                self.write_out()

    def nearest(self, vector: NDArray[np.float32], limit: int) -> Hits:
        """The nearest chunks of the catalogue, in Chroma already or not; gone ones may be among them.

        Where another process writes, or Chroma's files cannot be trusted, every vector of the catalogue is
        compared. Raises Conflict, RetrievalError.
        """
        # Before Chroma is asked, so that what is written in between is found twice and not missed.
        unwritten = _compared(vector, self._catalogue.blocks(only_unwritten=True), limit)
        with self._usable() as vectors:
            if vectors is not None:
                margin = min(self._catalogue.undeleted(), MAX_MARGIN)
                return _best([*vectors.nearest(vector, limit + margin), *unwritten])
        return _best(_compared(vector, self._catalogue.blocks(only_unwritten=False), limit))

    def check_embedding(self) -> None:
        """Raises Conflict when another embedding made the index, ModelError."""
        kept = self._catalogue.get("embedding")
        if not kept:
            return
        made_by, own = Identity(**json.loads(kept)), self._embedding.identity
        if made_by.fingerprint != own.fingerprint:
            raise other_embedding(made_by.name, own.name)

    def forget_all(self) -> None:
        """Throw away Chroma's copy and what was read and embedded. Raises Conflict, RetrievalError."""
        with self._lock.exclusive(), self._opening:
            self._catalogue.put("chroma", "writing")
            self._opened().forget()
            self._catalogue.forget_content()

    def close(self) -> None:
        with self._opening:
            if self._vectors is not None:
                self._vectors.close()
            self._vectors = None

    @contextlib.contextmanager
    def _usable(self) -> Iterator[Vectors | None]:
        if self._writing:
            yield self._vectors
            return
        if self._config.chroma_url is not None:
            with self._opening:
                vectors = self._opened()
                there = vectors.open(create=False)
            yield vectors if there else None
            return
        with self._lock.shared() as free:
            if not free or self._catalogue.get("chroma") != "written":
                yield None
                return
            with self._opening:
                generation = self._catalogue.get("generation")
                if generation != self._generation and self._vectors is not None:
                    self._vectors.close()
                vectors = self._opened()
                there = vectors.open(create=False)
                self._generation = generation
            yield vectors if there else None

    def _opened(self) -> Vectors:
        if self._vectors is None:
            made_by = self._embedding.identity
            self._vectors = Vectors(self._config, self._folder, self._catalogue.get("id"), made_by)
        return self._vectors

    def _claim_embedding(self) -> None:
        """Note which embedding makes the index, when nothing is in it yet. Raises Conflict, ModelError."""
        if self._catalogue.is_empty:
            self._catalogue.put("embedding", json.dumps(asdict(self._embedding.identity)))
        self.check_embedding()

    def _mended(self) -> Vectors:
        """Chroma with what it should hold, or with everything noted that is to be written."""
        with self._opening:
            vectors = self._opened()
            vectors.close()
            untrusted = self._config.chroma_url is None and self._catalogue.get("chroma") != "written"
            if untrusted or self._catalogue.is_empty:
                self._catalogue.put("chroma", "writing")
                vectors.forget()
            vectors.open(create=True)
            unwritten, undeleted = self._catalogue.unwritten(), self._catalogue.undeleted()
            expected = self._catalogue.chunk_count() - unwritten
            # Deletions may have been done already, and writes too, when a server's writer was killed.
            if not expected <= vectors.count() <= expected + unwritten + undeleted:
                self._catalogue.put("chroma", "writing")
                vectors.forget()
                vectors.open(create=True)
                with self._catalogue.write() as db:
                    db.execute("DELETE FROM outbox")
                    db.execute("INSERT INTO outbox SELECT id, 0 FROM chunks")
            self._catalogue.put("chroma", "written")
            return vectors


def _compared(
    vector: NDArray[np.float32], blocks: Iterable[tuple[NDArray[np.int64], NDArray[np.float32]]], limit: int
) -> Hits:
    """The best of all vectors, by comparing with each."""
    best: Hits = []
    for ids, block in blocks:
        cosines = block @ vector
        top = np.argsort(-cosines)[:limit]
        best = _best([*best, *zip(ids[top].tolist(), cosines[top].tolist(), strict=True)])[:limit]
    return best


def _best(hits: Hits) -> Hits:
    """Each chunk once, best first."""
    return sorted(dict(hits).items(), key=lambda hit: (-hit[1], hit[0]))
