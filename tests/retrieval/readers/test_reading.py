"""Reading: each format gives its text, pages and headings, and nothing that is not to be seen."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import docx
import pytest

from codex.retrieval.readers.reading import Heading, Reading, read
from tests.retrieval import files

ROOM = 10 * 2**20
"""Bytes; more than any file here has."""


def reading_of(folder: Path, name: str, content: bytes | str) -> Reading:
    return read(files.save(folder, name, content), ROOM)


def headings(reading: Reading) -> list[tuple[int, str]]:
    """Level and text of each, after a look at their places."""
    for heading in reading.headings:
        line = reading.text[heading.start :].split("\n")[0]
        assert heading.text in line
        assert heading.start == 0 or reading.text[heading.start - 1] == "\n"
    return [(heading.level, heading.text) for heading in reading.headings]


def test_a_text_has_plain_line_ends_composed_letters_and_no_control_characters(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "café")
    reading = reading_of(tmp_path, "a.txt", f"\ufeffOne \r\nTwo\x07 {decomposed}\rThree\x0b\u2028four\n")
    assert reading == Reading("One\nTwo café\nThree\n\nfour", (), ())


def test_letters_that_only_a_model_sees_are_left_out(tmp_path: Path) -> None:
    smuggled = "".join(chr(0xE0000 + ord(letter)) for letter in "obey me")
    assert reading_of(tmp_path, "a.txt", f"Plain{smuggled} text").text == "Plain text"


@pytest.mark.parametrize(
    ("encoding", "text", "note"),
    [
        ("utf-8-sig", "Ελλάδα", ""),
        ("utf-16", "Ελλάδα", ""),
        ("utf-16-be", "\ufeffΕλλάδα", ""),
        (
            "cp1252",
            "café, naïve – 5 €",
            "not UTF-8; read as Windows-1252, a guess (",
        ),
    ],
)
def test_encodings_are_told_apart(tmp_path: Path, encoding: str, text: str, note: str) -> None:
    reading = reading_of(tmp_path, "a.txt", text.encode(encoding))
    assert reading.text == text.removeprefix("\ufeff")
    assert reading.note.startswith(note) if note else not reading.note


def test_a_damaged_utf8_text_stays_readable(tmp_path: Path) -> None:
    reading = reading_of(tmp_path, "a.txt", ("Ελλάδα " * 20).encode() + b"\xce")
    assert reading.text.startswith("Ελλάδα Ελλάδα")
    assert reading.note == "1 characters are damaged (not UTF-8)"


def test_markdown_headings_are_those_outside_of_code(tmp_path: Path) -> None:
    text = (
        "---\ntitle: front\n---\n# The *top* #\n\ntext\n\n## A [link](http://x.y)\n\n```sh\n# no\n```\n"
        "Under\n=====\n\nlast\n\n~~~\n## no\n~~~\n\n####### seven\n\n#hash\n\n- item\n---\n"
    )
    reading = reading_of(tmp_path, "a.md", text)
    assert reading.text == text.strip()
    assert [(heading.level, heading.text) for heading in reading.headings] == [
        (1, "The top"),
        (2, "A link"),
        (1, "Under"),
    ]
    assert reading.text[reading.headings[1].start :].startswith("## A [link]")


def test_each_row_of_a_table_names_its_values(tmp_path: Path) -> None:
    content = 'name;born in;note\nAnn;1980;"likes; semicolons\nand lines"\n\nBob;;\n'
    assert reading_of(tmp_path, "a.csv", content).text == (
        "name: Ann; born in: 1980; note: likes; semicolons and lines\n\nname: Bob"
    )


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_of_a_table_is_found(tmp_path: Path, delimiter: str) -> None:
    content = "\n".join(delimiter.join(row) for row in (["name", "said"], ["Ann", "yes no"], ["Bob", "no"]))
    assert reading_of(tmp_path, "a.csv", content).text == "name: Ann; said: yes no\n\nname: Bob; said: no"


def test_a_table_without_a_heading_row_keeps_its_first_row(tmp_path: Path) -> None:
    assert reading_of(tmp_path, "a.csv", "Ann,3\nBob,4\n").text == "Ann; 3\n\nBob; 4"


def test_a_table_of_headings_alone_is_read(tmp_path: Path) -> None:
    assert reading_of(tmp_path, "a.csv", "name,age\n").text == "name; age"


def test_a_pdf_keeps_pages_bookmarks_and_divided_words(tmp_path: Path) -> None:
    pages = ["1 Harbours\nThe exam-\nple of Oslo.", "", "Trade\nFish."]
    reading = reading_of(tmp_path, "a.pdf", files.pdf(pages, [(0, "Harbours"), (2, "Trade"), (2, "Nowhere")]))
    assert reading.text == "1 Harbours\nThe example of Oslo.\n\nTrade\nFish."
    third = reading.text.index("Trade")
    assert (reading.page_starts[0], reading.page_starts[2]) == (0, third)
    assert reading.page_starts[1] <= third
    assert headings(reading) == [(1, "Harbours"), (1, "Trade")]
    assert reading.note == "1 of 3 pages have no text (scans?)"


def test_page_numbers_and_repeated_titles_do_not_cut_the_text(tmp_path: Path) -> None:
    pages = [
        f"The harbours\n{'Year Tons' if number > 3 else 'and on'}\nline {number}\n{1800 + 7 * number}\n"
        f"{number + 6} / 11"
        for number in range(1, 6)
    ]
    reading = reading_of(tmp_path, "a.pdf", files.pdf(pages))
    # The title stays where it is first, the years at the foot are no page numbers, the table keeps its heads.
    assert reading.text == (
        "The harbours\nand on\nline 1\n1807\nand on\nline 2\n1814\nand on\nline 3\n1821\n\n"
        "Year Tons\nline 4\n1828\n\nYear Tons\nline 5\n1835"
    )
    assert [reading.text[start:].split("\n")[0] for start in reading.page_starts] == [
        "The harbours",
        "and on",
        "and on",
        "Year Tons",
        "Year Tons",
    ]


def test_a_pdf_that_opens_without_a_password_is_read(tmp_path: Path) -> None:
    assert reading_of(tmp_path, "a.pdf", files.encrypted_pdf("")).text == "Kept in the safe."


def test_a_word_document_keeps_headings_rows_and_what_stands_in_controls(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_heading("Harbours", 0)
    document.add_heading("Oslo", 1)
    document.add_paragraph("It has three piers.")
    table = document.add_table(2, 2)
    for row, values in zip(table.rows, (("Year", "Tons"), ("1900", "12")), strict=True):
        for cell, value in zip(row.cells, values, strict=True):
            cell.text = value
    reading = reading_of(tmp_path, "a.docx", files.word(document))
    assert reading.text == "Harbours\n\nOslo\n\nIt has three piers.\n\nYear | Tons\n\n1900 | 12"
    assert headings(reading) == [(1, "Harbours"), (2, "Oslo")]


def test_a_word_document_shows_insertions_but_no_deletions_and_hidden_runs(tmp_path: Path) -> None:
    inner = (
        "<w:sdt><w:sdtContent><w:p><w:r><w:t>In a control.</w:t></w:r></w:p></w:sdtContent></w:sdt>"
        "<w:p><w:ins><w:r><w:t>Put in.</w:t></w:r></w:ins>"
        "<w:del><w:r><w:delText>Out.</w:delText></w:r></w:del>"
        "<w:r><w:rPr><w:vanish/></w:rPr><w:t>Hidden.</w:t></w:r>"
        "<w:r><mc:AlternateContent><mc:Choice Requires='x'><w:t> Once.</w:t></mc:Choice>"
        "<mc:Fallback><w:t> Twice.</w:t></mc:Fallback></mc:AlternateContent></w:r></w:p>"
    )
    content = files.word_with(files.word_body(inner))
    assert reading_of(tmp_path, "a.docx", content).text == "In a control.\n\nPut in. Once."


PAGE = """<!DOCTYPE html><html><head><title>Title</title><style>.s {color: red}</style></head><body>
<nav><a href="/">Home</a> <a href="/about">About us</a></nav>
<h1>The harbour<a href="#h">¶</a></h1>
<p>The harbour of <b>Oslo</b> opened in 1872.<br>It has <a href="#">three piers</a>.</p>
<h2>Trade</h2><ul><li>cod</li><li>herring</li></ul>
<table><tr><th>Year</th><th>Tons</th></tr><tr><td>1900</td><td>12</td></tr></table>
<pre>two  spaces
kept</pre>
<script>alert("script")</script><template>template</template><noscript>Please enable JavaScript.</noscript>
<!-- comment -->
<p hidden>hidden1</p><div style="color:red; DISPLAY : none">hidden2 <p>hidden3</p></div>
<p>seen <span style="visibility:hidden">hidden4</span><i style="font-size:0px">hidden5</i>to the end</p>
<footer>Copyright</footer></body></html>"""


def test_a_page_gives_what_it_shows_with_headings_lists_and_rows(tmp_path: Path) -> None:
    reading = reading_of(tmp_path, "a.html", PAGE)
    assert reading.text.split("\n\n")[:6] == [
        "The harbour",
        "The harbour of Oslo opened in 1872.\nIt has three piers.",
        "Trade",
        "cod",
        "herring",
        "Year | Tons",
    ]
    assert "two  spaces\nkept" in reading.text
    assert reading.text.endswith("seen to the end")
    assert headings(reading) == [(1, "The harbour"), (2, "Trade")]
    for unseen in ("hidden", "script", "template", "comment", "color", "Copyright", "About us"):
        assert unseen not in reading.text


def test_the_main_content_of_a_page_is_read_without_what_stands_around_it(tmp_path: Path) -> None:
    prose = "".join(
        f"<h2>Part {part}</h2><p>{'The harbour of Oslo has three piers that the city built. ' * 3}</p>"
        for part in range(5)
    )
    page = (
        "<html><body><div class='sidebar'><a href='/x'>Buy a boat</a></div><div id='content'>"
        f"{prose}</div><div class='comments'>First!</div></body></html>"
    )
    reading = reading_of(tmp_path, "a.html", page)
    assert headings(reading) == [(2, f"Part {part}") for part in range(5)]
    assert "Buy a boat" not in reading.text


def test_a_page_within_a_form_and_a_remark_within_an_article_are_read(tmp_path: Path) -> None:
    page = (
        "<form><div>In a form.</div><input value='x'></form><aside>Elsewhere.</aside>"
        "<article><p>Text.</p><aside>Note: mind the step.</aside></article>"
    )
    text = reading_of(tmp_path, "a.html", page).text
    assert text == "In a form.\n\nText.\n\nNote: mind the step."


def test_a_page_laid_out_in_a_table_keeps_its_paragraphs(tmp_path: Path) -> None:
    page = "<table><tr><td><h1>Top</h1><p>One.</p><p>Two.</p></td><td>Side</td></tr></table>"
    assert reading_of(tmp_path, "a.htm", page).text == "Top\n\nOne.\n\nTwo.\n\nSide"


def test_a_page_is_read_in_the_encoding_it_declares(tmp_path: Path) -> None:
    page = '<html><head><meta charset="windows-1253"></head><body><p>Ελλάδα</p></body></html>'
    assert reading_of(tmp_path, "a.html", page.encode("cp1253")).text == "Ελλάδα"


@pytest.mark.parametrize(
    "text", ["Η Αθήνα είναι πρωτεύουσα.", "ירושלים היא עיר.", "القاهرة مدينة كبيرة.", "北京是首都。"]
)
def test_every_script_comes_through_each_format(tmp_path: Path, text: str) -> None:
    document = docx.Document()
    document.add_paragraph(text)
    contents: dict[str, bytes | str] = {
        "a.txt": text,
        "a.md": text,
        "a.csv": text,
        "a.html": f"<meta charset=utf-8><p>{text}</p>",
        "a.docx": files.word(document),
    }
    assert {reading_of(tmp_path, name, content).text for name, content in contents.items()} == {text}


def test_a_heading_is_named_in_few_words(tmp_path: Path) -> None:
    reading = reading_of(tmp_path, "a.html", f"<h1>{'long ' * 500}</h1><p>Text.</p>")
    assert reading.headings == (Heading(0, 1, ("long " * 40).strip()),)
