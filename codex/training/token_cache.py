"""Rows as tokens in files: made once for a source and a tokenizer, read from the disk as they are needed."""

from __future__ import annotations

import json
import logging
import shutil
from array import array
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from codex.errors import TrainingError
from codex.outputs import output_folder
from codex.private import make_folder

FORMAT = 1
"""Raised whenever rows are made otherwise, so that older files are made again."""
KEPT = 16
"""Sets of rows; the oldest go first."""

log = logging.getLogger(__name__)


class Tokens(NamedTuple):
    """A row."""

    ids: list[int]
    start: int
    """The first token that is trained on."""
    is_validation: bool


@dataclass(frozen=True, slots=True)
class Rows:
    """Some of the rows of a file of tokens, in their order; see batches.TokenRows."""

    tokens: NDArray[np.int32]
    """[all tokens]: of the whole file, on the disk."""
    begins: NDArray[np.int64]
    """[rows]: where each row begins there."""
    lengths: NDArray[np.int64]
    """[rows]: tokens of each."""
    starts: NDArray[np.int32]
    """[rows]: the first token of each that is trained on."""

    def ids(self, row: int) -> NDArray[np.int32]:
        """[tokens]: of a row."""
        begin = int(self.begins[row])
        return self.tokens[begin : begin + int(self.lengths[row])]

    def start(self, row: int) -> int:
        """The first token of a row that is trained on."""
        return int(self.starts[row])


@dataclass(frozen=True, slots=True)
class Prepared:
    """Rows, and what became of the others."""

    train: Rows
    validation: Rows
    counts: Counter[str]
    key: str
    """Changes with the rows, their order and the tokenizer."""


def cached(cache: Path, key: str, make: Callable[[Counter[str]], Iterable[Tokens]]) -> Prepared:
    """The rows under a key, made where they are not there. Raises TrainingError when the disk is full."""
    folder = cache / "tokens" / f"{key[:32]}-{FORMAT}"
    if not (folder / "counts.json").is_file():
        try:
            make_folder(folder.parent)
            with output_folder(folder) as made:
                _write(made, make)
        except OSError as error:
            raise TrainingError(
                f"The tokens of the rows cannot be kept in {folder}: {error.strerror or error}. Make room."
            ) from error
        _delete_oldest(folder.parent)
    return _read(folder, key)


def _write(folder: Path, make: Callable[[Counter[str]], Iterable[Tokens]]) -> None:
    counts: Counter[str] = Counter()
    lengths, starts, sides = array("q"), array("l"), array("b")
    with (folder / "tokens.int32").open("wb") as file:
        for row in make(counts):
            file.write(np.asarray(row.ids, np.int32).tobytes())
            lengths.append(len(row.ids))
            starts.append(row.start)
            sides.append(row.is_validation)
    np.save(folder / "lengths.npy", np.asarray(lengths, np.int64))
    np.save(folder / "starts.npy", np.asarray(starts, np.int32))
    np.save(folder / "validation.npy", np.asarray(sides, np.bool_))
    (folder / "counts.json").write_text(json.dumps(counts), encoding="utf-8")


def _read(folder: Path, key: str) -> Prepared:
    lengths, starts, sides = (np.load(folder / f"{name}.npy") for name in ("lengths", "starts", "validation"))
    empty = np.empty(0, np.int32)
    tokens = np.memmap(folder / "tokens.int32", np.int32, "r") if lengths.sum() else empty
    begins = np.concatenate([[0], np.cumsum(lengths)[:-1]]) if len(lengths) else lengths

    def rows(chosen: NDArray[np.bool_]) -> Rows:
        return Rows(tokens, begins[chosen], lengths[chosen], starts[chosen])

    counts: Counter[str] = Counter(json.loads((folder / "counts.json").read_bytes()))
    return Prepared(rows(~sides), rows(sides), counts, key)


def _delete_oldest(folder: Path) -> None:
    """What a training reads meanwhile stays readable: the system keeps an open file."""
    made = [path for path in folder.iterdir() if not path.name.startswith(".")]
    for old in sorted(made, key=lambda path: path.stat().st_mtime, reverse=True)[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
