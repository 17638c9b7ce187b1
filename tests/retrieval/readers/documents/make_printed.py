# ruff: noqa: SIM905
"""Makes the PDF files of printed.py again: python -m tests.retrieval.readers.documents.make_printed.

Needs reportlab (pip install reportlab), Chromium and LibreOffice; nothing else here needs reportlab.
"""

from __future__ import annotations

import io
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from pypdf import PdfReader, PdfWriter
from pypdf.annotations import FreeText, Highlight, Text
from pypdf.generic import ArrayObject, FloatObject
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph, SimpleDocTemplate, Table, TableStyle

FOLDER = Path(__file__).with_name("files")
SOURCES = Path(__file__).with_name("sources")
"""The pages that Chromium and LibreOffice print."""
BODY = getSampleStyleSheet()["BodyText"]

FERRY = (
    "The ferry from Skarnsund to Inderøy|leaves the quay at ten past six on|weekdays. It carries forty cars and|"
    "two hundred passengers, and takes|twenty minutes for the crossing to|the southern shore of the fjord.|"
    "Between June and August a second|vessel doubles the number of trips."
).split("|")
BRIDGE = (
    "The old bridge was closed in 1994|after inspectors discovered cracks|in both of the main cables. Repair|"
    "would have cost more than a new|bridge, so the county built one a|little further north. The towers of|"
    "the former bridge still stand and|are listed as a monument."
).split("|")
DIVIDED = (
    "The price-determining factors are|listed in the annual mainte-|nance contract. All other price-|determining "
    "factors follow the long-|term plan of the post-|war years, see pages 12-|15 and the COVID-|19 annex. Write to "
    "service-|desk@example.org or see www.example.org/har-|bour; pre-|and postwar ships, the state-of-the-|art "
    "crane and the MUNI-|CIPAL register of Anglo-|Saxon boats."
).split("|")
TERMS = (
    ("The supplier guarantees the availability of the service for every month of the contract",
     "The customer receives a credit of five percent of the monthly fee for each hour of interruption beyond the "
     "agreed limit, up to a maximum of fifty percent of that fee"),
    ("Maintenance windows are announced at least seven days in advance by electronic mail to the address that the "
     "customer named", "No credit is due for interruptions during an announced window"),
    ("Support is available on working days between eight and eighteen hours",
     "Outside these hours only incidents of the highest priority are handled, and a surcharge applies to every "
     "such incident unless the supplier caused it"),
)  # fmt: skip
PARTS = (
    ("Impeller housing", "Cast bronze housing with a replaceable wear ring and two drain plugs", "412.50"),
    (
        "Mechanical seal for sea water",
        "Silicon carbide, suitable for temperatures up to ninety degrees",
        "88.00",
    ),
    ("Gasket", "Nitrile rubber, one metre", "6.20"),
)


def drawn(draw: Callable[[Canvas], None]) -> bytes:
    """What a function draws on a canvas."""
    output = io.BytesIO()
    canvas = Canvas(output, pagesize=A4, invariant=1)
    canvas.setFont("Helvetica", 10)
    draw(canvas)
    canvas.save()
    return output.getvalue()


def lines(canvas: Canvas, texts: list[str], x: float = 60, y: float = 750, leading: float = 13) -> None:
    """Draw lines one below the other."""
    for number, text in enumerate(texts):
        canvas.drawString(x, y - leading * number, text)


def columns(canvas: Canvas) -> None:
    """Two columns, drawn row by row."""
    canvas.drawString(60, 790, "Crossing the sound, a report to the county")
    for number, (left, right) in enumerate(zip(FERRY, BRIDGE, strict=True)):
        lines(canvas, [left], 60, 750 - 13 * number)
        lines(canvas, [right], 310, 750 - 13 * number)
    canvas.drawCentredString(297, 40, "Printed by the county of Trøndelag")


def newspaper(canvas: Canvas) -> None:
    """Three columns of two paragraphs, drawn row by row."""
    for part in range(2):
        for number, (left, right) in enumerate(zip(FERRY, BRIDGE, strict=True)):
            y = 780 - 12 * number - 110 * part
            for x, text in ((50, left), (225, right), (400, left.replace("ferry", "train"))):
                canvas.drawString(x, y, text)


