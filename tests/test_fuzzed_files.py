"""Every file that people give: whatever is in it, it is read or refused with an error that says why."""

from __future__ import annotations

import gzip
import os
import struct
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codex.backup.archive import blocks, unpack
from codex.backup.manifest import DATABASE, FORMAT, Manifest, Member
from codex.classify import files as tables
from codex.datasets.importing import import_file
from codex.engines.gguf_header import read_header
from codex.engines.huggingface.adapters import CONFIG, WEIGHTS, AdapterManifest, read_manifest
from codex.errors import CodexError
from codex.evaluation import generations
from codex.labelling import formats
from codex.retrieval.catalogue import VERSION
from codex.retrieval.readers.reading import read as read_document
from codex.store.database.migrations import SCHEMA_VERSION
from tests.retrieval import files

MORE = "CODEX_FUZZ"
"""How many examples of each, at random; without it a few, always the same."""
FEW = 20
PAGE = (
    b"<!doctype html><title>T</title><table><tr><th>A<td rowspan=2>B<tr><td>C</table><p>x&amp;y<sup>2</sup>"
)
QUESTIONS = (
    b"question,answer,choices,context\r\nWhat?,\"A, b\",\"['x', 'y']\",\r\nWhy?,2024-01-05,,Because\r\n"
)
LINES = (
    b'{"question": "What?", "answers": ["A", 2, true], "history": [{"role": "user", "content": "x"}]}\n'
    b'{"query": "Why?", "target": 1.5, "choices": ["x", "y"], "label": 0}\n'
)
SQUAD = (
    b'{"data": [{"title": "t", "paragraphs": [{"context": "c d", "qas": [{"id": "1", "question": "q", '
    b'"is_impossible": false, "answers": [{"text": "c", "answer_start": 0}]}]}]}]}'
)
LABELS = b"run_id,question_id,verdict,labeller,correction,note,tags,spans\r\nr1,q1,correct,ann,,n,a;b,0-1\r\n"
STUDIO = (
    b'[{"data": {"run_id": "r", "question_id": "q", "question": "x"}, "annotations": [{"completed_by": 1, '
    b'"result": [{"from_name": "verdict", "to_name": "answer", "type": "choices", '
    b'"value": {"choices": ["correct"]}}]}]}]'
)
GENERATED = (
    b'{"id": "q1", "set": "s", "question": "q", "context": "c", "answers": ["a"], "greedy": {"text": "a", '
    b'"finish": "stop", "tokens": [[7, "a", -0.5, [[7, "a", -0.5], [8, "b", -1.5]]]]}, "samples": '
    b'[{"text": "a", "finish": "length", "tokens": [[7, "a", -0.5]]}], "p_true_top": [["True", -0.1]]}\n'
)


ROWS = "'What?' question, ['a', 'b'] answers, 0 label"


