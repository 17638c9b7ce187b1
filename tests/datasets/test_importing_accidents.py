"""Imports that are stopped or killed, or meet one another."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from codex.datasets.importing import import_file
from codex.datasets.library import load
from codex.errors import Cancelled, Conflict, StoreError


def test_a_stopped_import_leaves_what_was_there(tmp_path: Path, mine: Path) -> None:
    import_file(mine, tmp_path)
    mine.write_text("question,answer\nWho?,Ben\nWhen?,now\n")
    cancel = threading.Event()
    with pytest.raises(Cancelled):
        import_file(mine, tmp_path, replace=True, progress=lambda done: cancel.set(), cancel=cancel)
    assert load("a", tmp_path)[0].answers == ("Ann",)
    assert {each.name for each in (tmp_path / "datasets").iterdir()} == {"a.jsonl", "a.md"}


KILLED = """
import os, signal, sys
from pathlib import Path
from codex.datasets.importing import import_file
def die(done):
    os.kill(os.getpid(), signal.SIGKILL)
import_file(Path(sys.argv[1]), Path(sys.argv[2]), progress=die)
"""


def test_what_a_killed_import_left_is_removed_by_the_next_one(tmp_path: Path, mine: Path) -> None:
    died = subprocess.run([sys.executable, "-c", KILLED, str(mine), str(tmp_path)], check=False)
    assert died.returncode == -signal.SIGKILL
    assert len(list((tmp_path / "datasets").glob(".import-*"))) == 1
    import_file(mine, tmp_path)
    assert sorted(each.name for each in (tmp_path / "datasets").iterdir()) == ["a.jsonl", "a.md"]


def test_an_import_does_not_remove_what_another_one_is_writing(tmp_path: Path, mine: Path) -> None:
    def meanwhile(_: int) -> None:
        import_file(mine, tmp_path, "b")

    imported = import_file(mine, tmp_path, progress=meanwhile)
    assert imported.dataset.rows == 1
    assert load("b", tmp_path) != []


@pytest.mark.parametrize("suffix", ["jsonl", "md", "rejected.txt"])
def test_a_folder_in_the_place_of_a_set_is_not_replaced(tmp_path: Path, mine: Path, suffix: str) -> None:
    (tmp_path / "datasets" / f"a.{suffix}").mkdir(parents=True)
    with pytest.raises(Conflict, match=rf"a\.{suffix} is a folder: remove it"):
        import_file(mine, tmp_path, replace=True)
    assert [each.name for each in (tmp_path / "datasets").iterdir()] == [f"a.{suffix}"]


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, mine: Path) -> None:
    home = tmp_path / "home"
    home.write_text("a file, no folder")
    with pytest.raises(StoreError, match="Nothing was imported"):
        import_file(mine, home)
