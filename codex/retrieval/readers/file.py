"""Loads a file, and detects which kind of document it is."""

from __future__ import annotations

import errno
import io
import os
import stat
import zipfile
from pathlib import Path
from typing import Literal

from codex.errors import UnreadableDocument
from codex.retrieval.readers.encodings import bare_utf16
from codex.retrieval.readers.reading import SUFFIXES, name_of

Kind = Literal["text", "markdown", "html", "csv", "pdf", "docx"]

_KINDS: dict[str, Kind] = {
    ".txt": "text",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
    ".csv": "csv",
    ".tsv": "csv",
    ".pdf": "pdf",
    ".docx": "docx",
}
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"II*\0", "a TIFF image"),
    (b"MM\0*", "a TIFF image"),
    (b"RIFF", "a media file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"{\\rtf", "an RTF document"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office file, or an Office file with a password"),
)
_OFFICE = {"word/": "DOCX", "xl/": "an Excel workbook", "ppt/": "a PowerPoint presentation"}
_BOMS = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")
_SNIFFED = 8192
"""Bytes inspected to tell text from something else."""


def load(path: Path, max_bytes: int) -> bytes:
    """The bytes of a regular file; never waits for a pipe or a device. Raises UnreadableDocument."""
    name = name_of(path)
    try:
        # Opening a device can already have an effect, so look first.
        _only_regular(os.stat(path), name)
        if path.suffix.lower() not in SUFFIXES:
            raise UnreadableDocument(
                f"{name} is in an unsupported format. Save it as one of {', '.join(sorted(SUFFIXES))}."
            )
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            _only_regular(status, name)
            data = file.read(max_bytes + 1) if status.st_size <= max_bytes else b""
    except OSError as error:
        raise UnreadableDocument(_denied(error, name)) from None
    size = max(len(data), status.st_size)
    if size > max_bytes:
        raise UnreadableDocument(
            f"{name} is {size / 1e6:.3g} MB, above the limit of {max_bytes / 1e6:.3g} MB. "
            "Split it, or raise retrieval.max_file_mb."
        )
    if not data:
        raise UnreadableDocument(f"{name} is empty (0 bytes). Save it again from its source.")
    return data


def kind_for(path: Path, data: bytes, encoding: str = "") -> Kind:
    """How to read it. Raises UnreadableDocument where the content does not match the name.

    encoding: a codec named by the user, in which a text may look like binary data.
    """
    name = name_of(path)
    said, found = _KINDS[path.suffix.lower()], _found(data)
    if encoding and found == "binary data":
        found = "text"
    if found == said or (found == "text" and said not in ("pdf", "docx")):
        return said
    if found in ("pdf", "docx"):
        raise UnreadableDocument(f"{name} is really a {found.upper()} file. Rename it to end in .{found}.")
    if found == "text":
        raise UnreadableDocument(
            f"{name} is not a {said.upper()} file but plain text. "
            "Rename it to end in .txt, .html or whatever it is."
        )
    raise UnreadableDocument(
        f"{name} is not {'text' if said not in ('pdf', 'docx') else f'a {said.upper()} file'} "
        f"but {found}. Save its text as one of {', '.join(sorted(SUFFIXES))}."
    )


def _found(data: bytes) -> str:
    """pdf, docx, text, or what else it is, in words."""
    if b"%PDF-" in data[:1024]:
        return "pdf"
    if data.startswith(b"PK\x03\x04"):
        return _found_in_zip(data)
    for magic, what in _MAGIC:
        if data.startswith(magic):
            return what
    head = data[:_SNIFFED]
    if head.startswith(_BOMS) or bare_utf16(data[:_SNIFFED]):
        return "text"
    control = sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in head)
    return "binary data" if b"\0" in head or control > 4 + len(head) / 20 else "text"


def _found_in_zip(data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError):
        # A truncated DOCX is still treated as one; its reader says that it is corrupt.
        return "docx" if b"word/" in data or b"[Content_Types].xml" in data else "a broken ZIP archive"
    for folder, what in _OFFICE.items():
        if any(member.startswith(folder) for member in names):
            return "docx" if what == "DOCX" else what
    return "a ZIP archive"


def _only_regular(status: os.stat_result, name: str) -> None:
    if stat.S_ISREG(status.st_mode):
        return
    if stat.S_ISDIR(status.st_mode):
        raise UnreadableDocument(f"{name} is a folder, not a document. Add the files in it.")
    raise UnreadableDocument(f"{name} is a pipe or device, not a document. Save its output to a file.")


def _denied(error: OSError, name: str) -> str:
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return f"{name} no longer exists. Add it again from its new location."
        case errno.EACCES | errno.EPERM:
            return f"{name} cannot be read: permission denied. Change its permissions, then add it again."
        case errno.ELOOP:
            return f"{name} is a symbolic link that leads to itself. Add the real file."
        case _:
            return f"{name} cannot be read: {error.strerror or error}. Check the disk, then add it again."
