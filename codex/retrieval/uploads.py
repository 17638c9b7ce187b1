"""The folder of uploaded documents: where a file is put, and how it is replaced and deleted."""

from __future__ import annotations

import filecmp
import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from codex.errors import Conflict, InvalidInput
from codex.private import make_folder

Placement = Literal["new", "same", "replaced"]

NAME = r"(?:[^/.\s][^/]*/)*[^/.\s][^/]*"
"""Names that `place` accepts, except those that are too long for the file system."""


def place(folder: Path, name: str) -> Path:
    """The path for a file of that name, inside the folder or its subfolders. Raises InvalidInput."""
    parts = [_clean(part) for part in name.split("/")]
    # A name that starts with a dot would be hidden from whoever looks into the folder.
    if any(not part.strip() or part.startswith(".") for part in parts):
        raise InvalidInput(f"A file cannot be stored under the name {name!r}: rename it.", ["name"])
    target = folder.joinpath(*parts)
    # A link inside the folder may still lead out of it.
    if not target.resolve().is_relative_to(folder.resolve()):
        raise InvalidInput(f"{name!r} leads out of the folder of documents.", ["name"])
    return target


def settle(arrived: Path, target: Path, replace: bool) -> Placement:
    """Move a complete file to its place; same: it was there already, with the same content.

    Raises Conflict when another file is there and `replace` is not set, InvalidInput.
    """
    try:
        make_folder(target.parent)
        if target.is_dir():
            raise Conflict(f"There is already a folder named {target.name!r}: rename the file.")
        there = target.exists()
        if there and filecmp.cmp(arrived, target, shallow=False):
            return "same"
        if there and not replace:
            raise Conflict(f"There is already another file named {target.name!r}.")
        os.replace(arrived, target)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise InvalidInput(f"{target.name!r} cannot be stored: {reason}. Rename it.", ["name"]) from error
    return "replaced" if there else "new"


def delete(folder: Path, paths: Iterable[Path]) -> None:
    """Delete those of the files that were uploaded, and the folders that this leaves empty."""
    folder = folder.resolve()
    for path in paths:
        if not path.is_relative_to(folder):
            continue
        path.unlink(missing_ok=True)
        for parent in path.parents:
            if parent == folder or not parent.is_dir() or any(parent.iterdir()):
                break
            parent.rmdir()


def _clean(part: str) -> str:
    part = unicodedata.normalize("NFC", part).replace("\\", "_")
    return "".join("_" if unicodedata.category(c) in {"Cc", "Cs"} else c for c in part)
