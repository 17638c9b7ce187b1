"""The process that reads: started once, ended in time, and gone with the one that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from codex.errors import Cancelled, UnreadableDocument
from codex.retrieval.readers import reading
from codex.retrieval.readers.reading import read
from tests.retrieval import files

ROOM = 10 * 2**20
"""Bytes; more than any file here has."""


@pytest.fixture
def fresh() -> Iterator[None]:
    """No worker before, none left after."""
    reading._READER.close()
    yield
    reading._READER.close()


@pytest.fixture(scope="module")
def endless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PDF that takes longer than any test waits."""
    return files.save(tmp_path_factory.mktemp("endless"), "endless.pdf", files.endless_pdf())


def workers(of: int | None = None) -> list[psutil.Process]:
    children = psutil.Process(of).children()
    return [child for child in children if "codex.retrieval.readers.worker" in child.cmdline()]


def until(condition: object, seconds: float = 10.0) -> bool:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.usefixtures("fresh")
def test_one_worker_reads_many_files_for_many_threads(tmp_path: Path) -> None:
    paths = [files.save(tmp_path, f"{number}.txt", f"Text {number}.") for number in range(20)]
    texts = dict[int, str]()

    def read_some(first: int) -> None:
        for number in range(first, 20, 4):
            texts[number] = read(paths[number], ROOM).text

    threads = [threading.Thread(target=read_some, args=[first]) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts == {number: f"Text {number}." for number in range(20)}
    assert len(workers()) == 1


@pytest.mark.usefixtures("fresh")
def test_a_file_that_takes_too_long_is_given_up_and_the_next_is_read(tmp_path: Path, endless: Path) -> None:
    started = time.monotonic()
    with pytest.raises(
        UnreadableDocument,
        match=r"^endless\.pdf takes too long to read: over 0\.5 seconds for a page\. Split",
    ):
        read(endless, ROOM, seconds=0.5)
    assert time.monotonic() - started < 5
    assert workers() == []
    assert read(files.save(tmp_path, "next.txt", "Next."), ROOM).text == "Next."


@pytest.mark.usefixtures("fresh")
def test_a_long_document_has_its_time_for_each_page(tmp_path: Path) -> None:
    page = "\n".join(f"Line {number} of a page that is slow to read." for number in range(60))
    path = files.save(tmp_path, "long.pdf", files.pdf([page] * 400))
    read(files.save(tmp_path, "first.pdf", files.pdf([page])), ROOM)
    started = time.monotonic()
    whole = read(path, ROOM)
    seconds = time.monotonic() - started
    # Half of what the whole takes is two hundred times what a page needs, so a busy machine passes too.
    assert read(path, ROOM, seconds=seconds / 2) == whole


@pytest.mark.usefixtures("fresh")
def test_cancelling_ends_the_reading_and_the_waiting_for_it(endless: Path) -> None:
    cancel, raised = threading.Event(), list[BaseException]()

    def reads() -> None:
        try:
            read(endless, ROOM, seconds=60, cancel=cancel)
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=reads) for _ in range(2)]  # the second waits for the first
    for thread in threads:
        thread.start()
    assert until(workers)
    cancel.set()
    for thread in threads:
        thread.join(5)
    assert [type(error) for error in raised] == [Cancelled, Cancelled]
    assert workers() == []


@pytest.mark.usefixtures("fresh")
def test_a_worker_that_crashes_costs_one_file(tmp_path: Path, endless: Path) -> None:
    raised = list[BaseException]()
    read(files.save(tmp_path, "first.txt", "First."), ROOM)

    def reads() -> None:
        try:
            read(endless, ROOM)
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=reads)
    thread.start()
    time.sleep(0.5)  # now it is in the middle of the PDF
    workers()[0].send_signal(signal.SIGSEGV)
    thread.join(5)
    assert isinstance(raised[0], UnreadableDocument)
    assert str(raised[0]).startswith("Reading endless.pdf crashed its parser.")
    assert read(files.save(tmp_path, "next.txt", "Next."), ROOM).text == "Next."


@pytest.mark.usefixtures("fresh")
def test_ctrl_c_for_the_whole_group_does_not_make_a_file_unreadable(tmp_path: Path) -> None:
    read(files.save(tmp_path, "a.txt", "Text."), ROOM)
    (worker,) = workers()
    worker.send_signal(signal.SIGINT)
    worker.send_signal(signal.SIGTERM)
    assert read(files.save(tmp_path, "b.txt", "Text."), ROOM).text == "Text."
    assert workers() == [worker]


@pytest.mark.usefixtures("fresh")
def test_a_file_under_way_when_codex_is_closed_is_cancelled(tmp_path: Path, endless: Path) -> None:
    code = (
        "import threading, time; from pathlib import Path; from codex.retrieval.readers.reading import *\n"
        "from codex.retrieval.readers.reading import _READER\n"
        "def reads():\n"
        f"    try: read(Path({str(endless)!r}), {ROOM})\n"
        "    except Exception as error: print(type(error).__name__)\n"
        "thread = threading.Thread(target=reads); thread.start(); time.sleep(1); _READER.end(); thread.join()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout == "Cancelled\n"


@pytest.mark.usefixtures("fresh")
def test_a_worker_that_was_ended_between_two_files_is_started_again(tmp_path: Path) -> None:
    path = files.save(tmp_path, "a.txt", "Text.")
    read(path, ROOM)
    workers()[0].kill()
    assert until(lambda: reading._READER._process.poll() is not None)
    assert read(path, ROOM).text == "Text."


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, None])
def test_the_worker_ends_with_its_parent_even_in_the_middle_of_a_file(
    endless: Path, how: signal.Signals | None
) -> None:
    code = (
        "import sys, threading; from pathlib import Path; from codex.retrieval.readers.reading import read;"
        f"read(Path({str(endless.parent / 'a.txt')!r}), 100);"
        f"threading.Thread(target=read, args=[Path({str(endless)!r}), {ROOM}], daemon=True).start();"
        "print('reading', flush=True); sys.stdin.read()"
    )
    files.save(endless.parent, "a.txt", "Text.")
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=os.getcwd()
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"reading\n"
    (worker,) = workers(parent.pid)
    time.sleep(0.5)  # now it is in the middle of the PDF
    assert worker.is_running()
    if how is None:
        parent.communicate(timeout=60)
    else:
        parent.send_signal(how)
        parent.communicate(timeout=60)
    assert until(lambda: not worker.is_running())


def test_the_worker_limits_its_memory() -> None:
    code = (
        "from codex.retrieval.readers import worker; worker.limit_memory();"
        "worker.read_here = lambda *request: bytearray(worker.MAX_MEMORY);"
        "print(worker.respond({'path': 'hungry.pdf', 'max_bytes': 1}, print)[0]['error'])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout
    assert said == "hungry.pdf needs over 2 GiB of memory to be read. Split it.\n"


def test_the_worker_imports_no_model_and_no_index() -> None:
    code = (
        "import sys; import codex.retrieval.readers.worker;"
        "print({'torch', 'chromadb', 'transformers', 'gradio', 'pypdf'} & sys.modules.keys())"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"set()\n"
