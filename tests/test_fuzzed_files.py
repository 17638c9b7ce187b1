"""Every file that people give: whatever is in it, it is read or refused with an error that says why."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codex.backup.archive import unpack
from codex.classify import files as tables
from codex.datasets.importing import import_file
from codex.engines.gguf_header import read_header
from codex.engines.huggingface.adapters import CONFIG, WEIGHTS, read_manifest
from codex.errors import CodexError
from codex.evaluation import generations
from codex.labelling import formats
from codex.retrieval.readers.reading import read as read_document
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
    b'{"query": "Why?", "target": 1.5, "choices": ["x", "y"], "label": 1}\n'
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
    b'{"id": "q1", "group": "g", "question": "q", "answers": ["a"], "greedy": {"text": "a", "tokens": '
    b'[{"id": 1, "bytes": "YQ==", "logprob": -0.1, "alternatives": [[1, "YQ==", -0.1]]}], '
    b'"finish_reason": "stop"}, "samples": [{"text": "a"}]}\n'
)
MANIFEST = b'{"kind": "answerer", "base": "m", "base_sha256": "0", "rank": 8, "targets": ["q_proj"]}'


def _word(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text


GGUF = b"".join(
    (
        b"GGUF" + struct.pack("<IQQ", 3, 0, 3),
        _word(b"general.architecture") + struct.pack("<I", 8) + _word(b"llama"),
        _word(b"llama.block_count") + struct.pack("<II", 4, 2),
        _word(b"tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 2) + _word(b"a") + _word(b"b"),
    )
)


@cache
def _parquet(folder: Path) -> bytes:
    path = folder / "whole.parquet"
    with duckdb.connect() as db:
        db.execute(
            f"COPY (SELECT 'What?' question, ['a', 'b'] answers, 1 label) TO '{path}' (FORMAT parquet)"
        )
    return path.read_bytes()


def _imported(path: Path) -> None:
    import_file(path, path.parent, replace=True, accept_rejects=True)


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
    "questions.parquet": (b"", _imported),
    "labels.csv": (LABELS, _labels),
    "labels.jsonl": (
        b'{"run_id": "r", "question_id": "q", "verdict": "correct", "spans": [[0, 1]]}\n',
        _labels,
    ),
    "labels.json": (STUDIO, _labels),
    "labels.parquet": (b"", _labels),
    "generated.jsonl": (GENERATED, lambda path: list(generations.read(path))),
    "rows.csv": (QUESTIONS, lambda path: tables.read(path, ["question"])),
    "rows.parquet": (b"", lambda path: tables.read(path, ["question"])),
    "model.gguf": (GGUF, read_header),
    "backup.tar.gz": (files.zip_bomb(1), unpack),
    "adapter/codex.json": (MANIFEST, lambda path: read_manifest(path.parent)),
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
    path.write_bytes(whole := whole or _parquet(tmp_path))
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
