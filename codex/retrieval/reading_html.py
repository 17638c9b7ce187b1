"""HTML: the main content with its headings; nothing that a browser does not show."""

from __future__ import annotations

import re

import trafilatura
from lxml import etree, html  # type: ignore[import-untyped]
from trafilatura.settings import Document

from codex.errors import UnreadableDocument
from codex.retrieval.encodings import decode
from codex.retrieval.reading import Reading
from codex.retrieval.reading_draft import Draft

MAIN_SHARE = 0.5
"""Of the page's text; where less of it is found to be main content, the whole page is read."""
SOUGHT = 2 * 2**20
"""Characters beyond which the main content is not sought: that takes 5 s a MB."""

_NEVER = (
    "script", "style", "template", "noscript", "head", "iframe", "object", "svg", "math", "canvas", "audio",
    "video", "select", "button", "textarea",
)  # fmt: skip
_AROUND = ("nav", "footer", "aside")
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|(opacity|font-size)\s*:\s*0(?![.\d]*[1-9])")
_CELLS = frozenset({"td", "th", "cell"})
_BLOCKS = _CELLS | {
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "dialog",
    "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5",
    "h6", "head", "header", "hr", "item", "legend", "li", "list", "main", "nav", "ol", "p", "pre", "quote",
    "row", "section", "summary", "table", "tbody", "tfoot", "thead", "title", "tr", "ul",
}  # fmt: skip
# trafilatura makes a quote of a pre.
_VERBATIM = frozenset({"pre", "code", "quote"})
_LEVEL = re.compile(r"h([1-6])")


def read_html(data: bytes, name: str, encoding: str = "") -> Reading:
    """What the page shows. Raises UnreadableDocument."""
    text, note = _decode(data)
    tree = _tree(text, name)
    if tree is None:
        raise UnreadableDocument(f"{name} holds no text. Save the page again, complete.")
    whole = _blocks(tree)
    main = _main_blocks(tree) if len(text) <= SOUGHT else []
    length = sum(len(block) for block, _ in whole)
    blocks = main if sum(len(block) for block, _ in main) >= MAIN_SHARE * length else whole
    draft = Draft(name)
    for block, level in blocks:
        draft.add(block, level)
    return draft.reading(note)


def _decode(data: bytes) -> tuple[str, str]:
    """By the encoding that the page declares, if any and if it fits."""
    declared = re.search(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?([\w.:-]{1,40})", data[:4096], re.IGNORECASE)
    if declared:
        try:
            return data.decode(declared[1].decode("ascii")), ""
        except (LookupError, UnicodeDecodeError, ValueError):
            pass
    return decode(data)


def _tree(text: str, name: str) -> etree._Element | None:
    """The page without what is never shown."""
    # lxml refuses text with an encoding in its XML declaration, and control characters.
    text = re.sub(r"^\s*<\?xml[^>]*>", "", text).replace("\0", "")
    try:
        parser = html.HTMLParser(huge_tree=True, remove_comments=True, remove_pis=True)
        tree = html.document_fromstring(text, parser=parser, ensure_head_body=True)
    except etree.ParserError:
        return None
    if any(error.type_name == "ERR_RESOURCE_LIMIT" for error in parser.error_log):
        # The rest of the text is not in the tree.
        raise UnreadableDocument(f"{name} is nested more than 2,000 elements deep. Save it as plain text.")
    for element in list(tree.iter(*_NEVER)):
        _drop(element)
    for heading in tree.iter("h1", "h2", "h3", "h4", "h5", "h6"):
        for link in list(heading.iter("a")):
            if link.text_content().strip() in ("¶", "#", "§", "\N{LINK SYMBOL}"):
                _drop(link)
    for element in list(tree.iter(etree.Element)):
        if "hidden" in element.attrib or _HIDDEN.search(element.get("style", "").lower()):
            _drop(element)
    for element in list(tree.iter(*_AROUND)):
        if element.tag == "nav" or not any(
            above.tag in ("article", "main") for above in element.iterancestors()
        ):
            _drop(element)
    return tree


def _drop(element: etree._Element) -> None:
    parent = element.getparent()
    if parent is not None:
        if element.tail:
            before = element.getprevious()
            if before is None:
                parent.text = (parent.text or "") + element.tail
            else:
                before.tail = (before.tail or "") + element.tail
        element.tail = None
        parent.remove(element)


def _main_blocks(tree: etree._Element) -> list[tuple[str, int]]:
    """The blocks of the main content as trafilatura finds it."""
    body = tree.find("body")
    if body is None:
        return []
    if tree.find(".//article") is None and tree.find(".//main") is None:
        # Outside of an article it keeps paragraphs only, and no headings.
        body.tag, body = "article", etree.SubElement(tree, "body")
        body.append(tree.find("article"))
    try:
        found = trafilatura.bare_extraction(
            tree, include_comments=False, include_formatting=True, favor_recall=True, fast=True
        )
    except RecursionError:
        # It copies the tree by recursion; the whole page is read without.
        return []
    return _blocks(found.body) if isinstance(found, Document) else []


def _blocks(tree: etree._Element) -> list[tuple[str, int]]:
    """The text block by block, each with its level as a heading (0: none)."""
    blocks: list[tuple[str, int]] = []
    pieces: list[str] = []
    verbatim = 0
    flat_row: etree._Element | None = None

    def put(text: str | None) -> None:
        if text:
            pieces.append(text if verbatim else " ".join(("x" + text + "x").split())[1:-1])

    def flush(level: int = 0) -> None:
        block = "".join(pieces).strip()
        pieces.clear()
        if block:
            blocks.append((block, level))

    for event, element in etree.iterwalk(tree, events=("start", "end")):
        tag = element.tag
        if event == "start":
            if tag in _CELLS and flat_row is not None:
                if pieces:
                    pieces.append(" | ")
            elif tag in _BLOCKS:
                flush()
            if tag in ("tr", "row") and _is_flat(element):
                flat_row = element
            verbatim += tag in _VERBATIM
            if tag in ("br", "lb"):
                pieces.append("\n")
            put(element.text)
            continue
        verbatim -= tag in _VERBATIM
        if tag in _BLOCKS and (tag not in _CELLS or flat_row is None):
            level = _LEVEL.fullmatch(element.get("rend", "") if tag == "head" else tag)
            flush(int(level[1]) if level else 0)
        if element is flat_row:
            flat_row = None
        put(element.tail)
    flush()
    return blocks


def _is_flat(row: etree._Element) -> bool:
    """Whether it is a row of data: nothing but words in its cells. Others only lay out the page."""
    return all(child.tag in _CELLS or child.tag not in _BLOCKS for child in row.iterdescendants())
