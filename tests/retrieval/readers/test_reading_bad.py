"""Reading what cannot be read: each message names the file, what is wrong, and what to do."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from codex.errors import UnreadableDocument
from codex.retrieval.readers.file import load
from codex.retrieval.readers.reading import read
from tests.retrieval import files

ROOM = 10_000_000
"""Bytes; more than any file here has."""
AT_ONCE = 5.0
"""Seconds in which a refusal comes, on a busy machine."""

DOCTYPE = '<!DOCTYPE w [<!ENTITY planted SYSTEM "file://{}">]>'
LAUGHS = (
    '<!DOCTYPE w [<!ENTITY a "' + "ha" * 500 + '">'
    + "".join(f'<!ENTITY {name} "{f"&{inner};" * 100}">' for inner, name in ("ab", "bc", "cd"))
    + "]>"
)  # fmt: skip


def refusal(path: Path, max_bytes: int = ROOM) -> str:
    """The message with which the file is refused, without its name; it names the file, and comes soon."""
    started = time.monotonic()
    with pytest.raises(UnreadableDocument) as refused:
        read(path, max_bytes, seconds=AT_ONCE)
    assert time.monotonic() - started < AT_ONCE
    message = str(refused.value)
    assert message.startswith(path.name)
    assert message.count(". ") >= 1  # what is wrong, and what to do
    return message.removeprefix(path.name).strip()


@pytest.mark.parametrize(
    ("name", "content", "wrong"),
    [
        ("locked.pdf", files.encrypted_pdf("secret"), "is encrypted with a password"),
        ("cut.pdf", files.pdf(["One.", "Two."])[:300], "is a corrupt PDF"),
        ("noise.pdf", b"%PDF-1.7\n" + bytes(range(256)) * 20, "is a corrupt PDF"),
        ("scan.pdf", files.pdf(["", ""]), "contains no text on any of its pages (2)"),
        ("self.pdf", files.pdf_within_itself(), "contains no text on any"),
        ("tree.pdf", files.pdf_whose_pages_hold_themselves(), "is a corrupt PDF"),
        ("deep.pdf", files.pdf_with_deep_arrays(), "is a corrupt PDF"),
        ("cut.docx", files.word()[:5000], "is a corrupt DOCX"),
        ("broken.docx", files.word_with(b"<w:document"), "is a corrupt DOCX"),
        ("laughs.docx", files.word_with(files.word_body("<w:p/>", LAUGHS) + b"&d;"), "is a corrupt DOCX"),
        ("huge.docx", lambda: files.zip_bomb(200, compression=1), "MB to 211 MB, like a zip bomb"),
        ("dense.docx", lambda: files.zip_bomb(20), "MB to 22 MB, like a zip bomb"),
        ("liar.docx", lambda: files.zip_bomb_that_lies(30), "is a corrupt DOCX"),
        ("empty.txt", "", "is empty (0 bytes)"),
        ("empty.pdf", "", "is empty (0 bytes)"),
        ("spaces.txt", " \n\t\u00a0\r\n", "contains only whitespace"),
        ("spaces.md", "\ufeff  ", "contains only whitespace"),
        ("blank.csv", ";;\n;;\n", "contains no text"),
        ("blank.html", "<html><body><script>x</script></body></html>", "contains no text"),
        ("deep.html", "<p>Text." + "<b>" * 10**5 + "More.", "is nested more than 2,000 elements deep"),
        ("blank.docx", files.word_with(files.word_body("<w:p/>")), "contains no text"),
        ("paper.txt", files.pdf(["One."]), "is really a PDF file. Rename it to end in .pdf"),
        ("letter.md", files.word(), "is really a DOCX file. Rename it to end in .docx"),
        ("letter.pdf", files.word(), "is really a DOCX file"),
        ("image.pdf", files.PNG, "is not a PDF file but a PNG image"),
        ("image.txt", files.PNG, "is not text but a PNG image"),
        ("text.docx", "Only text.", "is not a DOCX file but plain text"),
        ("text.pdf", "Only text.", "is not a PDF file but plain text"),
        ("noise.txt", bytes(range(256)), "is not text but binary data"),
        ("table.xlsx", files.word(), "is in an unsupported format"),
        ("nameless", "Only text.", "is in an unsupported format"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_with_its_reason(
    tmp_path: Path, name: str, content: bytes | str | Callable[[], bytes], wrong: str
) -> None:
    made = content() if callable(content) else content
    assert wrong in refusal(files.save(tmp_path, name, made))


def test_a_text_under_another_text_suffix_is_just_read(tmp_path: Path) -> None:
    assert read(files.save(tmp_path, "page.txt", "<p>Text.</p>"), ROOM).text == "<p>Text.</p>"
    assert read(files.save(tmp_path, "text.html", "Only text."), ROOM).text == "Only text."


def test_a_file_that_is_too_large_is_not_even_opened(tmp_path: Path) -> None:
    path = tmp_path / "large.txt"
    with path.open("wb") as file:
        file.truncate(200_000_000)
    assert refusal(path, 100_000_000) == (
        "is 200 MB, above the limit of 100 MB. Split it, or raise retrieval.max_file_mb."
    )
    exact = files.save(tmp_path, "exact.txt", "x" * 100)
    assert read(exact, 100).text == "x" * 100
    assert "above the limit" in refusal(exact, 99)


def test_an_external_entity_is_not_resolved(tmp_path: Path) -> None:
    secret = files.save(tmp_path, "secret", "the password")
    body = files.word_body("<w:p><w:r><w:t>Before. &planted;</w:t></w:r></w:p>", DOCTYPE.format(secret))
    reading = read(files.save(tmp_path, "outside.docx", files.word_with(body)), ROOM)
    assert reading.text == "Before."
    page = DOCTYPE.format(secret).replace("w [", "html [") + "<p>Before. &planted;</p>"
    assert "password" not in read(files.save(tmp_path, "outside.html", page), ROOM).text


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "folder.txt").mkdir()
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "device.txt").symlink_to("/dev/zero")
    (tmp_path / "loop.txt").symlink_to(tmp_path / "loop.txt")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(tmp_path / "socket.txt"))
        assert refusal(tmp_path / "socket.txt").startswith("is a pipe or device")
    assert refusal(tmp_path / "folder.txt").startswith("is a folder")
    assert refusal(tmp_path / "pipe.txt").startswith("is a pipe or device")
    assert refusal(tmp_path / "device.txt").startswith("is a pipe or device")
    assert refusal(tmp_path / "loop.txt").startswith("is a symbolic link that leads to itself")
    assert refusal(tmp_path / "gone.txt").startswith("no longer exists")
    assert refusal(tmp_path / "gone.txt" / "inner.txt").startswith("no longer exists")


@pytest.fixture
def without_rights() -> Iterator[None]:
    """Root may read everything, so be nobody for a while."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    yield
    if root:
        os.seteuid(0)


