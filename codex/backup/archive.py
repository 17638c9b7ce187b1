"""The archive: tar in gzip, with one form only, so that nothing but its manifest has to be believed.

A reader knows from the manifest, which comes first, every byte of every header. What differs by a bit, a link
or a device among it, is refused before anything of it is written.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from codex.backup.manifest import MOST_BYTES, NAME, Manifest, Member, NewerBackup, read_manifest
from codex.errors import Conflict, InvalidInput
from codex.private import make_folder, opener

BLOCK = 2**20
"""Bytes that are read and written at a time."""
RECORD = 512
END = bytes(2 * RECORD)
LEVEL = 6
"""Of gzip: 9 takes twice the time for a hundredth less."""


def blocks(manifest: Manifest, sources: Mapping[str, Path]) -> Iterator[bytes]:
    """The archive, piece by piece. sources: where each member is read from.

    Raises Conflict where a file is no longer what the manifest says; InvalidInput where there are too many
    files; OSError.
    """
    packer = zlib.compressobj(LEVEL, wbits=31)
    for piece in _pieces(manifest, sources):
        if packed := packer.compress(piece):
            yield packed
    yield packer.flush()


def _pieces(manifest: Manifest, sources: Mapping[str, Path]) -> Iterator[bytes]:
    text = manifest.model_dump_json(indent=1).encode()
    if len(text) > MOST_BYTES:
        raise InvalidInput(f"{len(manifest.members):,} files are too many for a backup.", ["FILE"])
    yield _header(NAME, len(text), 0)
    yield text + _padding(len(text))
    for member in manifest.members:
        yield _header(member.name, member.size, member.mtime_ns)
        digest = hashlib.sha256()
        with sources[member.name].open("rb") as file:
            for piece in read_exactly(file, member.size):
                digest.update(piece)
                yield piece
        if digest.hexdigest() != member.sha256:
            raise Conflict(f"{member.name} changed while it was backed up. Make the backup again.")
        yield _padding(member.size)
    yield END


def read_exactly(file: BinaryIO, size: int) -> Iterator[bytes]:
    """So many bytes of a file, or what there is of them."""
    while size and (piece := file.read(min(BLOCK, size))):
        size -= len(piece)
        yield piece


def unpack(
    path: Path, into: Path | None = None, accepted: Callable[[Manifest, str], None] | None = None
) -> tuple[Manifest, str]:
    """Read a backup to its end and check all of it; returns its manifest and that one's SHA-256.

    into: an empty folder that its files are written into, as their owner's alone; None: they are only
    checked. accepted: is given the manifest before anything is written, and raises where it is not to be.
    Raises InvalidInput where the file is no backup, is damaged, or is of a newer Codex; OSError where
    something cannot be written.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror or error}.", ["FILE"]) from error
    with file, gzip.GzipFile(fileobj=file) as archive:
        manifest, digest = _first(path, archive)
        if accepted is not None:
            accepted(manifest, digest)
        for member in manifest.members:
            header = _header(member.name, member.size, member.mtime_ns)
            if _read(path, archive, len(header)) != header:
                raise _damaged(path, f"its header of {member.name!r} is not the one of its manifest")
            _copy(path, archive, member, into)
        if _read(path, archive, len(END) + 1) != END:
            raise _damaged(path, "it does not end where its manifest does")
    return manifest, digest


def _first(path: Path, archive: gzip.GzipFile) -> tuple[Manifest, str]:
    head = _read(path, archive, RECORD)
    try:
        size = tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape").size
    except tarfile.TarError as error:
        raise _damaged(path, "it is no archive") from error
    if not 0 <= size <= MOST_BYTES or head != _header(NAME, size, 0):
        raise _damaged(path, f"it does not begin with {NAME}")
    text = _read(path, archive, size)
    if len(text) < size or _read(path, archive, len(_padding(size))) != _padding(size):
        raise _damaged(path, "it is cut off")
    try:
        return read_manifest(text), hashlib.sha256(text).hexdigest()
    except NewerBackup:
        raise
    except InvalidInput as error:
        raise _damaged(path, str(error)) from error


def _copy(path: Path, archive: gzip.GzipFile, member: Member, into: Path | None) -> None:
    digest, left = hashlib.sha256(), member.size
    target = os.devnull if into is None else into / member.name
    if into is not None:
        make_folder((into / member.name).parent)
    with open(target, "wb" if into is None else "xb", opener=opener) as out:
        while left and (piece := _read(path, archive, min(BLOCK, left))):
            digest.update(piece)
            out.write(piece)
            left -= len(piece)
        if left or _read(path, archive, len(_padding(member.size))) != _padding(member.size):
            raise _damaged(path, f"it is cut off in {member.name!r}")
        if digest.hexdigest() != member.sha256:
            raise _damaged(path, f"{member.name!r} has not the checksum that the manifest gives")
        if into is not None:
            out.flush()
            os.fsync(out.fileno())
            os.utime(out.fileno(), ns=(member.mtime_ns, member.mtime_ns))


def _read(path: Path, archive: gzip.GzipFile, size: int) -> bytes:
    """At most so many bytes; fewer at the end alone."""
    try:
        return archive.read(size)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _damaged(path, str(error) or "it is cut off") from error
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror or error}.", ["FILE"]) from error


def _header(name: str, size: int, mtime_ns: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, mtime_ns // 10**9, 0o600
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def _padding(size: int) -> bytes:
    return bytes(-size % RECORD)


def _damaged(path: Path, why: str) -> InvalidInput:
    return InvalidInput(
        f"{path} is damaged, or was not written by `codex backup`: {why}. Nothing was changed; take another "
        "backup.",
        ["FILE"],
    )
