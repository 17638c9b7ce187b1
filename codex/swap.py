"""Files and folders of one folder that change places together: all of them or none, whatever happens.

What arrives lies in a folder of its own. A journal is written first; from then on the exchange is completed,
by this process or by the next `codex restore`, and until then nobody opens what lies there.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

STAGING = ".restore"
"""The folder, in the one that changes, of what arrives and of the journal."""
NEW = "new"
"""The folder in STAGING of what arrives."""
OLD = ".before-restore-"
"""How the name of the folder begins, in the one that changes, of what was there before."""
_JOURNAL = "journal.json"
_MODE = 0o600


@dataclass(frozen=True, slots=True)
class Exchange:
    """Which entries of a folder change places."""

    folder: Path
    old: str
    """The name, in the folder, of the one that the old entries are moved to."""
    arriving: tuple[str, ...]
    """The new entries; an old one of that name makes place."""
    leaving: tuple[str, ...]
    """Old entries that nothing replaces."""
    source: str
    """By which the new entries are known again: the SHA-256 of a backup's manifest."""

    def begin(self) -> None:
        """Write the journal: from here on the exchange is completed. Raises OSError."""
        said = {"old": self.old, "arriving": self.arriving, "leaving": self.leaving, "source": self.source}
        journal = _journal(self.folder)
        partial = journal.with_suffix(".part")
        with open(partial, "w", opener=lambda path, flags: os.open(path, flags, _MODE)) as file:
            json.dump(said, file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(journal)
        _flush(journal.parent)

    def complete(self) -> None:
        """Exchange what has not changed places yet, and end the exchange.

        Raises OSError, with everything where it was before; where not even that can be done, the journal
        stays.
        """
        new, old = self.folder / STAGING / NEW, self.folder / self.old
        try:
            old.mkdir(0o700, exist_ok=True)
            for name in self.leaving:
                with suppress(FileNotFoundError):  # It was moved before an interruption.
                    os.rename(self.folder / name, old / name)
            for name in self.arriving:
                if os.path.lexists(new / name):  # What lies in its place is the old one.
                    with suppress(FileNotFoundError):
                        os.rename(self.folder / name, old / name)
                    os.rename(new / name, self.folder / name)
            _flush(old)
            _flush(self.folder)
        except OSError:
            self._undo()
            raise
        self._end()

    def cancel(self) -> None:
        """End an exchange of which nothing has changed places. Raises OSError."""
        self._end()

    def _undo(self) -> None:
        new, old = self.folder / STAGING / NEW, self.folder / self.old
        for name in self.arriving:
            if not os.path.lexists(new / name):
                os.rename(self.folder / name, new / name)
        for name in (*self.arriving, *self.leaving):
            if os.path.lexists(old / name):
                os.rename(old / name, self.folder / name)
        with suppress(OSError):
            old.rmdir()
        self._end()

    def _end(self) -> None:
        _journal(self.folder).unlink()
        _flush(self.folder / STAGING)


def pending(folder: Path) -> Exchange | None:
    """The exchange that was begun in a folder and did not end; None: there is none. Raises OSError."""
    try:
        said = json.loads(_journal(folder).read_text())
    except FileNotFoundError:
        return None
    return Exchange(folder, said["old"], tuple(said["arriving"]), tuple(said["leaving"]), said["source"])


def refusal(folder: Path) -> str | None:
    """Why nothing in a folder may be opened now, and what to do; None: it may be."""
    if not _journal(folder).exists():
        return None
    return (
        f"A restore into {folder} was interrupted while old and new files changed places. Run the same "
        "`codex restore` again: it completes that."
    )


def _journal(folder: Path) -> Path:
    return folder / STAGING / _JOURNAL


def _flush(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
