"""Commands while a workbench serves the home: they ask it over HTTP, and say the same."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from codex.calibration.shipped import shipped_calibrators
from codex.engines.models import DEFAULT_MODEL, Models, default_home
from codex.errors import StoreInUse
from codex.policy import Policy
from codex.settings import load_settings
from codex.store import Store
from tests.support.command import Codex, command
from tests.support.evaluated import put_run
from tests.support.serving import eventually

CAREFUL = Policy(name="careful", rules=(), answer_above=0.9)
QUESTION = ("ask", "What is the capital of France?", "--samples", "1", "--json")
BOUND = 120
"""Seconds, far more than a model takes to load on a busy machine."""


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a run and a policy, that nobody serves yet."""
    home, shelf = tmp_path_factory.mktemp("served"), Models(default_home())
    shelf.resolve(DEFAULT_MODEL)
    (home / "models").symlink_to(shelf.folder, target_is_directory=True)
    with Store(load_settings([f"home={home}"]).database) as store:
        store.policies.save(CAREFUL.version, CAREFUL.name, CAREFUL.model_dump_json())
        for number in (1, 2):
            put_run(store, f"run-{number}", name=f"run {number}", graded=4)
        for calibrator in shipped_calibrators():
            store.runs.note_came(calibrator.runs[0])
    return home


@pytest.fixture(scope="module")
def before(alone: Path) -> dict[str, str]:
    """What commands print while nobody serves the home."""
    said = {}
    for words in (QUESTION, ("runs", "--json"), ("runs",), ("policies", "--json"), ("policies",)):
        done = subprocess.run(
            [sys.executable, "-m", "codex", *words],
            env={**os.environ, "CODEX_HOME": str(alone)},
            capture_output=True,
            text=True,
            check=True,
        )
        said[" ".join(words)] = done.stdout
    return said


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
    for words in ("runs --json", "runs", "policies --json", "policies"):
        assert codex(*words.split()).out == before[words], words


def test_a_question_is_answered_by_the_running_workbench(codex: Codex, before: dict[str, str]) -> None:
    said, alone = codex(*QUESTION), json.loads(before[" ".join(QUESTION)])
    assert said.status == 0, said.err
    varying = {"session_id", "trace_id", "seconds"}
    assert {k: v for k, v in said.json.items() if k not in varying} == {
        k: v for k, v in alone.items() if k not in varying
    }
    shown = codex("ask", "What is the capital of France?", "--samples", "1").out
    assert said.json["model_answer"] in shown
    assert f"{said.json['decision'].upper()}  confidence" in shown


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
    assert [it["name"] for it in codex("runs", "--json").json] == ["renamed"]
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
