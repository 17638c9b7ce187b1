"""Documents are read and cut into chunks on a thread of their own, ahead of those being embedded."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from codex.errors import Cancelled, CodexError, UnreadableDocument
from codex.retrieval.catalogue import Catalogue
from codex.retrieval.chunking import chunks
from codex.retrieval.config import RetrievalConfig
from codex.retrieval.content import Content, Entry, FileStamp, StoredChunk
from codex.retrieval.embedding import Embedding
from codex.retrieval.readers.reading import name_of, read

log = logging.getLogger(__name__)

WINDOW = 1000
"""Chunks that are sorted by length before they are embedded, so that those of one pass are of one length."""
AHEAD = 2 * WINDOW
"""Chunks waiting to be embedded at which reading pauses."""


class Stop(threading.Event):
    """Set by itself or by the caller's own event."""

    def __init__(self, cancel: threading.Event | None) -> None:
        super().__init__()
        self._cancel = cancel

    def is_set(self) -> bool:
        return super().is_set() or (self._cancel is not None and self._cancel.is_set())

    def check(self) -> None:
        """Raises Cancelled."""
        if self.is_set():
            raise Cancelled("Indexing was cancelled. What is indexed stays; the rest is still waiting.")


@dataclass
class Prepared:
    """A document on its way into the index."""

    entry: Entry
    stamp: FileStamp
    """Of the file that was read."""
    sha256: str = ""
    content: Content | None = None
    """None: skipped, or unchanged."""
    reason: str = ""
    """Why it is skipped."""
    embedded: int = 0
    """Chunks that have their vector."""

    @property
    def missing(self) -> int:
        """Chunks without a vector."""
        return 0 if self.content is None else len(self.content.chunks) - self.embedded

    @property
    def is_complete(self) -> bool:
        return not self.missing

    @property
    def bytes_per_chunk(self) -> float:
        return self.entry.document.size / len(self.content.chunks) if self.content else 0.0

    def text(self, index: int) -> str:
        """What is embedded of a chunk: its headings too."""
        assert self.content is not None
        chunk = self.content.chunks[index]
        return f"{chunk.heading}\n{chunk.text}" if chunk.heading else chunk.text

    def fill(self, index: int, vector: NDArray[np.float32]) -> None:
        """Set the vector of a chunk."""
        assert self.content is not None
        self.content.vectors[index] = vector
        self.embedded += 1


@dataclass
class Preparation:
    """From a file to chunks that can be embedded."""

    config: RetrievalConfig
    catalogue: Catalogue
    embedding: Embedding
    stop: Stop
    """Takes effect within a tenth of a second."""

    def prepare(self, entry: Entry) -> Prepared:
        """What there is to embed of a document. Raises Cancelled, RetrievalError, ModelError."""
        path, max_bytes = entry.document.path, self.config.max_file_mb * 10**6
        prepared = Prepared(entry, entry.stamp)
        try:
            prepared.stamp = FileStamp.of(path)
            if prepared.stamp.size <= max_bytes:
                with path.open("rb") as file:
                    prepared.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
                if prepared.sha256 == entry.sha256:
                    return prepared
                prepared.content = self.catalogue.duplicate(prepared.sha256, path.suffix, entry.encoding)
            if prepared.content is not None:
                prepared.embedded = len(prepared.content.chunks)
            else:
                prepared.content = self._read(entry, max_bytes)
        except UnreadableDocument as error:
            prepared.reason = str(error)
        except OSError as error:
            prepared.reason = f"{name_of(path)} cannot be opened: {error.strerror or error}."
        except CodexError:
            raise
        except Exception as error:
            log.exception("%s could not be read", path)
            prepared.reason = f"{name_of(path)} could not be read: {error}"
        return prepared

    def _read(self, entry: Entry, max_bytes: int) -> Content:
        reading = read(entry.document.path, max_bytes, cancel=self.stop, encoding=entry.encoding)
        max_tokens = min(self.config.chunk_tokens, self.embedding.max_tokens)
        found = [
            StoredChunk(it.start, it.end, it.page, it.heading, reading.text[it.start : it.end])
            for it in chunks(reading, max_tokens, self.embedding.count)
        ]
        if not found:
            raise UnreadableDocument(f"{entry.document.name} contains no text.")
        vectors = np.empty((len(found), self.embedding.dimension), np.float32)
        return Content(reading.text, tuple(reading.page_starts), reading.note, found, vectors)


@dataclass
class ReadAhead:
    """Documents in the order of the entries, prepared while earlier ones are embedded."""

    entries: Sequence[Entry]
    prepare: Callable[[Entry], Prepared]
    stop: Stop
    _ready: deque[Prepared] = field(default_factory=deque)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _error: BaseException | None = None
    _ended: bool = False

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._run, name="reading", daemon=True)
        self._thread.start()

    def take(self) -> list[Prepared]:
        """What is ready, up to a window; waits for the first; [] at the end. Raises what `prepare` raises."""
        with self._changed:
            self._wait(lambda: bool(self._ready) or self._ended)
            if self._error is not None:
                raise self._error
            taken: list[Prepared] = []
            while self._ready and sum(it.missing for it in taken) < WINDOW:
                taken.append(self._ready.popleft())
            self._changed.notify_all()
            return taken

    def close(self) -> None:
        """Wait for the document being read; `stop` has been set."""
        self._thread.join()

    def _run(self) -> None:
        try:
            for entry in self.entries:
                prepared = self.prepare(entry)
                with self._changed:
                    self._ready.append(prepared)
                    self._changed.notify_all()
                    self._wait(lambda: sum(it.missing for it in self._ready) < AHEAD)
        except BaseException as error:
            self._error = error
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _wait(self, condition: Callable[[], bool]) -> None:
        while not self._changed.wait_for(condition, timeout=0.1):
            self.stop.check()
        self.stop.check()
