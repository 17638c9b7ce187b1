"""Files that commands write."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path

import pytest

from codex.errors import InvalidInput
from codex.evaluation.generations import write
from codex.outputs import output
from tests.support.command import Codex, command
from tests.support.evaluated import generated
from tests.support.full_disk import file_size_limit

LITTLE = 4096
"""Bytes; less than a report or a calibrator takes."""


@pytest.fixture
def codex(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Codex:
    return command(tmp_path / "home", monkeypatch, capsys)


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    path = tmp_path / "answers.jsonl.gz"
    write(path, [generated(number, "even") for number in range(120)])
    return path


def put(path: Path, content: bytes = b"new") -> None:
    with output(path) as written:
        written.write(content)


def test_what_was_there_stays_when_it_cannot_be_written_or_made(tmp_path: Path) -> None:
    path = tmp_path / "it"
    path.write_bytes(b"old")
    with (
        pytest.raises(InvalidInput, match="it cannot be written: File too large") as raised,
        file_size_limit(LITTLE),
        output(path, "f") as f,
    ):
        f.write(b"x" * (LITTLE + 1))
    assert raised.value.fields == ("f",)
    with pytest.raises(ZeroDivisionError), output(path) as f:
        f.writelines(bytes([1 // n]) for n in (1, 0))
    assert [(it.name, it.read_bytes()) for it in tmp_path.iterdir()] == [("it", b"old")]


def test_a_file_keeps_its_mode_and_is_not_replaced_when_it_is_read_only(tmp_path: Path) -> None:
    path = tmp_path / "it"
    path.write_bytes(b"old")
    path.chmod(0o600)
    put(path)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o600)
    path.chmod(0o400)
    allowed = os.access(path, os.W_OK)  # To root.
    with nullcontext() if allowed else pytest.raises(InvalidInput, match="Permission denied"):
        put(path, b"newer")
    assert path.read_bytes() == (b"newer" if allowed else b"new")


def test_the_file_behind_a_link_is_replaced_and_made_where_it_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    link, target = tmp_path / "link", tmp_path / "far" / "it"
    link.symlink_to(target)
    for content in (b"first", b"second"):
        put(link, content)
        assert link.is_symlink()
        assert target.read_bytes() == content


def test_a_pipe_is_written_to_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    put(pipe)
    assert os.read(reader, 10) == b"new"
    os.close(reader)
    assert pipe.is_fifo()


@pytest.mark.parametrize(
    "words", [("evaluate", "--html"), ("calibrate", "--method", "none", "-o")], ids=" ".join
)
def test_a_command_keeps_what_was_there_when_the_disk_is_full(
    codex: Codex, answers: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    there = tmp_path / "there"
    there.write_bytes(b"old")
    with file_size_limit(LITTLE):
        said = codex(*words, str(there), "--generations", str(answers))
    assert said.status == 1
    assert f"{there} cannot be written: File too large" in said.err
    assert there.read_bytes() == b"old"
    assert [it.name for it in tmp_path.iterdir() if it.suffix == ".part"] == []
