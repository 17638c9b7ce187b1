"""Commands while a workbench serves the home: they ask it over HTTP, and say the same."""

from __future__ import annotations

import gzip
import json
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import chdir, closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import NoReturn

import httpx
import pytest
from typer.testing import CliRunner

from codex.calibration.shipped import shipped_calibrators
from codex.cli.main import app
from codex.cli.served import Served, raise_sent
from codex.engines.models import DEFAULT_MODEL, Models, default_home
from codex.errors import Busy, CodexError, InvalidInput, PromptTooLong, StoreInUse
from codex.evaluation.generations import write
from codex.policy import Policy
from codex.server.errors import error_body
from codex.settings import load_settings
from codex.store import Store
from tests.support.command import Codex, command
from tests.support.evaluated import generated, put_calibrator, put_run
from tests.support.serving import eventually

CAREFUL = Policy(name="careful", rules=(), answer_above=0.9)
QUESTION = ("ask", "What is the capital of France?", "--samples", "1", "--json")
MODEL = "llama_cpp:smollm2-135m-instruct:Q4_1"
FIT = ("calibrate", "--run", "fitted", "--method", "temperature")
EXPORT, PAGE, MADE = "export.jsonl.gz", "page.html", "made.json"
"""Files that commands write in the folder they are called in."""
READ = (
    QUESTION,
    (*FIT, "--alpha", "0.6", "--prediction-sets", "0.3", "--json", "-o", MADE),
    (*FIT, "--alpha", "0.3", "--delta", "0.1", "--by-group"),
    ("runs", "--json"),
    ("runs",),
    ("policies", "--json"),
    ("policies",),
    ("calibrators", "--json"),
    ("calibrators",),
    ("calibrators", "history"),
    ("runs", "show", "fitted", "--json", "--html", PAGE),
    ("runs", "show", "fitted", "--csv"),
    ("runs", "show", "fitted", "--ndjson"),
    ("export", "fitted", "-o", EXPORT),
    ("export", "--traces", "-o", EXPORT),
)
"""Commands that change nothing that those after them print, however often."""
BOUND = 120
"""Seconds, far more than a model takes to load on a busy machine."""


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with runs, calibrators and a policy, that nobody serves yet."""
    home, shelf = tmp_path_factory.mktemp("served"), Models(default_home())
    shelf.resolve(DEFAULT_MODEL)
    (home / "models").symlink_to(shelf.folder, target_is_directory=True)
    with Store(load_settings([f"home={home}"]).database) as store:
        store.policies.save(CAREFUL.version, CAREFUL.name, CAREFUL.model_dump_json())
        for number in (1, 2):
            put_run(store, f"run-{number}", name=f"run {number}", graded=4)
        fitted = put_run(store, "fitted", name="fitted on", graded=120, failed=1, model=MODEL)
        for name in ("mine", "other"):
            put_calibrator(store, fitted, name)
        for calibrator in shipped_calibrators():
            store.runs.note_came(calibrator.runs[0])
    return home


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with chdir(tmp_path_factory.mktemp("written")):
        yield


@pytest.fixture(scope="module")
def before(alone: Path, folder: None) -> dict[str, str]:
    """What commands print while nobody serves the home."""
    said = {}
    for words in READ:
        done = CliRunner().invoke(app, words, env={"CODEX_HOME": str(alone)})
        assert done.exit_code == 0, done.output
        said[" ".join(words)] = done.stdout + written()
    return said


def written() -> str:
    """What a command wrote to a file; the file is deleted."""
    held = ""
    for path in (Path(EXPORT), Path(PAGE), Path(MADE)):
        if path.exists():
            held += (
                gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            ).decode()
            path.unlink()
    return held


@pytest.fixture(scope="module")
def server(alone: Path, before: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A workbench that serves it, in a process of its own."""
    child = subprocess.Popen(
        [sys.executable, "-m", "codex", "serve", "server.port=0", "engine.params.max_tokens=128"],
        env={**os.environ, "CODEX_HOME": str(alone)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    url = child.stdout.readline().split()[-1]
    assert eventually(lambda: httpx.get(f"{url}/healthz").status_code == 200, BOUND)
    yield child
    child.send_signal(signal.SIGINT)
    child.wait(BOUND)
    assert not (alone / "server.json").exists()


@pytest.fixture
def codex(
    alone: Path,
    server: subprocess.Popen[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Codex:
    return command(alone, monkeypatch, capsys)


def test_lists_are_the_same_as_without_a_server(codex: Codex, before: dict[str, str]) -> None:
    for words in READ[1:]:
        said = codex(*words)
        # As CliRunner has it, the ends of lines of CSV are those of the others.
        assert said.out.replace("\r\n", "\n") + written() == before[" ".join(words)], (words, said.err)


def test_a_question_is_answered_by_the_running_workbench(codex: Codex, before: dict[str, str]) -> None:
    said, alone = codex(*QUESTION), json.loads(before[" ".join(QUESTION)])
    assert said.status == 0, said.err
    varying = {"session_id", "trace_id", "seconds"}
    assert {k: v for k, v in said.json.items() if k not in varying} == {
        k: v for k, v in alone.items() if k not in varying
    }
    shown = codex("ask", "What is the capital of France?", "--samples", "1").out
    assert said.json["model_answer"] in shown
    assert said.json["decision"].upper() in shown
    assert "  confidence " in shown


def test_a_policy_of_the_command_goes_with_the_question(codex: Codex) -> None:
    said = codex(*QUESTION, "policy.rules=[]", "policy.answer_above=1.0", "policy.abstain_below=0.0")
    assert (said.json["decision"], said.json["gate"]) == ("defer", "proceed")


def test_a_setting_that_is_another_there_is_refused(codex: Codex) -> None:
    refused = codex(*QUESTION, "engine.params.max_tokens=7")
    assert (refused.status, refused.out) == (1, "")
    assert "has another engine.params.max_tokens: 128, not 7" in refused.err
    assert "CODEX_HOME" in refused.err
    assert codex("ask", "What?", "engine=huggingface").status == 1
    assert codex(*QUESTION, "engine.params.max_tokens=128").status == 0


def test_a_backup_is_made_by_the_running_workbench_while_it_answers(
    codex: Codex, alone: Path, tmp_path: Path
) -> None:
    answered = codex(*QUESTION).json["trace_id"]
    url = json.loads((alone / "server.json").read_text())["url"]
    stop = threading.Event()

    def keep_asking() -> None:
        while not stop.is_set():
            httpx.post(f"{url}/infer", json={"query": "Capital of France?", "n_samples": 0}, timeout=BOUND)

    asking = threading.Thread(target=keep_asking)
    asking.start()
    try:
        said = codex("backup", str(tmp_path / "it.tar.gz"))
    finally:
        stop.set()
        asking.join(BOUND)
    assert said.status == 0, said.err
    assert f"model {DEFAULT_MODEL}: codex models fetch {DEFAULT_MODEL}" in said.err
    refused = codex("restore", str(tmp_path / "it.tar.gz"), "--replace")
    assert (refused.status, "A workbench serves the home" in refused.err) == (1, True)
    done = codex("restore", str(tmp_path / "it.tar.gz"), f"home={tmp_path / 'other'}")
    assert done.status == 0, done.err
    with Store(tmp_path / "other" / "codex.duckdb") as store:
        assert store.load(answered).answer
        assert {each.run.id for each in store.runs.list()} >= {"run-1", "run-2", "fitted"}


def test_answers_are_labelled_and_runs_compared_in_the_running_workbench(codex: Codex) -> None:
    for verdict in ("correct", "incorrect"):
        assert codex("runs", "label", "run-1", "q1", verdict).status == 0
    assert [it["by_person"] for it in codex("runs", "--json").json if it["id"] == "run-1"] == [1]
    assert codex("runs", "label", "run-2", "q1", "correct").status == 0
    found = codex("runs", "compare", "run-1", "run-2", "--json").json
    assert (found["n"], found["gained"], found["lost"]) == (4, 1, 0)
    assert "run 2 answers 1 more of 4 shared questions" in codex("runs", "compare", "run-1", "run-2").out
    for run in ("run-1", "run-2"):
        assert codex("runs", "label", run, "q1", "clear").status == 0


def test_runs_and_policies_are_changed_in_the_running_workbench(codex: Codex) -> None:
    assert codex("runs", "rename", "run-1", "renamed").status == 0
    assert codex("runs", "delete", "run-2", "--yes").status == 0
    assert {it["name"] for it in codex("runs", "--json").json} == {"renamed", "fitted on"}
    missing = codex("runs", "rename", "nowhere", "x")
    assert (missing.status, "No run has the id 'nowhere'" in missing.err) == (1, True)
    refused = codex("runs", "rename", "run-1", " ")
    assert (refused.status, "needs a name" in refused.err) == (1, True)

    version = CAREFUL.version
    assert Policy.model_validate(codex("policies", "show", version).json) == CAREFUL
    assert f"active: {version}" in codex("policies", "activate", version).out
    assert "activate another policy" in codex("policies", "delete", version, "-y").err
    assert f"active: {Policy().version}" in codex("policies", "rollback").out
    assert codex("policies", "rename", version, "spring").status == 0
    assert f"spring ({version})" in codex("policies", "delete", version, "-y").out
    assert codex("policies", "show", version).status == 1


def test_calibrators_are_changed_in_the_running_workbench(codex: Codex) -> None:
    versions = {it["name"]: it["version"] for it in codex("calibrators", "--json").json}
    mine, other = versions["mine"], versions["other"]
    [first] = [it["version"] for it in codex("calibrators", "--json").json if it["active"]]
    assert f"active: {mine}" in codex("calibrators", "activate", mine).out
    assert "activate another calibrator" in codex("calibrators", "delete", mine, "-y").err
    assert "active: none" in codex("calibrators", "activate", "none").out
    assert f"active: {mine}" in codex("calibrators", "rollback").out
    assert f"active: {first}" in codex("calibrators", "rollback").out
    assert "undone" in codex("calibrators", "history").out
    assert codex("calibrators", "rename", mine, "spring").status == 0
    assert f"spring ({mine})" in codex("calibrators", "delete", mine, "-y").out
    missing = codex("calibrators", "delete", mine, "-y")
    assert (missing.status, f"No calibrator '{mine}' is stored" in missing.err) == (1, True)
    left = {it["version"] for it in codex("calibrators", "--json").json}
    assert {first, other} <= left
    assert mine not in left


def test_a_fit_is_activated_in_the_running_workbench(codex: Codex) -> None:
    made = codex(*FIT, "--alpha", "0.6", "--activate", "--json").json
    assert made["guarantee"]["kind"] == "guarantee"
    [active] = [it["version"] for it in codex("calibrators", "--json").json if it["active"]]
    [policy] = [it["policy"] for it in codex("policies", "--json").json if it["active"]]
    assert policy["guarantee"]["calibrator"] == active == made["version"]
    plain = codex(*FIT, "--name", "plain", "--activate", "--json").json["version"]
    assert [it["version"] for it in codex("calibrators", "--json").json if it["active"]] == [plain]
    few = codex("calibrate", "--run", "run-1")
    assert (few.status, "4 graded answers" in few.err) == (1, True)
    assert codex("policies", "activate", "settings").status == 0
    for _ in range(2):
        assert codex("calibrators", "rollback").status == 0


def test_errors_are_raised_as_the_kind_that_was_sent() -> None:
    def sent(error: Exception) -> NoReturn:
        raise_sent(error_body(error).model_dump_json().encode())

    with pytest.raises(InvalidInput, match="too small") as refused:
        sent(InvalidInput("too small", ["limit"]))
    assert refused.value.fields == ("limit",)
    with pytest.raises(PromptTooLong, match="tokens too long"):
        sent(PromptTooLong(5000, 100))
    with pytest.raises(Busy, match="full"):
        sent(Busy("full"))
    with pytest.raises(CodexError, match="no known form: '<html>'"):
        raise_sent(b"<html>")


def test_a_workbench_that_stops_midway_is_said_to_have_stopped() -> None:
    def half(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"event: token\r\n")

    kind = type("Half", (BaseHTTPRequestHandler,), {"do_GET": half, "do_POST": half, "log_message": print})
    with HTTPServer(("127.0.0.1", 0), kind) as stopping:
        threading.Thread(target=stopping.serve_forever, daemon=True).start()
        there = Served(f"http://127.0.0.1:{stopping.server_port}")
        with closing(there):
            with pytest.raises(CodexError, match="Look whether it has stopped"):
                there.call("GET", "/evaluations")
            with pytest.raises(CodexError, match="Look whether it has stopped"):
                list(there.ask({"query": "What?"}))
        stopping.shutdown()


def test_what_needs_the_database_itself_says_so(
    codex: Codex, server: subprocess.Popen[str], alone: Path
) -> None:
    # In a process of its own, whose signals it changes.
    second = subprocess.run(
        [sys.executable, "-m", "codex", "serve"],
        env={**os.environ, "CODEX_HOME": str(alone)},
        capture_output=True,
        text=True,
    )
    assert (second.returncode, second.stdout) == (1, "")
    assert f"(process {server.pid}). Open it, or give this one a home of its own" in second.stderr
    judge = codex("models", "judge")
    assert (judge.status, judge.out) == (1, "")
    assert f"(process {server.pid}). It measures its own model while no question waits" in judge.err
    write(Path("answers.jsonl"), [generated(1, "even")])
    refused = codex("calibrate", "--generations", "answers.jsonl")
    assert (refused.status, "`codex runs import FILE`" in refused.err) == (1, True)


def test_a_file_that_a_killed_server_left_is_not_followed(codex: Codex, alone: Path) -> None:
    file = alone / "server.json"
    said = file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    try:
        for left in (json.dumps({**json.loads(said), "pid": 1}), "{", ""):
            file.write_text(left)
            refused = codex("runs")
            assert (refused.status, "is in use by process" in refused.err) == (1, True), left
    finally:
        file.write_text(said)


def test_the_store_says_which_process_has_it(alone: Path, server: subprocess.Popen[str]) -> None:
    with pytest.raises(StoreInUse) as refused:
        Store(load_settings([f"home={alone}"]).database)
    assert refused.value.pid == server.pid
