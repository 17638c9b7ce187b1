"""The folder of uploaded documents: where each file goes, how it gets there whole, how it goes again."""

from __future__ import annotations

import filecmp
import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from codex.errors import Conflict, InvalidInput
from codex.private import make_folder

Outcome = Literal["new", "same", "replaced"]

NAME = r"(?:[^/.\s][^/]*/)*[^/.\s][^/]*"
"""Names that `place` takes, but for those that are too long for the file system."""


def place(folder: Path, name: str) -> Path:
    """Where a file of that name goes: inside the folder, in its own subfolders. Raises InvalidInput."""
    parts = [_clean(part) for part in name.split("/")]
    # A name with a dot first would be hidden from the person who looks into the folder.
    if any(not part.strip() or part.startswith(".") for part in parts):
        raise InvalidInput(f"A file cannot be kept under the name {name!r}: rename it.", ["name"])
    target = folder.joinpath(*parts)
    # A link inside the folder may still lead out of it.
    if not target.resolve().is_relative_to(folder.resolve()):
        raise InvalidInput(f"{name!r} leads out of the folder of documents.", ["name"])
    return target


def settle(arrived: Path, target: Path, replace: bool) -> Outcome:
    """Move a whole file to its place; same: a file of that content was there already.

    Raises Conflict when another one is there and is not to be replaced, InvalidInput.
    """
    try:
        make_folder(target.parent)
        if target.is_dir():
            raise Conflict(f"There is a folder named {target.name!r} already: rename the file.")
        there = target.exists()
        if there and filecmp.cmp(arrived, target, shallow=False):
            return "same"
        if there and not replace:
            raise Conflict(f"There is another file named {target.name!r} already.")
        os.replace(arrived, target)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise InvalidInput(f"{target.name!r} cannot be kept: {reason}. Rename it.", ["name"]) from error
    return "replaced" if there else "new"


def delete(folder: Path, paths: Iterable[Path]) -> None:
    """Delete those of the files that are uploaded ones, and the folders that they leave empty."""
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
