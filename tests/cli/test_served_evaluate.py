"""Commands that a workbench with a scripted model carries out: codex evaluate, and codex runs import."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from codex.cli.served import announced
from codex.errors import StoreInUse
from codex.evaluation.generations import write
from codex.evaluation.imported import import_run
from codex.store import Store
from tests.support.command import Codex, command
from tests.support.evaluated import generated
from tests.support.scripted import Script, ScriptedEngine
from tests.support.serving import running, workbench
from tests.support.sums import COUNT, put_sums, sums


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return put_sums(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def engine(home: Path) -> Iterator[ScriptedEngine]:
    """Of a workbench that serves the home."""
    engine = ScriptedEngine(sums)
    made = workbench(home, engine, "retrieval.max_file_mb=1")
    with running(made) as started, announced(made.settings, "127.0.0.1", started.port):
        yield engine


@pytest.fixture
def codex(
    home: Path, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Codex:
    """The program as in another process, for which the database is in use."""

    def in_use(*_: object, **__: object) -> NoReturn:
        raise StoreInUse("The database is in use.", os.getpid())

    monkeypatch.setattr("codex.cli.runs.Store", in_use)
    monkeypatch.setattr("codex.cli.evaluate.Workbench.open", in_use)
    monkeypatch.setattr(engine, "script", engine.script)
    monkeypatch.setattr(engine, "delay", engine.delay)
    return command(home, monkeypatch, capsys)


def test_a_run_on_a_cluster_needs_the_database_itself(codex: Codex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codex.cli.evaluate.check_installed", lambda: None)
    said = codex("evaluate", "--dataset", "sums", "--ray", "local")
    assert (said.status, "a running workbench has the database open" in said.err) == (1, True)


def test_a_dataset_is_asked_by_the_running_workbench_and_told(codex: Codex) -> None:
    said = codex("evaluate", "--dataset", "sums", "--name", "first", "--limit", "4", "ask.n_samples=2")
    assert said.status == 0, said.err
    assert "first: 4 answers, 0.500" in said.out
    assert "first: 4 questions; the run is " in said.err
    [run] = [it for it in codex("runs", "--json").json if it["name"] == "first"]
    assert (run["state"], run["done"], run["params"]["n_samples"], run["params"]["limit"]) == (
        "done",
        4,
        2,
        4,
    )
    assert codex("runs", "show", run["id"], "--json").json["n"] == 4


def test_a_setting_with_several_values_makes_a_run_for_each_there(codex: Codex) -> None:
    several = "engine.params.temperature=0.3,1.0"
    said = codex("evaluate", "--dataset", "sums", "--json", several, "ask.n_samples=1")
    assert said.status == 0, said.err
    assert [it["name"] for it in said.json] == [
        f"sums engine.params.temperature={value}" for value in ("0.3", "1.0")
    ]
    runs = {it["id"]: it for it in codex("runs", "--json").json}
    asked = [runs[it["run"]]["params"]["answer"]["temperature"] for it in said.json]
    assert asked == [0.3, 1.0]


def test_what_the_running_workbench_cannot_do_is_refused_before_the_first_question(
    codex: Codex, engine: ScriptedEngine
) -> None:
    before = len(engine.decodes)
    for words, says in (
        (("--dataset", "sums", "retrieval.k=3"), "has another retrieval.k"),
        (("--dataset", "sums", "--json", "retrieval.k=5,3"), "has another retrieval.k"),
        (("--dataset", "nowhere"), "'nowhere'"),
        (("--dataset", "sums", "--grader", "nowhere"), "nowhere"),
        (("--resume", "nowhere"), "No run has the id 'nowhere'"),
    ):
        said = codex("evaluate", *words)
        assert (said.status, says in said.err) == (1, True), (words, said.err)
    assert len(engine.decodes) == before


def test_ctrl_c_stops_the_run_there_and_resume_asks_the_rest(codex: Codex, engine: ScriptedEngine) -> None:
    engine.delay = 0.05
    timer = threading.Timer(0, lambda: os.kill(os.getpid(), signal.SIGINT))

    def after_two(prompt: str, script: Callable[[str], Script] = engine.script) -> Script:
        if "What is 2" in prompt:
            timer.start()
            engine.script = script
        return script(prompt)

    engine.script = after_two
    said = codex("evaluate", "--dataset", "sums", "--name", "stopped", "ask.n_samples=5")
    assert said.status == 130, said.err
    [stopped] = [it for it in codex("runs", "--json").json if it["name"] == "stopped"]
    assert stopped["state"] == "cancelled"
    assert stopped["done"] < COUNT
    assert f"codex evaluate --resume {stopped['id']}" in said.err
    engine.delay = 0
    refused = codex("evaluate", "--resume", stopped["id"], "ask.n_samples=1")
    assert (refused.status, "leave ask.n_samples=1 out" in refused.err) == (1, True)
    again = codex("evaluate", "--resume", stopped["id"][:8], "--json")
    assert (again.status, again.json["n"]) == (0, COUNT), again.err


def test_a_run_whose_model_fails_says_why_and_how_to_resume(codex: Codex, engine: ScriptedEngine) -> None:
    def broken(prompt: str) -> Script:
        raise RuntimeError("out of paper")

    engine.script = broken
    said = codex("evaluate", "--dataset", "sums", "--name", "broken")
    assert said.status == 1
    assert "out of paper" in said.err
    assert "codex evaluate --resume" in said.err


def test_a_file_is_imported_into_the_running_workbench_whole_or_not_at_all(
    codex: Codex, home: Path, tmp_path: Path
) -> None:
    path = tmp_path / "answers # one.jsonl.gz"
    write(path, [generated(number, "even") for number in range(80)])
    said = codex("runs", "import", str(path), "--name", "from a file", "--model", "other:model:none")
    assert (said.status, "from a file: 80 answers; the run is " in said.out) == (0, True), said.err
    there = {it["id"]: it for it in codex("runs", "--json").json}
    run = said.out.split()[-1]
    assert (there[run]["name"], there[run]["model"], there[run]["done"]) == (
        "from a file",
        "other:model:none",
        80,
    )
    with Store(tmp_path / "alone" / "codex.duckdb") as store:
        alone = import_run(store, path)
        assert codex("runs", "show", run, "--json").json["accuracy"] == alone.correct / 80

    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"id": 1}\n')
    large = tmp_path / "large.jsonl"
    large.write_bytes(b" " * (2**20 + 1))
    for file, says in (
        (broken, "broken.jsonl, line 1: there is no key 'question'"),
        (large, "larger than 1 MB (retrieval.max_file_mb)"),
        (tmp_path / "missing.jsonl", "missing.jsonl"),
        (home / "datasets", "datasets"),
    ):
        refused = codex("runs", "import", str(file))
        assert (refused.status, says in refused.err, str(home / ".partial") in refused.err) == (
            1,
            True,
            False,
        ), refused.err
    assert len(codex("runs", "--json").json) == len(there)
    assert not list((home / ".partial").glob("*"))
