"""Documents read and cut on a thread of its own, ahead of those that are being embedded."""

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
"""Chunks that are sorted by length before they are embedded, so that a pass holds chunks of one length."""
AHEAD = 2 * WINDOW
"""Chunks that wait to be embedded before the reader waits too."""


@dataclass
class Work:
    """A document under way."""

    entry: Entry
    stamp: FileStamp
    """Of the file that was read."""
    sha256: str = ""
    content: Content | None = None
    """None: skipped, or the same as what is in the index."""
    reason: str = ""
    """Why it is skipped."""
    embedded: int = 0
    """Chunks that have their vector."""

    @property
    def is_complete(self) -> bool:
        return self.content is None or self.embedded == len(self.content.chunks)

    @property
    def missing(self) -> int:
        """Chunks without a vector."""
        return 0 if self.content is None else len(self.content.chunks) - self.embedded

    def text(self, index: int) -> str:
        """What is embedded of a chunk: the headings it stands under, too."""
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
    stop: threading.Event
    """Heard within a tenth of a second."""

    def prepare(self, entry: Entry) -> Work:
        """What there is to embed of a document. Raises Cancelled, RetrievalError, ModelError."""
        path, most_bytes = entry.document.path, self.config.max_file_mb * 10**6
        work = Work(entry, entry.stamp)
        try:
            work.stamp = FileStamp.of(path)
            if work.stamp.size <= most_bytes:
                with path.open("rb") as file:
                    work.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
                if work.sha256 == entry.sha256:
                    return work
                work.content = self.catalogue.duplicate(work.sha256, path.suffix, entry.encoding)
            if work.content is not None:
                work.embedded = len(work.content.chunks)
            else:
                work.content = self._read(entry, most_bytes)
        except UnreadableDocument as error:
            work.reason = str(error)
        except OSError as error:
            work.reason = f"{name_of(path)} cannot be opened: {error.strerror or error}."
        except CodexError:
            raise
        except Exception as error:
            log.exception("%s could not be read", path)
            work.reason = f"{name_of(path)} could not be read: {error}"
        return work

    def _read(self, entry: Entry, most_bytes: int) -> Content:
        reading = read(entry.document.path, most_bytes, cancel=self.stop, encoding=entry.encoding)
        most_tokens = min(self.config.chunk_tokens, self.embedding.most_tokens)
        pieces = [
            StoredChunk(it.start, it.end, it.page, it.heading, reading.text[it.start : it.end])
            for it in chunks(reading, most_tokens, self.embedding.count)
        ]
        if not pieces:
            raise UnreadableDocument(f"{entry.document.name} holds no text.")
        vectors = np.empty((len(pieces), self.embedding.dimension), np.float32)
        return Content(reading.text, tuple(reading.page_starts), reading.note, pieces, vectors)


@dataclass
class ReadAhead:
    """Works in the order of the entries, prepared while earlier ones are embedded."""

    entries: Sequence[Entry]
    prepare: Callable[[Entry], Work]
    stop: threading.Event
    _ready: deque[Work] = field(default_factory=deque)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _error: BaseException | None = None
    _ended: bool = False

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._run, name="reading", daemon=True)
        self._thread.start()

    def take(self) -> list[Work]:
        """What is ready, up to a window; waits for the first; [] at the end. Raises what `prepare` raises."""
        with self._changed:
            self._wait(lambda: bool(self._ready) or self._ended)
            if self._error is not None:
                raise self._error
            taken: list[Work] = []
            while self._ready and sum(work.missing for work in taken) < WINDOW:
                taken.append(self._ready.popleft())
            self._changed.notify_all()
            return taken

    def close(self) -> None:
        """Wait for the document under way; `stop` has been set."""
        self._thread.join()

    def _run(self) -> None:
        try:
            for entry in self.entries:
                work = self.prepare(entry)
                with self._changed:
                    self._ready.append(work)
                    self._changed.notify_all()
                    self._wait(lambda: sum(it.missing for it in self._ready) < AHEAD)
        except BaseException as error:
            self._error = error
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _wait(self, condition: Callable[[], bool]) -> None:
        while not self._changed.wait_for(condition, timeout=0.1):
            if self.stop.is_set():
                raise Cancelled("The indexing was cancelled; what is indexed stays, the rest waits.")
        if self.stop.is_set():
            raise Cancelled("The indexing was cancelled; what is indexed stays, the rest waits.")
