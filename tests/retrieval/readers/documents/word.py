"""Word documents: what Word, LibreOffice and pandoc write, and what a reader easily loses or reads twice."""

from __future__ import annotations

from pathlib import Path

from tests.retrieval.readers.documents import Case
from tests.retrieval.readers.documents.ooxml import document, note, paragraph, reference, run, table

FILES = Path(__file__).with_name("files")
"""Documents that LibreOffice and pandoc wrote."""

UP, DOWN = '<w:vertAlign w:val="superscript"/>', '<w:vertAlign w:val="subscript"/>'
_SEPARATOR = '<w:footnote w:type="separator" w:id="-1"><w:p><w:r><w:separator/></w:r></w:p></w:footnote>'

NOTES = Case(
    "notes.docx",
    document(
        paragraph(
            "The lease ends in 2031",
            reference("footnote", 7),
            " unless renewed",
            reference("endnote", 3),
            ".",
        )
        + paragraph("Rent is due monthly.", reference("footnote", 9))
        + table(("Deposit", paragraph("2,400 euros", reference("footnote", 11)))),
        {
            "footnotes": f"<w:footnotes>{_SEPARATOR}{note('footnote', 7, 'On the last day of March.')}"
            f"{note('footnote', 9, 'On the first working day.')}{note('footnote', 11, 'Paid back within six weeks.')}"
            f"{note('footnote', 12, 'Nobody refers to this one.')}</w:footnotes>",
            "endnotes": f"<w:endnotes>{note('endnote', 3, 'Renewal needs a letter.')}</w:endnotes>",
        },
    ),
    find=(
        "The lease ends in 2031 [1] unless renewed [i].",
        "[1] On the last day of March.",
        "[2] On the first working day.",
        "[3] Paid back within six weeks.",
        "[i] Renewal needs a letter.",
        "Deposit | 2,400 euros [3]",
    ),
    never=("2031unless", "Nobody refers", "20311"),
)

TRACKED = Case(
    "tracked.docx",
    document(
        paragraph(
            "The fee is ",
            '<w:del w:id="1"><w:r><w:delText>12</w:delText></w:r></w:del>',
            f'<w:ins w:id="2">{run("15")}</w:ins>',
            " euros.",
        )
        + f'<w:moveFromRangeStart w:id="3" w:name="m"/><w:p><w:pPr><w:rPr><w:moveFrom w:id="4"/></w:rPr></w:pPr>'
        f'<w:moveFrom w:id="5">{run("Moved clause on liability.")}</w:moveFrom></w:p><w:moveFromRangeEnd w:id="3"/>'
        + paragraph("First half", properties='<w:rPr><w:del w:id="6"/></w:rPr>')
        + paragraph(" and second half of one sentence.")
        + f'<w:p><w:moveTo w:id="7">{run("Moved clause on liability.")}</w:moveTo></w:p>'
        + "<w:tbl><w:tr><w:trPr><w:del w:id='8'/></w:trPr><w:tc><w:p><w:del w:id='9'><w:r><w:delText>Struck row"
        "</w:delText></w:r></w:del></w:p></w:tc></w:tr><w:tr><w:tc>"
        + paragraph("Kept row")
        + "</w:tc><w:tc>"
        + paragraph("7 euros")
        + "</w:tc></w:tr></w:tbl>",
    ),
    find=(
        "The fee is 15 euros.",
        "Moved clause on liability.",
        "First half and second half",
        "Kept row | 7 euros",
    ),
    never=("12", "Struck", "liability.\n\nMoved", "liability. Moved"),
    note=("tracked deletion",),
)

HEADERS = Case(
    "headers.docx",
    document(
        paragraph(
            "Body of the first section.",
            properties='<w:sectPr><w:headerReference w:type="default" r:id="header:1"/></w:sectPr>',
        )
        + paragraph("Body of the second section.")
        + '<w:sectPr><w:headerReference w:type="default" r:id="header:2"/><w:headerReference w:type="first" r:id="header:3"/>'
        '<w:footerReference w:type="default" r:id="footer:1"/></w:sectPr>',
        {
            "header:1": f"<w:hdr>{paragraph('Contract KX-4471')}</w:hdr>",
            "header:2": f"<w:hdr>{paragraph('Contract KX-4471')}</w:hdr>",
            "header:3": f"<w:hdr>{paragraph('On no page')}</w:hdr>",
            "footer:1": f"<w:ftr>{paragraph('Registered in Lund')}"
            + paragraph(
                "Page ", '<w:fldSimple w:instr=" PAGE "><w:r><w:t>3</w:t></w:r></w:fldSimple>', " of 9"
            )
            + "</w:ftr>",
        },
    ),
    find=("Contract KX-4471", "Registered in Lund", "Body of the second section."),
    never=("Contract KX-4471\n\nContract", "On no page", "Page 3"),
)


