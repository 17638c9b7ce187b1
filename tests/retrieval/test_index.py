"""What is indexed, when again, and what is left out and why."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from codex.errors import InvalidInput, NotFound
from codex.retrieval import Index, IndexingProgress
from tests.retrieval.conftest import DOCUMENTS, vectors_in_chroma


def names(index: Index, state: str = "indexed") -> list[str]:
    return [it.name for it in index.documents() if it.state == state]


def test_what_is_added_waits_until_it_is_run(make_index: Callable[..., Index], folder: Path) -> None:
    index = make_index()
    assert index.is_empty
    assert index.documents() == []
    added = index.add([folder])
    assert {it.name for it in added} == set(DOCUMENTS)
    assert {it.state for it in index.documents()} == {"waiting"}
    assert index.is_empty
    report = index.run()
    assert (report.indexed, report.unchanged, report.skipped, report.cancelled) == (
        len(DOCUMENTS),
        0,
        (),
        False,
    )
    assert names(index) == sorted(DOCUMENTS)
    assert not index.is_empty
    assert report.chunks == sum(it.chunks for it in index.documents()) == vectors_in_chroma(index)


def test_only_what_changed_is_read_again(index: Index, folder: Path) -> None:
    before = {it.name: it.indexed_at for it in index.documents()}
    assert index.run(check=True).unchanged == len(DOCUMENTS)
    (folder / "paris.txt").write_text("The Louvre holds the Mona Lisa.")
    os.utime(folder / "animals.txt")
    report = index.run(check=True)
    assert (report.indexed, report.unchanged, report.chunks) == (1, len(DOCUMENTS) - 1, 1)
    changed = {it.name for it in index.documents() if it.indexed_at != before[it.name]}
    assert changed == {"paris.txt"}
    assert index.search("Mona Lisa", 1)[0].document == "paris.txt"
    assert "Eiffel" not in " ".join(it.text for it in index.search("Eiffel Tower", 50))


def test_a_changed_document_is_found_as_it_was_until_it_is_read_again(index: Index, folder: Path) -> None:
    (folder / "paris.txt").write_text("The Louvre holds the Mona Lisa.")
    index.add([folder])
    assert names(index, "waiting") == ["paris.txt"]
    assert index.search("Eiffel Tower", 1)[0].document == "paris.txt"


def test_a_file_that_is_gone_is_removed_by_a_check(index: Index, folder: Path) -> None:
    (folder / "paris.txt").unlink()
    assert index.run().removed == 0
    assert index.run(check=True).removed == 1
    assert "paris.txt" not in names(index)
    assert vectors_in_chroma(index) == sum(it.chunks for it in index.documents())


def test_the_same_content_under_another_path_is_not_embedded_again(
    index: Index, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "paris.txt").rename(folder / "moved.txt")
    index.add([folder])
    monkeypatch.setattr(index._embedding, "encode", None)
    report = index.run(check=True)
    monkeypatch.undo()
    assert (report.indexed, report.removed) == (1, 1)
    assert index.search("Eiffel Tower", 1)[0].document == "moved.txt"


def test_removed_documents_are_not_found_and_their_files_stay(index: Index, folder: Path) -> None:
    paris = next(it for it in index.documents() if it.name == "paris.txt")
    index.remove([paris.id])
    assert all(it.document != "paris.txt" for it in index.search("Eiffel Tower", 50))
    assert (folder / "paris.txt").exists()
    assert vectors_in_chroma(index) == sum(it.chunks for it in index.documents())
    with pytest.raises(NotFound, match=paris.id):
        index.remove([index.documents()[0].id, paris.id])
    assert len(index.documents()) == len(DOCUMENTS) - 1
    with pytest.raises(NotFound):
        index.text(paris.id)


def test_a_rebuild_makes_everything_wait_and_the_next_run_brings_it_back(index: Index) -> None:
    index.rebuild()
    assert index.is_empty
    assert index.search("Eiffel Tower") == []
    assert names(index, "waiting") == sorted(DOCUMENTS)
    assert index.run().indexed == len(DOCUMENTS)
    assert index.search("Eiffel Tower", 1)[0].document == "paris.txt"


def test_bad_files_are_skipped_by_name_and_the_others_are_indexed(index: Index, folder: Path) -> None:
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 and no more")
    (folder / "empty.txt").touch()
    (folder / "program.exe").write_bytes(b"MZ")
    (folder / "good.txt").write_text("Marmalade is made of oranges.")
    index.add([folder])
    report = index.run()
    skipped = {it.name: it.reason for it in index.documents() if it.state == "skipped"}
    assert set(skipped) == {"broken.pdf", "empty.txt", "program.exe"}
    assert all(skipped.values())
    assert ".exe" in skipped["program.exe"]
    assert {it.name for it in report.skipped} == {"broken.pdf", "empty.txt"}
    assert index.search("marmalade", 1)[0].document == "good.txt"


def test_a_file_above_the_limit_is_skipped(make_index: Callable[..., Index], tmp_path: Path) -> None:
    large = tmp_path / "large.txt"
    with large.open("wb") as file:
        file.truncate(200 * 10**6)
    index = make_index(max_file_mb=1)
    index.add([large])
    assert index.run().skipped[0].name == "large.txt"


def test_a_document_that_became_unreadable_is_no_longer_found(index: Index, folder: Path) -> None:
    (folder / "paris.txt").write_text("")
    report = index.run(check=True)
    assert [it.name for it in report.skipped] == ["paris.txt"]
    assert all(it.document != "paris.txt" for it in index.search("Eiffel Tower", 50))


def test_hidden_files_and_links_that_leave_the_folder_are_not_read(
    make_index: Callable[..., Index], folder: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "secret.txt"
    outside.write_text("The password is swordfish.")
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "a.txt").write_text("hidden")
    (folder / ".b.txt").write_text("hidden")
    (folder / "out.txt").symlink_to(outside)
    (folder / "nowhere.txt").symlink_to(tmp_path / "absent.txt")
    inner = folder / "inner"
    inner.mkdir()
    (inner / "loop").symlink_to(folder, target_is_directory=True)
    (inner / "self.txt").symlink_to(inner / "self.txt")
    (inner / "again.txt").symlink_to(folder / "paris.txt")
    os.mkfifo(inner / "pipe.txt")
    index = make_index()
    index.add([folder])
    skipped = {it.name: it.reason for it in index.documents() if it.state == "skipped"}
    assert set(skipped) == {"out.txt", "nowhere.txt", "self.txt", "pipe.txt"}
    assert str(outside) in skipped["out.txt"]
    assert names(index, "waiting") == sorted(DOCUMENTS)


def test_what_lies_outside_of_the_given_folder_is_refused(
    make_index: Callable[..., Index], folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "other.txt").write_text("other")
    (folder / "link.txt").symlink_to(tmp_path / "other.txt")
    index = make_index()
    for path in (tmp_path / "other.txt", folder / ".." / "other.txt", folder / "link.txt"):
        with pytest.raises(InvalidInput, match="outside"):
            index.add([folder / "paris.txt", path], within=folder)
    with pytest.raises(InvalidInput, match=r"no file or folder.*absent"):
        index.add([folder / "paris.txt", folder / "absent.txt"])
    assert index.documents() == []


def test_a_name_that_is_not_utf8_is_indexed(make_index: Callable[..., Index], tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt"))
    path.write_text("Coffee is served at noon.")
    index = make_index()
    index.add([path])
    index.run()
    found = index.search("coffee", 1)[0]
    assert found.document == "caf\ufffd.txt"
    assert index.text(found.document_id).document.path == path


def test_progress_ends_with_everything_done_and_nothing_left(
    make_index: Callable[..., Index], folder: Path
) -> None:
    index, seen = make_index(), list[IndexingProgress]()
    index.add([folder])
    report = index.run(seen.append)
    assert (seen[-1].done, seen[-1].total, seen[-1].chunks) == (len(DOCUMENTS), len(DOCUMENTS), report.chunks)
    assert seen[-1].seconds_left == pytest.approx(0, abs=1e-6)
    assert seen[-1].chunks_per_second > 0


def test_a_cancelled_run_leaves_whole_documents_and_the_next_goes_on(
    make_index: Callable[..., Index], tmp_path: Path
) -> None:
    many = tmp_path / "many"
    many.mkdir()
    for number in range(200):
        (many / f"{number}.txt").write_text(f"Number {number} is written on this page.")
    index, cancel = make_index(), threading.Event()
    index.add([many])

    def stop(progress: IndexingProgress) -> None:
        cancel.set()

    report = index.run(stop, cancel)
    assert report.cancelled
    assert report.indexed < 200
    assert {it.chunks for it in index.documents() if it.state == "indexed"} <= {1}
    assert not index.run().cancelled
    assert len(names(index)) == 200 == vectors_in_chroma(index)


def test_embedded_texts_have_unit_length_and_keep_their_order(index: Index) -> None:
    vectors = index.embed(["a cat", "a much longer text about dogs", "a cat"])
    assert vectors.shape == (3, 384)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.allclose(vectors[0], vectors[2], atol=1e-5)
    assert index.embed([]).shape == (0, 384)


def test_a_file_that_is_replaced_while_it_is_read_is_read_again(
    make_index: Callable[..., Index], tmp_path: Path
) -> None:
    index, file = make_index(), tmp_path / "notice.txt"
    file.write_text("The ferry leaves at eight.")
    index.add([file])

    def replace(_: IndexingProgress) -> None:
        if "nine" not in file.read_text():
            file.write_text("The ferry leaves at nine, says the new notice.")
            index.add([file])

    report = index.run(replace)
    assert report.indexed == 1
    assert names(index) == ["notice.txt"]
    assert [it.text for it in index.search("When does the ferry leave?")] == [file.read_text()]
    assert vectors_in_chroma(index) == 1
