"""What waits is read, embedded and written: three steps that overlap, each on a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from codex.errors import Cancelled
from codex.retrieval.catalogue import Catalogue
from codex.retrieval.config import RetrievalConfig
from codex.retrieval.content import Entry, FileStamp, keep, skip, stands, write_content
from codex.retrieval.documents import Document, Progress, Report
from codex.retrieval.embedding import PASS, Embedding
from codex.retrieval.preparing import WINDOW, Preparation, ReadAhead, Work
from codex.retrieval.vector_index import VectorIndex


class Stop(threading.Event):
    """Set by itself or by the caller's own event."""

    def __init__(self, cancel: threading.Event | None) -> None:
        super().__init__()
        self._cancel = cancel

    def is_set(self) -> bool:
        return super().is_set() or (self._cancel is not None and self._cancel.is_set())


@dataclass
class Indexing:
    """One run. The right to write is held by the caller."""

    config: RetrievalConfig
    catalogue: Catalogue
    vectors: VectorIndex
    embedding: Embedding
    progress: Callable[[Progress], None] | None = None
    cancel: threading.Event | None = None
    _total: int = 0
    _total_bytes: int = 0
    _done: int = 0
    _done_bytes: float = 0.0
    _chunks: int = 0
    _indexed: int = 0
    _unchanged: int = 0
    _skipped: list[Document] = field(default_factory=list)
    _started: float = 0.0
    _embedding_since: float | None = None

    def run(self, check: bool) -> Report:
        """Index what waits; with `check` look first what has changed. Raises RetrievalError, ModelError."""
        self._started = time.monotonic()
        self.vectors.sync(self.cancel, self._tell_recovered)
        gone = self._changed() if check else []
        self._unchanged = len(self.catalogue.entries("indexed")) - len(gone)
        tried: set[tuple[str, FileStamp]] = set()
        cancelled = False
        try:
            while waiting := self._waiting(gone, tried):
                self._index(waiting)
        except Cancelled:
            cancelled = True
        if gone:
            self.catalogue.remove(gone)
        self.vectors.sync(self.cancel)
        return Report(
            indexed=self._indexed,
            unchanged=self._unchanged,
            skipped=tuple(self._skipped),
            removed=len(gone),
            chunks=self._chunks,
            seconds=time.monotonic() - self._started,
            cancelled=cancelled,
        )

    def _waiting(self, gone: Sequence[str], tried: set[tuple[str, FileStamp]]) -> list[Entry]:
        """What waits and was not tried yet, which more may have joined since the run began."""
        waiting = [
            entry
            for entry in self.catalogue.entries("waiting")
            if entry.document.id not in gone and (entry.document.id, entry.stamp) not in tried
        ]
        tried |= {(entry.document.id, entry.stamp) for entry in waiting}
        self._total += len(waiting)
        self._total_bytes += sum(max(entry.document.size, 1) for entry in waiting)
        return waiting

    def _changed(self) -> list[str]:
        """Let changed files wait again; the ids of those that are gone."""
        gone, changed = [], []
        for entry in self.catalogue.entries():
            try:
                stamp = FileStamp.of(entry.document.path)
            except FileNotFoundError:
                gone.append(entry.document.id)
                continue
            except OSError:
                stamp = FileStamp(0, 0)
            if stamp != entry.stamp:
                changed.append((entry.document.path, stamp, ""))
        self.catalogue.register(changed)
        return gone

    def _index(self, waiting: Sequence[Entry]) -> None:
        stop = Stop(self.cancel)
        preparation = Preparation(self.config, self.catalogue, self.embedding, stop)
        ahead = ReadAhead(waiting, preparation.prepare, stop)
        writer = ThreadPoolExecutor(1, "writing")
        try:
            written: Future[None] | None = None
            while works := ahead.take():
                self._count_finished(works)
                for window in _windows(works):
                    self._embed(window, stop)
                if written is not None:
                    written.result()
                written = writer.submit(self._write, works, stop)
            if written is not None:
                written.result()
        finally:
            stop.set()
            ahead.close()
            writer.shutdown()

    def _count_finished(self, works: Sequence[Work]) -> None:
        """Documents of which nothing is to be embedded: skipped, unchanged, or the same as another."""
        finished = [work for work in works if work.is_complete]
        self._done += len(finished)
        self._done_bytes += sum(work.entry.document.size for work in finished)
        if finished:
            self._tell(finished[-1].entry.document.name)

    def _embed(self, window: Sequence[tuple[Work, int]], stop: Stop) -> None:
        """Fill in the vectors of the window's chunks. Raises Cancelled."""
        self._embedding_since = self._embedding_since or time.monotonic()
        texts = sorted(((work.text(at), work, at) for work, at in window), key=lambda it: -len(it[0]))
        for first in range(0, len(texts), PASS):
            if stop.is_set():
                raise Cancelled("The indexing was cancelled; what is indexed stays, the rest waits.")
            part = texts[first : first + PASS]
            vectors = self.embedding.encode([text for text, _, _ in part])
            for (_, work, at), vector in zip(part, vectors, strict=True):
                work.fill(at, vector)
                assert work.content is not None
                self._done_bytes += work.entry.document.size / len(work.content.chunks)
                self._done += work.is_complete
            self._chunks += len(part)
            self._tell(part[-1][1].entry.document.name)

    def _write(self, works: Sequence[Work], stop: Stop) -> None:
        """Make the documents visible, all at once, then bring their vectors to Chroma."""
        skipped, kept = [], []
        with self.catalogue.write() as db:
            for work in works:
                id_ = work.entry.document.id
                if not stands(db, id_, work.entry.stamp):
                    continue  # Removed or replaced while it was read; the new one waits.
                kept.append(work)
                if work.content is not None:
                    write_content(db, id_, work.content, work.stamp, work.sha256)
                elif work.reason:
                    skip(db, id_, work.reason, work.stamp)
                    skipped.append(id_)
                else:
                    keep(db, id_, work.stamp)
        self._indexed += sum(work.content is not None for work in kept)
        self._unchanged += sum(work.content is None and not work.reason for work in kept)
        if skipped:
            self._skipped += [it for it in self.catalogue.documents() if it.id in skipped]
        self.vectors.sync(stop)

    def _tell_recovered(self, written: int, total: int) -> None:
        """Vectors that an earlier run did not bring to Chroma."""
        if self.progress is not None:
            rate = written / (time.monotonic() - self._started)
            self.progress(Progress("", 0, 0, written, rate, (total - written) / rate))

    def _tell(self, name: str) -> None:
        if self.progress is None:
            return
        rate, left = 0.0, None
        if self._chunks and self._embedding_since is not None:
            seconds = time.monotonic() - self._embedding_since
            share = min(self._done_bytes / self._total_bytes, 1.0)
            rate, left = self._chunks / seconds, seconds * (1.0 - share) / share
        self.progress(Progress(name, self._done, self._total, self._chunks, rate, left))


def _windows(works: Sequence[Work]) -> Iterator[list[tuple[Work, int]]]:
    """The chunks that are to be embedded: all documents' together, a large one's in several windows."""
    window: list[tuple[Work, int]] = []
    for work in works:
        for at in range(work.missing):
            window.append((work, at))
            if len(window) == WINDOW:
                yield window
                window = []
    if window:
        yield window
