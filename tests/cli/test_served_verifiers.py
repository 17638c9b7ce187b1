"""codex train verifier and codex verifiers while a workbench serves the home."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from codex.cli.served import announced
from codex.errors import StoreInUse
from tests.support.command import Codex, command
from tests.support.serving import running
from tests.support.taught import put_colours, random_workbench


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("home")
    made = random_workbench(home)
    with running(made) as started, announced(made.settings, "127.0.0.1", started.port):
        made.model.load()
        put_colours(made.store, made.model.engine.fingerprint)
        yield home


@pytest.fixture
def codex(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Codex:
    """The program as in another process, for which the database is in use."""

    def in_use(*_: object, **__: object) -> NoReturn:
        raise StoreInUse("The database is in use.", os.getpid())

    monkeypatch.setattr("codex.cli.runs.Store", in_use)
    return command(home, monkeypatch, capsys)


def test_a_verifier_is_trained_and_managed_by_the_running_workbench(codex: Codex) -> None:
    assert "No verifiers yet" in codex("verifiers").out
    said = codex("train", "verifier", "--run", "col", "--name", "green", "--activate")
    assert said.status == 0, said.err
    assert "green@" in said.out
    [line] = codex("verifiers", "--json").json
    assert (line["name"], line["active"], line["runs"]) == ("green", True, ["colours"])
    version = line["version"]
    assert codex("verifiers", "apply", version, "--run", "col").out == f"colours: verified by {version}\n"
    refused = codex("verifiers", "delete", version, "--yes")
    assert (refused.status, "is active" in refused.err) == (1, True)
    assert codex("verifiers", "activate", "none").out == "active: none\n"
    assert codex("verifiers", "rollback").out == f"active: {version}\n"
    assert codex("verifiers", "rename", version, "grass").status == 0
    codex("verifiers", "activate", "none")
    assert codex("verifiers", "delete", version, "--yes").out == f"deleted  grass ({version})\n"
    assert codex("verifiers", "--json").json == []
    quick = ("--run", "col", "--epochs", "1", "--learning-rate", "0.01", "--layers", "0.5")
    said = codex("train", "verifier", *quick, "--method", "lora", "--name", "adapter", "--json")
    assert (said.status, said.json["method"], said.json["epochs"]) == (0, "lora", 1), said.err
    said = codex("train", "verifier")
    assert (said.status, "Name a run" in said.err) == (1, True)
