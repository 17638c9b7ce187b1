"""Documents as people have them, each with the strings that a search must find and those that it must not."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Case:
    """A document."""

    name: str
    content: bytes
    find: tuple[str, ...]
    """Each stands word for word in one passage."""
    never: tuple[str, ...] = ()
    """None of them stands in the text."""
    note: tuple[str, ...] = ()
    """Each is part of the note."""
