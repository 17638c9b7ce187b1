"""Parts of a page that a browser puts in their place before it shows them: shadow trees and inline frames."""

from __future__ import annotations

from lxml import etree, html  # type: ignore[import-untyped]

MOST_FRAMES = 50


def compose_shadow_trees(tree: etree._Element) -> None:
    """Put each declarative shadow tree in the place of its host's content, and that into the tree's slots."""
    for template in list(tree.iter("template")):
        host = template.getparent()
        if "shadowrootmode" not in template.attrib or host is None or host.tag == "template":
            continue
        slots: dict[str, etree._Element] = {}
        for slot in template.iter("slot"):
            if next(slot.iterancestors("template")) is template:
                slots.setdefault(slot.get("name", ""), slot)
        _assign(host, template, slots)
        template.tag = "div"
        host.append(template)


def _assign(host: etree._Element, template: etree._Element, slots: dict[str, etree._Element]) -> None:
    """Take the host's own content out, each child into its slot; what has none is not shown."""
    default = slots.get("")
    filled: set[etree._Element] = set()
    loose = host.text or ""
    host.text = None
    for child in list(host):
        host.remove(child)  # With its tail.
        tail, child.tail = child.tail, None
        slot = default if child is template else slots.get(child.get("slot", ""))
        if child is not template and slot is not None:
            if slot not in filled:
                _clear(slot)
                filled.add(slot)
            slot.append(child)
        if slot is default and child is not template and default is not None:
            child.tail = tail
        else:
            loose += tail or ""
    if default is not None and loose.strip():
        if default not in filled:
            _clear(default)
        default.text = loose + (default.text or "")


def _clear(slot: etree._Element) -> None:
    """Without what stands there when nothing is put in."""
    for child in list(slot):
        slot.remove(child)
    slot.text = None


def open_frames(tree: etree._Element, parser: html.HTMLParser) -> None:
    """Put the pages that stand in the srcdoc of frames into these."""
    for frame in list(tree.iter("iframe"))[:MOST_FRAMES]:
        inner = frame.get("srcdoc", "").replace("\0", "")
        for child in list(frame):
            frame.remove(child)
        frame.text = None
        if inner.strip():
            page = html.document_fromstring(inner, parser=parser, ensure_head_body=True)
            body = page.find("body")
            if body is not None:
                body.tag = "div"
                frame.append(body)
