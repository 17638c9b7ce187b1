"""Secrets in a text: keys, tokens, passwords and private keys.

Everything that is shown, logged or kept is searched, so that a thousand characters must not take a
millisecond: each form is looked for by a word that it cannot lack, which `in` finds in no time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from codex.redaction.named import named
from codex.redaction.spans import Edited, Span, united
from codex.redaction.vendors import keys

_PRIVATE = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-\d:", re.ASCII
)
_BODY = re.compile(r"[A-Za-z0-9+/]{24}")
_BODY_END = re.compile(r"(?:[A-Za-z0-9+/=:,. -]|\s|\\[nr])*")
_END = re.compile(r"-----END [A-Z0-9 ]{0,40}-----")
_BEGINNING = re.compile(r"-----BEGIN[A-Z0-9 ]{0,60}-{0,5}|PuTTY-User-Key-File[\d:-]{0,4}", re.ASCII)
_HEADERS = 400
"""Characters between the first line of a private key and its body, at most: who encrypted it, and how."""
_LONGEST = 20_000
"""Characters of a private key, at most."""


def secrets(text: str) -> list[Span]:
    """Where the secrets of a text are, in order, without overlap."""
    found = [*keys(text), *named(text)]
    if "PRIVATE KEY" in text or "PuTTY-User-Key-File" in text:
        found += _private_keys(text)
    return united(found) if found else []


def masked(text: str) -> str:
    """The text with a mark in the place of each secret."""
    found = secrets(text)
    return Edited(text, found).text if found else text


def open_private_key(text: str) -> int | None:
    """Where a private key begins whose end may still follow; None: there is none."""
    start = max(text.rfind("-----BEGIN"), text.rfind("PuTTY-User-Key-File"))
    if start < 0 or len(text) - start > _LONGEST or _END.search(text, start):
        return None
    begins = _PRIVATE.match(text, start)
    if begins is None:
        return start if _BEGINNING.fullmatch(text, start) else None
    rest = _BODY_END.match(text, begins.end())
    if rest is None or len(text) - rest.end() > 1:
        return None
    if len(text) - begins.end() < _HEADERS or _BODY.search(text, begins.end(), begins.end() + _HEADERS):
        return start
    return None


def _private_keys(text: str) -> Iterator[Span]:
    """Each with its first and its last line; one that is cut ends with its last line of a key."""
    done = 0
    for begins in _PRIVATE.finditer(text):
        if begins.start() < done:
            continue
        if not _BODY.search(text, begins.end(), begins.end() + _HEADERS):
            continue  # Somebody tells how such a file begins.
        ends = _END.search(text, begins.end(), begins.end() + _LONGEST)
        following = _PRIVATE.search(text, begins.end(), begins.end() + _LONGEST)
        if ends and not (following and following.start() < ends.start()):
            done = ends.end()
        else:
            rest = _BODY_END.match(text, begins.end())
            done = rest.end() if rest else begins.end()
        yield Span(begins.start(), done, "private key")
