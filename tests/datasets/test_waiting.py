"""Files that wait to be imported: found, discarded, and never many or for long."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from codex.datasets import waiting
from codex.errors import InvalidInput, NotFound
from codex.private import PARTIAL


def put(folder: Path, draft: str, text: str = "x") -> Path:
    path = folder / "a.csv"
    path.write_text(text)
    return waiting.keep(path, draft, folder / "home")


def test_a_file_waits_until_it_is_discarded(tmp_path: Path) -> None:
    home = tmp_path / "home"
    put(tmp_path, "one")
    put(tmp_path, "one", "newer")
    assert waiting.find("one", home).read_text() == "newer"
    waiting.discard("one", home)
    waiting.discard("one", home)
    with pytest.raises(NotFound, match="Upload it again"):
        waiting.find("one", home)
    assert not list((home / PARTIAL).iterdir())


def test_a_file_that_nobody_looks_at_goes_after_an_hour(tmp_path: Path) -> None:
    home, hour = tmp_path / "home", waiting.SECONDS
    kept = put(tmp_path, "one")
    waiting.sweep(home, time.time() + hour - 60)
    assert kept.exists()
    waiting.sweep(home, time.time() + hour + 60)
    assert not kept.exists()


def test_few_files_wait(tmp_path: Path) -> None:
    for at in range(waiting.MOST + 3):
        put(tmp_path, f"draft-{at}")
    there = [folder.name for folder in (tmp_path / "home" / PARTIAL / "datasets").iterdir()]
    assert len(there) == waiting.MOST
    assert f"draft-{waiting.MOST + 2}" in there


@pytest.mark.parametrize("draft", ["", "..", "a/b", ".", "x" * 65])
def test_a_draft_has_a_name_of_letters_and_digits(tmp_path: Path, draft: str) -> None:
    for call in (waiting.find, waiting.discard):
        with pytest.raises(InvalidInput, match="no name of a draft"):
            call(draft, tmp_path)
