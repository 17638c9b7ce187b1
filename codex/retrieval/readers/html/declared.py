"""What a page says of itself before it is read: its encoding."""

from __future__ import annotations

import re

LOOKED_AT = 65_536
"""Bytes at the beginning; a head with its styles is rarely longer."""

_STOPS = re.compile(rb"<!--|<(script|style|title|textarea)\b|<meta\b|<body\b", re.IGNORECASE)
_ATTRIBUTE = re.compile(rb"(?:^|[\s/'\"])charset\s*=\s*[\"']?\s*([\w.:()-]{1,40})", re.IGNORECASE)
_CONTENT = re.compile(rb"charset\s*=\s*[\"']?\s*([\w.:()-]{1,40})", re.IGNORECASE)
_XML = re.compile(rb"\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{1,40})", re.IGNORECASE)


def declared_encoding(data: bytes) -> str:
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
