"""The index: documents in, passages out."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codex.errors import CodexError, InvalidInput, NotFound
from codex.retrieval import lexical
from codex.retrieval.catalogue import Catalogue
from codex.retrieval.config import RetrievalConfig
from codex.retrieval.content import StoredChunk
from codex.retrieval.discovery import discover
from codex.retrieval.documents import Document, DocumentText, IndexingProgress, Report
from codex.retrieval.embedding import MAX_CHARACTERS, Embedding, Identity
from codex.retrieval.fusion import reciprocal_ranks
from codex.retrieval.readers.encodings import checked_encoding
from codex.retrieval.readers.reading import SUFFIXES
from codex.retrieval.reranking import Reranker
from codex.retrieval.selection import offered, selected
from codex.retrieval.vector_index import VectorIndex
from codex.types import Passage

__all__ = ["Document", "DocumentText", "Index", "IndexingProgress", "Report"]

AUTO = "auto"
"""In place of an encoding's name: it is detected."""


def checked_query(query: str) -> str:
    """The query without surrounding space. Raises InvalidInput where it is empty or malformed."""
    if not query.strip():
        raise InvalidInput("The query is empty: enter what to search for.", ["query"])
    if any("\ud800" <= character <= "\udfff" for character in query):
        raise InvalidInput("The query contains half a character (a lone surrogate).", ["query"])
    return query.strip()


