"""What a backup says of itself: the first member of its archive, manifest.json."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from annotated_types import Ge
from pydantic import BaseModel, ConfigDict, FailFast, Field, ValidationError, model_validator

from codex.access import database as access
from codex.errors import InvalidInput
from codex.retrieval.content import VERSION
from codex.store.database.migrations import SCHEMA_VERSION
from codex.store.evaluation.states import SUFFIX
from codex.store.store import DATABASE

FORMAT = 1
"""Of the archive; another number for an archive that this code cannot read."""
NAME = "manifest.json"
MOST_BYTES = 32 * 2**20
"""Of the manifest: about 150,000 files."""
CATALOGUE = "index/catalogue.sqlite3"
CHOICES = "choices.json"
ACCESS = access.FILE
FILES = (DATABASE, f"{DATABASE}{SUFFIX}", CATALOGUE, CHOICES, ACCESS)
"""Members that are one file each."""
FOLDERS = ("documents", "datasets", "adapters", "verifiers")
"""Folders of a home of which a backup holds every file."""

Size = Annotated[int, Ge(0)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class Member(_Model):
    """A file of the backup."""

    name: str
    """Its place in the home, with slashes."""
    size: Size
    """Bytes."""
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    mtime_ns: Size
    """When it was last written, in nanoseconds since 1970: by that a changed document is known."""

    @model_validator(mode="after")
    def _belongs_into_a_home(self) -> Member:
        first, *rest = parts = self.name.split("/")
        plain = all(part not in ("", ".", "..") and "\0" not in part for part in parts)
        if not plain or not (self.name in FILES or (first in FOLDERS and rest)):
            raise ValueError(f"{self.name[:200]!r} is no file that a backup holds")
        return self


class LeftModel(_Model):
    """A model of the home; its files are not in the backup."""

    name: str
    size: Size
    """Bytes."""
    remedy: str
    """How to get it back."""


class Manifest(_Model):
    """What is in a backup, in the order of the archive."""

    format: int
    codex: str
    """The version that made it."""
    database: int
    """The version of the database's tables."""
    catalogue: int
    """The version of the catalogue's tables."""
    created_at: datetime
    documents: str
    """The folder of uploaded documents, as the catalogue names it."""
    members: Annotated[tuple[Member, ...], FailFast()]
    models: tuple[LeftModel, ...] = ()
    left_out: tuple[str, ...] = ()
    """Files that are not in it: links, devices, and names that are not UTF-8."""

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(member.size for member in self.members)

    @model_validator(mode="after")
    def _of_files_beside_each_other(self) -> Manifest:
        names = {member.name for member in self.members}
        if len(names) < len(self.members):
            raise ValueError("a file is in it twice")
        above = {name[:at] for name in names for at, letter in enumerate(name) if letter == "/"}
        if DATABASE not in names:
            raise ValueError(f"{DATABASE} is missing")
        if both := above & names:
            raise ValueError(f"{min(both)!r} is both a file and a folder")
        return self


class _Versions(BaseModel):
    """What every format says, however new."""

    format: int
    codex: str
    database: int
    catalogue: int


def read_manifest(text: bytes) -> Manifest:
    """Raises InvalidInput where it is damaged, or of a newer Codex."""
    try:
        said = _Versions.model_validate_json(text)
        known = said.format <= FORMAT and said.database <= SCHEMA_VERSION and said.catalogue <= VERSION
        if known:
            return Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InvalidInput(
            f"{where}{': ' if where else ''}{first['msg'].removeprefix('Value error, ')}"
        ) from error
    raise NewerBackup(
        f"The backup was made by a newer Codex, {said.codex[:40]}: its format is {said.format}, its database "
        f"has version {said.database} and its catalogue {said.catalogue}; this Codex knows {FORMAT}, "
        f"{SCHEMA_VERSION} and {VERSION}. Update Codex, then restore it."
    )


class NewerBackup(InvalidInput):
    """A backup that only a newer Codex can read."""
