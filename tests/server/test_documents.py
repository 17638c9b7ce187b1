"""Uploading documents over HTTP: streamed to disk, inside their folder, whole or not at all."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.scripted import Script, ScriptedEngine
from tests.support.serving import Served, eventually, running, workbench

MB = 2**20


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    engine = ScriptedEngine(lambda prompt: Script(["A"]))
    home = tmp_path_factory.mktemp("uploads")
    with running(workbench(home, engine, "retrieval.max_file_mb=40")) as served:
        yield served


def put(served: Served, name: str, content: Any, **params: str) -> tuple[int, dict[str, Any]]:
    response = served.http.put(f"/documents/{name}", content=content, params=params)
    return response.status_code, response.json()


def said(answer: tuple[int, dict[str, Any]]) -> tuple[int, str]:
    return answer[0], answer[1]["error"]["message"]


def kept(served: Served) -> Path:
    return served.workbench.settings.documents


def arriving(served: Served) -> list[Path]:
    return list((kept(served).parent / ".partial").glob("*"))


def test_a_file_is_kept_with_its_folders_and_waits_to_be_indexed(served: Served) -> None:
    status, body = put(served, "papers/2024/bees.txt", b"Bees dance.")
    assert (status, body) == (201, {"name": "papers/2024/bees.txt", "outcome": "new"})
    assert (kept(served) / "papers/2024/bees.txt").read_bytes() == b"Bees dance."
    assert ("bees.txt", "waiting") in {(d.name, d.state) for d in served.workbench.index.documents()}
    assert arriving(served) == []


def test_another_file_of_that_name_is_replaced_only_when_asked(served: Served) -> None:
    put(served, "same.txt", b"one")
    assert put(served, "same.txt", b"one") == (201, {"name": "same.txt", "outcome": "same"})
    status, message = said(put(served, "same.txt", b"two"))
    assert (status, message) == (409, "There is already another file named 'same.txt'.")
    assert (kept(served) / "same.txt").read_bytes() == b"one"
    assert put(served, "same.txt", b"two", replace="true")[1]["outcome"] == "replaced"
    assert (kept(served) / "same.txt").read_bytes() == b"two"


@pytest.mark.parametrize("name", ["%2e%2e/x.txt", "a%2f..%2f..%2fx.txt", "%2fetc%2fx.txt", ".hidden.txt"])
def test_a_path_out_of_the_folder_is_refused(served: Served, name: str) -> None:
    status, message = said(put(served, name, b"x"))
    assert status == 422
    assert "rename it" in message
    assert not list(kept(served).parent.glob("x.txt"))


def test_what_is_not_read_is_refused_before_it_is_sent(served: Served) -> None:
    assert said(put(served, "photo.png", b"x")) == (422, ".png files are not supported.")
    assert not (kept(served) / "photo.png").exists()


def test_a_large_file_goes_to_disk_and_not_to_memory(served: Served) -> None:
    process, before = psutil.Process(), psutil.Process().memory_info().rss
    grown = []

    def content() -> Iterator[bytes]:
        for _ in range(38):
            grown.append(process.memory_info().rss - before)
            yield b"x" * MB

    assert put(served, "large.txt", content())[0] == 201
    assert (kept(served) / "large.txt").stat().st_size == 38 * MB
    # Server and client share this process; a body held in memory would be seen as its 38 MB.
    assert max(grown) < 20 * MB


def test_a_file_over_the_limit_is_refused_whether_its_size_is_told_or_not(served: Served) -> None:
    def content() -> Iterator[bytes]:
        for _ in range(41):
            yield b"x" * MB

    message = "'over.txt' is larger than 40 MB (retrieval.max_file_mb)."
    assert said(put(served, "over.txt", content())) == (413, message)
    told = b"PUT /documents/over.txt HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99000000\r\n\r\nxx"
    with socket.create_connection(("127.0.0.1", served.port)) as raw:
        raw.sendall(told)
        assert raw.recv(64).startswith(b"HTTP/1.1 413 ")
    assert not (kept(served) / "over.txt").exists()
    assert arriving(served) == []


def test_a_sender_that_goes_away_leaves_nothing(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_connection(("127.0.0.1", served.port)) as raw:
        raw.sendall(
            b"PUT /documents/half.txt HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nhalf"
        )
        assert eventually(lambda: len(arriving(served)) == 1, 10)
    assert eventually(lambda: arriving(served) == [], 10)
    assert not (kept(served) / "half.txt").exists()
    assert caplog.records == []


def test_many_at_once_all_arrive(served: Served) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda i: put(served, f"many/{i}.txt", f"{i}".encode()), range(64)))
    assert {status for status, _ in answers} == {201}
    names = {d.name for d in served.workbench.index.documents() if d.path.parent.name == "many"}
    assert names == {f"{i}.txt" for i in range(64)}


def test_a_name_with_a_line_end_is_kept_without_it(served: Served) -> None:
    assert put(served, "two%0Alines.txt", b"x") == (201, {"name": "two_lines.txt", "outcome": "new"})
