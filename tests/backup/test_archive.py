"""What is no whole backup of this Codex is refused, before anything is written."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from codex.backup.archive import blocks, unpack
from codex.backup.manifest import FORMAT, Manifest, Member
from codex.errors import InvalidInput
from codex.retrieval.content import VERSION
from codex.store.database.migrations import SCHEMA_VERSION

CONTENT = {"codex.duckdb": b"rows" * 5000, "documents/a.txt": b"text"}


def manifest_of(content: dict[str, bytes], **other: Any) -> Manifest:
    """Unchecked, as a hostile program would write it."""
    members = tuple(
        Member.model_construct(name=name, size=len(data), sha256=hashlib.sha256(data).hexdigest(), mtime_ns=9)
        for name, data in content.items()
    )
    return Manifest.model_construct(
        **{
            "format": FORMAT,
            "codex": "0.1.0",
            "database": SCHEMA_VERSION,
            "catalogue": VERSION,
            "created_at": datetime(2026, 1, 1, tzinfo=UTC),
            "documents": "/home/documents",
            "members": members,
            "models": (),
            "left_out": (),
            **other,
        }
    )


@pytest.fixture
def packed(tmp_path: Path) -> Callable[..., Path]:
    def pack(content: dict[str, bytes] = CONTENT, **other: Any) -> Path:
        manifest, sources = manifest_of(content, **other), {}
        for number, (name, data) in enumerate(content.items()):
            sources[name] = tmp_path / f"source-{number}"
            sources[name].write_bytes(data)
        path = tmp_path / "it.tar.gz"
        path.write_bytes(b"".join(blocks(manifest, sources)))
        return path

    return pack


def assert_refused(path: Path, words: str) -> None:
    into = path.parent / "into"
    into.mkdir()
    with pytest.raises(InvalidInput, match=words) as raised:
        unpack(path)
    assert raised.value.fields in (("FILE",), ())
    with pytest.raises(InvalidInput, match=words):
        unpack(path, into)
    assert not (path.parent / "evil").exists()


def test_a_whole_one_is_unpacked_and_is_a_tar_that_others_read(
    packed: Callable[..., Path], tmp_path: Path
) -> None:
    path, into = packed(), tmp_path / "into"
    manifest, digest = unpack(path, into)
    assert {name: (into / name).read_bytes() for name in CONTENT} == CONTENT
    assert {(into / name).stat().st_mode & 0o777 for name in CONTENT} == {0o600}
    assert (into / "documents").stat().st_mode & 0o777 == 0o700
    with tarfile.open(path) as tar:
        assert tar.getnames() == ["manifest.json", *CONTENT]
        text = tar.extractfile("manifest.json")
        assert text is not None
        assert hashlib.sha256(text.read()).hexdigest() == digest
    assert manifest.size == sum(map(len, CONTENT.values()))


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "documents/../../evil",
        "/tmp/evil",
        "documents//evil",
        "documents/./evil",
        "documents",
        "models/evil.gguf",
        "server.json",
        ".restore/journal.json",
        "codex.duckdb.wal",
        "",
        "documents/evil\0",
    ],
)
def test_a_name_that_is_none_of_a_home_is_refused(packed: Callable[..., Path], name: str) -> None:
    path = packed({"codex.duckdb": b"rows"})
    whole = gzip.decompress(path.read_bytes())
    hostile = manifest_of({"codex.duckdb": b"rows", name: b"evil"}).model_dump_json().encode()
    path.write_bytes(gzip.compress(_as_member("manifest.json", hostile) + whole))
    assert_refused(path, "no file that a backup holds")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"documents/a": b""}, "codex.duckdb is missing"),
        ({"codex.duckdb": b"", "documents/a": b"", "documents/a/b": b""}, "both a file and a folder"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(
    packed: Callable[..., Path], content: dict[str, bytes], words: str
) -> None:
    assert_refused(packed(content), words)


def test_a_file_that_is_named_twice_is_refused(packed: Callable[..., Path]) -> None:
    members = manifest_of(CONTENT).members
    assert_refused(packed(CONTENT, members=(*members, members[-1])), "in it twice")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_a_link_or_device_among_the_members_is_refused(packed: Callable[..., Path], kind: bytes) -> None:
    path = packed()
    out = io.BytesIO()
    form = tarfile.GNU_FORMAT
    with tarfile.open(path) as source, tarfile.open(fileobj=out, mode="w:gz", format=form) as tar:
        for info in source.getmembers():
            data = source.extractfile(info)
            if info.name == "documents/a.txt":
                info.type, info.linkname, info.size = kind, "/etc/passwd", 0
            tar.addfile(info, data)
    path.write_bytes(out.getvalue())
    assert_refused(path, "its header of 'documents/a.txt' is not the one")


def test_one_that_is_cut_off_anywhere_is_refused(packed: Callable[..., Path], tmp_path: Path) -> None:
    whole = packed().read_bytes()
    cut = tmp_path / "cut"
    for size in range(0, len(whole), max(1, len(whole) // 60)):
        cut.write_bytes(whole[:size])
        with pytest.raises(InvalidInput, match="is damaged"):
            unpack(cut)


def test_one_with_a_changed_byte_anywhere_is_refused(packed: Callable[..., Path], tmp_path: Path) -> None:
    whole = gzip.decompress(packed().read_bytes())
    changed = tmp_path / "changed"
    for at in range(0, len(whole), 97):
        data = bytearray(whole)
        data[at] ^= 1
        changed.write_bytes(gzip.compress(bytes(data), 0))
        with pytest.raises(InvalidInput):
            unpack(changed)


@pytest.mark.parametrize(
    "junk",
    [b"", b"no archive", gzip.compress(b"no tar", mtime=0), gzip.compress(bytes(4096), mtime=0)],
    ids=["empty", "text", "no tar", "an empty tar"],
)
def test_what_is_no_backup_is_refused(tmp_path: Path, junk: bytes) -> None:
    path = tmp_path / "junk"
    path.write_bytes(junk)
    assert_refused(path, "was not written by `codex backup`")


def test_what_follows_the_end_is_refused(packed: Callable[..., Path]) -> None:
    path = packed()
    path.write_bytes(path.read_bytes() + gzip.compress(b"more"))
    assert_refused(path, "does not end where its manifest does")


def test_a_bomb_is_refused_without_being_unpacked(packed: Callable[..., Path]) -> None:
    path = packed()
    whole = gzip.decompress(path.read_bytes())
    bomb = whole[: -len(CONTENT["documents/a.txt"])] + bytes(10**6)
    path.write_bytes(gzip.compress(bomb, 1))
    assert_refused(path, "is damaged")
    # A header by which other readers keep gigabytes in memory.
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, 8 * 2**30
    path.write_bytes(gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(10**6)))
    (path.parent / "into").rename(path.parent / "done")
    assert_refused(path, "does not begin with manifest.json")
    huge = tarfile.TarInfo("manifest.json")
    for size in (2**40, -1):
        huge.size = size
        path.write_bytes(gzip.compress(huge.tobuf(tarfile.GNU_FORMAT)))
        with pytest.raises(InvalidInput, match="does not begin with"):
            unpack(path)


@pytest.mark.parametrize("newer", ["format", "database", "catalogue"])
def test_one_of_a_newer_codex_is_refused(packed: Callable[..., Path], newer: str) -> None:
    path = packed(CONTENT, **{newer: 99, "codex": "9.9.0"})
    assert_refused(path, "made by a newer Codex, 9.9.0.*Update Codex")


def _as_member(name: str, data: bytes) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), 0o600
    return info.tobuf(tarfile.GNU_FORMAT) + data + bytes(-len(data) % 512)
