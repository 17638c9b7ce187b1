"""The context of a question as one text: passages in lists and objects are put one below another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from codex.datasets.formats import cells
from codex.errors import InvalidInput

_TITLES = ("title", "wikipedia_title", "heading", "name")
_TEXTS = (
    "sentences",
    "paragraph_text",
    "passage_text",
    "text",
    "contents",
    "content",
    "contexts",
    "context",
    "passages",
    "passage",
    "paragraphs",
    "paragraph",
    "body",
    "snippet",
    "search_context",
    "document",
    "documents",
)
"""The keys of a passage under which its text stands; the first one there is."""


def flattened(value: object) -> str | None:
    """The passages of a cell, an empty line between two; None where there are none, or it is not known how.

    A title stands on a line of its own above its passage. Raises InvalidInput for text that cannot be kept.
    """
    if cells.is_missing(value):
        return None
    try:
        held = cells.opened(value, "context")
    except InvalidInput:
        held = value
    if isinstance(held, str | int | float):
        return cells.text(held, "context") or None
    try:
        found = _passages(held, 0)
    except _Unknown:
        # A text that happens to be a list of something else is a text still.
        return cells.text(value, "context") if isinstance(value, str) else None
    return "\n\n".join(each for each in found if each.strip()) or None


class _Unknown(Exception):
    """A list or object that is no passage."""


def _passages(value: object, depth: int) -> list[str]:
    if depth > cells.DEEPEST:
        raise _Unknown
    if isinstance(value, str):
        return [cells.text(value, "context").strip()]
    if isinstance(value, Mapping):
        return _of_mapping(value, depth)
    if not isinstance(value, list | tuple):
        raise _Unknown
    if _is_titled(value):
        return [_titled(value[0], value[1])]
    return [said for each in value for said in _element(each, depth + 1)]


def _element(value: object, depth: int) -> list[str]:
    """A passage of a list: a text, its sentences, an object, or a title with its sentences."""
    if isinstance(value, list | tuple) and not _is_titled(value):
        return [_joined(value)]
    return _passages(value, depth)


def _of_mapping(value: Mapping[str, object], depth: int) -> list[str]:
    title = next((value[name] for name in _TITLES if name in value), None)
    held = next((value[name] for name in _TEXTS if name in value), None)
    if held is None:
        raise _Unknown
    if isinstance(title, list | tuple) and isinstance(held, list | tuple) and len(title) == len(held):
        return [_titled(*pair) for pair in zip(title, held, strict=True)]
    if title is None or isinstance(title, list | tuple):
        return _passages(held, depth + 1)
    return [_titled(title, held)]


def _is_titled(value: Sequence[object]) -> bool:
    """Whether a list is a title and its sentences, as HotpotQA has them."""
    return len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], list | tuple)


def _titled(title: object, held: object) -> str:
    said = _joined(held)
    name = cells.text(title, "context").strip()
    return f"{name}\n{said}" if name else said


def _joined(held: object) -> str:
    """Sentences as one text; where they bring their own spaces, no other is put between them."""
    if isinstance(held, str):
        return cells.text(held, "context").strip()
    if not isinstance(held, list | tuple) or not all(isinstance(each, str) for each in held):
        raise _Unknown
    sentences = [cells.text(each, "context") for each in held]
    between = "" if any(each[:1].isspace() for each in sentences[1:]) else " "
    return between.join(sentences).strip()
