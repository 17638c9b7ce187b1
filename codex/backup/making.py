"""Making a backup: the home as it is at one moment, while it is used or not."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import stat
import uuid
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from codex.access import Access
from codex.backup.archive import blocks, read_exactly, unpack
from codex.backup.manifest import (
    ACCESS,
    CATALOGUE,
    CHOICES,
    FOLDERS,
    FORMAT,
    LeftModel,
    Manifest,
    Member,
)
from codex.engines.models import Models
from codex.errors import Conflict, InvalidInput, StoreError
from codex.private import FILE, PARTIAL, make_folder, opener
from codex.retrieval.catalogue import Catalogue
from codex.retrieval.content import VERSION
from codex.store import Store
from codex.store.database.migrations import SCHEMA_VERSION

SNAPSHOT = "backup-"
"""How the name of a folder begins, in PARTIAL, that holds a home as it was at one moment."""


def archive_of(home: Path, store: Store) -> Generator[bytes, None, None]:
    """A backup of a home as an archive, piece by piece. store: of that home, open in this process.

    What was committed before is in it. Before the first piece everything is copied or linked into a folder of
    the home, so that what changes later does not matter. Raises StoreError, RetrievalError; Conflict where a
    file is written in its place meanwhile.
    """
    try:
        with _snapshot(home, store) as (manifest, folder):
            sources = {member.name: folder / member.name for member in manifest.members}
            yield from blocks(manifest, sources)
    except OSError as error:
        raise StoreError(
            f"The home {home} cannot be backed up: {error.strerror or error}. Make room on its disk, and try "
            "again."
        ) from error


def check_place(file: Path, home: Path) -> None:
    """Raises InvalidInput for a file in a folder that is backed up itself."""
    if any(file.resolve().is_relative_to((home / folder).resolve()) for folder in FOLDERS):
        raise InvalidInput(f"{file} would be part of the next backup: write it to another folder.", ["FILE"])


def save(pieces: Generator[bytes, None, None], file: Path, replace: bool = False) -> Manifest:
    """Write an archive into a file, check it, and give it its name; only its owner may read it.

    replace: a file of that name. Raises Conflict where there is one; InvalidInput where it cannot be written;
    and what the pieces raise. Then nothing is left of it.
    """
    taken = Conflict(f"{file} is there already. Take another name, or add --replace.")
    if os.path.lexists(file) and not replace:
        raise taken
    partial = file.with_name(file.name + PARTIAL)
    try:
        with closing(pieces), open(partial, "ab", opener=_unlinked) as out:
            try:
                fcntl.flock(out, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.fchmod(out.fileno(), FILE)
                out.truncate(0)  # What a process left that was killed.
                out.writelines(pieces)
                out.flush()
                os.fsync(out.fileno())
                manifest, _ = unpack(partial)
                if os.path.lexists(file) and not replace:
                    raise taken
                partial.replace(file)
            except BlockingIOError as error:
                raise Conflict(f"Another process writes {partial}. Wait for its end.") from error
            except BaseException:
                partial.unlink(missing_ok=True)
                raise
        _flush_names(file.parent)
    except OSError as error:
        raise InvalidInput(f"{file} cannot be written: {error.strerror or error}.", ["FILE"]) from error
    return manifest


@contextmanager
def _snapshot(home: Path, store: Store) -> Iterator[tuple[Manifest, Path]]:
    """The manifest, and a folder with the members as they are now. Raises as `archive_of`, and OSError."""
    _sweep(home / PARTIAL)
    folder = home / PARTIAL / f"{SNAPSHOT}{uuid.uuid4().hex}"
    make_folder(folder)
    mark = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(mark, fcntl.LOCK_EX)
        # The database first: a file that a row names is then among those that follow.
        store.copy_to(folder)
        _copy_catalogue(home, folder)
        _copy_access(home, folder)
        left_out = _link_files(home, folder)
        with suppress(FileNotFoundError):
            _link(home / CHOICES, folder / CHOICES)
        members = [_member(path, folder) for path in sorted(folder.rglob("*")) if path.is_file()]
        yield _manifest(home, members, left_out), folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(mark)


def _sweep(folder: Path) -> None:
    """Delete what backups left that were killed: nobody holds it."""
    for left in folder.glob(f"{SNAPSHOT}*"):
        with suppress(OSError):
            mark = os.open(left, os.O_RDONLY | os.O_CLOEXEC)
            try:
                fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left)
            finally:
                os.close(mark)


def _manifest(home: Path, members: list[Member], left_out: list[str]) -> Manifest:
    return Manifest(
        format=FORMAT,
        codex=version("codex-workbench"),
        database=SCHEMA_VERSION,
        catalogue=VERSION,
        created_at=datetime.now(UTC),
        documents=os.fsencode(home.resolve() / "documents").decode("utf-8", "replace"),
        members=tuple(members),
        models=tuple(_left_models(home)),
        left_out=tuple(left_out),
    )


def _copy_catalogue(home: Path, folder: Path) -> None:
    with closing(Catalogue(home / CATALOGUE)) as catalogue:
        if catalogue.exists:
            make_folder((folder / CATALOGUE).parent)
            catalogue.copy_to(folder / CATALOGUE)


def _copy_access(home: Path, folder: Path) -> None:
    with closing(Access(home)) as access:
        if access.database.exists:
            access.database.copy_to(folder / ACCESS)


def _link_files(home: Path, folder: Path) -> list[str]:
    """Take every file of FOLDERS; returns what cannot be in a backup."""
    left_out = []
    for top in FOLDERS:
        for parent, folders, files in os.walk(home / top):
            if top != "documents":  # Elsewhere a dot marks what is unfinished, and locks.
                folders[:] = [name for name in folders if not name.startswith(".")]
                files = [name for name in files if not name.startswith(".")]
            links = [name for name in folders if (Path(parent) / name).is_symlink()]
            for path in (Path(parent) / name for name in (*links, *files)):
                name = path.relative_to(home)
                try:
                    if not stat.S_ISREG(path.lstat().st_mode) or not _is_text(str(name)):
                        left_out.append(os.fsencode(name).decode("utf-8", "replace"))
                        continue
                    make_folder((folder / name).parent)
                    _link(path, folder / name)
                except FileNotFoundError:
                    continue  # It was deleted meanwhile.
    return sorted(left_out)


def _link(path: Path, to: Path) -> None:
    """A second name of the file: who replaces or deletes it leaves this one. Where that cannot be, a copy."""
    try:
        os.link(path, to, follow_symlinks=False)
    except FileNotFoundError:
        raise
    except OSError:
        with path.open("rb") as source, open(to, "xb", opener=opener) as copy:
            shutil.copyfileobj(source, copy)
        shutil.copystat(path, to)


def _member(path: Path, folder: Path) -> Member:
    """A file as it is now; what is appended to it later is left out."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        found = os.fstat(file.fileno())
        for piece in read_exactly(file, found.st_size):
            digest.update(piece)
            size += len(piece)
    return Member(
        name=path.relative_to(folder).as_posix(),
        size=size,
        sha256=digest.hexdigest(),
        mtime_ns=max(0, found.st_mtime_ns),
    )


def _left_models(home: Path) -> Iterator[LeftModel]:
    models = Models(home)
    for model in models.list():
        if model.present:
            by_hand = f"copy {model.path.name} into the folder models of the home"
            fetched = f"codex models fetch {model.name}"
            yield LeftModel(
                name=model.name,
                size=model.size,
                remedy=fetched if models.is_fetchable(model.name) else by_hand,
            )


def _is_text(name: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in name)


def _unlinked(path: str, flags: int) -> int:
    return opener(path, flags | os.O_NOFOLLOW)


def _flush_names(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
