"""One indexing run: documents are read, embedded and written, each step on a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from codex.errors import Cancelled
from codex.retrieval.catalogue import Catalogue
from codex.retrieval.config import RetrievalConfig
from codex.retrieval.content import Entry, FileStamp, is_current, mark_skipped, mark_unchanged, write_content
from codex.retrieval.documents import IndexingProgress, Report
from codex.retrieval.embedding import PASS, Embedding
from codex.retrieval.preparing import WINDOW, Preparation, Prepared, ReadAhead, Stop
from codex.retrieval.vector_index import VectorIndex


@dataclass
class Indexing:
    """One run. The caller holds the right to write."""

    config: RetrievalConfig
    catalogue: Catalogue
    vectors: VectorIndex
    embedding: Embedding
    progress: Callable[[IndexingProgress], None] | None = None
    cancel: threading.Event | None = None
    _started: float = field(default_factory=time.monotonic)
    _total: int = 0
    _total_bytes: int = 0
    _done: int = 0
    _done_bytes: float = 0.0
    _chunks: int = 0
    _indexed: int = 0
    _unchanged: int = 0
    _skipped: list[str] = field(default_factory=list)
    _embedding_since: float | None = None

    def run(self, check: bool) -> Report:
        """Index what is waiting; `check`: look for changed files first. Raises RetrievalError, ModelError."""
        self.vectors.sync(self.cancel, self._report_recovery)
        missing = self._look_for_changes() if check else []
        self._unchanged = len(self.catalogue.entries("indexed")) - len(missing)
        tried: set[tuple[str, FileStamp]] = set()
        cancelled = False
        try:
            while waiting := self._waiting(missing, tried):
                self._index(waiting)
        except Cancelled:
            cancelled = True
        if missing:
            self.catalogue.remove(missing)
        self.vectors.sync(self.cancel)
        return Report(
            indexed=self._indexed,
            unchanged=self._unchanged,
            skipped=tuple(it for it in self.catalogue.documents() if it.id in self._skipped),
            removed=len(missing),
            chunks=self._chunks,
            seconds=time.monotonic() - self._started,
            cancelled=cancelled,
        )

    def _look_for_changes(self) -> list[str]:
        """Mark changed files as waiting; the ids of documents whose files no longer exist."""
        missing, changed = [], []
        for entry in self.catalogue.entries():
            try:
                stamp = FileStamp.of(entry.document.path)
            except FileNotFoundError:
                missing.append(entry.document.id)
                continue
            except OSError:
                stamp = FileStamp(0, 0)
            if stamp != entry.stamp:
                changed.append((entry.document.path, stamp, ""))
        self.catalogue.register(changed)
        return missing

    def _waiting(self, missing: Sequence[str], tried: set[tuple[str, FileStamp]]) -> list[Entry]:
        """What is waiting and was not tried yet; more may have been added since the run began."""
        waiting = [
            entry
            for entry in self.catalogue.entries("waiting")
            if entry.document.id not in missing and (entry.document.id, entry.stamp) not in tried
        ]
        tried |= {(entry.document.id, entry.stamp) for entry in waiting}
        self._total += len(waiting)
        self._total_bytes += sum(max(entry.document.size, 1) for entry in waiting)
        return waiting

    def _index(self, waiting: Sequence[Entry]) -> None:
        stop = Stop(self.cancel)
        preparation = Preparation(self.config, self.catalogue, self.embedding, stop)
        ahead = ReadAhead(waiting, preparation.prepare, stop)
        writer = ThreadPoolExecutor(1, "writing")
        written: Future[None] | None = None
        try:
            while batch := ahead.take():
                self._count(batch)
                for window in _windows(batch):
                    self._embed(window, stop)
                if written is not None:
                    written.result()
                written = writer.submit(self._write, batch, stop)
            if written is not None:
                written.result()
        finally:
            stop.set()
            ahead.close()
            writer.shutdown()

    def _count(self, batch: Sequence[Prepared]) -> None:
        """The documents without anything to embed: skipped, unchanged, or the same as another."""
        complete = [it.entry.document for it in batch if it.is_complete]
        self._done += len(complete)
        self._done_bytes += sum(document.size for document in complete)
        if complete:
            self._report(complete[-1].name)

    def _embed(self, window: Sequence[tuple[Prepared, int]], stop: Stop) -> None:
        """Embed the window's chunks. Raises Cancelled."""
        self._embedding_since = self._embedding_since or time.monotonic()
        texts = sorted(((it.text(at), it, at) for it, at in window), key=lambda text: -len(text[0]))
        for first in range(0, len(texts), PASS):
            stop.check()
            part = texts[first : first + PASS]
            vectors = self.embedding.encode([text for text, _, _ in part])
            for (_, prepared, at), vector in zip(part, vectors, strict=True):
                prepared.fill(at, vector)
                self._done_bytes += prepared.bytes_per_chunk
                self._done += prepared.is_complete
            self._chunks += len(part)
            self._report(part[-1][1].entry.document.name)

    def _write(self, batch: Sequence[Prepared], stop: Stop) -> None:
        """Make the documents visible, all at once, then bring their vectors to Chroma."""
        with self.catalogue.write() as db:
            # Those that were removed or replaced meanwhile are left out; a new version is waiting.
            current = [it for it in batch if is_current(db, it.entry.document.id, it.entry.stamp)]
            for it in current:
                id_ = it.entry.document.id
                if it.content is not None:
                    write_content(db, id_, it.content, it.stamp, it.sha256)
                elif it.reason:
                    mark_skipped(db, id_, it.reason, it.stamp)
                    self._skipped.append(id_)
                else:
                    mark_unchanged(db, id_, it.stamp)
        self._indexed += sum(it.content is not None for it in current)
        self._unchanged += sum(it.content is None and not it.reason for it in current)
        self.vectors.sync(stop)

    def _report_recovery(self, written: int, total: int) -> None:
        """The vectors that an earlier run did not bring to Chroma."""
        if self.progress is not None:
            rate = written / (time.monotonic() - self._started)
            self.progress(IndexingProgress("", 0, 0, written, rate, (total - written) / rate))

    def _report(self, name: str) -> None:
        if self.progress is None:
            return
        rate, left = 0.0, None
        if self._chunks and self._embedding_since is not None:
            seconds = time.monotonic() - self._embedding_since
            share = min(self._done_bytes / self._total_bytes, 1.0)
            rate, left = self._chunks / seconds, seconds * (1.0 - share) / share
        self.progress(IndexingProgress(name, self._done, self._total, self._chunks, rate, left))


def _windows(batch: Sequence[Prepared]) -> Iterator[Sequence[tuple[Prepared, int]]]:
    """The chunks to embed: those of all documents together, those of a large one in several windows."""
    chunks = [(prepared, at) for prepared in batch for at in range(prepared.missing)]
    return (chunks[at : at + WINDOW] for at in range(0, len(chunks), WINDOW))
