"""HTML: what a page shows and what its controls open, with its headings; nothing else."""

from __future__ import annotations

import re

from lxml import etree, html  # type: ignore[import-untyped]

from codex.errors import UnreadableDocument
from codex.retrieval.readers.draft import Draft, counted
from codex.retrieval.readers.encodings import decode
from codex.retrieval.readers.html.blocks import Block, blocks_of
from codex.retrieval.readers.html.left_out import left_out
from codex.retrieval.readers.html.shadow import compose_shadow_trees, open_frames
from codex.retrieval.readers.reading import Reading

CONTENT_SHARE = 0.05
"""Of a page's text; where less of it stands within menus and margins, these are its content."""
LOOKED_AT = 65_536
"""Bytes at the beginning; a head with its styles is rarely longer."""

_STOPS = re.compile(rb"<!--|<(script|style|title|textarea)\b|<meta\b|<body\b", re.IGNORECASE)
_ATTRIBUTE = re.compile(rb"(?:^|[\s/'\"])charset\s*=\s*[\"']?\s*([\w.:()-]{1,40})", re.IGNORECASE)
_CONTENT = re.compile(rb"charset\s*=\s*[\"']?\s*([\w.:()-]{1,40})", re.IGNORECASE)
_XML = re.compile(rb"\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{1,40})", re.IGNORECASE)
_DECLARATION = re.compile(r"\s*<\?xml[^>]*>")
_METADATA = frozenset(
    {"base", "basefont", "bgsound", "link", "meta", "noscript", "script", "style", "template", "title"}
)
_NO_TITLES = frozenset({"untitled", "document", "index", "home", "title", "new page", "page", "test", "t"})


def read_html(data: bytes, name: str, encoding: str = "") -> Reading:
    """What the page shows. Raises UnreadableDocument.

    encoding: a codec named by the user; "": as the page declares it, else detected.
    """
    text, note = decode(data, encoding, _declared_encoding(data))
    tree = _tree(text, name)
    if tree is None:
        raise UnreadableDocument(f"{name} contains no text. Save the complete page again.")
    out = left_out(tree, around=True)
    blocks, silent = blocks_of(tree, out.reasons)
    length = sum(len(block.text) for block in blocks)
    if length < CONTENT_SHARE * (length + out.characters("around")):
        out = left_out(tree, around=False)
        blocks, silent = blocks_of(tree, out.reasons)
    draft = Draft(name)
    if blocks and (title := _title(tree, blocks)):
        draft.add(title, 1)
    for block in blocks:
        draft.add(block.text, block.level, block.between)
    return draft.reading(note, counted(silent, "image", "without text"), out.note())


def _tree(text: str, name: str) -> etree._Element | None:
    """The page as a browser builds it; None when it is empty."""
    # lxml refuses text with an encoding in its XML declaration, and control characters.
    declaration = _DECLARATION.match(text)
    text = text[declaration.end() if declaration else 0 :].replace("\0", "")
    parser = html.HTMLParser(huge_tree=True, remove_comments=True, remove_pis=True)
    try:
        tree = html.document_fromstring(text, parser=parser, ensure_head_body=True)
        if any(error.type_name == "ERR_RESOURCE_LIMIT" for error in parser.error_log):
            # The rest of the text is not in the tree.
            raise UnreadableDocument(
                f"{name} is nested more than 2,000 elements deep. Save it as plain text."
            )
        open_frames(tree, parser)
    except etree.ParserError:
        return None
    _end_head(tree)
    compose_shadow_trees(tree)
    return tree


def _end_head(tree: etree._Element) -> None:
    """Where a page has no body tag, the parser takes what it does not know for a part of the head."""
    head, body = tree.find("head"), tree.find("body")
    if head is None or body is None:
        return
    first = next((at for at, child in enumerate(head) if child.tag not in _METADATA), len(head))
    moved = list(head)[first:]
    if moved:
        moved[-1].tail = (moved[-1].tail or "") + (body.text or "")
        body.text = None
        body[:0] = moved


def _title(tree: etree._Element, blocks: list[Block]) -> str:
    """The page's title where its text has no main heading and does not say the same; else ""."""
    title = " ".join(tree.findtext("head/title", "").split())
    if not title or title.lower() in _NO_TITLES or any(block.level == 1 for block in blocks):
        return ""
    return "" if any(title in block.text or block.text in title for block in blocks[:20]) else title


def _declared_encoding(data: bytes) -> str:
    """The label in a page's meta, else in its XML declaration; "" where there is none.

    Comments, scripts and titles may hold what looks like a meta.
    """
    head = data[:LOOKED_AT]
    position = 0
    while found := _STOPS.search(head, position):
        opening = found[0].lower()
        if opening == b"<body":
            break
        closing = b"-->" if opening == b"<!--" else b"</" + found[1] if found[1] else b">"
        end = head.find(closing, found.end())
        if end < 0:
            break
        if opening == b"<meta":
            inside = head[found.end() : min(end, found.end() + 1000)]
            of_type = b"http-equiv" in inside.lower()
            if label := (_CONTENT if of_type else _ATTRIBUTE).search(inside):
                return label[1].decode("latin-1")
        position = end
    xml = _XML.match(head)
    return xml[1].decode("latin-1") if xml else ""
