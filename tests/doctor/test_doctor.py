"""What is wrong is found, told with what to do about it, and left as it is."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import duckdb
import pytest

from codex.doctor import checks, home, installation, machine, network
from codex.doctor.checks import diagnose
from codex.doctor.configured import check_settings
from codex.doctor.findings import Finding, examine
from codex.retrieval.content import VERSION
from codex.settings import Settings, load_settings
from codex.store import Store
from codex.store.database.migrations import MIGRATIONS, SCHEMA_VERSION, migrate
from tests.support.command import Codex, command
from tests.support.homes import fill, listing

SECRET = "hunter2-hunter2"
FREE = "server.port=0"


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    fill(tmp_path / "home")
    (tmp_path / "home").chmod(0o700)
    return tmp_path / "home"


@pytest.fixture
def codex(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Codex:
    return command(tmp_path / "home", monkeypatch, capsys)


def settings_of(folder: Path, *overrides: str) -> Settings:
    return load_settings([f"home={folder}", *overrides])


def told(finding: Finding, state: str, found: str, remedy: str = "") -> None:
    """Assert what a check said."""
    assert finding.state == state, finding
    assert found in finding.found, finding
    assert remedy in finding.remedy, finding
    assert bool(finding.remedy) == (state != "ok"), finding


@contextmanager
def answering(status: int, body: object, seen: list[str | None] | None = None) -> Iterator[str]:
    """A server that answers everything so."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if seen is not None:
                seen.append(self.headers["Authorization"])
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_home_that_is_not_there_is_not_made(codex: Codex, tmp_path: Path) -> None:
    said = codex("doctor", "--json", FREE, "engine=llama_cpp")
    assert said.status == 0, said.out
    assert said.json["state"] == "warn"
    by_name = {check["name"]: check for check in said.json["checks"]}
    assert list(by_name)[:4] == ["Codex", "Python", "packages", "extras"]
    assert by_name["model"]["remedy"] == "codex models fetch smollm2-135m-instruct"
    assert by_name["database"]["found"].startswith("none yet")
    assert all(set(check) == {"name", "state", "found", "remedy", "details"} for check in by_name.values())
    assert not (tmp_path / "home").exists()
    lines = codex("doctor", FREE, "engine=llama_cpp").out.splitlines()
    assert [line.split()[0] for line in lines] == [
        *(
            word
            for check in by_name.values()
            for word in ([check["state"], "->"] if check["remedy"] else [check["state"]])
        )
    ]


def test_a_home_in_use_is_told_and_nothing_in_it_changes(codex: Codex, filled: Path) -> None:
    (filled / "models" / "big.gguf").unlink()
    before = listing(filled)
    found = {it.name: it for it in diagnose([f"home={filled}", FREE, "engine=llama_cpp"])}
    told(found["database"], "ok", f"version {SCHEMA_VERSION} of its tables")
    told(found["index"], "ok", "1 indexed; embedding all-minilm-l6-v2")
    told(found["home"], "ok", str(filled))
    assert listing(filled) == before
    hold = f"import duckdb; db = duckdb.connect({str(filled / 'codex.duckdb')!r}); print(); input()"
    with subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        told(home.check_database(filled / "codex.duckdb"), "ok", f"in use by process {child.pid} (")
        child.communicate("\n")