def table_by_columns(canvas: Canvas) -> None:
    """A table drawn column by column."""
    canvas.drawString(60, 800, "Cargo by port in 2019")
    lines(canvas, ["Port", "Lisbon", "Porto", "Faro", "Setúbal"], 60, 770, 16)
    lines(canvas, ["Ships", "14 220", "9 110", "1 875", "4 402"], 180, 770, 16)
    lines(canvas, ["Cargo", "oil and grain", "wine", "fish", "cement"], 300, 770, 16)
    canvas.drawString(60, 660, "Source: harbour authority.")


def turned(canvas: Canvas) -> None:
    """Text that runs upwards, a page that is turned, and a remark at its side."""
    canvas.saveState()
    canvas.translate(500, 100)
    canvas.rotate(90)
    lines(canvas, FERRY, 0, 0)
    canvas.restoreState()
    canvas.showPage()
    canvas.setPageRotation(90)
    canvas.setFont("Helvetica", 10)
    canvas.translate(100, 100)
    canvas.rotate(90)
    lines(canvas, BRIDGE, 0, 0)
    canvas.showPage()
    canvas.setFont("Helvetica", 10)
    canvas.setPageRotation(0)
    lines(canvas, FERRY)
    canvas.rotate(90)
    canvas.drawString(300, -30, "Confidential draft")


def form(canvas: Canvas) -> None:
    """Fields with labels before, above and beside them, and one without."""
    fields = canvas.acroForm
    for y, label in (
        (800, "Membership application"),
        (770, "Full name"),
        (715, "Date of birth"),
        (685, "E-mail"),
    ):
        canvas.drawString(60, y, label)
    for y, label in ((655, "Category"), (625, "Newsletter"), (595, "Photos allowed"), (565, "Payment")):
        canvas.drawString(60, y, label)
    fields.textfield(name="name", value="Ingrid Solberg", x=60, y=745, width=250, height=18)
    fields.textfield(name="born", value="14 March 1987", x=200, y=710, width=120, height=18)
    fields.textfield(name="mail", value="", x=200, y=680, width=120, height=18)
    options = ["Single", "Family", "Junior"]
    fields.choice(name="category", value="Family", options=options, x=200, y=650, width=120, height=18)
    fields.checkbox(name="news", checked=True, x=200, y=620)
    fields.checkbox(name="photos", checked=False, x=200, y=590)
    for x, name, label in ((200, "card", "Card"), (270, "invoice", "Invoice")):
        fields.radio(name="payment", value=name, selected=name == "card", x=x, y=560)
        canvas.drawString(x + 25, 565, label)
    canvas.drawString(60, 530, "Remarks")
    remarks = "Allergic to peanuts.\nArrives by bicycle."
    fields.textfield(name="remarks", value=remarks, x=60, y=470, width=300, height=50, fieldFlags="multiline")
    fields.textfield(
        name="contact", value="Olav, 555 0199", tooltip="Emergency contact", x=60, y=300, width=250, height=18
    )


def order(canvas: Canvas) -> None:
    """Fields in columns below their heads, boxes before their labels, two fields a line, two pages."""
    fields = canvas.acroForm
    for x, head in ((60, "Item"), (200, "Quantity"), (320, "Price")):
        canvas.drawString(x, 800, head)
    for row, cells in enumerate((("Rope", "3", "12.50"), ("Anchor", "1", "89.00"), ("Paint", "", ""))):
        for x, name, value in zip((60, 200, 320), "abc", cells, strict=True):
            fields.textfield(name=f"{name}{row}", value=value, x=x, y=770 - 25 * row, width=100, height=18)
    for y, name, label in (
        (650, "agree", "I agree to the terms of carriage"),
        (625, "news", "Send me the newsletter"),
    ):
        fields.checkbox(name=name, checked=name == "agree", x=60, y=y, size=14)
        canvas.drawString(85, y + 3, label)
    canvas.drawString(60, 600, "Signature:")
    canvas.drawString(300, 600, "Date:")
    fields.textfield(name="signature", value="I. Solberg", x=120, y=595, width=150, height=18)
    fields.textfield(name="date", value="2024-05-03", x=340, y=595, width=100, height=18)
    canvas.showPage()
    canvas.drawString(60, 800, "For the harbour office only")
    fields.textfield(name="berth", value="", x=120, y=595, width=150, height=18)