def _math(inner: str) -> str:
    return f"<m:oMath>{inner}</m:oMath>"


def _t(text: str) -> str:
    return f"<m:r><m:t>{text}</m:t></m:r>"


def _power(base: str, exponent: str) -> str:
    return f"<m:sSup><m:e>{_t(base)}</m:e><m:sup>{_t(exponent)}</m:sup></m:sSup>"


FORMULAS = Case(
    "formulas.docx",
    document(
        paragraph(
            "The dose is ",
            _math(_t("3×") + _power("10", "6")),
            " units.",
        )
        + paragraph(
            "Slope ", _math(f"<m:f><m:num>{_t('a+1')}</m:num><m:den>{_t('b')}</m:den></m:f>"), " rises."
        )
        + paragraph(
            "Root ",
            _math(f'<m:rad><m:radPr><m:degHide m:val="1"/></m:radPr><m:deg/><m:e>{_t("x")}</m:e></m:rad>'),
        )
        + paragraph(
            "Sum ",
            _math(
                f'<m:nary><m:naryPr><m:chr m:val="∑"/></m:naryPr><m:sub>{_t("i=1")}</m:sub><m:sup>{_t("n")}</m:sup>'
                f"<m:e>{_t('k')}</m:e></m:nary>"
            ),
        )
        + paragraph("Acid ", _math(f"<m:sSub><m:e>{_t('x')}</m:e><m:sub>{_t('0')}</m:sub></m:sSub>"))
        + f"<w:p><m:oMathPara>{_math(_t('E=') + _power('mc', '2'))}</m:oMathPara></w:p>",
    ),
    find=("3×10^6 units", "(a+1)/b", "√x", "∑_(i=1)^n k", "x_0", "^2"),
    never=("106", "a+1b", "mc2"),
)

_BOX = f"<w:txbxContent>{paragraph('Call the harbour master on channel 12.')}</w:txbxContent>"
BOXES = Case(
    "boxes.docx",
    document(
        paragraph(
            "Before the box. ",
            "<w:r><mc:AlternateContent><mc:Choice Requires='wps'><w:drawing><wp:inline><wp:docPr id='1' name='Box'/>"
            f"<a:graphic><a:graphicData><wps:wsp><wps:txbx>{_BOX}</wps:txbx></wps:wsp></a:graphicData></a:graphic>"
            f"</wp:inline></w:drawing></mc:Choice><mc:Fallback><w:pict><v:textbox>{_BOX}</v:textbox></w:pict>"
            "</mc:Fallback></mc:AlternateContent></w:r>",
            "After the box.",
        )
        + paragraph(
            "<w:r><w:pict><v:shape><v:textbox><w:txbxContent>"
            + paragraph("An old box.")
            + "</w:txbxContent></v:textbox></v:shape></w:pict></w:r>"
        ),
    ),
    find=("Before the box. After the box.", "Call the harbour master on channel 12.", "An old box."),
    never=("channel 12.\n\nCall", "channel 12. Call"),
)

NESTED = Case(
    "nested.docx",
    document(
        table(
            ("Pump", paragraph("Values") + table(("Voltage", "230 V"), ("Power", "1.5 kW")) + "<w:p/>"),
            ("Hose", "", "12 m"),
        )
        + table((paragraph("A frame") + paragraph("around two paragraphs."),))
        + f"<w:tbl><w:sdt><w:sdtContent><w:tr><w:sdt><w:sdtContent><w:tc>{paragraph('In controls')}</w:tc></w:sdtContent>"
        f"</w:sdt><w:tc>{paragraph('as well')}</w:tc></w:tr></w:sdtContent></w:sdt></w:tbl>",
    ),
    find=(
        "Pump | Values",
        "Voltage | 230 V",
        "Power | 1.5 kW",
        "Hose |  | 12 m",
        "A frame\n\naround",
        "In controls | as well",
    ),
    never=("230 V 230 V", "1.5 kW | Voltage", "Power | 1.5 kW\n\nVoltage"),
)