def test_one_check_that_breaks_hides_no_other(codex: Codex, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Finding:
        raise ZeroDivisionError(f"of http://u:{SECRET}@host")

    def missing() -> Finding:
        raise ModuleNotFoundError("No module named 'duckdb'")

    first, second, third = examine(
        [("GPU", broken), ("database", missing), ("Python", installation.check_python)]
    )
    told(first, "fail", "cannot be checked: ZeroDivisionError", "report it")
    assert SECRET not in first.found
    told(second, "fail", "No module named 'duckdb'", "Install Codex again")
    assert third.state == "ok"
    monkeypatch.setattr(machine, "check_cpu", broken)
    said = codex("doctor", "--json", FREE)
    assert (said.status, said.json["state"]) == (1, "fail")
    assert {"CPU", "memory", "port"} <= {check["name"] for check in said.json["checks"]}


def test_settings_that_cannot_be_read_hide_no_other_check(codex: Codex) -> None:
    said = codex("doctor", "--json", "engine.context_sizes=1", "server.port=0")
    by_name = {check["name"]: check for check in said.json["checks"]}
    assert said.status == 1
    assert by_name["settings"]["state"] == "fail"
    assert "engine.context_size" in by_name["settings"]["found"]
    assert "database" in by_name


def test_what_differs_from_the_defaults_is_told_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    found = check_settings(
        [
            f"store.events=postgresql://user:{SECRET}@host/events",
            f"monitoring.webhook=https://hooks.example.org/{SECRET}",
            f"retrieval.chroma_url='http://user:{SECRET}@host:8000/?token={SECRET}'",
            "ask.n_samples=3",
        ]
    )
    told(found, "ok", "ask.n_samples=3")
    assert "hooks.example.org/***" in found.found
    assert SECRET not in json.dumps(found.details) + found.found
    for wrong in (
        f"retrieval.chroma_url=http://host:8000/?token={SECRET}",
        f"monitoring.webhook={SECRET}",
        f"store.events=postgresql://user:{SECRET}@host/x y",
    ):
        refused = check_settings([wrong, "engine.params.seed=a"])
        told(refused, "fail", "etting", "Correct")
        assert SECRET not in refused.found
    told(check_settings(["engine=llama_cpp", "engine.gpu_layers=none"]), "fail", "gpu_layers", "Correct")


@pytest.mark.parametrize(
    ("required", "state", "found", "remedy"),
    [
        ("nowhere-at-all>=2", "fail", "nowhere-at-all>=2 is missing", "pip install 'nowhere-at-all>=2'"),
        ("duckdb<1", "fail", "duckdb is", "pip install 'duckdb<1'"),
        ('nowhere-at-all>=2; python_version < "3"', "ok", "1 as required: duckdb", ""),
    ],
)
def test_a_package_that_is_missing_or_old(
    required: str, state: str, found: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installation, "requires", lambda _: [required, "duckdb>=1"])
    told(installation.check_packages(), state, found, remedy)


def test_optional_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    needed = ['duckdb<1; extra == "old"', 'duckdb>=1; extra == "good"', 'nowhere>1; extra == "absent"']
    monkeypatch.setattr(installation, "requires", lambda _: needed)
    finding = installation.check_extras()
    told(finding, "warn", "duckdb is", "pip install 'duckdb<1'")
    assert finding.details == {"present": ["good"], "absent": ["absent", "old"]}
    monkeypatch.setattr(installation, "requires", lambda _: needed[1:])
    told(installation.check_extras(), "ok", "present: good; not installed: absent")


def test_an_old_python_and_a_codex_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    told(installation.check_python((3, 10, 1)), "fail", "3.10.1", "Install Python 3.11 or newer")
    monkeypatch.setattr(installation, "CODEX", "nowhere-at-all")
    told(installation.check_codex(), "fail", "not installed", "make run")


def test_a_slow_processor_and_little_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text("model name\t: Old\nflags\t\t: fpu sse4_2\n")
    monkeypatch.setattr(machine.platform, "machine", lambda: "x86_64")
    told(machine.check_cpu(info), "warn", "avx2 no, bf16 no", "slower without AVX2")
    info.write_text("model name\t: New\nflags\t\t: avx2 avx512_bf16\n")
    told(machine.check_cpu(info), "ok", "avx2 yes, bf16 yes")
    monkeypatch.setattr("codex.engines.memory.available_memory", lambda: 10**8)
    told(machine.check_memory(), "warn", "100 MB free", "smaller model")
    monkeypatch.setattr(machine.platform, "system", lambda: "Windows")
    told(machine.check_platform(), "warn", "", "WSL")


class Driver:
    """Stands for NVIDIA's driver with one GPU."""

    def __init__(self, starts: int) -> None:
        self.starts = starts

    def cuInit(self, _: int) -> int:  # noqa: N802
        return self.starts

    def cuDeviceGetCount(self, count: Any) -> None:  # noqa: N802
        count._obj.value = 1

    def cuDeviceGetName(self, name: Any, _: int, __: int) -> None:  # noqa: N802
        name.value = b"H200"

    def cuDeviceTotalMem_v2(self, memory: Any, _: int) -> None:  # noqa: N802
        memory._obj.value = 141 * 10**9


def test_a_gpu_that_torch_cannot_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.ctypes, "CDLL", lambda _: Driver(0))
    monkeypatch.setattr(machine, "torch_cuda", lambda: None)
    told(machine.check_gpu(), "warn", "H200 (141.0 GB); the installed torch is built without CUDA", "torch")
    monkeypatch.setattr(machine, "torch_cuda", lambda: "13.0")
    told(machine.check_gpu(), "ok", "torch for CUDA 13.0")
    monkeypatch.setattr(machine.ctypes, "CDLL", lambda _: Driver(100))
    told(machine.check_gpu(), "warn", "does not start", "nvidia-smi")


