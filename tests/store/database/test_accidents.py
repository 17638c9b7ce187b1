"""What goes wrong outside: kills, locks, permissions, full disks, broken files."""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from codex.errors import StoreError
from codex.store import Store
from codex.store.database import file as database
from tests.support.full_disk import file_size_limit
from tests.support.traces import make_trace

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.usefixtures("database_by_steps")


@contextlib.contextmanager
def writer(path: Path, first: int, checkpoint_bytes: int = 2**24) -> Iterator[subprocess.Popen[str]]:
    """Another process that saves traces, killed at the end."""
    command = [
        sys.executable,
        "-m",
        "tests.store.database.writer",
        str(path),
        str(first),
        str(checkpoint_bytes),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.kill()


# With 100 kB between checkpoints about every fifth save makes one, so that kills fall into them too.
@pytest.mark.parametrize("checkpoint_bytes", [2**24, 100_000])
def test_a_kill_while_writing_loses_nothing_that_was_saved(tmp_path: Path, checkpoint_bytes: int) -> None:
    path, chance = tmp_path / "codex.duckdb", random.Random(checkpoint_bytes)
    reported: list[int] = []
    for round_ in range(4):
        with writer(path, first=round_ * 1000, checkpoint_bytes=checkpoint_bytes) as process:
            assert process.stdout is not None
            # The first few are waited for, so that there is something to lose on a slow machine too.
            reported += [int(process.stdout.readline()) for _ in range(3)]
            time.sleep(chance.random() * 0.3)
            process.kill()
            reported += [int(line) for line in process.stdout if line.endswith("\n")]
        with Store(path, "full") as store:
            for number in reported:
                assert store.load(f"trace-{number}") == make_trace(number)
            there = [summary.id for summary in store.sessions.traces("s")]
        # A save that ended before it could be reported is there too, and whole.
        with Store(path, "full") as store:
            for trace_id in set(there) - {f"trace-{number}" for number in reported}:
                assert store.load(trace_id) == make_trace(int(trace_id.removeprefix("trace-")))


def test_a_database_in_use_by_another_process_says_which(tmp_path: Path) -> None:
    path = tmp_path / "codex.duckdb"
    with writer(path, first=0) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(StoreError, match=rf"process {process.pid}\b.*CODEX_HOME or store.path"):
            Store(path)
    with Store(path, "full") as store:
        assert store.load("trace-0") == make_trace(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@contextlib.contextmanager
def ordinary_user() -> Iterator[None]:
    """The superuser may do everything, so it steps down for the block."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_that_may_not_be_written_is_named(open_folder: Path) -> None:
    open_folder.chmod(0o555)
    path = open_folder / "codex.duckdb"
    with ordinary_user(), pytest.raises(StoreError, match=rf"{path} may not be written.*permissions"):
        Store(path)
    with ordinary_user(), pytest.raises(StoreError, match="may not be written"):
        Store(open_folder / "deeper" / "codex.duckdb")
    open_folder.chmod(0o755)


def test_a_file_that_may_not_be_read_is_named(open_folder: Path) -> None:
    path = open_folder / "codex.duckdb"
    Store(path).close()
    path.chmod(0o000)
    with ordinary_user(), pytest.raises(StoreError, match=rf"{path} may not be written.*permissions"):
        Store(path)
    path.chmod(0o600)
    Store(path).close()


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("do not lose me\n" * 1000)
    with pytest.raises(StoreError, match=rf"{re.escape(str(path))} is not a Codex database"):
        Store(path)
    assert path.read_text() == "do not lose me\n" * 1000


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be used"):
        Store(tmp_path)


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(StoreError, match="cannot be used"):
        Store(tmp_path / "home" / "codex.duckdb")


def test_a_database_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "codex.duckdb"
    with Store(path) as store:
        store.save(make_trace(1))
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(StoreError, match=r"cannot be used.*Restore it from a copy"):
        Store(path).load("trace-1")


def test_a_start_that_left_an_empty_file_is_begun_again(tmp_path: Path) -> None:
    path = tmp_path / "codex.duckdb"
    path.touch()
    with Store(path, "full") as store:
        store.save(make_trace(1))
        assert store.load("trace-1") == make_trace(1)


def test_the_write_ahead_log_stays_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "CHECKPOINT_BYTES", 100_000)
    with Store(tmp_path / "codex.duckdb") as store:
        wal = tmp_path / "codex.duckdb.wal"
        largest = 0
        for number in range(60):
            store.save(make_trace(number, tokens=50))
            largest = max(largest, wal.stat().st_size if wal.exists() else 0)
        assert largest > 0
    # The log may pass the limit by the eight traces that wait (30 kB each) and are then spread (20 kB each).
    assert largest < 500_000


MANY = 100
"""Traces of about 50 kB: three times what the largest of the small disks holds."""


def save_until_full(store: Store, first: int) -> list[int]:
    """The numbers of the traces that were saved before the disk was full."""
    saved: list[int] = []

    def fill() -> None:
        for number in range(first, first + MANY):
            store.save(make_trace(number, tokens=50))
            saved.append(number)

    with pytest.raises(StoreError, match=r"is full.*was saved before is safe"):
        fill()
    return saved


def assert_whole(store: Store, numbers: list[int]) -> None:
    for number in numbers:
        assert store.load(f"trace-{number}") == make_trace(number, tokens=50)


# 2**24: the log is full first. 100 kB: checkpoints move the log into the file, and a checkpoint fails.
@pytest.mark.parametrize("checkpoint_bytes", [2**24, 100_000])
def test_a_full_disk_loses_nothing_and_the_store_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, checkpoint_bytes: int
) -> None:
    monkeypatch.setattr(database, "CHECKPOINT_BYTES", checkpoint_bytes)
    path = tmp_path / "codex.duckdb"
    with Store(path, "full") as store:
        with file_size_limit(700_000):
            saved = save_until_full(store, first=0)
            assert_whole(store, saved)
        assert ("was not folded in" in caplog.text) == (checkpoint_bytes == 100_000)
        store.save(make_trace(9999, tokens=50))
        assert_whole(store, [*saved, 9999])
    with Store(path, "full") as store:
        assert_whole(store, [*saved, 9999])
        assert len(store.sessions.traces("s")) == len(saved) + 1


def test_a_really_full_disk_loses_nothing_and_the_store_goes_on(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)], capture_output=True)
    if mount.returncode:
        pytest.skip("mounting a small disk needs the superuser")
    try:
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(2_000_000))
        with Store(disk / "codex.duckdb", "full") as store:
            saved = save_until_full(store, first=0)
            assert_whole(store, saved)
            ballast.unlink()
            store.save(make_trace(9999, tokens=50))
        with Store(disk / "codex.duckdb", "full") as store:
            assert_whole(store, [*saved, 9999])
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_at_the_first_start_is_an_error_and_the_next_start_works(tmp_path: Path) -> None:
    path = tmp_path / "codex.duckdb"
    with file_size_limit(0), pytest.raises(StoreError, match="is full"):
        Store(path)
    with Store(path, "full") as store:
        store.save(make_trace(1))
        assert store.load("trace-1") == make_trace(1)


def test_threads_go_on_after_a_checkpoint_failed_under_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "CHECKPOINT_BYTES", 100_000)
    stop = threading.Event()
    strange: list[BaseException] = []

    def read() -> None:
        # The pause leaves the interpreter to the writer.
        while not stop.wait(0.001):
            try:
                store.load("trace-0")
            except StoreError:
                pass  # A reader under way when the file is opened again may be told so.
            except BaseException as error:
                strange.append(error)
                raise

    with Store(tmp_path / "codex.duckdb", "full") as store:
        store.save(make_trace(0, tokens=50))
        readers = [threading.Thread(target=read, daemon=True) for _ in range(3)]
        for reader in readers:
            reader.start()
        try:
            with file_size_limit(700_000):
                saved = save_until_full(store, first=1)
        finally:
            stop.set()
            for reader in readers:
                reader.join(10)
        assert not any(reader.is_alive() for reader in readers)
        assert not strange
        assert_whole(store, [0, *saved])


def test_a_copy_leaves_the_file_closed_to_other_processes(tmp_path: Path) -> None:
    path = tmp_path / "codex.duckdb"
    opens = [sys.executable, "-c", f"import duckdb; duckdb.connect({str(path)!r})"]
    with Store(path) as store:
        for copy in (lambda: store.sandbox.run("SELECT 1"), lambda: store.copy_to(tmp_path / "to")):
            (tmp_path / "to").mkdir(exist_ok=True)
            copy()
            refused = subprocess.run(opens, capture_output=True, text=True)
            assert "Conflicting lock" in refused.stderr
    subprocess.run(opens, check=True)
