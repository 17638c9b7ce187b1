"""What waits is read, cut, embedded and written: three steps that overlap, each on a thread of its own."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from codex.errors import Cancelled, CodexError, UnreadableDocument
from codex.retrieval.catalogue import Catalogue
from codex.retrieval.chunking import chunks
from codex.retrieval.config import RetrievalConfig
from codex.retrieval.content import Content, Entry, FileStamp, StoredChunk, write_content
from codex.retrieval.documents import Document, Progress, Report
from codex.retrieval.embedding import PASS, Embedding
from codex.retrieval.mirror import Mirror
from codex.retrieval.reading import read

log = logging.getLogger(__name__)

WINDOW = 1000
"""Chunks that are sorted by length before they are embedded, so that a pass holds chunks of one length."""
READ_AHEAD = 4
"""Documents read while others are embedded."""


class _Stop(threading.Event):
    """Set by itself or by the caller's own event."""

    def __init__(self, cancel: threading.Event | None) -> None:
        super().__init__()
        self._cancel = cancel

    def is_set(self) -> bool:
        return super().is_set() or (self._cancel is not None and self._cancel.is_set())


@dataclass
class _Work:
    """A document under way."""

    entry: Entry
    stamp: FileStamp
    sha256: str
    content: Content | None = None
    """None: skipped, or the same as what is in the index."""
    reason: str = ""
    """Why it is skipped."""
    embedded: int = 0
    """Chunks that have their vector."""

    @property
    def is_complete(self) -> bool:
        return self.content is None or self.embedded == len(self.content.chunks)