def _word(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text


GGUF = b"".join(
    (
        b"GGUF" + struct.pack("<IQQ", 3, 0, 3),
        _word(b"general.architecture") + struct.pack("<I", 8) + _word(b"llama"),
        _word(b"llama.block_count") + struct.pack("<II", 4, 2),
        _word(b"tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 2) + _word(b"a") + _word(b"b"),
        bytes(31),
    )
)


MANIFEST = AdapterManifest(
    kind="answerer",
    name="mine",
    base="m",
    base_sha256="0",
    prompt="p",
    settings={"rank": 8},
    data_sha256="0",
    rows=1,
    steps=1,
    metrics={"loss": 0.5},
    created_at="2026-01-01T00:00:00Z",
    versions={"torch": "2"},
)


def _parquet(columns: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as db:
        db.execute(f"COPY (SELECT {columns}) TO '{folder}/it.parquet' (FORMAT parquet)")
        return (Path(folder) / "it.parquet").read_bytes()


def _backup() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / DATABASE
        database.write_bytes(b"rows")
        member = Member(name=DATABASE, size=4, sha256=sha256(b"rows").hexdigest(), mtime_ns=9)
        manifest = Manifest(
            format=FORMAT,
            codex="0.1.0",
            database=SCHEMA_VERSION,
            catalogue=VERSION,
            created_at=datetime(2026, 1, 1, tzinfo=UTC),
            documents="/home/documents",
            members=(member,),
        )
        return gzip.decompress(b"".join(blocks(manifest, {DATABASE: database})))


def _imported(path: Path) -> None:
    import_file(path, path.parent, replace=True, accept_rejects=True)


def _unpacked(path: Path) -> None:
    path.write_bytes(gzip.compress(path.read_bytes(), 0))
    unpack(path)


def _labels(path: Path) -> None:
    list(formats.read(path))


def _read(path: Path) -> None:
    read_document(path, 10_000_000, seconds=20)


Reads = Callable[[Path], object]
PARSERS: dict[str, tuple[bytes, Reads]] = {
    "document.txt": ("\ufeffA heading\n\nText \u202e of it.".encode(), _read),
    "document.md": (b"# A\n\n- b\n\n```\nc\n```\n\n| a | b |\n|--|--|\n| 1 | 2 |\n", _read),
    "document.html": (PAGE, _read),
    "document.csv": (b'a;b;c\r\n1;"2\n3";x\r\n4;5;y\r\n', _read),
    "document.tsv": (b"a\tb\n1\t2\n3\t4\n", _read),
    "document.pdf": (files.pdf(["One page.", "Another."], [(0, "A title")]), _read),
    "document.docx": (files.word(), _read),
    "questions.csv": (QUESTIONS, _imported),
    "questions.jsonl": (LINES, _imported),
    "questions.json": (SQUAD, _imported),
    "questions.parquet": (_parquet(ROWS), _imported),
    "labels.csv": (LABELS, _labels),
    "labels.jsonl": (
        b'{"run_id": "r", "question_id": "q", "verdict": "correct", "spans": [[0, 1]]}\n',
        _labels,
    ),
    "labels.json": (STUDIO, _labels),
    "labels.parquet": (_parquet("'r' run_id, 'q' question_id, 'correct' verdict"), _labels),
    "generated.jsonl": (GENERATED, lambda path: list(generations.read(path))),
    "rows.csv": (QUESTIONS, lambda path: tables.read(path, ["question"])),
    "rows.parquet": (_parquet(ROWS), lambda path: tables.read(path, ["question"])),
    "model.gguf": (GGUF, read_header),
    "backup.tar.gz": (_backup(), _unpacked),
    "adapter/codex.json": (MANIFEST.model_dump_json().encode(), lambda path: read_manifest(path.parent)),
}
"""What each is called, one that can be read or nearly, and what reads it."""


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """Some bytes changed, cut out, said twice or put in: what is left of a file, or made to look like one."""
    data = bytearray(whole)
    pieces = (
        b"\0",
        b"\xff\xfe",
        b"\xf0\x9f",
        b'"',
        b"\n",
        b"{",
        b"[" * 300,
        b"]",
        b"<",
        b"9" * 400,
        b"-1e999",
    )
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data)))
        to = min(len(data), at + draw(st.integers(0, 40)))
        match draw(st.integers(0, 4)):
            case 0:
                data[at:to] = b""
            case 1:
                data[at:at] = data[at:to]
            case 2:
                data[at:to] = draw(st.binary(max_size=40))
            case 3:
                data[at:at] = draw(st.sampled_from(pieces))
            case _:
                if at < len(data):
                    data[at] ^= 1 << draw(st.integers(0, 7))
    return bytes(data)


@pytest.mark.parametrize("name", PARSERS)
def test_it_is_read_or_refused(name: str, tmp_path: Path) -> None:
    whole, reads = PARSERS[name]
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    for beside in (CONFIG, WEIGHTS):
        (path.parent / beside).touch()
    path.write_bytes(whole)
    reads(path)  # What is damaged below can be read before.

    @settings(
        max_examples=int(os.environ.get(MORE, FEW)),
        derandomize=MORE not in os.environ,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(damaged(whole) | st.binary(max_size=200))
    def tried(data: bytes) -> None:
        path.write_bytes(data)
        with suppress(CodexError):
            reads(path)

    tried()
