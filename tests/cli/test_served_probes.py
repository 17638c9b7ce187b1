"""codex train probe and codex probes while a workbench serves the home."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from codex.cli.served import announced
from codex.errors import StoreInUse
from tests.support.command import Codex, command
from tests.support.probed import KnowingEngine, knowing, put_known
from tests.support.serving import running, workbench


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def engine(home: Path) -> Iterator[KnowingEngine]:
    """Of a workbench that serves the home."""
    engine = knowing()
    made = workbench(home, engine)
    with running(made) as started, announced(made.settings, "127.0.0.1", started.port):
        put_known(made.store, engine)
        yield engine


@pytest.fixture
def codex(
    home: Path, engine: KnowingEngine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Codex:
    """The program as in another process, for which the database is in use."""

    def in_use(*_: object, **__: object) -> NoReturn:
        raise StoreInUse("The database is in use.", os.getpid())

    monkeypatch.setattr("codex.cli.runs.Store", in_use)
    monkeypatch.setattr("codex.cli.probes.Workbench.open", in_use)
    return command(home, monkeypatch, capsys)


def test_probes_are_trained_listed_activated_and_deleted_by_the_running_workbench(codex: Codex) -> None:
    assert "No probes yet" in codex("probes").out
    said = codex("train", "probe", "--run", "run", "--name", "autumn", "--activate", "--layer", "0.7")
    assert said.status == 0, said.err
    assert "autumn@" in said.out
    assert "They help" in said.out
    [line] = codex("probes", "--json").json
    assert (line["name"], line["active"], line["runs"]) == ("autumn", True, ["run-1"])
    assert "active" in codex("probes").out
    version = line["version"]
    refused = codex("probes", "delete", version, "--yes")
    assert (refused.status, "is active" in refused.err) == (1, True)
    assert codex("probes", "activate", "none").out == "active: none\n"
    assert codex("probes", "rollback").out == f"active: {version}\n"
    assert codex("probes", "activate", "none").out == "active: none\n"
    assert codex("probes", "rename", version, "autumn leaves").status == 0
    assert f"autumn leaves ({version})" in codex("probes").out
    codex("probes", "rename", version, "autumn")
    assert codex("probes", "delete", version, "--yes").out == f"deleted  {version}\n"
    assert codex("probes", "--json").json == []


def test_what_the_running_workbench_refuses_is_said(codex: Codex, engine: KnowingEngine) -> None:
    said = codex("train", "probe", "--run", "nowhere")
    assert (said.status, "No run has the id 'nowhere'" in said.err) == (1, True)
    said = codex("train", "probe")
    assert (said.status, "Name a run" in said.err) == (1, True)
    said = codex("probes", "activate", "nowhere@1")
    assert (said.status, "nowhere@1" in said.err) == (1, True)