class Index:
    """The documents of one home and the search over them. Thread-safe.

    Cheap to create: the embedding is loaded and Chroma opened at first use.
    """

    def __init__(self, config: RetrievalConfig, home: Path, *, embedding: Embedding | None = None) -> None:
        """Its files are in home/"index", which is created when something is added.

        embedding: one that is loaded already, with the same settings; it is left open.
        """
        self.config = config
        self._uploads = home.resolve() / "documents"
        folder = home / "index"
        self._catalogue = Catalogue(folder / "catalogue.sqlite3")
        self._owns_embedding = embedding is None
        self._embedding = embedding or Embedding(config)
        self._reranker = Reranker(config) if config.reranker else None
        self._vectors = VectorIndex(config, folder, self._catalogue, self._embedding)

    def add(
        self, paths: Sequence[Path], *, within: Path | None = None, encoding: str | None = None
    ) -> list[Document]:
        """Add files, and folders with everything in them; what is new or changed waits for `run`.

        Files that Codex cannot read become "skipped" with a reason. within: refuse what is outside this
        folder, links followed. encoding: of text, CSV and HTML files, kept for later runs; AUTO detects it
        again. Raises InvalidInput, before anything is added.
        """
        codec = None if encoding is None else "" if encoding == AUTO else checked_encoding(encoding)
        for path in paths:
            if not os.path.exists(path.expanduser()):
                raise InvalidInput(f"There is no file or folder {path}, or it cannot be read.", ["paths"])
            if within is not None and not path.resolve().is_relative_to(within.resolve()):
                raise InvalidInput(f"{path} is outside {within} and will not be read.", ["paths"])
        found = [file for path in paths for file in discover(path.expanduser(), SUFFIXES)]
        return self._catalogue.register(((file.path, file.stamp, file.reason) for file in found), codec)

    def run(
        self,
        progress: Callable[[IndexingProgress], None] | None = None,
        cancel: threading.Event | None = None,
        *,
        check: bool = False,
    ) -> Report:
        """Index what is waiting. check: first look for files that were changed or deleted since.

        Each document is in the index whole or not at all, whatever happens; the next run resumes an
        interrupted one. Raises Conflict when another thread or process is indexing or another embedding
        built the index, RetrievalError, ModelError.
        """
        from codex.retrieval.indexing import Indexing

        with self._vectors.writing():
            run = Indexing(self.config, self._catalogue, self._vectors, self._embedding, progress, cancel)
            return run.run(check)

    def documents(self) -> list[Document]:
        """All of them, by name."""
        return self._catalogue.documents() if self._catalogue.exists else []

    def text(self, document_id: str) -> DocumentText:
        """The text of a document. Raises NotFound."""
        return self._catalogue.text(document_id)

    def remove(self, document_ids: Sequence[str]) -> None:
        """Remove documents from the index; their files stay. Raises NotFound, and then none is removed."""
        self._catalogue.remove(document_ids)
        # They are no longer found. Where Chroma cannot be written to now, the next run deletes their vectors.
        with contextlib.suppress(CodexError):
            self._vectors.purge()

    def rebuild(self) -> None:
        """Delete all that was read and embedded; every document waits. Raises Conflict, RetrievalError."""
        self._vectors.clear()

    def select(self, wanted: Iterable[str]) -> frozenset[str]:
        """The ids of the documents that names, paths or folders mean. Raises InvalidInput."""
        return selected(self.documents(), wanted, self._uploads)

    def names(self) -> list[str]:
        """What `select` understands, for a person to choose from: folders, then documents."""
        return offered(self.documents(), self._uploads)

    def search(self, query: str, k: int | None = None, among: Collection[str] | None = None) -> list[Passage]:
        """The k best passages (config.k when None), best first; [] when nothing is indexed.

        among: ids of the documents that are searched; None: all. Of passages with the same text only the
        best is returned.

        Raises Conflict when another embedding built the index, RetrievalError, ModelError.
        """
        k = self.config.k if k is None else k
        if not query.strip() or k < 1 or self.is_empty:
            return []
        self._vectors.check_embedding()
        vector = self._embedding.encode([query])[0]
        candidates = max(self.config.candidates, k)
        expression = lexical.match(query)
        dense = self._vectors.nearest(vector, candidates, among)
        bm25 = self._catalogue.lexical(expression, candidates, among) if expression else []
        scores = self._scored(vector, dense, bm25)
        found = self._catalogue.chunks(list(scores))
        if self._reranker is None:
            chosen = sorted(scores, key=lambda id_: -scores[id_]["fused"])
        else:
            known = [id_ for id_ in scores if id_ in found]
            reranked = self._reranker.scores(query, [found[id_].text for id_ in known])
            for id_, score in zip(known, reranked, strict=True):
                scores[id_]["rerank"] = score
            chosen = sorted(known, key=lambda id_: -scores[id_]["rerank"])
        # A document may be indexed twice, uploaded and in a folder: the same text is returned once.
        best: dict[str, int] = {}
        for id_ in chosen:
            if id_ in found:
                best.setdefault(found[id_].text, id_)
        return [_passage(id_, found[id_], scores[id_]) for id_ in list(best.values())[:k]]

    def passage(self, passage_id: str) -> Passage:
        """A passage by its id, which is never reused. Raises NotFound when it has been removed."""
        id_ = int(passage_id) if passage_id.isdecimal() else -1
        found = self._catalogue.chunks([id_]) if self._catalogue.exists else {}
        if id_ not in found:
            raise NotFound(f"There is no passage {passage_id!r}: its document was removed or changed.")
        return _passage(id_, found[id_], {})

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of unit length, [n, d]. Raises ModelError."""
        return self._embedding.encode(texts)

    def count_tokens(self, texts: Sequence[str]) -> int:
        """How many tokens the embedding reads of texts, special ones left out. Raises ModelError."""
        most = self._embedding.max_tokens
        return sum(min(self._embedding.count(text[:MAX_CHARACTERS]), most) for text in texts)

    @property
    def embedding(self) -> Identity:
        """Which embedding `embed` uses. Raises ModelError."""
        return self._embedding.identity

    @property
    def is_empty(self) -> bool:
        """Whether nothing can be found. Fast; true of an index that was never created."""
        return self._catalogue.is_empty

    def close(self) -> None:
        """Release the files and the embedding."""
        if self._owns_embedding:
            self._embedding.close()
        self._vectors.close()
        self._catalogue.close()

    def _scored(
        self, vector: NDArray[np.float32], dense: list[tuple[int, float]], bm25: list[tuple[int, float]]
    ) -> dict[int, dict[str, float]]:
        """The scores of every candidate that is still in the catalogue."""
        vectors = self._catalogue.vectors(dict.fromkeys(id_ for id_, _ in [*dense, *bm25]))
        dense, bm25 = ([hit for hit in ranking if hit[0] in vectors] for ranking in (dense, bm25))
        fused = reciprocal_ranks(dense, bm25)
        scores = {id_: {"dense": float(vectors[id_] @ vector), "fused": fused[id_]} for id_ in fused}
        for id_, score in bm25:
            scores[id_]["bm25"] = score
        return scores


def _passage(id_: int, chunk: StoredChunk, scores: dict[str, float]) -> Passage:
    return Passage(
        id=str(id_),
        document_id=chunk.document,
        document=chunk.name,
        text=chunk.text,
        start=chunk.start,
        end=chunk.end,
        page=chunk.page,
        heading=chunk.heading,
        scores=scores,
    )