def test_a_home_that_cannot_be_used(tmp_path: Path, filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled.chmod(0o755)
    told(home.check_home(filled), "warn", "can be read by others (mode 755)", f"chmod -R go= '{filled}'")
    filled.chmod(0o700)
    (filled / ".before-restore-1").mkdir()
    told(home.check_home(filled), "warn", "holds what a restore replaced", "Delete it")
    (filled / ".restore").mkdir()
    (filled / ".restore" / "journal.json").touch()
    told(home.check_home(filled), "fail", "was interrupted", "Run the same `codex restore` again")
    (tmp_path / "file").touch()
    told(home.check_home(tmp_path / "file"), "fail", "is no folder", "CODEX_HOME")
    monkeypatch.setattr(home.os, "access", lambda *_: False)
    told(home.check_home(tmp_path / "new"), "fail", "may not be written", "CODEX_HOME")


@pytest.mark.parametrize(("free", "state"), [(10**7, "fail"), (10**9, "warn"), (10**10, "ok")])
def test_room_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, state: str) -> None:
    usage = type("Usage", (), {"free": free})
    monkeypatch.setattr(home.shutil, "disk_usage", lambda _: usage)
    told(home.check_disk(tmp_path / "not" / "there"), state, "free", "" if state == "ok" else "Make room")


def test_a_database_that_cannot_be_used(tmp_path: Path) -> None:
    path = tmp_path / "codex.duckdb"
    path.write_bytes(b"rubbish" * 1000)
    told(home.check_database(path), "fail", "cannot be opened", "codex restore FILE")
    path.write_bytes(b"")
    told(home.check_database(path), "warn", "empty", "Start Codex")
    path.unlink()
    with closing(duckdb.connect(path)) as db:
        db.execute("CREATE TABLE mine (i INTEGER)")
    told(home.check_database(path), "fail", "of another program", "store.path")
    path.unlink()
    with closing(duckdb.connect(path)) as db:
        migrate(db, MIGRATIONS[:3])
    before = path.read_bytes()
    told(home.check_database(path), "ok", f"version 3 of its tables, brought to {SCHEMA_VERSION} by the next")
    assert path.read_bytes() == before
    with closing(duckdb.connect(path)) as db:
        db.execute("INSERT INTO schema_migrations VALUES (99, 'later', now())")
    told(home.check_database(path), "fail", "written by a newer Codex: version 99", "pip install --upgrade")


def test_a_model_that_cannot_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def checked(name: str, *overrides: str) -> Finding:
        return home.check_model(settings_of(tmp_path, f"engine.model_path='{name}'", *overrides))

    models = tmp_path / "models"
    models.mkdir()
    told(
        checked("no such one", "engine=llama_cpp"), "fail", "there is no model 'no such one'", "codex models"
    )
    told(checked("me/mine", "engine=llama_cpp"), "warn", "the first start fetches it", "fetch me/mine")
    (models / "cut.gguf").write_bytes(b"GGUF")
    told(checked("cut", "engine=llama_cpp"), "fail", "cut.gguf", "fetch it again")
    (models / "folder").mkdir()
    told(checked("folder", "engine=huggingface"), "fail", "no config.json", "fetch it again")
    (models / "folder" / "config.json").write_text("{}")
    told(checked("folder", "engine=huggingface"), "fail", "no safetensors", "fetch it again")
    (models / "folder" / "model.safetensors").write_bytes(bytes(5000))
    told(checked("folder", "engine=huggingface"), "ok", "folder, by engine=huggingface")
    monkeypatch.setattr("codex.engines.memory.available_memory", lambda: 1000)
    told(checked("folder", "engine=huggingface"), "warn", "of memory is free", "smaller model")
    monkeypatch.setattr(home.os, "access", lambda *_: False)
    told(checked("folder", "engine=huggingface"), "fail", "may not be read", "chmod")
    told(checked("far", "engine=openai_api"), "ok", "far, by engine=openai_api")


def test_an_index_that_cannot_be_used(filled: Path) -> None:
    path = filled / "index" / "catalogue.sqlite3"
    told(
        home.check_index(settings_of(filled, "retrieval.embedding=/nowhere/at/all")),
        "fail",
        "there is no such folder",
        "set retrieval.embedding",
    )
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("INSERT OR REPLACE INTO meta VALUES ('embedding', ?)", [json.dumps({"name": "other/one"})])
    told(home.check_index(settings_of(filled)), "fail", "built with the embedding other/one", "--rebuild")
    told(home.check_index(settings_of(filled, "retrieval.embedding=other/one")), "ok", "1 indexed")
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
    told(home.check_index(settings_of(filled)), "fail", "newer Codex", "--upgrade")
    for left in (filled / "index").iterdir():
        left.unlink()
    path.write_bytes(b"rubbish" * 1000)
    told(home.check_index(settings_of(filled)), "fail", "cannot be read", "index again")
    assert [each.name for each in (filled / "index").iterdir()] == ["catalogue.sqlite3"]


