"""Documents made on the spot: good ones, and ones that would harm a careless reader."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import docx
from docx.document import Document
from pypdf import PdfReader, PdfWriter

PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489")
DOCUMENT_XML = "word/document.xml"


def pdf(pages: Sequence[str], titles: Sequence[tuple[int, str]] = ()) -> bytes:
    """A PDF with a line of the page's text a line (Latin-1). titles: bookmarks, (page from 0, title)."""
    count = len(pages)
    first_outline = 4 + 2 * count
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R%s >>" % (b" /Outlines %d 0 R" % first_outline if titles else b""),
        b"<< /Type /Pages /Count %d /Kids [%s] >>"
        % (count, b" ".join(b"%d 0 R" % (4 + 2 * index) for index in range(count))),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for index, page in enumerate(pages):
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] "
            b"/Resources << /Font << /F1 3 0 R >> >> /Contents %d 0 R >>" % (5 + 2 * index)
        )
        objects.append(_stream(_shown(page)))
    if titles:
        places = [first_outline + 1 + index for index in range(len(titles))]
        objects.append(
            b"<< /Type /Outlines /First %d 0 R /Last %d 0 R /Count %d >>"
            % (places[0], places[-1], len(titles))
        )
        for index, (page, title) in enumerate(titles):
            after = b" /Next %d 0 R" % places[index + 1] if index + 1 < len(titles) else b""
            objects.append(
                b"<< /Title (%s) /Parent %d 0 R /Dest [%d 0 R /Fit]%s >>"
                % (_escaped(title), first_outline, 4 + 2 * page, after)
            )
    return pdf_of(objects)


def pdf_of(objects: Iterable[bytes]) -> bytes:
    """A PDF of these objects, numbered from 1; the first is the catalog."""
    body, places = bytearray(b"%PDF-1.7\n"), list[int]()
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(body)
    body += b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1)
    body += b"".join(b"%010d 00000 n \n" % place for place in places)
    body += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(places) + 1, start)
    return bytes(body)


def encrypted_pdf(user_password: str) -> bytes:
    """A PDF that AES-256 encrypts, saying "Kept in the safe."."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf(["Kept in the safe."]))))
    writer.encrypt(user_password, "the owner's", algorithm="AES-256")
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()


def pdf_within_itself() -> bytes:
    """A PDF whose page draws a form that draws itself twice, without end."""
    return pdf_of(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 5 0 R "
            b"/Resources << /XObject << /X 4 0 R >> >> >>",
            _stream(
                b"/X Do /X Do", b"/Type /XObject /Subtype /Form /Resources << /XObject << /X 4 0 R >> >>"
            ),
            _stream(b"/X Do"),
        ]
    )


def pdf_whose_pages_hold_themselves() -> bytes:
    """A PDF whose page tree is its own child."""
    return pdf_of([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Count 9 /Kids [2 0 R 2 0 R] >>"])


def pdf_with_deep_arrays(depth: int = 100_000) -> bytes:
    """A PDF whose page has brackets within brackets."""
    return pdf_of(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
            b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << >> /X %s%s >>"
            % (b"[" * depth, b"]" * depth),
            _stream(b""),
        ]
    )


def endless_pdf(levels: int = 36) -> bytes:
    """A PDF of some KB whose page takes years: it draws a form that draws another one twice, and so on."""
    forms = [
        _stream(
            b"/X Do /X Do" if number < levels else b"",
            b"/Type /XObject /Subtype /Form /Resources << /XObject << /X %d 0 R >> >>" % (6 + number),
        )
        for number in range(levels + 1)
    ]
    return pdf_of(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R "
            b"/Resources << /XObject << /X 5 0 R >> >> >>",
            _stream(b"/X Do"),
            *forms,
        ]
    )


def word(document: Document | None = None) -> bytes:
    """A Word document; without one given, it says "Kept in Word."."""
    if document is None:
        document = docx.Document()
        document.add_paragraph("Kept in Word.")
    output = io.BytesIO()
    document.save(output)
    return output.getvalue()


def word_with(document_xml: bytes, compression: int = 9) -> bytes:
    """A Word document with this main part."""
    output = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(word())) as source,
        zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED, compresslevel=compression) as out,
    ):
        for entry in source.infolist():
            out.writestr(
                entry.filename, document_xml if entry.filename == DOCUMENT_XML else source.read(entry)
            )
    return output.getvalue()


def word_body(inner: str, doctype: str = "") -> bytes:
    """The main part of a Word document around this content."""
    return (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>{doctype}'
        '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
        'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
        f"<w:body>{inner}</w:body></w:document>"
    ).encode()


def zip_bomb(megabytes: int, compression: int = 9) -> bytes:
    """A Word document whose main part unpacks to so much."""
    return word_with(word_body("<w:p/>" + " " * (megabytes * 2**20)), compression)


def zip_bomb_that_lies(megabytes: int) -> bytes:
    """The same, but the archive says that the part is 100 bytes long."""
    bomb = bytearray(zip_bomb(megabytes))
    name = DOCUMENT_XML.encode()
    for signature, size_at, name_at in ((b"PK\x01\x02", 24, 46), (b"PK\x03\x04", 22, 30)):
        place = bomb.find(signature)
        while bomb[place + name_at : place + name_at + len(name)] != name:
            place = bomb.find(signature, place + 4)
        bomb[place + size_at : place + size_at + 4] = (100).to_bytes(4, "little")
    return bytes(bomb)


def save(folder: Path, name: str, content: bytes | str) -> Path:
    """The path of a new file."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def _shown(text: str) -> bytes:
    lines = b"".join(b"(%s) Tj T*\n" % _escaped(line) for line in text.split("\n"))
    return b"BT /F1 11 Tf 13 TL 50 800 Td\n%sET" % lines


def _escaped(text: str) -> bytes:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)").encode("cp1252")


def _stream(content: bytes, entries: bytes = b"") -> bytes:
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (entries, len(content), content)