def divided(canvas: Canvas) -> None:
    """Words divided at the ends of lines, and what only looks like them."""
    lines(canvas, DIVIDED)


def pictures(canvas: Canvas) -> None:
    """Text beside a picture, text on one, and a page that is a scan."""
    picture = ImageReader(str(FOLDER / "picture.png"))
    lines(canvas, FERRY)
    canvas.drawImage(picture, 60, 400, 200, 200)
    canvas.drawImage(picture, 300, 400, 200, 200)
    canvas.drawString(320, 500, "On a background")
    canvas.showPage()
    canvas.drawImage(picture, 0, 0, *A4)
    canvas.showPage()
    lines(canvas, BRIDGE)


def platypus(*story: Paragraph | Table) -> bytes:
    """What reportlab lays out."""
    output = io.BytesIO()
    SimpleDocTemplate(output, invariant=1).build(list(story))
    return output.getvalue()


def table(rows: tuple[tuple[str, ...], ...], widths: list[int], *, ruled: bool) -> Table:
    """A table whose cells are broken into lines."""
    grid = [("GRID", (0, 0), (-1, -1), 0.5, colors.black)] if ruled else []
    cells = [[Paragraph(text, BODY) for text in row] for row in rows]
    return Table(cells, colWidths=widths, style=TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), *grid]))


def scripts() -> bytes:
    """Raised and lowered letters."""
    texts = (
        "Avogadro's number is 6.022 × 10<super>23</super> per mole; the plot measures 450 m<super>2</super>.",
        "The treaty of 1648<super>7</super> ended the war.<super>8</super> It had cost 8 million lives<super>9,10"
        "</super> according to some.",
        "A speed of 12 m s<super>−1</super>, 2<super>10</super> bytes, x<super>2</super> + y<super>2</super>, the "
        "21<super>st</super> of June, H<sub>2</sub>SO<sub>4</sub>.",
    )
    return platypus(*(Paragraph(text, BODY) for text in texts))


def remarks() -> bytes:
    """A page with free text, a note and a highlight."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(drawn(lambda canvas: lines(canvas, FERRY)))))
    writer.add_annotation(0, FreeText(text="Approved by the board", rect=(60, 560, 260, 580)))
    writer.add_annotation(0, Text(text="Check the timetable for 2025.", rect=(300, 700, 320, 720)))
    corners = ArrayObject([FloatObject(place) for place in (60, 720, 200, 720, 60, 735, 200, 735)])
    highlight = Highlight(rect=(60, 720, 200, 735), quad_points=corners)
    writer.add_annotation(0, highlight)
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()


def printed(name: str) -> None:
    """Print a source to PDF."""
    source = SOURCES / name
    target = FOLDER / f"{source.stem}.pdf"
    if source.suffix == ".html":
        options = ["--headless", "--no-sandbox", "--no-pdf-header-footer", f"--print-to-pdf={target}"]
        subprocess.run(["chromium", *options, source.as_uri()], check=True, capture_output=True)
        return
    with tempfile.TemporaryDirectory() as home:
        options = [f"-env:UserInstallation=file://{home}", "--headless", "--convert-to", "pdf"]
        command = ["soffice", *options, "--outdir", str(FOLDER), str(source)]
        subprocess.run(command, check=True, capture_output=True)


def main() -> None:
    """Make all of them."""
    canvases = {
        "columns": columns, "newspaper": newspaper, "table_by_columns": table_by_columns, "turned": turned,
        "form": form, "order": order, "divided": divided, "pictures": pictures,
    }  # fmt: skip
    made = {name: drawn(draw) for name, draw in canvases.items()} | {
        "scripts": scripts(),
        "remarks": remarks(),
        "parts_ruled": platypus(table(PARTS, [90, 200, 60], ruled=True)),
        "parts": platypus(table(PARTS, [90, 200, 60], ruled=False)),
        "terms_ruled": platypus(table(TERMS, [200, 250], ruled=True)),
        "terms": platypus(table(TERMS, [200, 250], ruled=False)),
    }
    for name, content in made.items():
        (FOLDER / f"{name}.pdf").write_bytes(content)
    for source in sorted(SOURCES.iterdir()):
        printed(source.name)


if __name__ == "__main__":
    main()
