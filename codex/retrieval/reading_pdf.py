"""PDF, page by page."""

from __future__ import annotations

import io
import re
import unicodedata

from pypdf import PdfReader
from pypdf.errors import DependencyError, PyPdfError

from codex.errors import UnreadableDocument
from codex.retrieval.reading import Reading
from codex.retrieval.reading_draft import Draft

# A word that was divided at the end of a line; not one with a hyphen of its own before.
_DIVIDED = re.compile(r"(?<![\w-])([^\W\d_]+)-\n(?=[a-zß-öø-ÿ])")
# Letters as fonts join or shape them: fi and fl, and the Arabic forms. People search for the plain ones.
_SHAPED = re.compile("[\ufb00-\ufb06\ufb50-\ufdff\ufe70-\ufefc]+")


def read_pdf(data: bytes, name: str) -> Reading:
    """The text of each page. Raises UnreadableDocument."""
    reader = _opened(data, name)
    draft = Draft(name)
    try:
        pages = len(reader.pages)
    except (PyPdfError, RecursionError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _corrupt(name) from error
    if not pages:
        raise UnreadableDocument(f"{name} has no pages. Save or export it again.")
    broken = silent = 0
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
        draft.page(_plain(text))
    if broken == pages:
        raise _corrupt(name)
    if broken + silent == pages:
        raise UnreadableDocument(
            f"{name} holds no text: its {pages} pages look like scans. Run text recognition (OCR) over it."
        )
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