def test_the_port(tmp_path: Path) -> None:
    announced, healthy = tmp_path / "server.json", {"version": "1.0", "status": "ready", "model": "m"}

    def checked(port: int, host: str = "127.0.0.1", installed: str = "1.0") -> Finding:
        return network.check_port(host, port, announced, installed)

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        taken.close()
    told(checked(port), "ok", "is free")
    told(checked(port, "no.such.host.invalid"), "fail", "cannot be listened on", "server.port")
    with answering(404, {}) as url:
        told(checked(int(url.rsplit(":")[-1])), "fail", "taken by another program", "server.port=8000")
    with answering(200, healthy) as url:
        told(checked(int(url.rsplit(":")[-1])), "ok", f"Codex 1.0 answers on {url}")
        told(checked(int(url.rsplit(":")[-1]), installed="2.0"), "warn", "2.0 is installed", "Restart")
        announced.write_text(json.dumps({"url": url, "pid": os.getpid()}))
        told(checked(0), "ok", f"answers on {url}")
    told(checked(0), "ok", "a free one")
    with answering(503, healthy | {"error": "There is no model."}) as url:
        told(checked(int(url.rsplit(":")[-1])), "warn", "There is no model.", "Models")


def test_servers_that_do_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    gone, seen = "http://127.0.0.1:9", list[str | None]()
    monkeypatch.setenv("KEY", SECRET)
    told(network.check_chroma(gone), "fail", "refused", "chroma run")
    told(network.check_servers((gone,), ""), "fail", "refused", "Start the server")
    told(
        network.check_servers((gone,), "NO_SUCH_KEY"), "fail", "NO_SUCH_KEY is not set", "export NO_SUCH_KEY"
    )
    address = f"postgresql://user:{SECRET}@127.0.0.1:9/events"
    finding = network.check_postgres(address)
    told(finding, "warn", "does not answer", "store.events")
    assert SECRET not in finding.found
    with answering(200, {}, seen) as url, answering(401, {}) as refusing:
        told(network.check_chroma(url), "ok", "answers")
        told(network.check_servers((f"{url}/v1",), "KEY"), "ok", "answers")
        assert seen[-1] == f"Bearer {SECRET}"
        told(network.check_servers((f"{url}/v1", gone), ""), "warn", "refused", "Start the server")
        told(network.check_servers((refusing,), "KEY"), "fail", "401", "engine.api_key_env")


def test_what_is_set_is_checked_and_no_more(tmp_path: Path) -> None:
    plain = {it.name for it in diagnose([f"home={tmp_path}", FREE, "engine=llama_cpp"])}
    assert not plain & {"Chroma", "PostgreSQL", "model server", "larger model"}
    gone = "http://127.0.0.1:9/v1"
    found = {
        it.name: it.state
        for it in diagnose(
            [
                f"home={tmp_path}",
                FREE,
                "engine=openai_api",
                f"engine.base_url={gone}",
                f"larger.base_url={gone}",
                "larger.model=m",
                f"retrieval.chroma_url={gone}",
                "store.events=postgresql://127.0.0.1:9/x",
            ]
        )
    }
    assert [found[name] for name in ("Chroma", "PostgreSQL", "model server", "larger model")] == [
        "fail",
        "warn",
        "fail",
        "fail",
    ]


def test_a_database_with_a_log_is_read_and_the_log_stays(tmp_path: Path) -> None:
    script = (
        "import os; from pathlib import Path; from codex.store import Store; "
        "from tests.support.traces import make_trace; "
        f"Store(Path({str(tmp_path / 'codex.duckdb')!r})).save(make_trace(1)); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", script], check=False, env=dict(os.environ))
    before = listing(tmp_path)
    assert before["codex.duckdb.wal"][0]
    told(home.check_database(tmp_path / "codex.duckdb"), "ok", f"version {SCHEMA_VERSION}")
    assert listing(tmp_path) == before
    with Store(tmp_path / "codex.duckdb") as store:
        assert store.load("trace-1").answer


def test_it_runs_as_a_module_where_the_command_does_not_start(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "codex.doctor", "--json", FREE, "engine=llama_cpp"]
    done = subprocess.run(
        words, env=os.environ | {"CODEX_HOME": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["state"] in ("ok", "warn")
    assert checks.lines([Finding("GPU", "warn", "none", "Buy one.")]) == [
        "warn  GPU  none",
        "           -> Buy one.",
    ]
