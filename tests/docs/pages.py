"""The documents as text: their blocks of code, their links and anchors."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from codex.cli.reference import DOCS

ROOT = DOCS.parent
PAGES = sorted(DOCS.rglob("*.md"))
EVERY = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", ROOT / "CHANGELOG.md", *PAGES]

_FENCE = re.compile(r"^```(\S*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:^    .*\n?)+", re.MULTILINE)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)|(?:src|srcset|href)=\"([^\"]+)\"")


def blocks(text: str) -> Iterator[tuple[str, str]]:
    """Each block of code with its language; an indented one has none."""
    yield from _FENCE.findall(text)
    for found in _INDENTED.findall(_FENCE.sub("", text)):
        yield "", "\n".join(line[4:] for line in found.splitlines())


def command_lines(text: str) -> Iterator[list[str]]:
    """The words after `codex` in each command line of the blocks, without redirections."""
    for language, code in blocks(text):
        if language in {"", "sh", "bash"}:
            for line in re.sub(r"\\\n\s*", " ", code).splitlines():
                if re.match(r"\s*(\.venv/bin/)?codex ", line):
                    yield shlex.split(re.split(r" [<>|] ", line)[0], comments=True)[1:]


def spans(text: str) -> list[str]:
    """What stands in a line as code."""
    return _SPAN.findall(_FENCE.sub("", text))


def links(text: str) -> list[str]:
    """Where links and pictures lead, but for those in code."""
    bare = _SPAN.sub("", _INDENTED.sub("", _FENCE.sub("", text)))
    return ["".join(found) for found in _LINK.findall(bare)]


def anchors(text: str) -> set[str]:
    """The anchors of the headings, as GitHub makes them; the site's are the same (`make docs` checks it)."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", _FENCE.sub("", text), re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        slug = re.sub(r"[^\w\- ]", "", words).strip().replace(" ", "-")
        found.add(slug if slug not in found else f"{slug}-1")
    return found


def name_of(page: Path) -> str:
    """Of a page, for a test's name."""
    return str(page.relative_to(ROOT))
