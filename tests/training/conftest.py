"""What the tests of training share."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.support.command import Codex, command
from tests.support.tiny_llama import random_questions, tiny_folder


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """A tiny model is trained by one thread: two would wait for each other longer than they compute."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def codex(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Codex:
    return command(tmp_path / "home", monkeypatch, capsys)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tiny_folder(tmp_path / "tiny")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "sums.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in random_questions(40)), encoding="utf-8")
    return path
