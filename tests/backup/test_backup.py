"""A home as one file, made while it is used, and restored whole or not at all."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from codex.access import Access
from codex.backup.making import archive_of, save
from codex.backup.restoring import restore
from codex.cli.served import Served
from codex.errors import Conflict, InvalidInput, RetrievalError, StoreError
from codex.retrieval.catalogue import Catalogue
from codex.retrieval.lock import IndexLock
from codex.store import Store
from codex.store.database.migrations import MIGRATIONS, SCHEMA_VERSION, migrate
from tests.support.command import Codex, command
from tests.support.full_disk import file_size_limit
from tests.support.homes import PASSAGE, fill, held, listing
from tests.support.scripted import Script, ScriptedEngine
from tests.support.serving import running, workbench
from tests.support.traces import make_trace

LITTLE = 4096


@pytest.fixture
def home(tmp_path: Path) -> Path:
    fill(tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def file(home: Path, tmp_path: Path) -> Path:
    with Store(home / "codex.duckdb") as store:
        save(archive_of(home, store), tmp_path / "it.tar.gz")
    return tmp_path / "it.tar.gz"


@pytest.fixture
def codex(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Codex:
    return command(home, monkeypatch, capsys)


def use(home: Path) -> None:
    """Change what there is."""
    with Store(home / "codex.duckdb") as store:
        store.save(make_trace(77, session="later"))
    (home / "documents" / "later.txt").write_text("later")
    (home / "choices.json").unlink()


def test_what_is_restored_is_what_was_backed_up(codex: Codex, home: Path, tmp_path: Path) -> None:
    before, file = held(home), tmp_path / "it.tar.gz"
    said = codex("backup", str(file))
    assert said.status == 0, said.err
    assert "11 files" in said.out
    assert "left out  model big: copy big.gguf into the folder models" in said.err
    assert file.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "it.tar.gz"]
    assert not list((home / ".partial").iterdir())
    use(home)
    refused = codex("restore", str(file))
    assert (refused.status, "holds data already" in refused.err, "--replace" in refused.err) == (
        1,
        True,
        True,
    )
    done = codex("restore", str(file), "--replace")
    assert done.status == 0, done.err
    assert f"{home}: 3 answers" in done.out
    assert f"kept in {home}/.before-restore-" in done.err
    assert held(home) == before
    assert (home / "models" / "big.gguf").exists()
    assert not list(home.glob(".*restore*"))


def test_another_home_takes_it_with_the_paths_of_its_documents(
    file: Path, home: Path, tmp_path: Path
) -> None:
    other = tmp_path / "new" / "other"
    restore(file, other)
    with closing(Catalogue(other / "index" / "catalogue.sqlite3")) as catalogue:
        (document,) = catalogue.documents()
        assert document.path == other.resolve() / "documents" / "far" / "ουρανός north.txt"
        assert document.path.read_text() == PASSAGE == catalogue.text(document.id).text
        assert [chunk.document for chunk in catalogue.chunks([1]).values()] == [document.id]
        with catalogue.write() as db:
            db.execute("INSERT INTO chunks VALUES (NULL, 'd', 0, 0, NULL, '', '')")
        assert catalogue.last_chunk() > 10**9  # a Chroma server may hold vectors of ids after 1
    assert {path: data for path, data in held(other).items() if "catalogue" not in path} == {
        path: data for path, data in held(home).items() if "catalogue" not in path
    }
    path = other / "documents" / "far" / "ουρανός north.txt"
    assert path.stat().st_mtime_ns == (home / path.relative_to(other)).stat().st_mtime_ns


def test_a_running_server_makes_it_while_answers_are_stored(home: Path, tmp_path: Path) -> None:
    stored: list[str] = []
    stop = threading.Event()
    with running(workbench(home, ScriptedEngine(lambda prompt: Script(["Oslo"])))) as served:

        def keep_storing() -> None:
            for number in range(1000, 10**6):
                if stop.is_set():
                    return
                served.workbench.store.save(make_trace(number))
                stored.append(f"trace-{number}")

        thread = threading.Thread(target=keep_storing)
        thread.start()
        try:
            asked = served.http.post("/infer", json={"query": "Capital?", "n_samples": 1}).json()
            before = {*stored, "trace-0", "trace-1", "trace-2", asked["trace_id"]}
            with closing(Served(f"http://127.0.0.1:{served.port}")) as there:
                save(there.pieces("/backup"), tmp_path / "it.tar.gz")
        finally:
            stop.set()
            thread.join()
        response = served.http.post("/backup")
        assert response.headers["content-type"] == "application/gzip"
    restore(tmp_path / "it.tar.gz", tmp_path / "other")
    with Store(tmp_path / "other" / "codex.duckdb") as store:
        kept = {trace.id for trace, _ in store.labelled_traces()}
    assert before <= kept
    assert kept <= before | set(stored)


def test_who_may_get_in_is_restored_only_where_nobody_is_known(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "it.tar.gz"
    with closing(Access(home)) as access, Store(home / "codex.duckdb") as store:
        ada = access.users.create("Ada", "admin", "several plain words")
        token = access.sign_ins.start(ada)
        access.audit.add("local", "", "create user", "Ada", 200)
        save(archive_of(home, store), file)
        access.users.create("Bob", "viewer", "several plain words")
        access.audit.add("local", "", "create user", "Bob", 200)
    restore(file, tmp_path / "other")
    with closing(Access(tmp_path / "other")) as other:
        assert [user.name for user in other.users.list()] == ["Ada"]
        assert other.sign_ins.user(token) is None
        assert other.audit.broken() is None
        assert len(list(other.audit.entries())) == 1
    restore(file, home, replace=True)
    with closing(Access(home)) as same:
        assert [user.name for user in same.users.list()] == ["Ada", "Bob"]
        assert len(list(same.audit.entries())) == 2


def test_a_file_that_is_there_is_replaced_only_when_told(codex: Codex, file: Path, home: Path) -> None:
    old = file.read_bytes()
    refused = codex("backup", str(file))
    assert (refused.status, "--replace" in refused.err) == (1, True)
    assert file.read_bytes() == old
    use(home)
    assert codex("backup", str(file), "--replace").status == 0
    assert file.read_bytes() != old
    inside = codex("backup", str(home / "documents" / "it.tar.gz"))
    assert (inside.status, "part of the next backup" in inside.err) == (1, True)


def test_a_home_without_a_database_has_nothing_to_back_up(
    codex: Codex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "nowhere"))
    refused = codex("backup", str(tmp_path / "it"))
    assert (refused.status, "nothing to back up" in refused.err) == (1, True)
    assert not (tmp_path / "nowhere").exists()


def test_what_a_killed_backup_left_is_deleted_by_the_next(codex: Codex, home: Path, tmp_path: Path) -> None:
    for name in ("backup-1", "backup-2", "datasets"):
        (home / ".partial" / name).mkdir(parents=True)
    under_way = os.open(home / ".partial" / "backup-2", os.O_RDONLY)
    fcntl.flock(under_way, fcntl.LOCK_EX)
    (tmp_path / "it.partial").write_bytes(b"x" * 10**6)
    assert codex("backup", str(tmp_path / "it")).status == 0
    os.close(under_way)
    assert {path.name for path in (home / ".partial").iterdir()} == {"backup-2", "datasets"}
    assert {path.name for path in tmp_path.iterdir()} == {"home", "it"}


def test_links_are_left_out_and_said(codex: Codex, home: Path, tmp_path: Path) -> None:
    (home / "documents" / "link.txt").symlink_to("/etc/passwd")
    (home / "documents" / "folder").symlink_to("/etc")
    said = codex("backup", str(tmp_path / "it"))
    assert said.status == 0
    assert "left out  documents/link.txt" in said.err
    assert "left out  documents/folder" in said.err


def test_a_full_disk_leaves_nothing_behind(home: Path, file: Path, tmp_path: Path) -> None:
    pieces = b"".join([file.read_bytes()])
    with pytest.raises(InvalidInput, match="cannot be written: File too large"), file_size_limit(LITTLE):
        save((each for each in (pieces,)), tmp_path / "other")
    with (
        Store(home / "codex.duckdb") as store,
        pytest.raises(StoreError, match=r"is full|cannot be backed up"),
        file_size_limit(LITTLE),
    ):
        save(archive_of(home, store), tmp_path / "other")
    before = listing(home)
    with pytest.raises(StoreError, match="Nothing in it has changed"), file_size_limit(LITTLE):
        restore(file, home, replace=True)
    with pytest.raises(StoreError), file_size_limit(LITTLE):
        restore(file, tmp_path / "fresh")
    assert listing(home) == before
    assert not any((tmp_path / "fresh").iterdir())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fresh", "home", "it.tar.gz"]
    assert not list((home / ".partial").iterdir())


def test_what_does_not_fit_on_the_disk_is_refused_before(
    file: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = listing(home)
    monkeypatch.setattr("codex.backup.restoring.SPARE", 2**60)
    with pytest.raises(InvalidInput, match=r"has room for 0 MB\. Make room"):
        restore(file, home, replace=True)
    assert listing(home) == before


def test_a_damaged_one_changes_nothing(file: Path, home: Path) -> None:
    file.write_bytes(file.read_bytes()[:-9])
    before = listing(home)
    with pytest.raises(InvalidInput, match="is damaged"):
        restore(file, home, replace=True)
    assert listing(home) == before


@pytest.mark.parametrize("who", ["database", "index", "training"])
def test_a_home_in_use_is_refused(file: Path, home: Path, who: str) -> None:
    before = listing(home)
    if who == "database":
        hold = f"import duckdb; db = duckdb.connect({str(home / 'codex.duckdb')!r}); print(); input()"
        with subprocess.Popen(
            [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout is not None
            child.stdout.readline()
            with pytest.raises(Conflict, match=rf"in use by process {child.pid}\. Stop it"):
                restore(file, home, replace=True)
            child.communicate("\n")
    elif who == "index":
        with (
            IndexLock(home / "index" / "writer.lock").exclusive(),
            pytest.raises(Conflict, match="is indexing"),
        ):
            restore(file, home, replace=True)
        (home / "index" / "writer.lock").unlink()
    else:
        lock = home / "adapters" / "first" / ".lock"
        with lock.open("w") as held_file:
            fcntl.flock(held_file, fcntl.LOCK_EX)
            with pytest.raises(Conflict, match="trains in"):
                restore(file, home, replace=True)
        lock.unlink()
    assert listing(home) == before


def test_a_home_that_is_served_is_refused_wherever_its_database_is(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    bench = workbench(
        other, ScriptedEngine(lambda prompt: Script(["Oslo"])), f"store.path={tmp_path / 'far'}"
    )
    with running(bench) as served:
        url = f"http://127.0.0.1:{served.port}"
        other.mkdir(exist_ok=True)
        (other / "server.json").write_text(json.dumps({"url": url, "pid": os.getpid()}))
        with pytest.raises(Conflict, match=f"serves the home .* on {url}"):
            restore(file, other)
    restore(file, other)


def test_two_restores_at_once_are_refused(file: Path, home: Path) -> None:
    folder = os.open(home, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    with pytest.raises(Conflict, match="Another process restores"):
        restore(file, home, replace=True)
    os.close(folder)


class Killed(BaseException):
    """What a kill does to a process: nothing after it is done."""


def die_at(count: int, monkeypatch: pytest.MonkeyPatch, how: type[BaseException]) -> None:
    """Let the so-many-th renaming of an exchange fail."""
    done, rename = iter(range(count)), os.rename

    def renamed(*words: str) -> None:
        if next(done, None) is None:
            if how is OSError:
                monkeypatch.setattr(os, "rename", rename)
            raise how(5, "Input/output error")
        rename(*words)

    monkeypatch.setattr(os, "rename", renamed)


def test_a_kill_at_any_moment_leaves_the_old_or_what_the_next_restore_completes(
    file: Path, home: Path, tmp_path: Path
) -> None:
    new = held(home)
    use(home)
    count = 0
    while True:
        trial = tmp_path / f"trial-{count}"
        subprocess.run(["cp", "-a", home, trial], check=True)
        with pytest.MonkeyPatch.context() as patch:
            die_at(count, patch, Killed)
            try:
                restore(file, trial, replace=True)
                break
            except Killed:
                pass
        with pytest.raises(StoreError, match="Run the same `codex restore` again"):
            Store(trial / "codex.duckdb")
        with (
            pytest.raises(RetrievalError, match="was interrupted"),
            closing(Catalogue(trial / "index" / "catalogue.sqlite3")) as catalogue,
        ):
            catalogue.get("id")
        said: list[str] = []
        restore(file, trial, tell=said.append)  # also without --replace
        assert "completed the restore that was interrupted" in said
        assert without_catalogue(held(trial)) == without_catalogue(new)
        assert not list(trial.glob(".*restore*"))
        count += 3  # Now before an entry is moved away, now before another takes its place.
    assert count > 8


def test_an_error_while_files_change_places_undoes_it(file: Path, home: Path, tmp_path: Path) -> None:
    use(home)
    before = listing(home)
    for count in (0, 3, 7):
        with pytest.MonkeyPatch.context() as patch:
            die_at(count, patch, OSError)
            with pytest.raises(StoreError, match="Nothing in it has changed"):
                restore(file, home, replace=True)
        assert listing(home) == before


def test_an_interrupted_one_is_completed_before_another_is_restored(
    file: Path, home: Path, tmp_path: Path
) -> None:
    new = held(home)
    use(home)
    with pytest.MonkeyPatch.context() as patch:
        die_at(3, patch, Killed)
        with pytest.raises(Killed):
            restore(file, home, replace=True)
    file.write_bytes(b"gone")
    with pytest.raises(InvalidInput, match="is damaged"):
        restore(file, home)
    assert without_catalogue(held(home)) == without_catalogue(new)


def test_an_older_database_is_migrated_and_a_lie_about_it_is_found(
    file: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "old"
    old.mkdir()
    with closing(duckdb.connect(old / "codex.duckdb")) as db:
        migrate(db, MIGRATIONS[:-1])
    with Store(home / "codex.duckdb") as store:
        monkeypatch.setattr(Store, "copy_to", lambda store, folder: copied(old, folder))
        monkeypatch.setattr("codex.backup.making.SCHEMA_VERSION", SCHEMA_VERSION - 1)
        save(archive_of(home, store), tmp_path / "older")
    restore(tmp_path / "older", tmp_path / "other")
    with closing(duckdb.connect(tmp_path / "other" / "codex.duckdb")) as db:
        assert db.execute("SELECT max(version) FROM schema_migrations").fetchall() == [(SCHEMA_VERSION,)]
        db.execute("INSERT INTO schema_migrations VALUES (99, 'later', now())")
    with Store(home / "codex.duckdb") as store:
        monkeypatch.setattr(Store, "copy_to", lambda store, folder: copied(tmp_path / "other", folder))
        save(archive_of(home, store), tmp_path / "lie")
    before = listing(home)
    with pytest.raises(StoreError, match="written by a newer Codex"):
        restore(tmp_path / "lie", home, replace=True)
    assert listing(home) == before


def test_a_file_that_is_written_in_its_place_meanwhile_fails_the_backup(home: Path, tmp_path: Path) -> None:
    with Store(home / "codex.duckdb") as store:
        pieces = archive_of(home, store)
        (home / "documents" / "big").write_bytes(os.urandom(5 * 2**20))
        first = next(pieces)
        (home / "verifiers" / "0a1b" / "whole" / "readout.json").write_text("[2.5]")
        with pytest.raises(Conflict, match=r"readout\.json changed while it was backed up"):
            save((each for each in [first, *pieces]), tmp_path / "it")


def test_the_store_path_is_refused(codex: Codex, file: Path, tmp_path: Path) -> None:
    refused = codex("restore", str(file), f"store.path={tmp_path / 'x.duckdb'}")
    assert (refused.status, "Leave store.path out" in refused.err) == (1, True)
    missing = codex("restore", str(tmp_path / "nowhere"), "--replace")
    assert (missing.status, "cannot be read: No such file" in missing.err) == (1, True)


def without_catalogue(found: dict[str, object]) -> dict[str, object]:
    """A catalogue that is restored into another folder has other paths."""
    return {name: rows for name, rows in found.items() if "catalogue" not in name}


def copied(folder: Path, to: Path) -> None:
    (to / "codex.duckdb").write_bytes((folder / "codex.duckdb").read_bytes())
