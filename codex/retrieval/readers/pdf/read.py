"""PDF, page by page: text in reading order, form fields in their places, comments after each page."""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pypdfium2 as pdfium
import pypdfium2.raw as api

from codex.errors import UnreadableDocument
from codex.retrieval.readers.draft import Draft, clean, counted
from codex.retrieval.readers.hyphens import HYPHENS, joined
from codex.retrieval.readers.margins import without_margins
from codex.retrieval.readers.pdf.cycles import endless_pages
from codex.retrieval.readers.pdf.forms import filled
from codex.retrieval.readers.pdf.layout import arranged
from codex.retrieval.readers.pdf.page import Box, drawn, runs
from codex.retrieval.readers.pdf.runs import Frame, Segment, segments
from codex.retrieval.readers.pdf.tables import Rules
from codex.retrieval.readers.reading import Reading
from codex.retrieval.readers.symbol_fonts import symbol

MOST_TITLES = 10_000
"""Bookmarks of a document."""

# Letters as fonts join or shape them: fi and fl, and the Arabic forms. People search for the plain ones.
_SHAPED = re.compile("[\ufb00-\ufb06\ufb50-\ufdff\ufe70-\ufefc]+")
# Bullets and ticks of fonts that have only them.
_PRIVATE = re.compile("[\uf020-\uf0ff]")
_TITLE_WORDS = 12
_DEEPEST_TITLE = 8


@dataclass(slots=True)
class _Left:
    """What the text leaves out, for the note."""

    broken: int = 0
    silent: int = 0
    nameless: int = 0
    """Characters that their fonts do not name."""
    empty: set[str] = field(default_factory=set)
    pictures: set[tuple[int, ...]] = field(default_factory=set)
    """Place and size of each; one that every page repeats counts once."""


def read_pdf(data: bytes, name: str, alive: Callable[[], None]) -> Reading:
    """The text of each page. Raises UnreadableDocument.

    alive: called after each page.
    """
    document = _opened(data, name)
    try:
        return _reading(document, endless_pages(data), name, alive)
    finally:
        document.close()


def _reading(
    document: pdfium.PdfDocument, endless: frozenset[int], name: str, alive: Callable[[], None]
) -> Reading:
    pages = len(document)
    if not pages:
        raise UnreadableDocument(f"{name} has no pages. Save or export it again.")
    texts, comments, left = list[str](), list[list[str]](), _Left(silent=len(endless))
    for index in range(pages):
        text, remarks = ("", list[str]()) if index in endless else _page(document, index, left)
        texts.append(text)
        comments.append(remarks)
        alive()
    if left.broken == pages:
        raise _corrupt(name)
    if left.broken + left.silent == pages and not any(comments):
        raise UnreadableDocument(
            f"{name} contains no text on any of its pages ({pages}); they look like scans. "
            "Run text recognition (OCR) over it."
        )
    titles = _titles(document)
    draft = Draft(name)
    for index, text in enumerate(joined(_whole_words(without_margins(texts)))):
        start = draft.page(text)
        for level, title in titles.get(index, ()):
            if (place := _line_of(title, text)) is not None:
                draft.head(start + place, level, title)
        for comment in comments[index]:
            draft.add(f"Comment: {comment}")
    return draft.reading(
        f"{left.silent} of {pages} pages have no text (scans?)" if left.silent else "",
        f"{left.broken} of {pages} pages are corrupt" if left.broken else "",
        counted(left.nameless, "character", "that no font names left out"),
        counted(len(left.pictures), "image", "without text"),
        counted(len(left.empty), "form field", "empty"),
        "its XFA form is not read" if _has_xfa(document) else "",
    )


def _opened(data: bytes, name: str) -> pdfium.PdfDocument:
    try:
        document = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        match error.err_code:
            case api.FPDF_ERR_PASSWORD:
                raise UnreadableDocument(
                    f"{name} is encrypted with a password. Save it without one."
                ) from None
            case api.FPDF_ERR_SECURITY:
                raise UnreadableDocument(
                    f"{name} is encrypted in an unknown way. Save it without."
                ) from error
            case _:
                raise _corrupt(name) from error
    with contextlib.suppress(pdfium.PdfiumError):
        document.init_forms()
    return document


