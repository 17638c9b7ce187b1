"""The vectors on a real Chroma server, which comes and goes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from codex.errors import Conflict, RetrievalError
from codex.retrieval import IndexingProgress, chroma, preparing, vector_index
from tests.retrieval.conftest import vectors_in_chroma
from tests.retrieval.indexer import open_index
from tests.support.chroma_server import Server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "server")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    folder = tmp_path / "pages"
    folder.mkdir()
    for number in range(60):
        (folder / f"{number}.txt").write_text(f"Page {number} is about the number {number}.")
    return folder


def test_a_server_holds_the_vectors_and_nothing_lies_at_home(
    tmp_path: Path, pages: Path, server: Server
) -> None:
    index = open_index(tmp_path / "home", server.url)
    index.add([pages])
    assert index.run().indexed == 60
    assert vectors_in_chroma(index) == 60
    assert index.search("Page 7 is about the number 7.", 1)[0].document == "7.txt"
    assert not (tmp_path / "home" / "index" / "chroma").exists()
    index.remove([index.documents()[0].id])
    assert vectors_in_chroma(index) == 59
    index.close()


def test_a_server_that_goes_in_the_middle_is_said_and_the_next_run_goes_on(
    tmp_path: Path, pages: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "WINDOW", 5)
    index = open_index(tmp_path / "home", server.url)
    index.add([pages])

    def stop_server(progress: IndexingProgress) -> None:
        if progress.chunks >= 20:
            server.stop()

    gone = rf"Chroma server {server.url} does not respond.*chroma run.*chroma_url=null"
    with pytest.raises(RetrievalError, match=gone):
        index.run(stop_server)
    with pytest.raises(RetrievalError, match=gone):
        index.search("Page 7 is about the number 7.")
    with pytest.raises(RetrievalError, match=gone):
        index.run()
    # What is removed meanwhile is deleted there when the server is back.
    removed = next(it for it in index.documents() if it.state == "indexed")
    index.remove([removed.id])
    server.start()
    assert index.search("Page 7 is about the number 7.")
    index.run()
    assert {it.state for it in index.documents()} == {"indexed"}
    assert vectors_in_chroma(index) == 59
    index.close()


def test_a_server_that_lost_its_data_is_filled_again_without_embedding(
    tmp_path: Path, pages: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = open_index(tmp_path / "home", server.url)
    index.add([pages])
    index.run()
    server.stop()
    server._folder = tmp_path / "another"
    server.start()
    with pytest.raises(RetrievalError):
        index.search("Page 7 is about the number 7.", 1)
    assert index.search("Page 7 is about the number 7.", 1)[0].document == "7.txt"
    other = open_index(tmp_path / "home", server.url)
    last = other.embed(["Page 59 is about the number 59."])[0]
    cosines: list[float] = []
    with monkeypatch.context() as patch:
        patch.setattr(index._embedding, "encode", None)
        patch.setattr(vector_index, "BATCH", 20)
        index.run(lambda _: cosines.append(other._vectors.nearest(last, 1)[0][1]))
    assert vectors_in_chroma(index) == 60
    # Another process finds everything while the server is being filled.
    assert cosines == pytest.approx([1, 1, 1], abs=1e-4)
    other.close()
    index.close()


def test_vectors_at_home_are_not_trusted_once_a_server_has_held_later_ones(
    tmp_path: Path, pages: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = open_index(tmp_path / "home")
    index.add([pages / f"{number}.txt" for number in range(30)])
    index.run()
    index.close()
    index = open_index(tmp_path / "home", server.url)
    index.add([pages])
    assert index.run().indexed == 30
    assert vectors_in_chroma(index) == 60
    index.close()
    index = open_index(tmp_path / "home")
    assert vectors_in_chroma(index) is None
    late = "Page 45 is about the number 45."
    assert index._vectors.nearest(index.embed([late])[0], 1)[0][1] == pytest.approx(1, abs=1e-4)
    with monkeypatch.context() as patch:
        patch.setattr(index._embedding, "encode", None)
        index.run()
    assert vectors_in_chroma(index) == 60
    index.close()


def test_a_collection_of_another_index_is_refused(tmp_path: Path, pages: Path, server: Server) -> None:
    first = open_index(tmp_path / "home", server.url)
    first.add([pages / "1.txt"])
    first.run()
    second = open_index(tmp_path / "other-home", server.url)
    second.add([pages / "2.txt"])
    for act in (second.run, second.rebuild):
        with pytest.raises(Conflict, match=r"belongs to another index.*retrieval\.collection"):
            act()
    assert first.search("Page 1", 5)[0].document == "1.txt"
    first.close()
    second.close()


def test_a_server_that_hangs_is_given_up(
    tmp_path: Path, pages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chroma, "SERVER_TIMEOUT", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        index = open_index(tmp_path / "home", f"http://127.0.0.1:{silent.getsockname()[1]}")
        index.add([pages / "1.txt"])
        told: list[Exception] = []

        def run() -> None:
            try:
                index.run()
            except RetrievalError as error:
                told.append(error)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        thread.join(20)
        assert not thread.is_alive(), "the index waits for a server that never answers"
        assert "does not respond" in str(told[0])
        index.close()
