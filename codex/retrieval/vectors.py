"""The vectors in Chroma: files of its own in the home folder, or a server's."""

from __future__ import annotations

import contextlib
import itertools
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from codex.errors import Conflict, OtherEmbedding, RetrievalError
from codex.private import make_folder, tighten
from codex.retrieval.config import RetrievalConfig
from codex.retrieval.embedding import Identity

if TYPE_CHECKING:
    import httpx
    from chromadb.api.client import Client
    from chromadb.api.collection_configuration import CreateHNSWConfiguration
    from chromadb.api.models.Collection import Collection

HNSW: CreateHNSWConfiguration = {
    "space": "cosine",
    "max_neighbors": 16,
    "ef_construction": 128,
    "ef_search": 400,
    # Chroma rewrites its files after so many changes, and repeats up to as many when it opens them.
    "sync_threshold": 2000,
}
"""Set so that what the graph finds is what comparing with every vector finds."""
PATIENCE = 10.0
"""Seconds that a server has to say that it is there; Chroma's own client would wait for ever."""
BATCH = 500
"""Vectors written at once: under a second, so that a cancel is heard."""

_openings = itertools.count()


class Vectors:
    """One Chroma collection, opened at first use. Safe for the threads of one process."""

    def __init__(self, config: RetrievalConfig, folder: Path, catalogue_id: str, made_by: Identity) -> None:
        """folder: where Chroma's files lie, when no server is set. Nothing is opened yet."""
        self._config = config
        self._folder = folder
        self._metadata = {
            "catalogue": catalogue_id,
            "embedding": made_by.name,
            "embedding_fingerprint": made_by.fingerprint,
        }
        self._client: Client | None = None
        self._collection: Collection | None = None
        self._http: httpx.Client | None = None

    def open(self, create: bool) -> bool:
        """Whether the collection is there, made first when it should be. Raises Conflict, RetrievalError."""
        with self._told():
            if self._client is None:
                self._client = self._connect()
            if self._collection is None:
                self._collection = self._found(self._client) or (self._made(self._client) if create else None)
        return self._collection is not None

    def close(self) -> None:
        if self._client is not None:
            with contextlib.suppress(Exception):
                self._client.close()
        if self._http is not None:
            self._http.close()
        self._client = self._collection = self._http = None

    def write(self, ids: Sequence[int], vectors: NDArray[np.float32]) -> None:
        """Write [n, d] vectors of unit length under the chunks' ids. Raises RetrievalError."""
        with self._told():
            self._ready().upsert(ids=[str(it) for it in ids], embeddings=vectors)
            tighten(self._folder, deep=True)

    def delete(self, ids: Sequence[int]) -> None:
        """Ids that are not there are no error. Raises RetrievalError."""
        with self._told():
            self._ready().delete(ids=[str(it) for it in ids])

    def nearest(self, vector: NDArray[np.float32], limit: int) -> list[tuple[int, float]]:
        """Chunks with their cosine, best first. Raises RetrievalError."""
        with self._told():
            found = self._ready().query(query_embeddings=vector[None], n_results=limit, include=["distances"])
        distances = (found["distances"] or [[]])[0]
        return [(int(id_), 1.0 - distance) for id_, distance in zip(found["ids"][0], distances, strict=True)]

    def count(self) -> int:
        with self._told():
            return self._ready().count()

    def forget(self) -> None:
        """Delete the collection; files of our own are removed unread. Raises Conflict, RetrievalError."""
        if self._config.chroma_url is None:
            self.close()
            with self._told():
                if self._folder.exists():
                    shutil.rmtree(self._folder)
            return
        with self._told():
            if self._client is None:
                self._client = self._connect()
            if self._found(self._client, any_embedding=True) is not None:
                self._client.delete_collection(self._config.collection)
            self._collection = None

    def _listen(self) -> None:
        """Raises when a server is set that does not say in time that it is there."""
        url = self._config.chroma_url
        if url is None:
            return
        import httpx

        if self._http is None:
            self._http = httpx.Client(timeout=PATIENCE)
        self._http.get(f"{url.rstrip('/')}/api/v2/heartbeat").raise_for_status()

    def _ready(self) -> Collection:
        if self._collection is None:
            raise RetrievalError("The index has no vectors; run `codex index --rebuild`.")
        return self._collection

    def _connect(self) -> Client:
        import chromadb
        from chromadb.config import Settings

        quiet = Settings(anonymized_telemetry=False)
        url = self._config.chroma_url
        if url is None:
            make_folder(self._folder)
            # Chroma keeps one opened database for each spelling of a path and process. One of our own, so
            # that to close it and to open it again reads what another process has written.
            spelled = f"{self._folder}/" + "./" * next(_openings)
            return cast("Client", chromadb.PersistentClient(spelled, quiet))
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        port = parts.port or (443 if secure else 8000)
        return cast(
            "Client", chromadb.HttpClient(parts.hostname or "localhost", port, secure, settings=quiet)
        )

    def _found(self, client: Client, any_embedding: bool = False) -> Collection | None:
        from chromadb.errors import NotFoundError

        try:
            collection = client.get_collection(self._config.collection, embedding_function=None)
        except NotFoundError:
            return None
        found = collection.metadata or {}
        if found.get("catalogue") != self._metadata["catalogue"]:
            raise Conflict(
                f"The Chroma collection {self._config.collection!r} belongs to another index. "
                "Set retrieval.collection to another name, or CODEX_HOME to the home that made it."
            )
        if (
            not any_embedding
            and found.get("embedding_fingerprint") != self._metadata["embedding_fingerprint"]
        ):
            raise other_embedding(str(found.get("embedding")), str(self._metadata["embedding"]))
        return collection

    def _made(self, client: Client) -> Collection:
        return client.create_collection(
            self._config.collection,
            metadata=self._metadata,
            configuration={"hnsw": HNSW},
            embedding_function=None,
        )

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """What goes wrong with Chroma, in words."""
        try:
            self._listen()
            yield
        except (Conflict, RetrievalError):
            raise
        except Exception as error:
            said = str(error) or type(error).__name__
            url = self._config.chroma_url
            if url is None:
                raise RetrievalError(
                    f"The vectors in {self._folder} cannot be used: {said}. Run `codex index --rebuild` to "
                    "make them anew from the documents."
                ) from error
            # The next attempt looks for the collection again: the server may come back without it.
            self.close()
            raise RetrievalError(
                f"The Chroma server {url} does not answer as it should: {said}. Start it again "
                "(`chroma run`), or set retrieval.chroma_url=null to keep the vectors in the home folder."
            ) from error


def other_embedding(made_by: str, set_: str) -> OtherEmbedding:
    """The vectors of one embedding say nothing to another."""
    same = " (its files have changed since)" if made_by == set_ else ""
    return OtherEmbedding(
        f"The index was made by the embedding {made_by!r}{same}, but {set_!r} is set. Set "
        f"retrieval.embedding={made_by} again, or run `codex index --rebuild` to make the index anew."
    )
