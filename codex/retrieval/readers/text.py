"""Plain text and Markdown."""

from __future__ import annotations

import re

from codex.errors import UnreadableDocument
from codex.retrieval.readers.draft import HEADING_CHARACTERS, clean
from codex.retrieval.readers.encodings import decode
from codex.retrieval.readers.reading import Heading, Reading

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HASHES = re.compile(r" {0,3}(#{1,6})(?![^ \t])")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_NOT_A_PARAGRAPH = re.compile(r"\s*$|\s{4}|\s*([>|`~#]|[-*+] |\d+[.)] )")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_MARKS = re.compile(r"[*`]+|(?<!\w)_+|_+(?!\w)")


def read_text(data: bytes, name: str, *, markdown: bool, encoding: str = "") -> Reading:
    """A text as it is, with the headings of Markdown. Raises UnreadableDocument.

    encoding: a codec named by the user; "": detected.
    """
    text, note = decode(data, encoding)
    text = clean(text).strip("\n")
    if not text.strip():
        raise UnreadableDocument(f"{name} contains only whitespace. Save it again with its text.")
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
        if not line:
            before = ""
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
