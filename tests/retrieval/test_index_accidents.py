"""What goes wrong outside: kills, two indexers, another embedding, broken files."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from codex.errors import Conflict, RetrievalError
from codex.retrieval import Index, IndexingProgress, lexical, vector_index
from codex.retrieval.lock import PATIENCE, IndexLock
from tests.retrieval.conftest import vectors_in_chroma
from tests.retrieval.indexer import often_on_disk, open_index

ROOT = Path(__file__).parents[2]


@contextlib.contextmanager
def indexer(home: Path, folder: Path, pause: float = 0.0) -> Iterator[subprocess.Popen[str]]:
    """Another process that indexes the folder, killed at the end."""
    command = [sys.executable, "-m", "tests.retrieval.indexer", str(home), str(folder), "", str(pause)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """120 documents of one to eight chunks."""
    folder, chance = tmp_path / "pages", random.Random(0)
    folder.mkdir()
    for number in range(120):
        write_page(folder, number, chance.randint(1, 8))
    return folder


def write_page(folder: Path, number: int, paragraphs: int) -> None:
    said = [f"Paragraph {n} of page {number} says {number * 1000 + n}." for n in range(paragraphs)]
    (folder / f"{number}.txt").write_text("\n\n".join(said))


def assert_whole(index: Index) -> None:
    """Every document is in the index with all that belongs to it, or with nothing."""
    with index._catalogue.read() as db:
        for entry in index._catalogue.entries():
            own = "SELECT id FROM chunks WHERE document = ?"
            counts = [
                db.execute(f"SELECT count(*) FROM {table} WHERE {key} IN ({own})", [entry.document.id])
                for table, key in (("chunks", "id"), ("vectors", "chunk"), ("words", "rowid"))
            ]
            assert {count.fetchone()[0] for count in counts} == {entry.document.chunks}
            # One that has changed is found as it was, until it has been read again.
            assert entry.document.chunks > 0 or entry.document.state != "indexed"
        for table, key in (("chunks", "id"), ("vectors", "chunk"), ("words", "rowid")):
            stray = f"SELECT count(*) FROM {table} WHERE {key} NOT IN (SELECT id FROM chunks)"
            assert db.execute(stray).fetchone()[0] == 0


def assert_found_by_meaning(index: Index, how_many: int) -> None:
    """The text of a chunk finds that chunk, whether or not Chroma has it yet."""
    known = [it for it in index.documents() if it.state == "indexed"]
    for document in random.Random(1).sample(known, min(how_many, len(known))):
        vector = index.embed([index.text(document.id).text])[0]
        if document.chunks == 1:
            id_, cosine = index._vectors.nearest(vector, 1)[0]
            assert cosine == pytest.approx(1, abs=1e-4)
            assert index.passage(str(id_)).document_id == document.id


def test_kills_at_any_moment_leave_whole_documents_and_a_run_completes_them(
    tmp_path: Path, pages: Path
) -> None:
    home, chance, seen = tmp_path / "home", random.Random(7), set[int]()
    for round_ in range(7):
        with indexer(home, pages) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(chance.random() * 0.8)
            process.kill()
        index = open_index(home)
        assert_whole(index)
        assert_found_by_meaning(index, 20)
        seen.add(sum(it.state == "indexed" for it in index.documents()))
        index.close()
        # Some pages change and one goes, so that the next round has something to do.
        for number in range(round_ * 10, round_ * 10 + 30):
            write_page(pages, number, chance.randint(1, 8))
        (pages / f"{119 - round_}.txt").unlink()
    assert len(seen) > 1, "every kill fell on the same moment"
    index = open_index(home)
    index.run(check=True)
    assert_whole(index)
    documents = index.documents()
    assert {it.state for it in documents} == {"indexed"}
    assert {it.name for it in documents} == {path.name for path in pages.iterdir()}
    assert vectors_in_chroma(index) == sum(it.chunks for it in documents)
    assert_found_by_meaning(index, 50)
    index.close()


@pytest.mark.parametrize("most_bytes", [100_000, 200_000, 400_000])
def test_a_full_disk_leaves_whole_documents_and_a_run_completes_them(
    tmp_path: Path, pages: Path, most_bytes: int
) -> None:
    home = tmp_path / "home"
    with indexer(home, pages) as process:
        assert process.stdout is not None
        process.stdout.readline()
        # No file can grow beyond this: SQLite's or Chroma's, whichever gets there first.
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
        assert process.wait(60) == 1
    index = open_index(home)
    assert_whole(index)
    assert_found_by_meaning(index, 20)
    assert any(it.state == "waiting" for it in index.documents()) or vectors_in_chroma(index) is None
    index.run()
    assert_whole(index)
    assert {it.state for it in index.documents()} == {"indexed"}
    assert vectors_in_chroma(index) == sum(it.chunks for it in index.documents())
    assert_found_by_meaning(index, 50)
    index.close()


def test_a_second_indexer_is_told_who_the_first_is_and_a_search_goes_on(tmp_path: Path, pages: Path) -> None:
    index = open_index(tmp_path / "home")
    with indexer(tmp_path / "home", pages, pause=0.2) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(Conflict, match=rf"Process {process.pid} is indexing"):
            index.run()
        with pytest.raises(Conflict, match=str(process.pid)):
            index.rebuild()
        while index.is_empty:
            time.sleep(0.05)
        assert_found_by_meaning(index, 20)
        removed = index.documents()[0]
        index.remove([removed.id])
        process.stdout.read()
    assert process.wait() == 0
    # What the other process wrote after this one had opened the index is found.
    assert_found_by_meaning(index, 120)
    assert_whole(index)
    assert removed.id not in {it.id for it in index.documents()}
    assert index.run().indexed == 0
    assert vectors_in_chroma(index) == sum(it.chunks for it in index.documents())
    index.close()


def test_two_threads_do_not_index_at_once(tmp_path: Path, pages: Path) -> None:
    index = open_index(tmp_path / "home")
    index.add([pages])
    begun, may_go_on = threading.Event(), threading.Event()

    def wait(progress: IndexingProgress) -> None:
        begun.set()
        may_go_on.wait(10)

    first = threading.Thread(target=index.run, args=[wait])
    first.start()
    assert begun.wait(20)
    with pytest.raises(Conflict, match="is indexing"):
        index.run()
    may_go_on.set()
    first.join()
    assert {it.state for it in index.documents()} == {"indexed"}
    index.close()


def test_a_writer_waits_for_a_search_but_not_for_another_writer(tmp_path: Path) -> None:
    lock, begun = IndexLock(tmp_path / "writer.lock"), threading.Event()

    def search() -> None:
        with lock.shared() as free:
            assert free
            begun.set()
            time.sleep(0.3)

    searching = threading.Thread(target=search)
    searching.start()
    assert begun.wait(5)
    with lock.exclusive():
        with lock.shared() as free:
            assert not free
        started = time.monotonic()
        with pytest.raises(Conflict, match=rf"Process {os.getpid()} is indexing"), lock.exclusive():
            pass
        assert time.monotonic() - started < PATIENCE / 2
    with lock.shared() as free:
        assert free


def test_an_index_of_another_embedding_is_refused_until_it_is_rebuilt(
    tmp_path: Path, pages: Path, make_index: Callable[..., Index]
) -> None:
    other = open_index(tmp_path / "home")
    other.add([pages / "1.txt"])
    other.run()
    other.close()
    index = make_index(tmp_path / "home")
    ways_out = r"built with the embedding 'hash'.*'all-minilm-l6-v2' is configured.*embedding=hash.*--rebuild"
    with pytest.raises(Conflict, match=ways_out):
        index.search("page")
    with pytest.raises(Conflict, match=ways_out):
        index.run()
    index.rebuild()
    assert index.run().indexed == 1
    assert index.search("page", 1)[0].document == "1.txt"


def test_chromas_files_lost_or_broken_are_reported_and_rebuilt(tmp_path: Path, pages: Path) -> None:
    home = tmp_path / "home"
    index = open_index(home)
    index.add([pages])
    index.run()
    index.close()
    (home / "index" / "chroma" / "chroma.sqlite3").write_bytes(b"not a database" * 1000)
    index = open_index(home)
    with pytest.raises(RetrievalError, match=r"chroma cannot be used.*--rebuild"):
        index.search("page")
    index.rebuild()
    index.run()
    assert_found_by_meaning(index, 50)
    index.close()


@pytest.mark.parametrize("damage", ["removed", "overwritten", "outdated"])
def test_chromas_files_lost_or_broken_are_rebuilt_by_a_run_without_embedding(
    tmp_path: Path, pages: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    folder = home / "index" / "chroma"
    index = open_index(home)
    index.add([pages / f"{number}.txt" for number in range(60)])
    index.run()
    index.close()
    if damage == "removed":
        shutil.rmtree(folder)
    elif damage == "overwritten":
        (folder / "chroma.sqlite3").write_bytes(b"not a database" * 1000)
    else:  # restored from a copy, while the catalogue went on
        shutil.copytree(folder, tmp_path / "copy")
        index = open_index(home)
        index.remove([it.id for it in index.documents()[:20]])
        index.add([pages])
        index.run()
        index.close()
        shutil.rmtree(folder)
        shutil.copytree(tmp_path / "copy", folder)
    index = open_index(home)
    with monkeypatch.context() as patch:
        patch.setattr(index._embedding, "encode", None)
        assert index.run().indexed == 0
    assert vectors_in_chroma(index) == sum(it.chunks for it in index.documents())
    assert_found_by_meaning(index, 120)
    index.close()


def test_a_catalogue_that_is_no_database_is_said_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "home" / "index" / "catalogue.sqlite3"
    path.parent.mkdir(parents=True)
    path.write_text("do not lose me\n" * 1000)
    index = open_index(tmp_path / "home")
    with pytest.raises(RetrievalError, match=r"catalogue\.sqlite3 cannot be used"):
        index.documents()
    assert path.read_text() == "do not lose me\n" * 1000


def test_only_a_writer_changes_chromas_files(tmp_path: Path, pages: Path) -> None:
    """A search in another process may be killed too, and nobody notes that it was there."""
    often_on_disk()
    home = tmp_path / "home"
    index = open_index(home)
    index.add([pages])
    index.run()
    index.close()
    files = [path for path in (home / "index" / "chroma").rglob("*") if path.suffix in {".bin", ".pickle"}]
    before = {path: path.stat().st_mtime_ns for path in files}
    assert files
    index = open_index(home)
    assert_found_by_meaning(index, 20)
    index.close()
    assert {path: path.stat().st_mtime_ns for path in files} == before


def test_removed_chunks_that_chroma_still_holds_displace_nothing(tmp_path: Path, pages: Path) -> None:
    index = open_index(tmp_path / "home")
    index.add([pages])
    index.run()
    kept, *others = index.documents()
    with index._vectors._lock.exclusive():  # as while another process is indexing
        index.remove([it.id for it in others])
    assert vectors_in_chroma(index) == kept.chunks + sum(it.chunks for it in others)
    nearest = index._vectors.nearest(index.embed(["anything"])[0], kept.chunks)
    assert {index.passage(str(id_)).document_id for id_, _ in nearest} == {kept.id}
    assert len(nearest) == kept.chunks
    index.run()
    assert vectors_in_chroma(index) == kept.chunks
    index.close()


@pytest.mark.parametrize("text", ['NEAR( " OR *', "a AND b", "x:y", '"', "(", "{a b}:c", "^a"])
def test_no_query_is_read_as_syntax(tmp_path: Path, text: str) -> None:
    index = open_index(tmp_path / "home")
    expression = lexical.match(text)
    if expression:
        assert index._catalogue.lexical(expression, 5) == []


def test_files_that_a_killed_writer_left_are_not_opened_but_rebuilt(
    tmp_path: Path, pages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    index = open_index(home)
    index.add([pages])
    index.run()
    index.close()
    # As a kill leaves it: nothing recorded, and files of which a part is new.
    index._catalogue.put("coverage", "")
    (home / "index" / "chroma" / "chroma.sqlite3").write_bytes(b"half of it" * 1000)
    index = open_index(home)
    assert_found_by_meaning(index, 20)
    monkeypatch.setattr(vector_index, "BATCH", 100)
    told: list[IndexingProgress] = []
    report = index.run(told.append)
    assert (report.indexed, report.chunks) == (0, 0)
    assert told[0].document == ""
    assert told[0].seconds_left is not None
    assert vectors_in_chroma(index) == told[-1].chunks == sum(it.chunks for it in index.documents())
    assert_found_by_meaning(index, 50)
    index.close()


def test_an_index_that_is_empty_again_takes_another_embedding(
    tmp_path: Path, pages: Path, make_index: Callable[..., Index]
) -> None:
    other = open_index(tmp_path / "home")
    other.add([pages / "1.txt"])
    other.run()
    other.remove([it.id for it in other.documents()])
    other.close()
    index = make_index(tmp_path / "home")
    index.add([pages / "2.txt"])
    assert index.run().indexed == 1
    assert index.search("page", 1)[0].document == "2.txt"
