"""Documents, passages and their text as the page shows them.

Texts are cut here and travel in parts, because Python and JavaScript count characters differently.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from codex.errors import OtherEmbedding
from codex.jobs import Job
from codex.pages import JSON
from codex.pages.ask.evidence import SCORES
from codex.pages.job_view import job_view
from codex.retrieval.index import Document, DocumentText, Report
from codex.signals.focus import content_words
from codex.signals.text import words
from codex.types import Passage

WINDOW = 12_000
"""Characters of a document's text that are sent before and after the place that is read."""


def document_line(document: Document, uploads: Path) -> JSON:
    """One line of the table. uploads: the folder of uploaded files; files elsewhere are the user's own."""
    uploads = uploads.resolve()
    uploaded = document.path.is_relative_to(uploads)
    folder = document.path.parent.relative_to(uploads) if uploaded else document.path.parent
    return {
        "id": document.id,
        "name": text(document.name),
        "folder": "" if folder == Path() else text(str(folder)),
        "path": text(str(document.path)),
        "uploaded": uploaded,
        "state": document.state,
        "reason": document.reason,
        "size": document.size,
        "pages": document.pages,
        "characters": document.characters,
        "chunks": document.chunks,
        "added": document.added_at.isoformat(),
        "indexed": document.indexed_at.isoformat() if document.indexed_at else None,
    }


def text(name: str) -> str:
    """A file's name as it can be sent: bytes that are not UTF-8 become U+FFFD."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def passage_view(passage: Passage, query: frozenset[str]) -> JSON:
    """One search result, with the query's words marked. query: the forms of its words for comparing."""
    return {
        "id": passage.id,
        "document_id": passage.document_id,
        "document": text(passage.document),
        "page": passage.page,
        "heading": passage.heading,
        "start": passage.start,
        "end": passage.end,
        "parts": marked(passage.text, query),
        "scores": [
            {"label": SCORES[name][0], "meaning": SCORES[name][1], "value": passage.scores[name]}
            for name in SCORES
            if name in passage.scores
        ],
    }


def query_words(query: str) -> frozenset[str]:
    """The words of a query that are worth marking, in their form for comparing."""
    return frozenset(word.key for word in content_words(query))


def marked(text: str, keys: frozenset[str]) -> list[tuple[str, bool]]:
    """A text in parts, each with whether it is one of the words; the parts join to the text."""
    parts: list[tuple[str, bool]] = []
    end = 0
    for word in words(text):
        if word.key in keys:
            parts += [(text[end : word.start], False), (text[word.start : word.end], True)]
            end = word.end
    return [part for part in [*parts, (text[end:], False)] if part[0]]


def text_view(document: DocumentText, first: int, last: int, start: int | None, end: int | None) -> JSON:
    """The text from character `first` to `last`, cut at its pages and at the marked span."""
    whole, pages = document.text, document.page_starts
    first, last = max(0, first), min(len(whole), last)
    mark = (len(whole), len(whole)) if start is None or end is None else (start, end)
    borders = {first, last, *(at for at in (*mark, *pages) if first < at < last)}
    pieces: list[JSON] = []
    for at, until in pairwise(sorted(borders)):
        pieces.append(
            {
                "page": bisect.bisect_right(pages, at) or None,
                "begins": at in pages,
                "text": whole[at:until],
                "marked": mark[0] <= at and until <= mark[1],
            }
        )
    return {"first": first, "last": last, "length": len(whole), "pages": len(pages) or None, "pieces": pieces}


def indexing_view(job: Job) -> JSON:
    """An indexing for its bar: how far it is, or how it ended."""
    done = summary(job.result) if isinstance(job.result, Report) else None
    return {**job_view(job, done), "rebuild": needs_rebuild(job.error)}


def needs_rebuild(error: Exception | None) -> bool:
    """Whether the index is another embedding's, and not only busy."""
    return isinstance(error, OtherEmbedding)


def summary(report: Report) -> str:
    """What an indexing did, in words: "3 files indexed (41 passages), 1 skipped, 2 unchanged"."""
    passages = counted(report.chunks, "passage") if report.chunks else "the same as others"
    parts = [f"{counted(report.indexed, 'file')} indexed ({passages})"] if report.indexed else []
    parts += [f"{len(report.skipped):,} skipped"] if report.skipped else []
    parts += [f"{report.unchanged:,} unchanged"] if report.unchanged else []
    parts += [f"{report.removed:,} removed"] if report.removed else []
    return ", ".join(parts) or "nothing to do"


def counted(count: int, noun: str) -> str:
    """A number of things in words: "1 file", "1,200 files"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def together(reports: Sequence[Report]) -> Report:
    """Several runs as one."""
    return Report(
        indexed=sum(report.indexed for report in reports),
        unchanged=max((report.unchanged for report in reports), default=0),
        skipped=tuple(document for report in reports for document in report.skipped),
        removed=sum(report.removed for report in reports),
        chunks=sum(report.chunks for report in reports),
        seconds=sum(report.seconds for report in reports),
        cancelled=any(report.cancelled for report in reports),
    )
