"""Whether the built site loads anything from another host, and whether its links lead somewhere.

python -m tests.docs.site [FOLDER]
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

BUILT = Path("build/site")
LOADED = {
    ("audio", "src"),
    ("embed", "src"),
    ("iframe", "src"),
    ("image", "href"),
    ("img", "src"),
    ("img", "srcset"),
    ("link", "href"),
    ("object", "data"),
    ("script", "src"),
    ("source", "src"),
    ("source", "srcset"),
    ("use", "href"),
    ("video", "poster"),
    ("video", "src"),
}
"""Attributes of which the browser fetches the value by itself."""
DRAWN_BY_SCRIPT = {"mermaid"}
"""Classes for which the theme's script would fetch another one from the network."""
_IN_STYLE = re.compile(r"""(?:url\(\s*|@import\s+)["']?([^"')\s]+)""")


class Page(HTMLParser):
    """What a page loads, where it links to, and which anchors it has."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.classes: set[str] = set()
        self._in_style = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name.removeprefix("xlink:"): value or "" for name, value in attrs}
        named = given.get("rel", "")
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        self.classes |= set(given.get("class", "").split())
        self.loads += _IN_STYLE.findall(given.get("style", ""))
        for name, value in given.items():
            if (tag, name) in LOADED and named not in {"canonical", "next", "prev"}:
                parts = value.split(",") if name == "srcset" else [value]
                self.loads += [part.split()[0] for part in parts if part.strip()]
            elif (tag, name) == ("a", "href"):
                self.links.append(value)
        self._in_style = tag == "style"

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.loads += _IN_STYLE.findall(data)

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False


def problems(site: Path) -> Iterator[str]:
    """What is wrong with a built site, one line each."""
    pages = {path: Page(path.read_text()) for path in sorted(site.rglob("*.html"))}
    if not pages:
        yield f"{site}: there is no page"
    for path, page in pages.items():
        at = path.relative_to(site)
        yield from (f"{at}: loads {address}" for address in page.loads if foreign(address))
        yield from (f"{at}: {name} is drawn by a script" for name in sorted(page.classes & DRAWN_BY_SCRIPT))
        if at.name != "404.html":  # its links are from the root of a server
            loaded = [each for each in page.loads if not foreign(each)]
            yield from (f"{at}: {each}" for each in _broken(path, page.links + loaded, pages))
    for style in sorted(site.rglob("*.css")):
        for address in _IN_STYLE.findall(style.read_text()):
            if foreign(address):
                yield f"{style.relative_to(site)}: loads {address}"


def foreign(address: str) -> bool:
    """Whether an address leads to another host; data that stands in it does not."""
    split = urlsplit(address)
    return bool(split.netloc) or split.scheme not in {"", "data"}


def _broken(path: Path, links: list[str], pages: dict[Path, Page]) -> Iterator[str]:
    for link in links:
        split = urlsplit(link)
        if split.scheme or split.netloc:
            continue
        target = (path.parent / unquote(split.path)).resolve() if split.path else path
        target = target / "index.html" if target.is_dir() else target
        if not target.exists():
            yield f"{link} is not there"
        elif split.fragment and target in pages and unquote(split.fragment) not in pages[target].anchors:
            yield f"{link} has no such anchor"


if __name__ == "__main__":
    found = list(problems(Path(*sys.argv[1:] or [BUILT]).resolve()))
    print("\n".join(found) or "The site loads nothing from another host, and its links lead somewhere.")
    sys.exit(bool(found))
