"""Joins the parts of a line, superscripts and subscripts included, into unambiguous text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from codex.retrieval.readers.raised import lowered, raised

Height = Literal["", "raised", "lowered", "note"]
"""How the letters of a piece stand; a note is the mark of a footnote, known to be one."""
Piece = tuple[Height, str]


def appended(pieces: list[Piece], height: Height, letters: str) -> None:
    """Add letters; those that stand like the last ones continue with them."""
    if pieces and pieces[-1][0] == height != "note":
        pieces[-1] = height, pieces[-1][1] + letters
    elif letters:
        pieces.append((height, letters))


def joined(pieces: Sequence[Piece]) -> str:
    """The text of a line: 10^6, m^2, 1998 [4], H2O."""
    texts: list[str] = []
    for place, (height, letters) in enumerate(pieces):
        before = texts[-1] if texts else ""
        after = pieces[place + 1][1] if place + 1 < len(pieces) else ""
        if not height or not letters.strip():
            texts.append(letters)
            continue
        if height == "lowered":
            mark = lowered(before, letters, after)
        elif height == "raised":
            mark = raised(before, letters, after)
        else:
            mark = f"[{letters}]" if not before or before[-1].isspace() else f" [{letters}]"
        # A space comes after the mark of a note, unless a stop does.
        ends = mark[-1:] == "]" or not before
        space = letters[-1:].isspace() or (ends and after[:1].isalnum())
        texts.append(f"{mark} " if space else mark)
    return "".join(texts)
