"""What the tests of the Documents page share: dropping files, finding rows, waiting for the end."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from codex.retrieval import IndexingProgress, Report
from tests.support.browsing import OPENED, Served

INDEXED = 180_000
"""Milliseconds in which a few short files are surely indexed, the embedding loaded first."""
BEES = "Bees dance the waggle dance. It tells the others how far away the flowers are."
FISH = "The herring swims in shoals of thousands, far out in the cold sea."


def open_documents(page: Page, served: Served, query: str = "") -> None:
    """Open the page and wait until it can be used."""
    page.goto(f"{served.url}documents{query}")
    expect(page.get_by_text("Drop files or folders here")).to_be_visible(timeout=OPENED)


def drop(page: Page, files: Mapping[str, str]) -> None:
    """Drop files onto the page."""
    transfer = page.evaluate_handle(
        """(files) => {
            const transfer = new DataTransfer();
            for (const [name, text] of files) transfer.items.add(new File([text], name));
            return transfer;
        }""",
        list(files.items()),
    )
    page.dispatch_event(".cx-drop", "drop", {"dataTransfer": transfer})


def row(page: Page, name: str) -> Locator:
    """A line of the table."""
    return page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=name))


def done(page: Page, listed: str) -> None:
    """Wait until the documents are listed, e.g. "2 documents" and none of them waiting, and the end is said.

    The end alone may be that of an earlier indexing, which every new page shows too.
    """
    expect(page.get_by_role("heading", name=listed, exact=True)).to_be_visible(timeout=INDEXED)
    expect(page.get_by_role("region", name="Indexing")).to_contain_text("Done:", timeout=INDEXED)


def indexed(served: Served, folder: Path, files: Mapping[str, str]) -> None:
    """Have files in the index without the page."""
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")
    served.workbench.index.add([folder])
    served.workbench.index.run()


def forget_all(served: Served) -> None:
    """As if nothing had ever been added."""
    shutil.rmtree(served.workbench.settings.documents, ignore_errors=True)
    served.workbench.index.remove([document.id for document in served.workbench.index.documents()])


@contextmanager
def held(served: Served) -> Iterator[threading.Event]:
    """Indexing stops at its first file, or at its end, until the event is set or the block ends."""
    leave, index = threading.Event(), served.workbench.index
    run = index.run

    def slow(progress: Any = None, cancel: Any = None, *, check: bool = False) -> Report:
        def seen(now: IndexingProgress) -> None:
            progress(now)
            leave.wait(30)

        try:
            return run(seen, cancel, check=check)
        finally:
            leave.wait(30)  # also where it was cancelled before its first file

    index.run = slow  # type: ignore[method-assign]
    try:
        yield leave
    finally:
        leave.set()
        del index.run  # type: ignore[method-assign]