@dataclass
class Indexing:
    """One run. The right to write is held by the caller."""

    config: RetrievalConfig
    catalogue: Catalogue
    mirror: Mirror
    embedding: Embedding
    progress: Callable[[Progress], None] | None = None
    cancel: threading.Event | None = None
    _done: int = 0
    _total: int = 0
    _chunks: int = 0
    _indexed: int = 0
    _bytes: float = 0.0
    _total_bytes: float = 0.0
    _skipped: list[Document] = field(default_factory=list)

    def run(self, check: bool) -> Report:
        """Index what waits; with `check` look first what has changed. Raises RetrievalError, ModelError."""
        self._started = time.monotonic()
        self._stop = _Stop(self.cancel)
        self.mirror.write_out(self._stop)
        gone = self._changed() if check else []
        waiting = [entry for entry in self.catalogue.entries("waiting") if entry.document.id not in gone]
        unchanged = len(self.catalogue.entries("indexed"))
        self._total = len(waiting)
        self._total_bytes = float(sum(max(entry.document.size, 1) for entry in waiting))
        cancelled = False
        try:
            self._index(waiting)
        except Cancelled:
            cancelled = True
        if gone:
            self.catalogue.remove(gone)
        self.mirror.write_out(self._stop)
        return Report(
            indexed=self._indexed,
            unchanged=unchanged,
            skipped=tuple(self._skipped),
            removed=len(gone),
            chunks=self._chunks,
            seconds=time.monotonic() - self._started,
            cancelled=cancelled,
        )

    def _changed(self) -> list[str]:
        """Let changed files wait again; the ids of those that are gone."""
        gone = []
        for entry in self.catalogue.entries():
            try:
                stamp = FileStamp.of(entry.document.path)
            except FileNotFoundError:
                gone.append(entry.document.id)
                continue
            except OSError:
                continue
            if stamp != entry.stamp:
                self.catalogue.register(entry.document.path, stamp)
        return gone

    def _index(self, waiting: Sequence[Entry]) -> None:
        reader, writer = ThreadPoolExecutor(1, "reading"), ThreadPoolExecutor(1, "writing")
        try:
            written: Future[None] | None = None
            for window in self._windows(self._read_ahead(waiting, reader)):
                complete = self._embed(window)
                if written is not None:
                    written.result()
                written = writer.submit(self._write, complete)
            if written is not None:
                written.result()
        finally:
            self._stop.set()
            reader.shutdown(cancel_futures=True)
            writer.shutdown()
            self._stop = _Stop(self.cancel)

    def _read_ahead(self, waiting: Sequence[Entry], reader: ThreadPoolExecutor) -> Iterator[_Work]:
        under_way: deque[Future[_Work]] = deque()
        for entry in waiting:
            under_way.append(reader.submit(self._read, entry))
            if len(under_way) > READ_AHEAD:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()

    def _windows(self, works: Iterator[_Work]) -> Iterator[list[tuple[_Work, int]]]:
        """Chunks of several documents, or a part of one document's; a document without any is alone."""
        window: list[tuple[_Work, int]] = []
        for work in works:
            self._check_cancel()
            if work.is_complete:
                # It needs no embedding, and is written behind the window that is being gathered.
                yield [(work, -1)]
                continue
            assert work.content is not None
            for index in range(len(work.content.chunks)):
                window.append((work, index))
                if len(window) == WINDOW:
                    yield window
                    window = []
        if window:
            yield window

    def _embed(self, window: Sequence[tuple[_Work, int]]) -> list[_Work]:
        """Fill in the vectors; the documents that are complete with them."""
        if window[0][1] < 0:
            return [window[0][0]]
        texts = [(_embedded_text(work, index), work, index) for work, index in window]
        texts.sort(key=lambda item: -len(item[0]))
        complete = []
        for at in range(0, len(texts), PASS):
            self._check_cancel()
            part = texts[at : at + PASS]
            vectors = self.embedding.encode([text for text, _, _ in part])
            for (_, work, index), vector in zip(part, vectors, strict=True):
                assert work.content is not None
                work.content.vectors[index] = vector
                work.embedded += 1
                self._bytes += max(work.entry.document.size, 1) / len(work.content.chunks)
                if work.is_complete:
                    complete.append(work)
            self._chunks += len(part)
            self._tell(part[0][1].entry.document.name)
        return complete

    def _write(self, works: Sequence[_Work]) -> None:
        """Make the documents visible, all at once, then bring their vectors to Chroma."""
        with self.catalogue.write() as db:
            for work in works:
                if work.content is not None:
                    write_content(db, work.entry.document.id, work.content, work.stamp, work.sha256)
        for work in works:
            if work.content is not None:
                self._indexed += 1
            elif work.reason:
                skipped = self.catalogue.skip(work.entry.document.id, work.reason, work.stamp)
                self._skipped += [skipped] if skipped else []
            else:
                self.catalogue.keep(work.entry.document.id, work.stamp)
        self._done += len(works)
        self._tell(works[-1].entry.document.name if works else "")
        self.mirror.write_out(self._stop)

    def _read(self, entry: Entry) -> _Work:
        """On the reading thread: what there is to embed of a document. Raises Cancelled."""
        self._check_cancel()
        path, most_bytes = entry.document.path, self.config.max_file_mb * 10**6
        work = _Work(entry, entry.stamp, "")
        try:
            work.stamp = FileStamp.of(path)
            if work.stamp.size <= most_bytes:
                with path.open("rb") as file:
                    work.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
                if work.sha256 == entry.sha256:
                    return work
                twin = self.catalogue.twin(work.sha256, path.suffix)
                if twin is not None:
                    work.content = twin
                    work.embedded = len(twin.chunks)
                    return work
            work.content = self._read_content(entry, most_bytes)
        except UnreadableDocument as error:
            work.reason = str(error)
        except OSError as error:
            work.reason = f"{entry.document.name} cannot be opened: {error.strerror or error}."
        except CodexError:
            raise
        except Exception as error:
            log.exception("%s could not be read", path)
            work.reason = f"{entry.document.name} cannot be read: {error}"
        return work

    def _read_content(self, entry: Entry, most_bytes: int) -> Content:
        reading = read(entry.document.path, most_bytes, cancel=self._stop)
        most_tokens = min(self.config.chunk_tokens, self.embedding.most_tokens)
        pieces = [
            StoredChunk(it.start, it.end, it.page, it.heading, reading.text[it.start : it.end])
            for it in chunks(reading, most_tokens, self.embedding.count)
        ]
        if not pieces:
            raise UnreadableDocument(f"{entry.document.name} holds no text.")
        vectors = np.empty((len(pieces), self.embedding.dimension), np.float32)
        return Content(reading.text, tuple(reading.page_starts), reading.note, pieces, vectors)

    def _check_cancel(self) -> None:
        if self._stop.is_set():
            raise Cancelled("The indexing was cancelled; what is indexed stays, the rest waits.")

    def _tell(self, name: str) -> None:
        if self.progress is None:
            return
        seconds = time.monotonic() - self._started
        share = min(self._bytes / self._total_bytes, 1.0) if self._total_bytes else 1.0
        left = seconds * (1.0 - share) / share if share > 0 else None
        self.progress(Progress(name, self._done, self._total, self._chunks, self._chunks / seconds, left))


def _embedded_text(work: _Work, index: int) -> str:
    assert work.content is not None
    chunk = work.content.chunks[index]
    return f"{chunk.heading}\n{chunk.text}" if chunk.heading else chunk.text
