"""Word documents from their XML."""

from __future__ import annotations

import io
import zipfile

_SPACES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" '
    'xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" '
    'xmlns:w14="http://schemas.microsoft.com/office/word/2010/wordml" '
    'xmlns:v="urn:schemas-microsoft-com:vml"'
)
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN = (
    '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.'
    'wordprocessingml.document.main+xml"/>'
)
_STRICT = {
    f"http://schemas.openxmlformats.org/{name}/2006/": f"http://purl.oclc.org/ooxml/{name}/"
    for name in ("wordprocessingml", "officeDocument", "drawingml")
}


def document(body: str, parts: dict[str, str] | None = None, *, strict: bool = False) -> bytes:
    """A Word document. parts: the kind of relationship, or one and a name, -> the part's XML.

    The relationship of a part has the part's key as its id.
    """
    parts = parts or {}
    relations = "".join(
        f'<Relationship Id="{key}" Type="{_OFFICE}/{key.split(":")[0]}" Target="{key.replace(":", "")}.xml"/>'
        for key in parts
    )
    files = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{_MAIN}</Types>',
        "_rels/.rels": _relationships(
            f'<Relationship Id="a" Type="{_OFFICE}/officeDocument" Target="word/document.xml"/>'
        ),
        "word/document.xml": f"<w:document {_SPACES}><w:body>{body}</w:body></w:document>",
        "word/_rels/document.xml.rels": _relationships(relations),
    }
    files |= {
        f"word/{key.replace(':', '')}.xml": xml.replace(">", f" {_SPACES}>", 1) for key, xml in parts.items()
    }
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, xml in files.items():
            for usual, other in _STRICT.items() if strict else ():
                xml = xml.replace(usual, other)
            archive.writestr(name, '<?xml version="1.0" encoding="UTF-8"?>' + xml)
    return output.getvalue()


def _relationships(inner: str) -> str:
    return f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{inner}</Relationships>'


def run(text: str, properties: str = "") -> str:
    """Some letters of one look."""
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(*inner: str, properties: str = "") -> str:
    """A paragraph; text that is no XML becomes a run."""
    pieces = (piece if piece.startswith("<") else run(piece) for piece in inner)
    return f"<w:p><w:pPr>{properties}</w:pPr>{''.join(pieces)}</w:p>"


def table(*rows: tuple[str, ...]) -> str:
    """A table; a cell is XML or text."""
    cells = (
        "".join(f"<w:tc>{cell if cell.startswith('<') else paragraph(cell)}</w:tc>" for cell in row)
        for row in rows
    )
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in cells)}</w:tbl>"


def note(kind: str, number: int, text: str) -> str:
    return f'<w:{kind} w:id="{number}">{paragraph(f"<w:r><w:{kind}Ref/></w:r>", f" {text}")}</w:{kind}>'


def reference(kind: str, number: int) -> str:
    return f'<w:r><w:rPr><w:vertAlign w:val="superscript"/></w:rPr><w:{kind}Reference w:id="{number}"/></w:r>'
