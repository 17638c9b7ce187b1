"""One Chroma collection: in a folder of the home, or on a server."""

from __future__ import annotations

import contextlib
import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from codex.errors import Conflict, OtherEmbedding, RetrievalError
from codex.private import make_folder
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
    # Chroma rewrites its files after this many changes, and replays up to as many when it opens them.
    "sync_threshold": 2000,
}
"""Chosen so that the graph finds what an exact comparison finds."""
SERVER_TIMEOUT = 10.0
"""Seconds to wait for a server's heartbeat; Chroma's own client would wait for ever."""

_openings = itertools.count()


class ChromaCollection:
    """Opened at first use. Safe for the threads of one process.

    Methods raise RetrievalError, and Conflict where the collection belongs to another catalogue or embedding.
    """

    def __init__(self, config: RetrievalConfig, folder: Path) -> None:
        """folder: where Chroma keeps its files when no server is set."""
        self.folder = folder
        self._name = config.collection
        self._url = config.chroma_url
        self._client: Client | None = None
        self._collection: Collection | None = None
        self._http: httpx.Client | None = None

    @property
    def is_remote(self) -> bool:
        return self._url is not None

    def open(self, owner: str, embedding: Identity, *, create: bool = False) -> bool:
        """Whether it exists; with `create` it is created if missing. owner: the id of the catalogue."""
        with self._explained():
            self._client = self._client or self._connect()
            self._collection = self._collection or self._found(self._client, owner, embedding)
            if self._collection is None and create:
                self._collection = self._client.create_collection(
                    self._name,
                    metadata={
                        "catalogue": owner,
                        "embedding": embedding.name,
                        "embedding_fingerprint": embedding.fingerprint,
                    },
                    configuration={"hnsw": HNSW},
                    embedding_function=None,
                )
        return self._collection is not None

    @contextlib.contextmanager
    def opened(self) -> Iterator[Collection]:
        """Chroma's own collection, with its errors explained."""
        with self._explained():
            if self._collection is None:
                raise RetrievalError("The vector index is missing; run `codex index` to rebuild it.")
            yield self._collection

    def close(self) -> None:
        if self._client is not None:
            with contextlib.suppress(Exception):
                self._client.close()
        if self._http is not None:
            self._http.close()
        self._client = self._collection = self._http = None

    def drop(self, owner: str) -> None:
        """Delete the collection; local files are deleted without opening them."""
        with self._explained():
            if not self.is_remote:
                self.close()
                if self.folder.exists():
                    shutil.rmtree(self.folder)
                return
            self._client = self._client or self._connect()
            if self._found(self._client, owner) is not None:
                self._client.delete_collection(self._name)
            self._collection = None

    def _connect(self) -> Client:
        import chromadb
        from chromadb.config import Settings

        quiet = Settings(anonymized_telemetry=False)
        if self._url is None:
            make_folder(self.folder)
            # Chroma caches one open database per process and spelling of its path. With a spelling of its
            # own, a reopened one sees what another process has written.
            spelling = f"{self.folder}/" + "./" * next(_openings)
            return cast("Client", chromadb.PersistentClient(spelling, quiet))
        parts = urlsplit(self._url)
        secure = parts.scheme == "https"
        port = parts.port or (443 if secure else 8000)
        return cast(
            "Client", chromadb.HttpClient(parts.hostname or "localhost", port, secure, settings=quiet)
        )

    def _found(self, client: Client, owner: str, embedding: Identity | None = None) -> Collection | None:
        from chromadb.errors import NotFoundError

        try:
            collection = client.get_collection(self._name, embedding_function=None)
        except NotFoundError:
            return None
        metadata = collection.metadata or {}
        if metadata.get("catalogue") != owner:
            raise Conflict(
                f"The Chroma collection {self._name!r} belongs to another index. "
                "Set retrieval.collection to another name, or CODEX_HOME to the home that created it."
            )
        if embedding is not None and metadata.get("embedding_fingerprint") != embedding.fingerprint:
            raise other_embedding(str(metadata.get("embedding")), embedding.name)
        return collection

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Turns whatever goes wrong with Chroma into a RetrievalError that says what to do."""
        try:
            if self._url is not None:
                import httpx

                self._http = self._http or httpx.Client(timeout=SERVER_TIMEOUT)
                self._http.get(f"{self._url.rstrip('/')}/api/v2/heartbeat").raise_for_status()
            yield
        except (Conflict, RetrievalError):
            raise
        except Exception as error:
            reason = str(error) or type(error).__name__
            if self._url is None:
                raise RetrievalError(
                    f"The vector index in {self.folder} cannot be used: {reason}. Run `codex index` to "
                    "rebuild it from the catalogue, or `codex index --rebuild` to index every document again."
                ) from error
            # The next attempt looks for the collection again: the server may come back without it.
            self.close()
            raise RetrievalError(
                f"The Chroma server {self._url} does not respond as it should: {reason}. Restart it "
                "(`chroma run`), or set retrieval.chroma_url=null to keep the vectors in the home folder."
            ) from error


def other_embedding(built_with: str, configured: str) -> OtherEmbedding:
    """Vectors of different embeddings cannot be compared."""
    same = " (its files have changed since)" if built_with == configured else ""
    return OtherEmbedding(
        f"The index was built with the embedding {built_with!r}{same}, but {configured!r} is configured. Set "
        f"retrieval.embedding={built_with} again, or run `codex index --rebuild` to rebuild the index."
    )
