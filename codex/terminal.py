"""Words that come from a terminal and go to it."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence
from pathlib import Path


def printable(text: str) -> str:
    """Text from a model or a document for a terminal: control characters show as U+FFFD, they do not act."""
    return "".join(
        c if c == "\n" or unicodedata.category(c) not in {"Cc", "Cf", "Cs"} else "\N{REPLACEMENT CHARACTER}"
        for c in text
    )


def paths_and_overrides(words: Sequence[str]) -> tuple[list[Path], list[str]]:
    """Which words are paths and which are settings: key=value, unless a file or folder is called so."""
    paths, overrides = list[Path](), list[str]()
    for word in words:
        if "=" in word and not os.path.lexists(word):
            overrides.append(word)
        else:
            paths.append(Path(word))
    return paths, overrides