def test_a_file_without_permission_says_so(tmp_path: Path, without_rights: None) -> None:
    with pytest.raises(
        UnreadableDocument, match=r"closed\.txt cannot be read: permission denied\. Change its permissions"
    ):
        load(tmp_path / "closed.txt", ROOM)


def test_a_name_is_shown_without_its_control_characters(tmp_path: Path) -> None:
    path = Path(os.fsdecode(bytes(tmp_path) + b"/evil\n\x1b[31m\xff.txt"))
    path.write_bytes(b"")
    with pytest.raises(UnreadableDocument, match=r"^evil��\[31m�\.txt is empty"):
        read(path, ROOM)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("spaces.md", "# a" + " " * 10**6 + "b"),
        ("links.md", "# " + "[" * 10**6),
        ("hashes.md", "# " + "# " * 10**6),
        ("lines.md", "a" + "\n" * 10**6 + "b"),
        ("digits.csv", "1" * 10**6 + "x,y"),
        ("quotes.csv", '"' * 10**6 + "x,y"),
        ("tags.html", "<b>" * 2000 + "x"),
        ("spaces.html", "<p>a" + " " * 10**6 + "b"),
        ("styles.html", f"<p style='display{' ' * 10**6}'>x"),
        ("declaration.html", f"{' ' * 10**6}<p>x"),
        ("raised.html", "<p>" + "x<sup>2</sup>" * 20_000),
        ("tables.html", "<table><tr><td>x" * 600),
        ("spans.html", f"<table><tr>{'<td rowspan=999 colspan=999>word' * 200}</tr>{'<tr><td>' * 10_000}"),
        (
            "controls.html",
            "".join(f"<a aria-controls=a{at}>Q</a><p hidden id=a{at}>A" for at in range(5_000)),
        ),
        ("menus.html", "<div class=menu>" * 1_900 + "x"),
        ("shadows.html", "<a-b><template shadowrootmode=open>x<slot></slot>" * 400 + "y"),
        ("formula.html", "<p>x<math>" + "<msup><mi>x</mi>" * 900),
    ],
)
def test_repetition_does_not_take_long(tmp_path: Path, name: str, content: str) -> None:
    assert read(files.save(tmp_path, name, content), ROOM, seconds=AT_ONCE).text


def test_one_endless_line_is_read(tmp_path: Path) -> None:
    line = "x" * (5 * 2**20)
    assert read(files.save(tmp_path, "line.txt", line), ROOM).text == line