def _page(document: pdfium.PdfDocument, index: int, left: _Left) -> tuple[str, list[str]]:
    """The text of a page and the comments on it."""
    try:
        page = document[index]
    except pdfium.PdfiumError:
        left.broken += 1
        return "", []
    try:
        if page.get_mediabox(fallback_ok=False) is None:
            # PDFium gives an empty page where it cannot read one.
            left.broken += 1
            return "", []
        letters, nameless = runs(page)
        pieces = segments(letters)
        upright, turned = _by_direction(pieces)
        extra = filled(page, upright)
        art = drawn(page)
    except pdfium.PdfiumError:
        left.broken += 1
        return "", []
    finally:
        page.close()
    rules = Rules(tuple((rule.left, rule.right, rule.bottom) for rule in art.rules), art.grid)
    blocks = arranged([*upright, *extra.segments], rules)
    blocks += (block for others in turned for block in arranged(others, Rules()))
    text = clean(_plain("\n\n".join("\n".join(line.text for line in block) for block in blocks))).strip()
    left.nameless += nameless
    if text:
        left.empty |= extra.empty
        left.pictures |= {
            (*map(round, (box.left, box.bottom, box.right, box.top)), *pixels)
            for box, pixels in art.pictures
            if not _covers(box, pieces)
        }
    else:
        left.silent += 1
    return text, extra.comments


def _whole_words(pages: Sequence[str]) -> list[str]:
    """The pages, each with all of its last word, also where the page's end divides it."""
    whole = list(pages)
    for index in range(len(whole) - 1):
        first, _, rest = whole[index + 1].partition(" ")
        if whole[index].endswith(HYPHENS) and first[:1].islower() and "\n" not in first:
            whole[index] += f"\n{first}"
            whole[index + 1] = rest
    return whole


def _by_direction(pieces: Sequence[Segment]) -> tuple[list[Segment], list[list[Segment]]]:
    """The segments that run as most letters of the page do, and the others, each direction by itself."""
    directions: dict[Frame, list[Segment]] = {}
    letters: Counter[Frame] = Counter()
    for piece in pieces:
        frame = piece.runs[0].frame
        directions.setdefault(frame, []).append(piece)
        letters[frame] += sum(len(run.text) for run in piece.runs)
    ordered = [directions[frame] for frame, _ in letters.most_common()]
    return (ordered[0], ordered[1:]) if ordered else ([], [])


def _covers(box: Box, pieces: Sequence[Segment]) -> bool:
    """Whether text stands on a picture: a background, or a scan with the text that was recognized in it."""
    return any(
        box.left <= (piece.left + piece.right) / 2 <= box.right and box.bottom <= piece.base <= box.top
        for piece in pieces
    )


def _titles(document: pdfium.PdfDocument) -> dict[int, list[tuple[int, str]]]:
    """The bookmarks by page from 0: level and title."""
    titles: dict[int, list[tuple[int, str]]] = {}
    # Bookmarks are an extra: broken ones do not keep anybody from the text.
    with contextlib.suppress(pdfium.PdfiumError, ValueError, UnicodeError):
        for number, bookmark in enumerate(document.get_toc(max_depth=_DEEPEST_TITLE)):
            if number >= MOST_TITLES:
                break
            target = bookmark.get_dest()
            page = target.get_index() if target else None
            if page is not None:
                titles.setdefault(page, []).append((bookmark.level + 1, clean(bookmark.get_title())))
    return titles


def _line_of(title: str, text: str) -> int | None:
    """Where in the page's text the line begins that the title begins; None where there is none."""
    words = [re.escape(word) for word in title.split()[:_TITLE_WORDS]]
    # A number such as 2.1 may stand before it in the text alone.
    pattern = r"^(?:[\d.]+\s+)?" + r"\s+".join(words)
    found = re.search(pattern, text, re.MULTILINE) if words else None
    return found.start() if found else None


def _has_xfa(document: pdfium.PdfDocument) -> bool:
    return bool(document.get_formtype() in (api.FORMTYPE_XFA_FULL, api.FORMTYPE_XFA_FOREGROUND))


def _corrupt(name: str) -> UnreadableDocument:
    return UnreadableDocument(f"{name} is a corrupt PDF. Save, export or download it again.")


def _plain(text: str) -> str:
    text = _PRIVATE.sub(lambda match: symbol("Wingdings", ord(match[0])) or "•", text)
    return _SHAPED.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text)