FIELDS = Case(
    "fields.docx",
    document(
        paragraph(
            "See ",
            '<w:hyperlink r:id="x"><w:r><w:t>the tide tables</w:t></w:r></w:hyperlink>',
            " on page ",
            '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText> PAGEREF _Toc1 \\h </w:instrText></w:r>'
            '<w:r><w:fldChar w:fldCharType="separate"/></w:r><w:r><w:t>42</w:t></w:r>'
            '<w:r><w:fldChar w:fldCharType="end"/></w:r>',
            ", signed ",
            '<w:fldSimple w:instr=" DATE "><w:r><w:t>3 May 2024</w:t></w:r></w:fldSimple>',
            ".",
        )
        + "<w:sdt><w:sdtPr><w:alias w:val='Name'/></w:sdtPr><w:sdtContent>"
        + paragraph("Ingrid Solberg")
        + "</w:sdtContent></w:sdt>"
        + paragraph(
            "Berth: ",
            "<w:sdt><w:sdtPr><w:showingPlcHdr/></w:sdtPr><w:sdtContent>"
            + run("Click here to enter text.")
            + "</w:sdtContent></w:sdt>",
        )
        + paragraph(
            "Insured ",
            '<w:sdt><w:sdtPr><w14:checkbox><w14:checked w14:val="1"/></w14:checkbox></w:sdtPr><w:sdtContent>'
            + run("☒")
            + "</w:sdtContent></w:sdt>",
        )
        + paragraph(
            "Engine ",
            '<w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:checkBox><w:default w:val="0"/></w:checkBox></w:ffData></w:fldChar></w:r>'
            '<w:r><w:instrText> FORMCHECKBOX </w:instrText></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r>',
        ),
    ),
    find=(
        "See the tide tables on page 42, signed 3 May 2024.",
        "Ingrid Solberg",
        "Insured [x]",
        "Engine [ ]",
    ),
    never=("PAGEREF", "FORMCHECKBOX", "DATE", "Click here"),
    note=("1 form field empty",),
)

LETTERS = Case(
    "letters.docx",
    document(
        paragraph("It weighs 3 × 10", run("6", UP), " kg and covers 25 m", run("2", UP), ".")
        + paragraph("Founded in 1998", run("4", UP), " on the 1", run("st", UP), " of May; H", run("2", DOWN), "O.")
        + paragraph("Styled: 10", run("9", '<w:rStyle w:val="Power"/>'), run(" secret", '<w:rStyle w:val="Ghost"/>'), " cells.")
        + paragraph("At 20 ", '<w:r><w:sym w:font="Symbol" w:char="F0B1"/></w:r>', "2 ", '<w:r><w:sym w:font="Symbol" w:char="F06D"/></w:r>', "m, done ",
                    '<w:r><w:sym w:font="Wingdings" w:char="F0FC"/></w:r>', '<w:r><w:sym w:font="Webdings" w:char="F0AA"/></w:r>')
        + paragraph("Re<w:t/>".replace("<w:t/>", ""), "<w:r><w:softHyphen/></w:r>", "entry of T", "<w:r><w:noBreakHyphen/></w:r>", "shirts"),
        {
            "styles": f'<w:styles><w:style w:type="character" w:styleId="Base"><w:rPr>{UP}</w:rPr></w:style>'
            '<w:style w:type="character" w:styleId="Power"><w:basedOn w:val="Base"/></w:style>'
            '<w:style w:type="character" w:styleId="Ghost"><w:rPr><w:vanish/></w:rPr></w:style></w:styles>'
        },
    ),
    find=("3 × 10^6 kg", "25 m^2.", "1998 [4]", "the 1st of May", "H2O", "10^9 cells", "20 ±2 μm", "done ✓", "Reentry of T-shirts"),
    never=("106", "19984", "109", "secret"),
    note=("1 symbol unknown", "hidden text left out"),
)  # fmt: skip

_NUMBERING = (
    '<w:numbering><w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/>'
    '<w:lvlText w:val="%1."/></w:lvl><w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="decimal"/>'
    '<w:lvlText w:val="%1.%2"/></w:lvl></w:abstractNum><w:abstractNum w:abstractNumId="1"><w:lvl w:ilvl="0">'
    '<w:numFmt w:val="bullet"/><w:lvlText w:val="•"/></w:lvl></w:abstractNum><w:abstractNum w:abstractNumId="2">'
    '<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="upperRoman"/><w:lvlText w:val="Part %1"/></w:lvl>'
    '</w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="1"/>'
    '</w:num><w:num w:numId="3"><w:abstractNumId w:val="2"/></w:num></w:numbering>'
)


def _item(text: str, number: int, level: int = 0) -> str:
    return paragraph(
        text, properties=f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>'
    )


LISTS = Case(
    "lists.docx",
    document(
        _item("Liability", 1) + _item("Of the carrier", 1, 1) + _item("Of the shipper", 1, 1) + _item("Payment", 1)
        + _item("In advance", 1, 1) + _item("Gloves", 2) + _item("Definitions", 3) + _item("Terms", 3)
        + paragraph("Styled", properties='<w:pStyle w:val="Clause"/>'),
        {"numbering": _NUMBERING, "styles": '<w:styles><w:style w:type="paragraph" w:styleId="Clause"><w:pPr><w:numPr>'
         '<w:numId w:val="1"/></w:numPr></w:pPr></w:style></w:styles>'},
    ),
    find=("1. Liability", "1.1 Of the carrier", "1.2 Of the shipper", "2. Payment", "2.1 In advance", "Gloves",
          "Part I Definitions", "Part II Terms", "3. Styled"),
    never=("1.3", "• Gloves", "Part 1"),
)  # fmt: skip

