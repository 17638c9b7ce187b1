"""The Documents page: files in, what was read of them, searching and reading them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from codex.ask.workbench import Workbench
from codex.errors import CodexError, InvalidInput
from codex.jobs import Job, JobProgress, Jobs
from codex.pages import JSON
from codex.pages.components import Calls, view
from codex.pages.documents.view import (
    WINDOW,
    document_line,
    indexing_view,
    needs_rebuild,
    passage_view,
    query_words,
    text_view,
    together,
)
from codex.pages.limits import limits
from codex.retrieval import uploads
from codex.retrieval.index import Document, Index, IndexingProgress, Report, checked_query
from codex.retrieval.readers.reading import SUFFIXES
from codex.text import sha256

KIND = "index"
RESULTS = 10
"""Passages that a search shows."""
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class DocumentsPage:
    """What the page can do, as plain calls: JSON in, JSON out. Gradio only carries them."""

    def __init__(self, workbench: Workbench, jobs: Jobs) -> None:
        self.workbench = workbench
        self.jobs = jobs

    @property
    def local(self) -> bool:
        """Whether only people at this machine can reach the page."""
        return self.workbench.settings.server.host in LOOPBACK

    def config(self) -> JSON:
        """What the page needs at the start."""
        return {"local": self.local, **limits(self.workbench.settings, sorted(SUFFIXES))}

    def look(self, wanted: JSON) -> JSON:
        """The job, and the table if the page has another one. wanted: {seen: version, brief: no table}."""
        documents = self.workbench.index.documents()
        folder = self.workbench.settings.documents
        version = _version(documents)
        latest = next(iter(self.jobs.list(KIND)), None)
        return {
            "job": indexing_view(latest) if latest else None,
            "version": version,
            "total": len(documents),
            "waiting": sum(document.state == "waiting" for document in documents),
            "documents": None
            if wanted.get("brief") or wanted.get("seen") == version
            else [document_line(document, folder) for document in documents],
        }

    def index(self, wanted: JSON) -> JSON:
        """Index what waits. wanted: {check: look at every known file first, folder: one to add}."""
        folder = str(wanted.get("folder") or "").strip()
        paths = [self._folder(folder)] if folder else []
        title = "Checking for changes" if wanted.get("check") else "Indexing"
        work = _indexing(self.workbench.index, paths, check=bool(wanted.get("check")))
        return indexing_view(self.jobs.start(KIND, title, work))

    def cancel(self, wanted: JSON) -> None:
        """Stop a job."""
        self.jobs.cancel(wanted["job"])

    def rebuild(self, _: JSON) -> JSON:
        """Forget the vectors and index every document again."""
        index = self.workbench.index

        def work(job: Job) -> Report:
            index.rebuild()
            return _indexing(index, [], check=False)(job)

        return indexing_view(self.jobs.start(KIND, "Indexing everything again", work))

    def remove(self, wanted: JSON) -> JSON:
        """Forget documents; of uploaded ones the file goes too. wanted: {ids}."""
        ids = set(wanted["ids"])
        paths = [document.path for document in self.workbench.index.documents() if document.id in ids]
        self.workbench.index.remove(list(ids))
        uploads.delete(self.workbench.settings.documents, paths)
        return self.look({})

    def search(self, wanted: JSON) -> JSON:
        """Passages for a query, best first, or why it could not be searched. wanted: {query}."""
        query = checked_query(str(wanted["query"]))
        try:
            found = self.workbench.index.search(query, RESULTS)
        except CodexError as error:
            return {"error": str(error), "rebuild": needs_rebuild(error), "passages": []}
        marks = query_words(query)
        return {"error": None, "passages": [passage_view(passage, marks) for passage in found]}

    def read(self, wanted: JSON) -> JSON:
        """A stretch of a document's text, with a passage marked.

        wanted: {id, start, end: the passage, or null; first, last: the stretch, by default around it}.
        """
        found = self.workbench.index.text(wanted["id"])
        start, end = _span(wanted)
        first = wanted.get("first", (start or 0) - WINDOW)
        last = wanted.get("last", (end or 0) + WINDOW)
        return {
            "document": document_line(found.document, self.workbench.settings.documents),
            **text_view(found, int(first), int(last), start, end),
        }

    def _folder(self, folder: str) -> Path:
        if not self.local:
            raise InvalidInput(
                "Folders can only be added from the machine that Codex runs on; drop the files instead.",
                ["folder"],
            )
        path = Path(folder).expanduser()
        if not path.is_absolute():
            raise InvalidInput(f"Give the full path, starting with /, not {folder!r}.", ["folder"])
        if not path.exists():
            raise InvalidInput(f"There is no file or folder {folder!r} on this machine.", ["folder"])
        return path


def _indexing(index: Index, paths: Sequence[Path], *, check: bool) -> Callable[[Job], Report]:
    """The work of a job: add the paths, index what waits, also what was added in the meantime."""

    def work(job: Job) -> Report:
        def progress(now: IndexingProgress) -> None:
            job.report(
                JobProgress(
                    now.done,
                    now.total,
                    "files",
                    rate=now.chunks_per_second or None,
                    rate_unit="passages",
                    seconds_left=now.seconds_left,
                    text=now.document,
                )
            )

        def waiting() -> int:
            return sum(document.state == "waiting" for document in index.documents())

        refused: list[Document] = []
        if paths:
            job.report(JobProgress(text=f"Looking through {paths[0]}"))
            given = index.add(paths)
            if not given:
                raise InvalidInput(f"There are no files in {', '.join(map(str, paths))}.", ["folder"])
            refused = [document for document in given if document.state == "skipped"]
        job.report(JobProgress(0, waiting() or None, "files", text="Preparing"))
        reports = [index.run(progress, job.cancel, check=check)]
        while not job.cancel.is_set() and waiting():
            reports.append(index.run(progress, job.cancel))
            if not reports[-1].indexed and not reports[-1].skipped:
                break
        report = together(reports)
        return replace(report, skipped=(*refused, *report.skipped))

    return work


def _version(documents: Sequence[Document]) -> str:
    """Changes whenever the table does."""
    lines = (f"{d.id} {d.state} {d.indexed_at} {d.size} {d.reason}" for d in documents)
    return sha256("\n".join(lines))[:16]


def _span(wanted: JSON) -> tuple[int | None, int | None]:
    try:
        start, end = int(wanted["start"]), int(wanted["end"])
    except (KeyError, TypeError, ValueError):
        return None, None
    return (start, end) if 0 <= start < end else (None, None)


def build(workbench: Workbench, jobs: Jobs) -> DocumentsPage:
    """Put the page into the Blocks that are open."""
    page = DocumentsPage(workbench, jobs)
    calls: Calls = {
        "read": (page.look, page.search, page.read),
        "evaluate": (page.index, page.cancel, page.rebuild, page.remove),
    }
    view("documents", page.config(), calls)
    return page
