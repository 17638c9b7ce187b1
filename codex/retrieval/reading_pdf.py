"""PDF, page by page."""

from __future__ import annotations

import contextlib
import io
import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

from pypdf import PdfReader
from pypdf.errors import DependencyError, PyPdfError

from codex.errors import UnreadableDocument
from codex.retrieval.reading import Reading
from codex.retrieval.reading_draft import Draft, clean
from codex.retrieval.reading_margins import without_margins

# A word that was divided at the end of a line; not one with a hyphen of its own before.
_DIVIDED = re.compile(r"(?<![\w-])([^\W\d_]+)-\n(?=[a-zß-öø-ÿ])")
# Letters as fonts join or shape them: fi and fl, and the Arabic forms. People search for the plain ones.
_SHAPED = re.compile("[\ufb00-\ufb06\ufb50-\ufdff\ufe70-\ufefc]+")
_TITLE_WORDS = 12


def read_pdf(data: bytes, name: str, alive: Callable[[], None]) -> Reading:
    """The text of each page. Raises UnreadableDocument.

    alive: called after each page.
    """
    reader = _opened(data, name)
    try:
        pages = len(reader.pages)
    except (PyPdfError, RecursionError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _corrupt(name) from error
    if not pages:
        raise UnreadableDocument(f"{name} has no pages. Save or export it again.")
    texts, broken, silent = list[str](), 0, 0
    for index in range(pages):
        try:
            text = reader.pages[index].extract_text()
        except MemoryError:
            raise
        except Exception:
            # pypdf meets broken pages with errors of every kind; the others are still worth reading.
            text, broken = "", broken + 1
        else:
            silent += not text.strip()
        texts.append(clean(_plain(text)).strip())
        alive()
    if broken == pages:
        raise _corrupt(name)
    if broken + silent == pages:
        raise UnreadableDocument(
            f"{name} holds no text on any of its pages ({pages}); they look like scans. "
            "Run text recognition (OCR) over it."
        )
    titles = _titles(reader)
    draft = Draft(name)
    for index, text in enumerate(without_margins(texts)):
        start = draft.page(text)
        for level, title in titles.get(index, ()):
            if (place := _line_of(title, text)) is not None:
                draft.head(start + place, level, title)
    return draft.reading(_note(pages, broken, silent))


def _opened(data: bytes, name: str) -> PdfReader:
    try:
        reader = PdfReader(io.BytesIO(data))
        locked = reader.is_encrypted and not reader.decrypt("")
    except DependencyError as error:
        raise UnreadableDocument(f"{name} is encrypted in an unknown way. Save it without.") from error
    except (PyPdfError, RecursionError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise _corrupt(name) from error
    if locked:
        raise UnreadableDocument(f"{name} is encrypted with a password. Save it without one.")
    return reader


def _titles(reader: PdfReader) -> dict[int, list[tuple[int, str]]]:
    """The bookmarks by page from 0: level and title."""
    titles: dict[int, list[tuple[int, str]]] = {}

    def collect(entries: Sequence[Any], level: int) -> None:
        for entry in entries:
            if isinstance(entry, list):
                collect(entry, level + 1)
            elif (page := reader.get_destination_page_number(entry)) is not None:
                titles.setdefault(page, []).append((level, clean(str(entry.title or ""))))

    # Bookmarks are an extra: broken ones do not keep anybody from the text.
    with contextlib.suppress(Exception):
        collect(reader.outline, 1)
    return titles


def _line_of(title: str, text: str) -> int | None:
    """Where in the page's text the line begins that the title begins; None where there is none."""
    words = [re.escape(word) for word in title.split()[:_TITLE_WORDS]]
    # A number such as 2.1 may stand before it in the text alone.
    pattern = r"^(?:[\d.]+\s+)?" + r"\s+".join(words)
    found = re.search(pattern, text, re.MULTILINE) if words else None
    return found.start() if found else None


def _corrupt(name: str) -> UnreadableDocument:
    return UnreadableDocument(f"{name} is a corrupt PDF. Save, export or download it again.")


def _plain(text: str) -> str:
    text = _SHAPED.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)
    return _DIVIDED.sub(r"\1", text)


def _note(pages: int, broken: int, silent: int) -> str:
    parts = []
    if silent:
        parts.append(f"{silent} of {pages} pages hold no text (scans?)")
    if broken:
        parts.append(f"{broken} of {pages} pages are corrupt")
    return "; ".join(parts)
