"""Plain text and Markdown."""

from __future__ import annotations

import codecs
import re

from codex.errors import UnreadableDocument
from codex.retrieval.reading import Heading, Reading
from codex.retrieval.reading_draft import HEADING_CHARACTERS, clean

BROKEN_SHARE = 0.1
"""Of the characters beyond ASCII; with fewer broken ones a text is damaged UTF-8, not another encoding."""

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HASHES = re.compile(r" {0,3}(#{1,6})(?![^ \t])")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_NOT_A_PARAGRAPH = re.compile(r"\s*$|\s{4}|\s*([>|`~#]|[-*+] |\d+[.)] )")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_MARKS = re.compile(r"[*`]+|(?<!\w)_+|_+(?!\w)")


def decode(data: bytes) -> tuple[str, str]:
    """The text, and a note where it is not certain: UTF-8, UTF-16 with its mark, else Windows-1252."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace"), ""
    try:
        return data.decode("utf-8"), ""
    except UnicodeDecodeError:
        text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    if broken <= BROKEN_SHARE * len(_BEYOND_ASCII.findall(text)):
        return text, f"{broken} characters are damaged (not UTF-8)"
    return data.decode("cp1252", "replace"), "not UTF-8; read as Windows-1252"


def read_text(data: bytes, name: str, *, markdown: bool) -> Reading:
    """A text as it is, with the headings of Markdown. Raises UnreadableDocument."""
    text, note = decode(data)
    text = clean(text).strip("\n")
    if not text.strip():
        raise UnreadableDocument(f"{name} holds only spaces. Save it again with its text, or remove it.")
    return Reading(text, (), markdown_headings(text) if markdown else (), note)


def markdown_headings(text: str) -> tuple[Heading, ...]:
    """The lines that begin with # or are underlined by = or -, outside of code and front matter."""
    found: list[Heading] = []
    fence = before = ""
    position = start_before = 0
    front = text.startswith("---\n") and "\n---\n" in text
    for number, line in enumerate(text.split("\n")):
        start, position = position, position + len(line) + 1
        if front:
            front = not (number and line == "---")
            continue
        mark = _FENCE.match(line)
        if fence:
            closing = mark and mark[1].startswith(fence) and line.strip() == mark[1]
            fence = "" if closing else fence
            continue
        if mark:
            fence, before = mark[1], ""
            continue
        if hashes := _HASHES.match(line):
            _note(found, start, len(hashes[1]), line[hashes.end() :])
            before = ""
            continue
        if before and (under := _UNDERLINE.match(line)):
            _note(found, start_before, 1 if under[1][0] == "=" else 2, before)
            before = ""
            continue
        before, start_before = ("", 0) if _NOT_A_PARAGRAPH.match(line) else (line, start)
    return tuple(found)


def _note(found: list[Heading], start: int, level: int, line: str) -> None:
    name = line[: 4 * HEADING_CHARACTERS].rstrip()
    unclosed = name.rstrip("#")
    if unclosed[-1:] in ("", " ", "\t"):
        name = unclosed
    name = " ".join(_MARKS.sub("", _LINK.sub(r"\1", name)).split())[:HEADING_CHARACTERS].strip()
    if name:
        found.append(Heading(start, level, name))