STRICT = Case(
    "strict.docx",
    document(
        paragraph(
            "Saved as strict",
            reference("footnote", 2),
            " Open XML, 10",
            run("6", UP),
            ".",
            properties='<w:pStyle w:val="H"/>',
        )
        + table(("Year", "Tons"), ("1900", "12")),
        {
            "footnotes": f"<w:footnotes>{note('footnote', 2, 'As ISO 29500 has it.')}</w:footnotes>",
            "styles": '<w:styles><w:style w:type="paragraph" w:styleId="H"><w:name w:val="heading 1"/></w:style></w:styles>',
        },
        strict=True,
    ),
    find=("Saved as strict [1] Open XML, 10^6.", "[1] As ISO 29500 has it.", "1900 | 12"),
)

_PICTURE = "<w:r><w:drawing><wp:inline><wp:docPr id='1' name='Picture 1'{}/><a:graphic><a:blip r:embed='p'/></a:graphic></wp:inline></w:drawing></w:r>"
PICTURES = Case(
    "pictures.docx",
    document(
        paragraph("Two pictures: ", _PICTURE.format(""), _PICTURE.format(" descr='Cutaway of the pump'"))
        + paragraph("<w:r><w:pict><v:shape><v:imagedata r:id='p'/></v:shape></w:pict></w:r>")
        + paragraph("<w:r><w:drawing><wp:inline><c:chart r:id='chart'/></wp:inline></w:drawing></w:r>")
        + paragraph(
            "<w:r><w:drawing><wp:inline><dgm:relIds r:dm='diagramData'/></wp:inline></w:drawing></w:r>"
        ),
        {
            "chart": "<c:chartSpace><c:title><a:p><a:r><a:t>Catch by year</a:t></a:r></a:p></c:title><c:ser><c:tx><c:v>Cod</c:v>"
            "</c:tx><c:cat><c:v>2019</c:v><c:v>2020</c:v></c:cat><c:val><c:v>14.5</c:v><c:v>16</c:v></c:val></c:ser></c:chartSpace>",
            "diagramData": "<dgm:dataModel><dgm:pt><a:p><a:r><a:t>Order</a:t></a:r></a:p></dgm:pt><dgm:pt><a:p><a:r>"
            "<a:t>Delivery</a:t></a:r></a:p></dgm:pt></dgm:dataModel>",
            "comments": "<w:comments><w:comment w:id='1'><w:p/></w:comment></w:comments>",
        },
    ),
    find=("Cutaway of the pump", "Catch by year", "Cod: 2019 14.5; 2020 16", "Order", "Delivery"),
    note=("2 images without text", "1 comment left out"),
)

PANDOC = Case(
    "pandoc.docx",
    (FILES / "pandoc.docx").read_bytes(),
    find=(
        "a warranty of 36 months. [1] The flow", "[1] Void above 60 degrees, see Annex B.", "∛27", "6.02×10^23", "(n(n+1))/2",
        "√(x^2+y^2)", "cost 3 × 10^6 thaler and H2O", "1648 [7]", "2. Drain the tank.", "a. Open the tap.", "B200 |  | 2.2 kW",
        "See the site", "Cutaway of the pump", "A definition of the term.",
    ),
    never=("106", "1023", "16487", "m2"),
    note=("1 image without text",),
)  # fmt: skip

LIBREOFFICE = Case(
    "libreoffice.docx",
    (FILES / "libreoffice.docx").read_bytes(),
    find=(
        "36 months. [1]",
        "[1] Void above 60 degrees",
        "3 × 10^6 thaler",
        "3. Remove the seal.",
        "A100 | 230 V | 1.5 kW",
    ),
    never=("106", "16487"),
    note=("images without text",),
)

ARTICLES = Case(
    "articles.docx",
    (FILES / "articles.docx").read_bytes(),
    find=("Ship's articles 2024", "after thirty days [1] at the office [i].", "[1] Counted from the day of signing on.",
          "[i] Open from nine to noon.", "4 × 10^5 kg", "Mind the boom when tacking.", "Summer | 1/20"),
    never=("ninety", "Check this", "105", "1 / 1", "tacking. Mind", "tacking.\n\nMind"),
    note=("1 comment left out", "1 tracked deletion left out"),
)  # fmt: skip

CASES = (
    NOTES, TRACKED, HEADERS, FORMULAS, BOXES, NESTED, FIELDS, LETTERS, LISTS, STRICT, PICTURES, PANDOC, LIBREOFFICE, ARTICLES,
)  # fmt: skip
