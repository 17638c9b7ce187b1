"""Where uploaded files go: inside their folder, whole, and never over another one unasked."""

from __future__ import annotations

from pathlib import Path

import pytest

from codex.errors import Conflict, InvalidInput
from codex.retrieval import uploads


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "documents"


def arrived(folder: Path, text: str) -> Path:
    path = folder.parent / "arrived"
    path.write_text(text)
    return path


def test_a_name_keeps_its_folders(folder: Path) -> None:
    assert uploads.place(folder, "papers/2024/bees.pdf") == folder / "papers" / "2024" / "bees.pdf"


def test_strange_names_are_made_harmless_and_stay_readable(folder: Path) -> None:
    assert uploads.place(folder, "a\x00b\n<b>${1+1}\\c.txt").name == "a_b_<b>${1+1}_c.txt"
    assert uploads.place(folder, "e\u0301.txt").name == "\xe9.txt"
    assert uploads.place(folder, "مرحبا.txt").name == "مرحبا.txt"


@pytest.mark.parametrize(
    "name", ["../x.txt", "a/../../x.txt", "/etc/x.txt", "a//x.txt", "..", ".", "", " ", ".hidden.txt", "a/"]
)
def test_a_name_that_leads_elsewhere_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(InvalidInput):
        uploads.place(folder, name)


def test_a_link_in_the_folder_does_not_lead_out_of_it(folder: Path, tmp_path: Path) -> None:
    folder.mkdir()
    (folder / "out").symlink_to(tmp_path)
    with pytest.raises(InvalidInput, match="leads out"):
        uploads.place(folder, "out/x.txt")


def test_another_file_of_that_name_stays_until_it_is_to_be_replaced(folder: Path) -> None:
    target = folder / "a" / "x.txt"
    assert uploads.settle(arrived(folder, "one"), target, replace=False) == "new"
    assert uploads.settle(arrived(folder, "one"), target, replace=False) == "same"
    with pytest.raises(Conflict, match="'x\\.txt'"):
        uploads.settle(arrived(folder, "two"), target, replace=False)
    assert target.read_text() == "one"
    assert uploads.settle(arrived(folder, "two"), target, replace=True) == "replaced"
    assert target.read_text() == "two"


def test_a_file_and_a_folder_cannot_share_a_name(folder: Path) -> None:
    uploads.settle(arrived(folder, "one"), folder / "a" / "x.txt", replace=False)
    with pytest.raises(Conflict, match="a folder named 'a'"):
        uploads.settle(arrived(folder, "two"), folder / "a", replace=True)
    with pytest.raises(InvalidInput, match="cannot be stored"):
        uploads.settle(arrived(folder, "two"), folder / "a" / "x.txt" / "y.txt", replace=True)


def test_a_name_too_long_for_the_disk_is_said(folder: Path) -> None:
    with pytest.raises(InvalidInput, match="File name too long"):
        uploads.settle(arrived(folder, "one"), folder / ("x" * 300 + ".txt"), replace=False)


def test_deleting_takes_uploaded_files_only_and_the_folders_they_leave_empty(
    folder: Path, tmp_path: Path
) -> None:
    own, kept = tmp_path / "own.txt", folder / "a" / "kept.txt"
    own.write_text("mine")
    for path in (kept, folder / "a" / "b" / "x.txt"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    uploads.delete(folder, [folder / "a" / "b" / "x.txt", folder / "gone.txt", own])
    assert own.exists()
    assert kept.exists()
    assert not (folder / "a" / "b").exists()
    uploads.delete(folder, [kept])
    assert list(folder.iterdir()) == []
