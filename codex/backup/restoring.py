"""Putting a backup in the place of a home's data: all of it, or nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from codex import swap
from codex.access import Access
from codex.backup.archive import unpack
from codex.backup.holding import held, unused
from codex.backup.manifest import ACCESS, CATALOGUE, CHOICES, FOLDERS, Manifest
from codex.errors import Conflict, InvalidInput, StoreError
from codex.private import make_folder, tighten
from codex.retrieval.catalogue import Catalogue
from codex.retrieval.restored import adopt
from codex.store import Store
from codex.store.store import DATABASE
from codex.swap import Exchange

DATA = (f"{DATABASE}*", CHOICES, *FOLDERS, "index")
"""What is replaced of a home, as patterns; models, the cache and what is not Codex's stay."""
SPARE = 64 * 2**20
"""Bytes of the disk that a restore leaves free."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did."""

    manifest: Manifest
    answers: int
    """That the restored database holds."""


def restore(
    file: Path, home: Path, replace: bool = False, tell: Callable[[str], None] = lambda line: None
) -> Restored:
    """Restore a backup into a home, and open its database.

    Everything is checked and brought up to date in a folder of its own before anything in the home changes.
    A restore that was interrupted is completed first. replace: what the home holds already; it is kept in a
    folder of the home until the restore has succeeded. tell: is given lines that say so.

    Raises InvalidInput where the file is no whole backup, is of a newer Codex, or does not fit on the disk;
    Conflict where the home is in use, or holds data; StoreError, RetrievalError. Then the home is as before.
    """
    try:
        make_folder(home)
        with held(home):
            completed = _completed(home)
            if completed is not None:
                tell("completed the restore that was interrupted")
            manifest, digest = unpack(file)
            if digest != completed:
                manifest = _restore(file, home, replace, digest, tell)
            with Store(home / DATABASE) as store:
                answers = store.history.page(size=1).total
            return Restored(manifest, answers)
    except OSError as error:
        raise StoreError(
            f"The home {home} cannot be written: {error.strerror or error}. Nothing in it has changed; make "
            "room on its disk or change its permissions, and try again."
        ) from error


def _completed(home: Path) -> str | None:
    """Complete a restore that was interrupted, and return what it came from; None: none was."""
    interrupted = swap.pending(home)
    if interrupted is None:
        return None
    interrupted.complete()
    _finish(home, interrupted)
    return interrupted.source


def _restore(file: Path, home: Path, replace: bool, digest: str, tell: Callable[[str], None]) -> Manifest:
    staging = home / swap.STAGING
    with ExitStack() as stack:
        stack.enter_context(unused(home))
        there = _data(home)
        if there and not replace:
            raise Conflict(
                f"The home {home} holds data already ({', '.join(there)}). Give --replace to put the backup "
                "in its place, or set another CODEX_HOME."
            )
        shutil.rmtree(staging, ignore_errors=True)  # Left by a restore that was killed while it unpacked.
        try:
            make_folder(staging / swap.NEW)
            manifest = _unpacked(file, staging / swap.NEW, home, digest)
            exchange = _exchange(home, there, digest)
            if there:
                tell(f"what was there is kept in {home / exchange.old} until the restore has succeeded")
            _change_places(home, exchange, there)
        except BaseException:
            if swap.pending(home) is None:
                shutil.rmtree(staging, ignore_errors=True)
            raise
    _finish(home, exchange)
    return manifest


def _unpacked(file: Path, new: Path, home: Path, digest: str) -> Manifest:
    """The files of a backup in a folder, brought up to date."""

    def accepted(manifest: Manifest, now: str) -> None:
        if now != digest:
            raise Conflict(f"{file} changed while it was read. Restore it again.")
        room = shutil.disk_usage(home).free - SPARE
        if manifest.size > room:
            raise InvalidInput(
                f"{file} holds {manifest.size / 1e6:,.0f} MB, and the disk of {home} has room for "
                f"{max(0, room) / 1e6:,.0f} MB. Make room, or set another CODEX_HOME.",
                ["FILE"],
            )

    manifest, _ = unpack(file, new, accepted)
    Store(new / DATABASE).close()  # An older database is migrated.
    catalogue = new / CATALOGUE
    if catalogue.is_file():
        opened = Catalogue(catalogue)
        opened.get("id")
        opened.close()
        adopt(catalogue, Path(manifest.documents), home.resolve() / "documents")
    if (home / ACCESS).exists():  # Who may get in stays, and the audit log is only added to.
        (new / ACCESS).unlink(missing_ok=True)
    elif (new / ACCESS).exists():
        with closing(Access(new)) as access:
            access.users.list()
    tighten(new, deep=True)
    return manifest


def _exchange(home: Path, there: list[str], digest: str) -> Exchange:
    arriving = tuple(sorted(path.name for path in (home / swap.STAGING / swap.NEW).iterdir()))
    leaving = tuple(name for name in there if name not in arriving)
    old = f"{swap.OLD}{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    return Exchange(home, old, arriving, leaving, digest)


def _change_places(home: Path, exchange: Exchange, there: list[str]) -> None:
    exchange.begin()
    # From here on nobody opens the home; a process may have done so just before.
    if _data(home) != there:
        exchange.cancel()
        raise Conflict(f"Another process has begun to use {home}: stop it, then restore.")
    exchange.complete()


def _finish(home: Path, exchange: Exchange) -> None:
    """Open what is there now, then give up what was there before. Raises StoreError, and keeps that."""
    Store(home / DATABASE).close()
    shutil.rmtree(home / exchange.old, ignore_errors=True)
    shutil.rmtree(home / swap.STAGING, ignore_errors=True)


def _data(home: Path) -> list[str]:
    """The entries of a home that a restore replaces; empty folders count as nothing."""
    found = {path.name for pattern in DATA for path in home.glob(pattern)}
    return sorted(name for name in found if not _is_empty(home / name))


def _is_empty(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink() and not any(path.iterdir())
