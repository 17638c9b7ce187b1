"""Brings a file of questions into the home folder, row by row; what cannot be used is named."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from codex.datasets.columns import Given
from codex.datasets.formats.keys import KeyBase
from codex.datasets.library import NAME, Dataset, broken, datasets, find
from codex.datasets.preview import nothing_usable
from codex.datasets.questions import Accepted, Duplicate, Options, Understood, read
from codex.datasets.table_files import Rejected
from codex.errors import Cancelled, Conflict, InvalidInput, StoreError, TooManyRejected
from codex.items import GraderName
from codex.private import make_folder, tighten

MOST_QUESTIONS = 1_000_000
"""A set may hold; of a larger file the rest is not read, and that is said."""
MOST_REJECTED = 0.2
"""Of a file's rows, unless more are accepted: most of them say that the file was not understood."""
NAMED = 100
"""Rejected rows that a report names itself; all are in the file beside the set."""

TOO_MANY = "More than a fifth of the rows cannot be used."
FIRST_REASONS = 3
"""That an error names."""

WRITTEN = ("rejected.txt", "md", "jsonl")
"""The files of a set, in the order in which they take their places."""

OnRows = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file."""

    dataset: Dataset
    duplicates: int
    """Rows left out, since they ask and accept the same as one before."""
    rejected: int
    reasons: tuple[Rejected, ...]
    """Of the first ones."""
    rejected_path: Path | None
    """The file that names every rejected row; None: none was."""
    complete: bool
    """False: the file holds more questions than a set may."""
    understood: Understood


@dataclass(slots=True)
class _Counts:
    questions: int = 0
    duplicates: int = 0
    reasons: list[Rejected] = field(default_factory=list)
    rejected: int = 0
    complete: bool = True


def import_file(
    path: Path,
    home: Path,
    name: str | None = None,
    columns: Given | None = None,
    encoding: str | None = None,
    *,
    split: str | None = None,
    key_base: KeyBase | None = None,
    grader: GraderName | None = None,
    accept_rejects: bool = False,
    replace: bool = False,
    most: int = MOST_QUESTIONS,
    tell: Callable[[Understood], None] | None = None,
    progress: OnRows | None = None,
    cancel: threading.Event | None = None,
) -> Imported:
    """Import a file under home/datasets. Nothing is changed unless all of it was read.

    name: None: the file's. columns: which column holds a field, where its name does not say so.
    split: what parts several answers, or choices, in one text. key_base: what the numbers of correct choices
    count from, where the file does not tell. grader: of all answers; None: chosen for each.
    accept_rejects: keep the rest, however many rows cannot be used. replace: a set of that name. tell: called
    with what was understood, before anything is kept. progress: called with the rows read so far.

    Raises NotFound, InvalidInput (nothing in the file can be used, or nothing tells what its keys count
    from), TooManyRejected, Conflict (the name is taken), Cancelled, StoreError.
    """
    named = free_name(name or name_of(path), home, replace)
    folder = home / "datasets"
    understood = Understood()
    options = Options(columns, split or None, key_base, grader)
    rows = _told(read(path, named, options, encoding, understood), progress, cancel)
    try:
        make_folder(folder)
        with _draft(folder) as draft:
            counts = _written(rows, draft, path.name, named, most)
            if tell:
                tell(understood)
            if not accept_rejects:
                _check(counts, path.name)
            (draft / "md").write_text(_card(named, path, counts, understood), encoding="utf-8")
            for suffix in WRITTEN:
                tighten(draft / suffix)
                os.replace(draft / suffix, folder / f"{named}.{suffix}")
        rejected = folder / f"{named}.rejected.txt"
        if not counts.rejected:
            rejected.unlink()
    except OSError as wrong:
        why = wrong.strerror or wrong
        raise StoreError(f"{folder} cannot be written: {why}. Nothing was imported.") from wrong
    return Imported(
        dataset=find(named, home),
        duplicates=counts.duplicates,
        rejected=counts.rejected,
        reasons=tuple(counts.reasons),
        rejected_path=rejected if counts.rejected else None,
        complete=counts.complete,
        understood=understood,
    )


def delete(name: str, home: Path) -> None:
    """Delete an imported set. Raises NotFound; Conflict for one that ships with Codex; StoreError."""
    if find(name, home).kind == "shipped":
        raise Conflict(f"The dataset {name} ships with Codex and cannot be deleted.")
    try:
        for suffix in reversed(WRITTEN):
            (home / "datasets" / f"{name}.{suffix}").unlink(missing_ok=True)
    except OSError as wrong:
        raise StoreError(f"The dataset {name} cannot be deleted: {wrong.strerror or wrong}.") from wrong


@contextmanager
def _draft(folder: Path) -> Iterator[Path]:
    """A new folder in that one, for as long as the block runs; what killed imports left goes first."""
    with ExitStack() as held:
        with locked(folder):
            for left in folder.glob(".import-*"):
                with suppress(OSError), locked(left, fcntl.LOCK_NB):
                    shutil.rmtree(left)
            made = Path(held.enter_context(tempfile.TemporaryDirectory(dir=folder, prefix=".import-")))
            held.enter_context(locked(made))
        yield made


@contextmanager
def locked(folder: Path, how: int = 0) -> Iterator[None]:
    """Hold a folder. The system lets go of it when the process ends, however it ends. Raises OSError."""
    file = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | how)
        yield
    finally:
        os.close(file)


def _told(
    rows: Iterator[Accepted | Duplicate | Rejected],
    progress: OnRows | None,
    cancel: threading.Event | None,
) -> Iterator[Accepted | Duplicate | Rejected]:
    for number, row in enumerate(rows, 1):
        if cancel and cancel.is_set():
            raise Cancelled("The import was stopped; nothing was changed.")
        if progress:
            progress(number)
        yield row


def _written(
    rows: Iterator[Accepted | Duplicate | Rejected], folder: Path, file: str, name: str, most: int
) -> _Counts:
    """Write the rows into `jsonl` and `rejected.txt`. Raises InvalidInput when there is no question."""
    counts = _Counts()
    with (
        (folder / "jsonl").open("w", encoding="utf-8") as good,
        (folder / "rejected.txt").open("w", encoding="utf-8", errors="backslashreplace") as bad,
    ):
        for row in rows:
            if isinstance(row, Duplicate):
                counts.duplicates += 1
            elif isinstance(row, Rejected):
                counts.rejected += 1
                counts.reasons += [row] if len(counts.reasons) < NAMED else []
                bad.write(f"line {row.line}: {row.reason}\n")
            elif counts.questions == most:
                counts.complete = False
                break
            else:
                counts.questions += 1
                good.write(json.dumps(row.item.as_row(name), ensure_ascii=False) + "\n")
    if not counts.questions:
        raise InvalidInput(nothing_usable(file, counts.reasons))
    return counts


def _check(counts: _Counts, file: str) -> None:
    """Raises TooManyRejected where more than MOST_REJECTED of the rows cannot be used."""
    rows = counts.questions + counts.duplicates + counts.rejected
    if counts.rejected <= MOST_REJECTED * rows:
        return
    first = "".join(f" Line {row.line}: {row.reason}." for row in counts.reasons[:FIRST_REASONS])
    raise TooManyRejected(
        f"{counts.rejected:,} of {rows:,} rows of {file} cannot be used, more than a fifth: nothing was "
        f"imported.{first} Fix the file, name its columns, or import the accepted rows with "
        "--accept-rejects.",
        ["accept_rejects"],
    )


def free_name(name: str, home: Path, replace: bool = False) -> str:
    """The name, if a new set may be called so. Raises InvalidInput, Conflict."""
    if not NAME.fullmatch(name):
        raise InvalidInput(
            f"{name!r} is not a valid name for a dataset: use up to 64 of a-z, 0-9, dots, - and _.",
            ["name"],
        )
    there = datasets(home)
    if any(each.name == name and each.kind == "shipped" for each in there):
        raise Conflict(f"The dataset {name} ships with Codex: give another name.")
    taken = {each.name for each in there} | {each.name for each in broken(home)}
    if name in taken and not replace:
        raise Conflict(f"There is a dataset {name} already: give another name, or replace it.")
    for suffix in WRITTEN:
        if (path := home / "datasets" / f"{name}.{suffix}").is_dir():
            raise Conflict(f"{path} is a folder: remove it, or give another name.")
    return name


def name_of(path: Path) -> str:
    """The file's name without what it ends with, as a set may be called."""
    stem = path.name.lower().removesuffix(".gz").rpartition(".")[0]
    return re.sub(r"[^a-z0-9_.-]+", "-", stem).strip("-._")[:64] or "imported"


def _card(name: str, path: Path, counts: _Counts, understood: Understood) -> str:
    lines = [
        f"# {name}",
        "",
        f"Imported from {path.name} on {datetime.now(UTC):%Y-%m-%d}.",
        "",
        f"- rows: {counts.questions}",
        f"- duplicates left out: {counts.duplicates}",
        f"- rejected: {counts.rejected}" + (f", see {name}.rejected.txt" if counts.rejected else ""),
        *([] if counts.complete else [f"- only the first {counts.questions} questions of the file"]),
        *(f"- {line}" for line in understood.lines()),
    ]
    return "\n".join(lines) + "\n"
